-- The fast path of most batches. functions-batch.sql has the other batches.

-- Runs a batch of the most common operations: puts without a delay into tubes that exist, then deletes of tasks that the
-- sessions hold, then claims from one tube, by sessions without a name. It does what run_batch_2 does with the same
-- operations, with fewer statements and arrays. Each of these costs as much as some tasks do.
--
-- _first_put, _first_delete, _first_claim: the number of the first operation of each kind, or 0. _claimers: the sessions
-- that claim, in order, each as often as it wants a task.
--
-- The rows are those of run_batch_2. A single row "not done": nothing was done, since something is due or the tube is
-- paused, and run_batch_2 has to run the batch.
CREATE OR REPLACE FUNCTION run_fast_path_2(
    _manager bigint, _at bigint, _retention bigint,
    _first_put integer, _tubes text[], _priorities bigint[], _ttrs bigint[], _bodies bytea[],
    _first_delete integer, _ids bigint[], _holders bigint[],
    _first_claim integer, _tube text, _claimers bigint[]
) RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now       bigint := coalesce(_at, now_ms());
    _is_known  boolean;
    _is_paused boolean;
    _next      bigint;
    _claimed   integer := 0;
    _got       integer;
    _row       batch_row_2;
BEGIN
    SELECT
        EXISTS (SELECT 1 FROM manager WHERE id = _manager AND fence >= 0),
        EXISTS (SELECT 1 FROM tube WHERE name = _tube AND paused_until_ms IS NOT NULL),
        next_ms
    INTO _is_known, _is_paused, _next
    FROM next_event_2();
    IF NOT _is_known THEN
        PERFORM raise_unknown_manager_2(_manager);
    END IF;
    IF _is_paused OR _next <= _now THEN
        RETURN NEXT event_2(0, 'not done');
        RETURN;
    END IF;
    IF _first_put > 0 THEN
        -- Ids are given, and rows returned, in the order of the arrays. In the select list the server reads the arrays one by
        -- one. In FROM it would first copy what they hold.
        RETURN QUERY
        INSERT INTO task_state (tube, state, priority, delay_s, ttr_s, created_ms, body)
        SELECT given.tube, 'pending', given.priority, 0, given.ttr, _now, given.body
        FROM (
            SELECT
                unnest(_tubes) AS tube, unnest(_priorities) AS priority, unnest(_ttrs) AS ttr, unnest(_bodies) AS body
        ) AS given
        RETURNING
            _first_put, 'done', id, NULL, NULL, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
            NULL::bigint[], NULL::bytea;
    END IF;
    IF _first_delete > 0 THEN
        RETURN QUERY SELECT * FROM finish_2(_first_delete, _ids, _holders, _now + _retention);
    END IF;
    WHILE _claimed < cardinality(_claimers) LOOP
        -- The statement of claim_first_2. A call of that function would cost as much as a task does.
        RETURN QUERY
        UPDATE task_state SET
            state = 'claimed', due_ms = _now + ttr_s * 1000, reserves = reserves + 1,
            holder = _claimers[_claimed + array_position(found.ids, task_state.id)]
        FROM (
            SELECT ARRAY(
                SELECT id FROM task_state WHERE state = 'pending' AND tube = _tube
                ORDER BY priority, id LIMIT least(cardinality(_claimers) - _claimed, 256) FOR UPDATE SKIP LOCKED
            ) AS ids OFFSET 0
        ) AS found
        WHERE task_state.id = ANY (found.ids)
        RETURNING
            _first_claim, 'done', id, tube, 'pending', priority, holder, ttr_s, NULL::bigint, NULL::bigint,
            NULL::bigint[], body;
        GET DIAGNOSTICS _got = ROW_COUNT;
        EXIT WHEN _got < 256;
        _claimed := _claimed + _got;
    END LOOP;
    _row.operation := 0;
    _row.event := 'end';
    _row.numbers := ARRAY[_now, _next, txid_current_if_assigned()];
    RETURN NEXT _row;
END $$;

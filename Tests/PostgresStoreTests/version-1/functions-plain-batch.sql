-- The quick way for most batches, version 1; see functions-batch.sql for all others.

-- Runs a batch of what there is most of: puts without a delay, deletes of what the sessions hold, and claims of one tube,
-- by sessions without a name, in this order. It does what run_batch_1 does with the same operations, with fewer statements
-- and arrays; each costs as much as some tasks do.
--
-- _put, _delete, _claim: the first operation of each kind, 0 where there is none. _slots: the sessions that claim, in order,
-- each as often as it wants a task.
--
-- The rows are those of run_batch_1. A single one with code 7: nothing was done, since time has ended something or the tube
-- is paused, and the batch is for run_batch_1.
CREATE FUNCTION run_plain_batch_1(
    _me bigint, _at bigint, _put integer, _tubes text[], _priorities bigint[], _ttrs bigint[], _bodies bytea[],
    _delete integer, _ids bigint[], _holders bigint[], _claim integer, _tube text, _slots bigint[]
) RETURNS TABLE (
    o_op integer, o_code integer, o_id bigint, o_tube text, o_n1 bigint, o_n2 bigint, o_n3 bigint, o_figures bigint[],
    o_body bytea
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now    bigint := coalesce(_at, now_ms());
    _known  boolean;
    _until  bigint;   -- when the first pause ends
    _paused boolean := false;
    _next   bigint;
    _done   integer := 0;
    _got    integer;
BEGIN
    SELECT
        EXISTS (SELECT 1 FROM manager WHERE id = _me),
        (SELECT paused_until_ms FROM tube WHERE paused_until_ms IS NOT NULL ORDER BY paused_until_ms LIMIT 1),
        least(
            (SELECT due_ms FROM task_state WHERE state = 'delayed' ORDER BY due_ms LIMIT 1),
            (SELECT due_ms + 200 FROM task_state WHERE state = 'claimed' AND holder < 4294967296 ORDER BY due_ms LIMIT 1)
        )
    INTO _known, _until, _next;
    IF _until IS NOT NULL THEN
        _next := least(_next, _until);
        _paused := EXISTS (SELECT 1 FROM tube WHERE paused_until_ms IS NOT NULL AND name = _tube);
    END IF;
    IF NOT _known THEN
        RAISE EXCEPTION 'manager % is not known any more', _me USING ERRCODE = 'BR001';
    END IF;
    o_op := 0;
    IF _paused OR _next <= _now THEN
        o_code := 7;
        RETURN NEXT;
        RETURN;
    END IF;
    IF _put > 0 THEN
        -- Numbers are given, and rows returned, in the order of the arrays. The server takes what unnest gives there one by
        -- one; in FROM it would gather it first.
        RETURN QUERY
        INSERT INTO task_state (tube, state, priority, delay_s, ttr_s, created_ms, body)
        SELECT given.tube, 'pending', given.priority, 0, given.ttr, _now, given.body
        FROM (
            SELECT unnest(_tubes) AS tube, unnest(_priorities) AS priority, unnest(_ttrs) AS ttr, unnest(_bodies) AS body
        ) AS given
        RETURNING _put, 0, id, NULL, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint[], NULL::bytea;
    END IF;
    IF _delete > 0 THEN
        RETURN QUERY
        DELETE FROM task_state
        WHERE id = ANY (_ids) AND (state <> 'claimed' OR holder = _holders[array_position(_ids, id)])
        RETURNING
            _delete, 0, id, tube,
            CASE state WHEN 'pending' THEN 1 WHEN 'delayed' THEN 2 WHEN 'claimed' THEN 3 ELSE 4 END::bigint,
            priority, keyed::integer::bigint, NULL::bigint[], NULL::bytea;
    END IF;
    IF _claim > 0 THEN
        LOOP
            -- As in run_batch_1.
            RETURN QUERY
            UPDATE task_state SET
                state = 'claimed', due_ms = _now + ttr_s * 1000, reserves = reserves + 1,
                holder = _slots[_done + array_position(found.ids, task_state.id)]
            FROM (
                SELECT ARRAY(
                    SELECT id FROM task_state WHERE state = 'pending' AND tube = _tube
                    ORDER BY priority, id LIMIT least(cardinality(_slots) - _done, 256) FOR UPDATE SKIP LOCKED
                ) AS ids OFFSET 0
            ) AS found
            WHERE task_state.id = ANY (found.ids)
            RETURNING _claim, 0, id, tube, holder, priority, ttr_s, NULL::bigint[], body;
            GET DIAGNOSTICS _got = ROW_COUNT;
            _done := _done + _got;
            EXIT WHEN _got < 256 OR _done = cardinality(_slots);
        END LOOP;
    END IF;
    o_code := 5;
    o_n1 := _now;
    o_n2 := _next;
    o_n3 := 0;
    o_figures := ARRAY[coalesce(pg_current_xact_id_if_assigned()::text::bigint, 0)];
    RETURN NEXT;
END $$;

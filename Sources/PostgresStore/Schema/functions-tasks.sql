-- What can happen to tasks: each event is written once, here. The functions of the verbs, of time and of dead managers
-- call these.
--
-- Functions that managers call, or that return batch_row_2, have names that end with the version in which their
-- parameters or their rows last changed. So managers of an older version continue while a newer one is installed. A
-- change of any functions-*.sql reaches existing databases only with the next version of the schema (see Schema.swift).
--
-- Functions that are called often are PL/pgSQL, since the server keeps the plans of their statements. It would plan those of
-- an SQL function again in each call.
--
-- Tasks are first found and locked, and then changed by an array of their ids. If one statement joined the two, the
-- server might plan it as a scan of all tasks while its statistics say that the table is empty.

-- A row with no more than an event.
CREATE OR REPLACE FUNCTION event_2(_operation integer, _event text) RETURNS batch_row_2 LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    _row.operation := _operation;
    _row.event := _event;
    RETURN _row;
END $$;

-- Raises the error by which a manager learns that the others consider it dead.
CREATE OR REPLACE FUNCTION raise_unknown_manager_2(_manager bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RAISE EXCEPTION 'manager % is considered dead', _manager USING ERRCODE = 'BR001';
END $$;

-- == Finding tasks ==

-- Locks the first tasks of a tube in a state, up to _limit, in the order in which they are taken. Returns their ids.
-- Skips tasks that another transaction has locked.
CREATE OR REPLACE FUNCTION lock_first_2(_tube text, _state text, _limit bigint) RETURNS bigint[] LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    CASE _state
    WHEN 'pending' THEN
        RETURN ARRAY(
            SELECT id FROM task_state WHERE state = 'pending' AND tube = _tube
            ORDER BY priority, id LIMIT _limit FOR UPDATE SKIP LOCKED
        );
    WHEN 'delayed' THEN
        RETURN ARRAY(
            SELECT id FROM task_state WHERE state = 'delayed' AND tube = _tube
            ORDER BY due_ms, id LIMIT _limit FOR UPDATE SKIP LOCKED
        );
    WHEN 'buried' THEN
        RETURN ARRAY(
            SELECT id FROM task_state WHERE state = 'buried' AND tube = _tube
            ORDER BY buried_order, id LIMIT _limit FOR UPDATE SKIP LOCKED
        );
    END CASE;
END $$;

-- Does the same for the pending tasks of several tubes. Returns fewer than _limit only if all others are locked.
CREATE OR REPLACE FUNCTION lock_first_pending_2(_tubes text[], _limit bigint) RETURNS bigint[] LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    _bound bigint := _limit + 3;
    _first bigint[];
    _ids   bigint[];
BEGIN
    LOOP
        -- Read the first tasks of all tubes without locks. Other transactions must not skip a task that is not taken.
        _first := ARRAY(
            SELECT head.id FROM unnest(_tubes) AS given (name), LATERAL (
                SELECT id, priority FROM task_state WHERE state = 'pending' AND tube = given.name
                ORDER BY priority, id LIMIT _bound
            ) AS head
            ORDER BY head.priority, head.id LIMIT _bound
        );
        -- "IS TRUE" prevents a scan of the index of all pending tasks.
        _ids := ARRAY(
            SELECT id FROM task_state WHERE id = ANY (_first) AND (state = 'pending') IS TRUE
            ORDER BY priority, id LIMIT _limit FOR UPDATE SKIP LOCKED
        );
        IF cardinality(_ids) = _limit OR cardinality(_first) < _bound THEN
            RETURN _ids;
        END IF;
        -- Other transactions have locked many of them: read further.
        _bound := _bound * 4;
    END LOOP;
END $$;

-- Returns whether a connection may find a task in the tube that the task is in now. _patterns: patterns of LIKE for the
-- tubes, behind "h:" for a task that the connection or its named session holds, "o:" for any other task, or "_:" for both.
-- If _locks, the task is locked, so that it stays in its tube.
CREATE OR REPLACE FUNCTION may_find_task_2(_id bigint, _session bigint, _patterns text[], _locks boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _is_found boolean;
BEGIN
    IF _locks THEN
        PERFORM 1 FROM task_state WHERE id = _id FOR UPDATE;
    END IF;
    SELECT
        CASE
            WHEN state <> 'claimed' THEN 'o:'
            WHEN holder = _session OR holder = (SELECT session.id FROM session WHERE connection = _session) THEN 'h:'
            ELSE 'o:'
        END || tube LIKE ANY (_patterns)
    INTO _is_found FROM task_state WHERE id = _id;
    RETURN coalesce(_is_found, false);
END $$;

-- == Events ==

-- A task is claimed. Each task goes to the holder at the same place in _holders. _state: the state of the tasks before.
CREATE OR REPLACE FUNCTION claim_2(_operation integer, _ids bigint[], _holders bigint[], _state text, _now bigint)
RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    UPDATE task_state SET
        state = 'claimed', holder = _holders[array_position(_ids, id)], due_ms = _now + ttr_s * 1000, buried_order = NULL,
        reserves = reserves + 1
    WHERE id = ANY (_ids)
    RETURNING
        _operation, 'done', id, tube, _state, priority, holder, ttr_s, NULL::bigint, NULL::bigint, NULL::bigint[], body;
END $$;

-- The first pending tasks of a tube are claimed, one for each of _holders. It does what lock_first_2 and claim_2 do, in one
-- statement, since most claims are of this kind.
CREATE OR REPLACE FUNCTION claim_first_2(_operation integer, _tube text, _holders bigint[], _now bigint)
RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _done integer := 0;
    _got  integer;
BEGIN
    -- In steps, since finding a task's place in an array takes time that grows with the array.
    WHILE _done < cardinality(_holders) LOOP
        -- "OFFSET 0" keeps the server from running the subquery for each task.
        RETURN QUERY
        UPDATE task_state SET
            state = 'claimed', due_ms = _now + ttr_s * 1000, reserves = reserves + 1,
            holder = _holders[_done + array_position(found.ids, task_state.id)]
        FROM (
            SELECT ARRAY(
                SELECT id FROM task_state WHERE state = 'pending' AND tube = _tube
                ORDER BY priority, id LIMIT least(cardinality(_holders) - _done, 256) FOR UPDATE SKIP LOCKED
            ) AS ids OFFSET 0
        ) AS found
        WHERE task_state.id = ANY (found.ids)
        RETURNING
            _operation, 'done', id, tube, 'pending', priority, holder, ttr_s, NULL::bigint, NULL::bigint,
            NULL::bigint[], body;
        GET DIAGNOSTICS _got = ROW_COUNT;
        EXIT WHEN _got < 256;
        _done := _done + _got;
    END LOOP;
END $$;

-- A task becomes pending: a claim or a delay has ended, or it was kicked. Returns one row per tube. _state: the state of
-- the tasks before. _timeouts, _kicks: what is added to their counters.
CREATE OR REPLACE FUNCTION make_pending_2(
    _operation integer, _ids bigint[], _state text, _timeouts integer DEFAULT 0, _kicks integer DEFAULT 0
) RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    WITH moved AS (
        UPDATE task_state SET
            state = 'pending', due_ms = NULL, holder = NULL, buried_order = NULL,
            timeouts = timeouts + _timeouts, kicks = kicks + _kicks
        WHERE id = ANY (_ids) RETURNING tube, priority
    )
    SELECT
        _operation, 'became pending', NULL::bigint, tube, _state, NULL::bigint, NULL::bigint, NULL::bigint,
        count(*), count(*) FILTER (WHERE priority < 1024), NULL::bigint[], NULL::bytea
    FROM moved GROUP BY tube;
END $$;

-- A task is finished: it and its body are deleted, and its key is kept until _keys_until. A claimed task is deleted only
-- if the value at its place in _holders is its holder. The caller counts, and removes the tube if it is unused.
CREATE OR REPLACE FUNCTION finish_2(_operation integer, _ids bigint[], _holders bigint[], _keys_until bigint)
RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    WITH finished AS (
        DELETE FROM task_state
        WHERE id = ANY (_ids) AND (state <> 'claimed' OR holder = _holders[array_position(_ids, id)])
        RETURNING id, tube, state, priority, keyed
    ), keys AS (
        UPDATE unique_key SET kept_until_ms = _keys_until
        WHERE task_id = ANY (ARRAY(SELECT finished.id FROM finished WHERE keyed))
    )
    SELECT
        _operation, 'done', id, tube, state, priority, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
        NULL::bigint[], NULL::bytea
    FROM finished;
END $$;

-- Claims end because their holders are gone: up to 1000 tasks become pending. A row "claims left" names each holder that
-- has more claims, with the number of claims that were returned.
CREATE OR REPLACE FUNCTION return_claims_2(_operation integer, _holders bigint[]) RETURNS SETOF batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _ids bigint[] := ARRAY(
        SELECT id FROM task_state WHERE state = 'claimed' AND holder = ANY (_holders) LIMIT 1000 FOR UPDATE SKIP LOCKED
    );
BEGIN
    RETURN QUERY SELECT * FROM make_pending_2(_operation, _ids, 'claimed');
    RETURN QUERY
    SELECT
        _operation, 'claims left', given.holder, NULL::text, NULL::text, NULL::bigint, NULL::bigint, NULL::bigint,
        cardinality(_ids)::bigint, NULL::bigint, NULL::bigint[], NULL::bytea
    FROM unnest(_holders) AS given (holder)
    WHERE EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND task_state.holder = given.holder);
END $$;

-- == Time ==
-- A new source of events has an entry in each of these two functions, and nowhere else.

-- When the next delay, pause or claim of a named session ends. Claims of named sessions end 200 ms after their time to
-- run, if they have not ended before: the manager that has the session's connection ends them in time, and counts that.
--
-- It is STABLE and returns a table, so that the server puts its text into the statements that use it.
CREATE OR REPLACE FUNCTION next_event_2() RETURNS TABLE (next_ms bigint) LANGUAGE sql STABLE AS $$
    SELECT least(
        (SELECT due_ms FROM task_state WHERE state = 'delayed' ORDER BY due_ms LIMIT 1),
        (SELECT due_ms + 200 FROM task_state WHERE state = 'claimed' AND holder < 4294967296 ORDER BY due_ms LIMIT 1),
        (SELECT paused_until_ms FROM tube WHERE paused_until_ms IS NOT NULL ORDER BY paused_until_ms LIMIT 1)
    )
$$;

-- Ends what is over at _now: all pauses, and up to 1000 delays and 1000 claims of named sessions. Leaves rows that another
-- transaction has locked.
--
-- _steady: the latest time that is possible by the caller's own clock. If the server's clock was set forward, claims of
-- named sessions do not end early.
CREATE OR REPLACE FUNCTION let_time_pass_2(_now bigint, _steady bigint) RETURNS SETOF batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    WITH chosen AS (SELECT name FROM tube WHERE paused_until_ms <= _now FOR UPDATE SKIP LOCKED)
    UPDATE tube SET pause_s = 0, paused_until_ms = NULL FROM chosen WHERE tube.name = chosen.name
    RETURNING
        0, 'pause ended', NULL::bigint, tube.name, NULL::text, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
        NULL::bigint, NULL::bigint[], NULL::bytea;

    RETURN QUERY SELECT * FROM make_pending_2(
        0,
        ARRAY(
            SELECT id FROM task_state
            WHERE state = 'claimed' AND holder < 4294967296 AND due_ms <= least(_now, _steady) - 200
            ORDER BY due_ms LIMIT 1000 FOR UPDATE SKIP LOCKED
        ),
        'claimed', _timeouts := 1
    );

    RETURN QUERY SELECT * FROM make_pending_2(
        0,
        ARRAY(
            SELECT id FROM task_state WHERE state = 'delayed' AND due_ms <= _now
            ORDER BY due_ms LIMIT 1000 FOR UPDATE SKIP LOCKED
        ),
        'delayed'
    );
END $$;

-- == Counts ==

-- Adds a change to a manager's own counts of a tube.
CREATE OR REPLACE FUNCTION add_counts_2(
    _manager bigint, _tube text, _pending bigint, _urgent bigint, _delayed bigint, _claimed bigint, _buried bigint,
    _total_tasks bigint, _deletes bigint
) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO tube_count AS known (
        tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes
    )
    VALUES (_tube, _manager, _pending, _urgent, _delayed, _claimed, _buried, _total_tasks, _deletes)
    ON CONFLICT (tube, manager_id) DO UPDATE SET
        pending     = known.pending + EXCLUDED.pending,
        urgent      = known.urgent + EXCLUDED.urgent,
        delayed     = known.delayed + EXCLUDED.delayed,
        claimed     = known.claimed + EXCLUDED.claimed,
        buried      = known.buried + EXCLUDED.buried,
        total_tasks = known.total_tasks + EXCLUDED.total_tasks,
        deletes     = known.deletes + EXCLUDED.deletes;
    RETURN true;
END $$;

-- Keys and tubes.

-- Deletes keys that are past their time, up to _limit.
CREATE OR REPLACE FUNCTION forget_keys_2(_now bigint, _limit bigint) RETURNS void LANGUAGE sql VOLATILE AS $$
    DELETE FROM unique_key WHERE ctid = ANY (
        ARRAY(SELECT ctid FROM unique_key WHERE kept_until_ms <= _now LIMIT _limit FOR UPDATE SKIP LOCKED)
    )
$$;

-- Removes those of the tubes that are unused, unless another manager is adding or removing tubes.
CREATE OR REPLACE FUNCTION remove_unused_tubes_2(_tubes text[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF try_tubes_lock() THEN
        PERFORM remove_unused_tube(name) FROM unnest(_tubes) AS given (name);
    END IF;
END $$;

-- Tubes that SQL has put tasks into and that have no row in "tube" yet.
CREATE OR REPLACE FUNCTION unknown_tube_2() RETURNS SETOF text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    SELECT tube_count.tube FROM tube_count
    WHERE manager_id < 0 AND NOT EXISTS (SELECT 1 FROM tube WHERE name = tube_count.tube)
    GROUP BY tube_count.tube ORDER BY min(-manager_id);
END $$;

-- Ends a connection's hold on its named session, unless the session has the name _except. The claims stay. A session
-- without claims is deleted.
CREATE OR REPLACE FUNCTION leave_session_2(_connection bigint, _except text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _left bigint;
BEGIN
    UPDATE session SET connection = NULL WHERE connection = _connection AND name <> _except RETURNING id INTO _left;
    IF FOUND THEN
        DELETE FROM session
        WHERE id = _left AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = _left);
    END IF;
END $$;

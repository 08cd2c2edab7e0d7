-- What a batch does on the server, version 2. The names of functions end with the version in which their parameters or
-- their rows last changed, so that managers of an older version go on while a newer one is installed. A change of what is
-- in this file reaches a database that exists with the next step of the schema (see Schema.swift).

-- When the next delay, pause or claim of a named session ends. Claims of named sessions end 200 ms after their time to
-- run, if they have not ended before: the manager that has the session's connection does so itself and counts it.
--
-- In PL/pgSQL like all that is called often: its plans are kept, while those of SQL functions are made for each call.
CREATE OR REPLACE FUNCTION next_event_2() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _next bigint;
BEGIN
    SELECT least(
        (SELECT due_ms FROM task_state WHERE state = 'delayed' ORDER BY due_ms LIMIT 1),
        (SELECT due_ms + 200 FROM task_state WHERE state = 'claimed' AND holder < 4294967296 ORDER BY due_ms LIMIT 1),
        (SELECT min(paused_until_ms) FROM tube WHERE paused_until_ms IS NOT NULL)
    ) INTO _next;
    RETURN _next;
END $$;

-- When the oldest pending task of a tube was put. Looks at the first task of each priority, of 1000 priorities at most,
-- most urgent first. The earliest time, while oldest_pending_id says the smallest id: where the clock was set back these are
-- of two tasks.
CREATE OR REPLACE FUNCTION oldest_pending_2(_tube text) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _oldest   bigint;
    _priority bigint := -1;
    _created  bigint;
BEGIN
    FOR _ IN 1..1000 LOOP
        SELECT priority, created_ms INTO _priority, _created FROM task_state
        WHERE state = 'pending' AND tube = _tube AND priority > _priority
        ORDER BY priority, id LIMIT 1;
        EXIT WHEN NOT FOUND;
        _oldest := least(_oldest, _created);
    END LOOP;
    RETURN _oldest;
END $$;

-- Tubes that SQL has put tasks into and that are not in "tube".
CREATE OR REPLACE FUNCTION unknown_tube_2() RETURNS SETOF text LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    SELECT tube_count.tube FROM tube_count
    WHERE manager_id < 0 AND NOT EXISTS (SELECT 1 FROM tube WHERE name = tube_count.tube)
    GROUP BY tube_count.tube ORDER BY min(-manager_id);
END $$;

-- Ends a connection's hold on its named session. The session's claims stay; without claims it is forgotten.
CREATE OR REPLACE FUNCTION leave_session_2(_connection bigint, _but text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _left bigint;
BEGIN
    UPDATE session SET connection = NULL WHERE connection = _connection AND name <> _but RETURNING id INTO _left;
    IF FOUND THEN
        DELETE FROM session
        WHERE id = _left AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = _left);
    END IF;
END $$;

-- Runs a batch: operations in order, one element of each array for each.
--
-- Operations that stand together, of one kind, are run as one: _ends says for the first of them which is the last.
--
-- _kinds: 1 put, 2 claim, 3 claim by id, 4 delete, 5 release, 6 bury, 7 touch, 8 kick, 9 kick by id, 10 peek, 11 peek the
-- next, 12 pause, 13 to 15 statistics of a task, a tube, all, 16 list tubes, 17 refer, 18 expire, 19 give back, 20 give
-- back all, 21 take up, 22 put with a key, 23 clear.
--
-- _flags: 1 the claim waits, 2 the connection has a named session, 4 the tube may not be there, 8 the session may have
-- come to wait earlier in the batch, 16 such an operation follows, 32 a put makes the tube, 64 the operation (or one of
-- those run with it) may change when the next delay or claim of a named session ends.
--
-- Everywhere tasks are found first and changed then, by their ids as an array: a join of the two the server may plan as a
-- walk through all tasks, as long as it remembers the table as empty.
--
-- _steady: the latest that it can be by the caller's own clock, which only claims of named sessions heed. If the server's
-- clock was set forward, they do not end early.
--
-- _careful: the batch has met a lock of another program. It locks the tasks in _first_lock that are free, and waits for
-- none: operations on the others are not done (code 9), and what follows them in their sessions is held back.
--
-- _leftovers: holders that are gone, of which claims are still to be returned: 1000 per batch.
--
-- _x, _y, _z: numbers whose meaning depends on the kind. _slots: for claims the sessions in order, each as often as it
-- wants a task.
--
-- The rows: o_op is the operation (the first of several), o_code 0 its outcome, 1 held back, 2 displaced, 3 a tube was
-- removed, 4 o_n1 tasks of a tube (o_n2 of them urgent) became pending out of state o_n3 (2 delayed, 3 claimed, 4 buried),
-- 5 the last row, 6 a pause ended, 7 nothing was done since a batch that only reads cannot end what time has ended, 8 the
-- session taken up is o_id, 9 another program has locked what the operation names, 10 holder o_id has more claims to return.
CREATE OR REPLACE FUNCTION run_batch_2(
    _me bigint, _writes boolean, _at bigint, _retention bigint, _locks_tubes boolean, _first_lock bigint[],
    _kinds integer[], _ends integer[], _flags integer[], _sessions bigint[], _ids bigint[], _tubes text[],
    _x bigint[], _y bigint[], _z bigint[], _words text[], _bodies bytea[], _slots bigint[],
    _steady bigint, _careful boolean, _leftovers bigint[]
) RETURNS TABLE (
    o_op integer, o_code integer, o_id bigint, o_tube text, o_n1 bigint, o_n2 bigint, o_n3 bigint, o_figures bigint[],
    o_body bytea
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now     bigint := coalesce(_at, now_ms());
    _known   boolean;
    _next    bigint;
    _passed  boolean := false;
    _moves   boolean := false;   -- whether _next may have changed
    _paused  text[];
    _waiting bigint[];
    _i       integer := 1;
    _j       integer;
    _kind    integer;
    _flag    integer;
    _session bigint;
    _who     bigint;
    _former  bigint;
    _name    text;
    _open    text[];
    _is_open boolean;
    _found   bigint[];
    _free    bigint[];
    _wanted  bigint;
    _got     bigint;
    _done    bigint;
    _limit   bigint;
    _id      bigint;
    _task    record;
    _locked  bigint[] := '{}';   -- tasks that another program has locked
    _moved   bigint;             -- how many tasks time has moved in one step
    _is_full boolean := false;   -- whether there may be more to move at once
    _is_stuck boolean := false;  -- whether there is more that is due and cannot be moved now
BEGIN
    IF _locks_tubes THEN
        PERFORM tubes_lock();
    END IF;
    -- Tubes into which SQL has put tasks and that no manager has added yet.
    IF _kinds && ARRAY[12, 14, 15, 16, 23] AND EXISTS (SELECT 1 FROM unknown_tube_2()) THEN
        IF NOT _writes THEN
            RETURN QUERY SELECT 0, 7, NULL::bigint, NULL::text, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint[],
                NULL::bytea;
            RETURN;
        END IF;
        PERFORM tubes_lock();
        PERFORM make_tube(name) FROM unknown_tube_2() AS unknown (name);
    END IF;
    IF NOT _careful AND cardinality(_first_lock) > 0 THEN
        PERFORM 1 FROM task_state
        WHERE id = ANY (_first_lock) AND (state <> 'claimed' OR holder < 4294967296 OR holder >> 32 = _me)
        ORDER BY id FOR UPDATE;
    ELSIF cardinality(_first_lock) > 0 THEN
        _found := ARRAY(
            SELECT id FROM task_state
            WHERE id = ANY (_first_lock) AND (state <> 'claimed' OR holder < 4294967296 OR holder >> 32 = _me)
            ORDER BY id FOR UPDATE SKIP LOCKED
        );
        _locked := ARRAY(
            SELECT id FROM task_state
            WHERE id = ANY (_first_lock) AND (state <> 'claimed' OR holder < 4294967296 OR holder >> 32 = _me)
                AND id <> ALL (_found)
        );
        -- Their keys go with them.
        IF EXISTS (SELECT 1 FROM unique_key WHERE task_id = ANY (_found)) THEN
            _free := ARRAY(SELECT task_id FROM unique_key WHERE task_id = ANY (_found) FOR UPDATE SKIP LOCKED);
            _locked := _locked || ARRAY(
                SELECT task_id FROM unique_key WHERE task_id = ANY (_found) AND task_id <> ALL (_free)
            );
        END IF;
    END IF;
    -- All at once, as next_event_2 has it too: starting a statement takes longer than these lookups.
    SELECT
        EXISTS (SELECT 1 FROM manager WHERE id = _me AND fence >= 0),
        ARRAY(SELECT name FROM tube WHERE paused_until_ms IS NOT NULL),
        least(
            (SELECT due_ms FROM task_state WHERE state = 'delayed' ORDER BY due_ms LIMIT 1),
            (SELECT due_ms + 200 FROM task_state WHERE state = 'claimed' AND holder < 4294967296 ORDER BY due_ms LIMIT 1),
            (SELECT min(paused_until_ms) FROM tube WHERE paused_until_ms IS NOT NULL)
        )
    INTO _known, _paused, _next;
    IF NOT _known THEN
        RAISE EXCEPTION 'manager % is not known any more', _me USING ERRCODE = 'BR001';
    END IF;

    -- Time.
    IF _next <= _now THEN
        IF NOT _writes THEN
            RETURN QUERY SELECT 0, 7, NULL::bigint, NULL::text, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint[],
                NULL::bytea;
            RETURN;
        END IF;
        _moves := true;
        RETURN QUERY
        WITH chosen AS (SELECT name FROM tube WHERE paused_until_ms <= _now FOR UPDATE SKIP LOCKED)
        UPDATE tube SET pause_s = 0, paused_until_ms = NULL FROM chosen WHERE tube.name = chosen.name
        RETURNING 0, 6, NULL::bigint, tube.name, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint[], NULL::bytea;
        _passed := FOUND;
        _found := ARRAY(
            SELECT id FROM task_state
            WHERE state = 'claimed' AND holder < 4294967296 AND due_ms <= least(_now, _steady) - 200
            ORDER BY due_ms LIMIT 1000 FOR UPDATE SKIP LOCKED
        );
        _moved := cardinality(_found);
        RETURN QUERY
        WITH moved AS (
            UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL, timeouts = timeouts + 1
            WHERE id = ANY (_found) RETURNING tube, priority
        )
        SELECT 0, 4, NULL::bigint, tube, count(*), count(*) FILTER (WHERE priority < 1024), 3::bigint, NULL::bigint[],
            NULL::bytea
        FROM moved GROUP BY tube;
        _found := ARRAY(
            SELECT id FROM task_state WHERE state = 'delayed' AND due_ms <= _now
            ORDER BY due_ms LIMIT 1000 FOR UPDATE SKIP LOCKED
        );
        _is_full := _moved = 1000 OR cardinality(_found) = 1000;
        _passed := _passed OR _moved > 0 OR cardinality(_found) > 0;
        RETURN QUERY
        WITH moved AS (
            UPDATE task_state SET state = 'pending', due_ms = NULL WHERE id = ANY (_found) RETURNING tube, priority
        )
        SELECT 0, 4, NULL::bigint, tube, count(*), count(*) FILTER (WHERE priority < 1024), 2::bigint, NULL::bigint[],
            NULL::bytea
        FROM moved GROUP BY tube;
        _paused := ARRAY(SELECT name FROM tube WHERE paused_until_ms IS NOT NULL);
        _is_stuck := NOT _is_full AND next_event_2() <= _now;
    END IF;
    IF cardinality(_leftovers) > 0 THEN
        _found := ARRAY(
            SELECT id FROM task_state WHERE state = 'claimed' AND holder = ANY (_leftovers) LIMIT 1000 FOR UPDATE SKIP LOCKED
        );
        RETURN QUERY
        WITH moved AS (
            UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL
            WHERE id = ANY (_found) RETURNING tube, priority
        )
        SELECT 0, 4, NULL::bigint, tube, count(*), count(*) FILTER (WHERE priority < 1024), 3::bigint, NULL::bigint[],
            NULL::bytea
        FROM moved GROUP BY tube;
        _passed := _passed OR cardinality(_found) > 0;
        _is_full := _is_full OR cardinality(_found) = 1000;
        RETURN QUERY
        SELECT 0, 10, given.holder, NULL::text, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint[], NULL::bytea
        FROM unnest(_leftovers) AS given (holder)
        WHERE EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND task_state.holder = given.holder);
    END IF;

    WHILE _i <= cardinality(_kinds) LOOP
        _j := _ends[_i];
        _kind := _kinds[_i];
        _flag := _flags[_i];
        _name := _tubes[_i];
        -- Operations that are run as one have none of the flags that are looked at here, and give their rows by queries.
        IF _i = _j THEN
            _session := _sessions[_i];
            _who := _session;
            o_op := _i;
            o_code := 0;
            o_id := NULL;
            o_tube := NULL;
            o_n1 := NULL;
            o_n2 := NULL;
            o_n3 := NULL;
            o_figures := NULL;
            o_body := NULL;

            IF _flag & 8 > 0 AND _session = ANY (_waiting) THEN
                o_code := 1;
                RETURN NEXT;
                _i := _j + 1;
                CONTINUE;
            END IF;
            IF _flag & 2 > 0 THEN
                -- Shared, so that nobody takes the session up before this batch is committed.
                SELECT id INTO _who FROM session WHERE connection = _session FOR SHARE;
                IF NOT FOUND THEN
                    o_code := 2;
                    RETURN NEXT;
                    _i := _j + 1;
                    CONTINUE;
                END IF;
                -- Whatever follows may move the end of the first claim.
                _moves := true;
            END IF;
            IF _careful AND (
                _ids[_i] = ANY (_locked) AND _kind IN (3, 4, 5, 6, 7, 9, 18)
                -- Lock what else it names, unless another program has done so.
                OR _kind = 12 AND EXISTS (SELECT 1 FROM tube WHERE name = _name)
                    AND NOT EXISTS (SELECT 1 FROM lock_tube_2(_name))
                OR _kind = 22 AND EXISTS (SELECT 1 FROM unique_key WHERE tube = _name AND key = _words[_i])
                    AND NOT EXISTS (SELECT 1 FROM lock_key_2(_name, _words[_i]))
            ) THEN
                o_code := 9;
                RETURN NEXT;
                IF _kind <> 18 THEN
                    _waiting := _waiting || _session;
                END IF;
                _i := _j + 1;
                CONTINUE;
            END IF;
            IF _flag & 4 > 0 THEN
                PERFORM make_tube(_name);
            END IF;
        END IF;

        CASE _kind
        WHEN 1 THEN  -- put
            IF _i = _j THEN
                INSERT INTO task_state (tube, state, priority, delay_s, ttr_s, created_ms, due_ms, body)
                VALUES (
                    _name, CASE WHEN _y[_i] > 0 THEN 'delayed' ELSE 'pending' END, _x[_i], _y[_i], _z[_i], _now,
                    CASE WHEN _y[_i] > 0 THEN _now + _y[_i] * 1000 END, _bodies[_i]
                )
                RETURNING id INTO o_id;
                RETURN NEXT;
            ELSE
                -- Numbers are given, and rows returned, in the order of the arrays.
                RETURN QUERY
                INSERT INTO task_state (tube, state, priority, delay_s, ttr_s, created_ms, due_ms, body)
                SELECT
                    given.tube, CASE WHEN delay > 0 THEN 'delayed' ELSE 'pending' END, given.priority, delay, ttr, _now,
                    CASE WHEN delay > 0 THEN _now + delay * 1000 END, given.body
                FROM unnest(_tubes[_i:_j], _x[_i:_j], _y[_i:_j], _z[_i:_j], _bodies[_i:_j])
                    AS given (tube, priority, delay, ttr, body)
                RETURNING _i, 0, id, NULL, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint[], NULL::bytea;
            END IF;
            _moves := _moves OR _flag & 64 > 0;

        WHEN 2 THEN  -- claim: _y tasks for the sessions in _slots after the first _id
            _wanted := _y[_i];
            _done := 0;
            IF strpos(_name, ' ') > 0 THEN
                _open := ARRAY(SELECT t FROM unnest(string_to_array(_name, ' ')) AS t WHERE t <> ALL (_paused));
                _name := CASE WHEN cardinality(_open) = 1 THEN _open[1] END;
                _is_open := cardinality(_open) > 0;
            ELSE
                _is_open := _name <> ALL (_paused);
            END IF;
            IF NOT _is_open THEN
                NULL;
            ELSIF _wanted = 1 AND _name IS NOT NULL THEN
                IF _flag & 2 = 0 THEN
                    _who := _slots[_ids[_i] + 1];
                END IF;
                UPDATE task_state SET
                    state = 'claimed', holder = _who, due_ms = _now + ttr_s * 1000, reserves = reserves + 1
                WHERE id = (
                    SELECT id FROM task_state WHERE state = 'pending' AND tube = _name
                    ORDER BY priority, id LIMIT 1 FOR UPDATE SKIP LOCKED
                )
                RETURNING _i, id, tube, holder, priority, ttr_s, body INTO o_op, o_id, o_tube, o_n1, o_n2, o_n3, o_body;
                IF FOUND THEN
                    o_code := 0;
                    RETURN NEXT;
                    _done := 1;
                END IF;
            ELSIF _name IS NOT NULL THEN
                LOOP
                    -- In steps, since finding a task's place in the line takes time that grows with its length.
                    _limit := least(_wanted - _done, 256);
                    -- "OFFSET 0" keeps the server from looking for the first tasks more than once.
                    RETURN QUERY
                    UPDATE task_state SET
                        state = 'claimed', due_ms = _now + ttr_s * 1000, reserves = reserves + 1,
                        holder = CASE
                            WHEN _flag & 2 > 0 THEN _who
                            ELSE _slots[_ids[_i] + _done + array_position(found.ids, task_state.id)]
                        END
                    FROM (
                        SELECT ARRAY(
                            SELECT id FROM task_state WHERE state = 'pending' AND tube = _name
                            ORDER BY priority, id LIMIT _limit FOR UPDATE SKIP LOCKED
                        ) AS ids OFFSET 0
                    ) AS found
                    WHERE task_state.id = ANY (found.ids)
                    RETURNING _i, 0, id, tube, holder, priority, ttr_s, NULL::bigint[], body;
                    GET DIAGNOSTICS _got = ROW_COUNT;
                    _done := _done + _got;
                    EXIT WHEN _done = _wanted OR _got < _limit;
                END LOOP;
            ELSE
                -- The first of all tubes are found without locking any, since others must not pass over a task that is
                -- not taken here.
                _limit := least(_wanted, 256) + 3;
                LOOP
                    _found := ARRAY(
                        SELECT head.id FROM unnest(_open) AS open (name), LATERAL (
                            SELECT id, priority FROM task_state WHERE state = 'pending' AND tube = open.name
                            ORDER BY priority, id LIMIT _limit
                        ) AS head
                        ORDER BY head.priority, head.id LIMIT _limit
                    );
                    _got := cardinality(_found);
                    -- "IS TRUE" keeps the server from going through the index of all pending tasks.
                    _found := ARRAY(
                        SELECT id FROM task_state WHERE id = ANY (_found) AND (state = 'pending') IS TRUE
                        ORDER BY priority, id LIMIT _wanted - _done FOR UPDATE SKIP LOCKED
                    );
                    RETURN QUERY
                    UPDATE task_state SET
                        state = 'claimed', due_ms = _now + ttr_s * 1000, reserves = reserves + 1,
                        holder = CASE
                            WHEN _flag & 2 > 0 THEN _who
                            ELSE _slots[_ids[_i] + _done + array_position(_found, id)]
                        END
                    WHERE id = ANY (_found)
                    RETURNING _i, 0, id, tube, holder, priority, ttr_s, NULL::bigint[], body;
                    _done := _done + cardinality(_found);
                    EXIT WHEN _done = _wanted OR _got < _limit;
                    -- Where others hold all that was found, look further.
                    IF cardinality(_found) = 0 THEN
                        _limit := _limit * 4;
                    END IF;
                END LOOP;
            END IF;
            IF _flag & 16 > 0 AND _done < _wanted THEN
                FOR _k IN _i.._j LOOP
                    IF _flags[_k] & 1 > 0 AND _done < _x[_k] THEN
                        _waiting := _waiting || _sessions[_k];
                    END IF;
                    _done := greatest(0, _done - _x[_k]);
                END LOOP;
            END IF;

        WHEN 3 THEN  -- claim by id
            SELECT state INTO _name FROM task_state WHERE id = _ids[_i] AND state <> 'claimed' FOR UPDATE;
            IF FOUND THEN
                UPDATE task_state SET
                    state = 'claimed', holder = _who, due_ms = _now + ttr_s * 1000, reserves = reserves + 1,
                    buried_order = NULL
                WHERE id = _ids[_i]
                RETURNING id, tube, CASE _name WHEN 'pending' THEN 1 WHEN 'delayed' THEN 2 ELSE 4 END, priority, ttr_s, body
                INTO o_id, o_tube, o_n1, o_n2, o_n3, o_body;
                RETURN NEXT;
                _moves := true;
            END IF;

        WHEN 4 THEN  -- delete
            IF _i = _j THEN
                DELETE FROM task_state WHERE id = _ids[_i] AND (state <> 'claimed' OR holder = _who)
                RETURNING id, tube, state, priority, keyed INTO _task;
                IF FOUND THEN
                    o_id := _task.id;
                    o_tube := _task.tube;
                    o_n1 := CASE _task.state WHEN 'pending' THEN 1 WHEN 'delayed' THEN 2 WHEN 'claimed' THEN 3 ELSE 4 END;
                    o_n2 := _task.priority;
                    RETURN NEXT;
                    IF _task.keyed THEN
                        UPDATE unique_key SET kept_until_ms = _now + _retention WHERE task_id = _task.id;
                    END IF;
                    IF _locks_tubes AND remove_unused_tube(_task.tube) THEN
                        o_code := 3;
                        RETURN NEXT;
                    END IF;
                    _moves := _moves OR _task.state = 'delayed';
                END IF;
            ELSE
                _found := _ids[_i:_j];
                RETURN QUERY
                DELETE FROM task_state
                WHERE id = ANY (_found) AND (state <> 'claimed' OR holder = _sessions[_i - 1 + array_position(_found, id)])
                RETURNING
                    _i, 0, id, tube,
                    CASE state WHEN 'pending' THEN 1 WHEN 'delayed' THEN 2 WHEN 'claimed' THEN 3 ELSE 4 END::bigint,
                    priority, keyed::integer::bigint, NULL::bigint[], NULL::bytea;
                _moves := _moves OR _flag & 64 > 0;
            END IF;

        WHEN 5 THEN  -- release
            UPDATE task_state SET
                state = CASE WHEN _y[_i] > 0 THEN 'delayed' ELSE 'pending' END, priority = _x[_i], delay_s = _y[_i],
                due_ms = CASE WHEN _y[_i] > 0 THEN _now + _y[_i] * 1000 END, holder = NULL, releases = releases + 1
            WHERE id = _ids[_i] AND state = 'claimed' AND holder = _who
            RETURNING tube INTO o_tube;
            IF FOUND THEN
                RETURN NEXT;
                _moves := _moves OR _y[_i] > 0;
            END IF;

        WHEN 6 THEN  -- bury
            UPDATE task_state SET
                state = 'buried', priority = _x[_i], buried_order = nextval('burial'), due_ms = NULL, holder = NULL,
                buries = buries + 1
            WHERE id = _ids[_i] AND state = 'claimed' AND holder = _who
            RETURNING tube INTO o_tube;
            IF FOUND THEN
                RETURN NEXT;
            END IF;

        WHEN 7 THEN  -- touch
            UPDATE task_state SET due_ms = _now + ttr_s * 1000
            WHERE id = _ids[_i] AND state = 'claimed' AND holder = _who;
            IF FOUND THEN
                RETURN NEXT;
            END IF;

        WHEN 8 THEN  -- kick
            o_code := 4;
            _found := ARRAY(
                SELECT id FROM task_state WHERE state = 'buried' AND tube = _name AND _y[_i] IN (0, 4)
                ORDER BY buried_order, id LIMIT _x[_i] FOR UPDATE SKIP LOCKED
            );
            WITH moved AS (
                UPDATE task_state SET state = 'pending', buried_order = NULL, kicks = kicks + 1
                WHERE id = ANY (_found) RETURNING priority
            )
            SELECT _name, count(*), count(*) FILTER (WHERE priority < 1024), 4 INTO o_tube, o_n1, o_n2, o_n3 FROM moved;
            IF o_n1 = 0 AND (
                _y[_i] = 2 OR _y[_i] = 0 AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'buried' AND tube = _name)
            ) THEN
                _found := ARRAY(
                    SELECT id FROM task_state WHERE state = 'delayed' AND tube = _name
                    ORDER BY due_ms, id LIMIT _x[_i] FOR UPDATE SKIP LOCKED
                );
                WITH moved AS (
                    UPDATE task_state SET state = 'pending', due_ms = NULL, kicks = kicks + 1
                    WHERE id = ANY (_found) RETURNING priority
                )
                SELECT _name, count(*), count(*) FILTER (WHERE priority < 1024), 2 INTO o_tube, o_n1, o_n2, o_n3 FROM moved;
                _moves := true;
            END IF;
            RETURN NEXT;

        WHEN 9 THEN  -- kick by id
            SELECT state INTO _name FROM task_state WHERE id = _ids[_i] AND state IN ('buried', 'delayed') FOR UPDATE;
            IF FOUND THEN
                UPDATE task_state SET state = 'pending', due_ms = NULL, buried_order = NULL, kicks = kicks + 1
                WHERE id = _ids[_i]
                RETURNING tube, 1, (priority < 1024)::integer, CASE _name WHEN 'delayed' THEN 2 ELSE 4 END
                INTO o_tube, o_n1, o_n2, o_n3;
                o_code := 4;
                RETURN NEXT;
                _moves := true;
            END IF;

        WHEN 10 THEN  -- peek
            SELECT id, body INTO o_id, o_body FROM task_state WHERE id = _ids[_i];
            IF FOUND THEN
                RETURN NEXT;
            END IF;

        WHEN 11 THEN  -- peek the next in state _x
            CASE _x[_i]
            WHEN 1 THEN
                SELECT id, body INTO o_id, o_body FROM task_state WHERE state = 'pending' AND tube = _name
                ORDER BY priority, id LIMIT 1;
            WHEN 2 THEN
                SELECT id, body INTO o_id, o_body FROM task_state WHERE state = 'delayed' AND tube = _name
                ORDER BY due_ms, id LIMIT 1;
            WHEN 4 THEN
                SELECT id, body INTO o_id, o_body FROM task_state WHERE state = 'buried' AND tube = _name
                ORDER BY buried_order, id LIMIT 1;
            ELSE
                NULL;
            END CASE;
            IF o_id IS NOT NULL THEN
                RETURN NEXT;
            END IF;

        WHEN 12 THEN  -- pause
            UPDATE tube SET
                pauses = pauses + 1, pause_s = _x[_i], paused_until_ms = CASE WHEN _x[_i] > 0 THEN _now + _x[_i] * 1000 END
            WHERE name = _name;
            IF FOUND THEN
                RETURN NEXT;
                _paused := ARRAY(SELECT name FROM tube WHERE paused_until_ms IS NOT NULL);
                _moves := true;
            END IF;

        WHEN 13 THEN  -- statistics of a task
            SELECT id, tube, ARRAY[
                CASE state WHEN 'pending' THEN 1 WHEN 'delayed' THEN 2 WHEN 'claimed' THEN 3 ELSE 4 END,
                priority, _now - created_ms, delay_s, ttr_s, coalesce(due_ms - _now, 0), reserves, timeouts, releases, buries,
                kicks
            ] INTO o_id, o_tube, o_figures
            FROM task_state WHERE id = _ids[_i];
            IF FOUND THEN
                RETURN NEXT;
            END IF;

        WHEN 14 THEN  -- statistics of a tube
            SELECT ARRAY[
                coalesce(sum(pending), 0), coalesce(sum(urgent), 0), coalesce(sum(delayed), 0), coalesce(sum(claimed), 0),
                coalesce(sum(buried), 0), coalesce(sum(total_tasks), 0), coalesce(sum(deletes), 0)
            ]::bigint[] INTO o_figures
            FROM tube_count WHERE tube = _name;
            SELECT o_figures || ARRAY[
                pauses, pause_s, greatest(0, coalesce(paused_until_ms - _now, 0)),
                (SELECT coalesce(sum(users), 0) FROM tube_user WHERE tube = _name),
                (SELECT coalesce(sum(watchers), 0) FROM tube_user WHERE tube = _name),
                coalesce(_now - oldest_pending_2(_name), 0)
            ]::bigint[] INTO o_figures
            FROM tube WHERE name = _name;
            IF FOUND THEN
                RETURN NEXT;
            END IF;

        WHEN 15 THEN  -- statistics of the store
            SELECT ARRAY[
                coalesce(sum(pending), 0), coalesce(sum(urgent), 0), coalesce(sum(delayed), 0), coalesce(sum(claimed), 0),
                coalesce(sum(buried), 0), (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM task_id),
                (SELECT count(*) FROM tube)
            ]::bigint[] INTO o_figures
            FROM tube_count;
            RETURN NEXT;

        WHEN 16 THEN  -- list tubes
            RETURN QUERY SELECT _i, 0, NULL::bigint, name, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint[],
                NULL::bytea
            FROM tube ORDER BY position;

        WHEN 17 THEN  -- refer
            INSERT INTO tube_user AS known (tube, manager_id, users, watchers)
            VALUES (_name, _me, greatest(0, _x[_i]), greatest(0, _y[_i]))
            ON CONFLICT (tube, manager_id) DO UPDATE SET
                users = greatest(0, known.users + _x[_i]), watchers = greatest(0, known.watchers + _y[_i]);
            DELETE FROM tube_user WHERE tube = _name AND manager_id = _me AND users = 0 AND watchers = 0;
            IF FOUND AND _locks_tubes AND remove_unused_tube(_name) THEN
                o_code := 3;
                o_tube := _name;
                RETURN NEXT;
            END IF;

        WHEN 18 THEN  -- expire
            UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL, timeouts = timeouts + 1
            WHERE id = _ids[_i] AND state = 'claimed' AND holder = _who
            RETURNING tube, priority INTO o_tube, o_n2;
            IF FOUND THEN
                RETURN NEXT;
            END IF;

        WHEN 19, 20 THEN  -- give back, and all
            SELECT id INTO _who FROM session WHERE connection = _session FOR UPDATE;
            IF NOT FOUND THEN
                -- Displaced connections hold nothing under their own number.
                _who := _session;
            ELSE
                _moves := true;
            END IF;
            IF _kind = 20 OR _who = _session THEN
                _found := ARRAY(
                    SELECT id FROM task_state WHERE state = 'claimed' AND holder = _who LIMIT 1000 FOR UPDATE SKIP LOCKED
                );
                RETURN QUERY
                WITH moved AS (
                    UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL
                    WHERE id = ANY (_found) RETURNING tube, priority
                )
                SELECT _i, 4, NULL::bigint, tube, count(*), count(*) FILTER (WHERE priority < 1024), 3::bigint,
                    NULL::bigint[], NULL::bytea
                FROM moved GROUP BY tube;
                IF EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = _who) THEN
                    o_code := 10;
                    o_id := _who;
                    RETURN NEXT;
                    _is_full := _is_full OR cardinality(_found) = 1000;
                END IF;
            END IF;
            IF _who <> _session THEN
                PERFORM leave_session_2(_session, '');
            END IF;

        WHEN 21 THEN  -- take up
            -- Who has it may be waiting for tasks at another manager, and is to be told.
            SELECT connection INTO _former FROM session WHERE name = _words[_i] FOR UPDATE;
            IF _former >> 32 <> _session >> 32 THEN
                PERFORM pg_notify(current_schema() || '.' || (_former >> 32), '');
            END IF;
            INSERT INTO session (name, connection, taken_ms) VALUES (_words[_i], _session, _now)
            ON CONFLICT (name) DO UPDATE SET connection = _session, taken_ms = _now
            RETURNING id INTO _id;
            PERFORM leave_session_2(_session, _words[_i]);
            UPDATE task_state SET holder = _id WHERE state = 'claimed' AND holder = _session;
            o_code := 8;
            o_id := _id;
            RETURN NEXT;
            RETURN QUERY
            SELECT _i, 0, id, tube, ttr_s, greatest(0, due_ms - _now), NULL::bigint, NULL::bigint[], NULL::bytea
            FROM task_state WHERE state = 'claimed' AND holder = _id ORDER BY id;
            _moves := true;

        WHEN 22 THEN  -- put with a key
            SELECT task_id INTO o_id FROM unique_key
            WHERE tube = _name AND key = _words[_i] AND (kept_until_ms IS NULL OR kept_until_ms > _now);
            IF NOT FOUND THEN
                _id := nextval('task_id');
                INSERT INTO unique_key AS known (tube, key, task_id) VALUES (_name, _words[_i], _id)
                ON CONFLICT (tube, key) DO UPDATE SET task_id = EXCLUDED.task_id, kept_until_ms = NULL
                WHERE known.kept_until_ms <= _now;
                IF FOUND THEN
                    IF _flag & 32 > 0 THEN
                        PERFORM make_tube(_name);
                    END IF;
                    INSERT INTO task_state (id, tube, state, priority, delay_s, ttr_s, created_ms, due_ms, keyed, body)
                    VALUES (
                        _id, _name, CASE WHEN _y[_i] > 0 THEN 'delayed' ELSE 'pending' END, _x[_i], _y[_i], _z[_i], _now,
                        CASE WHEN _y[_i] > 0 THEN _now + _y[_i] * 1000 END, true, _bodies[_i]
                    );
                    o_id := _id;
                    o_n1 := 1;
                    _moves := _moves OR _y[_i] > 0;
                ELSE
                    -- Somebody was quicker by a moment.
                    SELECT task_id INTO o_id FROM unique_key WHERE tube = _name AND key = _words[_i];
                END IF;
            END IF;
            RETURN NEXT;

        WHEN 23 THEN  -- clear
            IF _x[_i] <> 3 AND EXISTS (SELECT 1 FROM tube WHERE name = _name) THEN
                CASE _x[_i]
                WHEN 1 THEN
                    _found := ARRAY(
                        SELECT id FROM task_state WHERE state = 'pending' AND tube = _name
                        ORDER BY priority, id LIMIT _y[_i] FOR UPDATE SKIP LOCKED
                    );
                WHEN 2 THEN
                    _found := ARRAY(
                        SELECT id FROM task_state WHERE state = 'delayed' AND tube = _name
                        ORDER BY due_ms, id LIMIT _y[_i] FOR UPDATE SKIP LOCKED
                    );
                ELSE
                    _found := ARRAY(
                        SELECT id FROM task_state WHERE state = 'buried' AND tube = _name
                        ORDER BY buried_order, id LIMIT _y[_i] FOR UPDATE SKIP LOCKED
                    );
                END CASE;
                IF EXISTS (SELECT 1 FROM unique_key WHERE task_id = ANY (_found)) THEN
                    -- A task whose key another program has locked stays.
                    _free := ARRAY(SELECT task_id FROM unique_key WHERE task_id = ANY (_found) FOR UPDATE SKIP LOCKED);
                    _found := ARRAY(
                        SELECT t FROM unnest(_found) AS t
                        WHERE t = ANY (_free) OR NOT EXISTS (SELECT 1 FROM unique_key WHERE task_id = t)
                    );
                END IF;
                WITH gone AS (
                    DELETE FROM task_state WHERE id = ANY (_found) RETURNING id, priority, keyed
                ), retired AS (
                    UPDATE unique_key SET kept_until_ms = _now + _retention
                    WHERE task_id = ANY (ARRAY(SELECT gone.id FROM gone WHERE keyed))
                )
                SELECT count(*), count(*) FILTER (WHERE priority < 1024) INTO o_n1, o_n2 FROM gone;
                RETURN NEXT;
                IF o_n1 > 0 AND remove_unused_tube(_name) THEN
                    o_code := 3;
                    o_tube := _name;
                    RETURN NEXT;
                END IF;
                _moves := true;
            END IF;
        END CASE;
        _i := _j + 1;
    END LOOP;

    IF _moves THEN
        _next := next_event_2();
    END IF;
    IF _is_stuck THEN
        -- What is still due is locked by another program, or waits for the server's clock to be trusted: look again, but not
        -- all the time.
        _next := greatest(_next, _now + 100);
    ELSIF _is_full THEN
        _next := _now;
    END IF;
    o_op := 0;
    o_code := 5;
    o_n1 := _now;
    o_n2 := _next;
    o_n3 := _passed::integer;
    o_figures := ARRAY[coalesce(txid_current_if_assigned(), 0)];
    o_body := NULL;
    RETURN NEXT;
END $$;

-- Lock a row for pause-tube or put-unique unless another program has done so; no row then.
CREATE OR REPLACE FUNCTION lock_tube_2(_name text) RETURNS SETOF boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY SELECT true FROM tube WHERE name = _name FOR NO KEY UPDATE SKIP LOCKED;
END $$;

CREATE OR REPLACE FUNCTION lock_key_2(_tube text, _key text) RETURNS SETOF boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY SELECT true FROM unique_key WHERE tube = _tube AND key = _key FOR UPDATE SKIP LOCKED;
END $$;

-- Ends a batch that has changed something: proves that the manager is still known, renews its lease, adds up the counts.
--
-- _careful: the counts are inserted as changes, since another program may have locked this manager's rows.
--
-- _retired: tasks with keys that were deleted together with others. _unused: tubes out of which tasks were deleted and that
-- may have become unused.
CREATE OR REPLACE FUNCTION finish_batch_2(
    _me bigint, _batch bigint, _fence bigint, _now bigint, _retention bigint, _keys bigint, _retired bigint[],
    _unused text[], _tubes text[], _pending bigint[], _urgent bigint[], _delayed bigint[], _claimed bigint[], _buried bigint[], _total bigint[],
    _deletes bigint[], _careful boolean
) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _name text;
BEGIN
    UPDATE manager SET batches = _batch, heartbeat_ms = now_ms() WHERE id = _me AND fence = _fence;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'manager % is not known any more', _me USING ERRCODE = 'BR001';
    END IF;
    IF _careful THEN
        INSERT INTO tube_count (tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes)
        SELECT tube, -nextval('count_change'), pending, urgent, delayed, claimed, buried, total, deletes
        FROM unnest(_tubes, _pending, _urgent, _delayed, _claimed, _buried, _total, _deletes)
            AS given (tube, pending, urgent, delayed, claimed, buried, total, deletes);
    ELSIF cardinality(_tubes) > 0 THEN
        INSERT INTO tube_count AS known (
            tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes
        )
        SELECT tube, _me, pending, urgent, delayed, claimed, buried, total, deletes
        FROM unnest(_tubes, _pending, _urgent, _delayed, _claimed, _buried, _total, _deletes)
            AS given (tube, pending, urgent, delayed, claimed, buried, total, deletes)
        ON CONFLICT (tube, manager_id) DO UPDATE SET
            pending     = known.pending + EXCLUDED.pending,
            urgent      = known.urgent + EXCLUDED.urgent,
            delayed     = known.delayed + EXCLUDED.delayed,
            claimed     = known.claimed + EXCLUDED.claimed,
            buried      = known.buried + EXCLUDED.buried,
            total_tasks = known.total_tasks + EXCLUDED.total_tasks,
            deletes     = known.deletes + EXCLUDED.deletes;
    END IF;
    IF cardinality(_retired) > 0 THEN
        UPDATE unique_key SET kept_until_ms = _now + _retention WHERE task_id = ANY (_retired);
    END IF;
    -- Some keys past their time, more than were added, so that they cannot pile up.
    IF _keys > 0 THEN
        PERFORM forget_keys_2(_now, _keys * 2);
    END IF;
    IF cardinality(_unused) > 0 AND try_tubes_lock() THEN
        FOREACH _name IN ARRAY _unused LOOP
            PERFORM remove_unused_tube(_name);
        END LOOP;
    END IF;
END $$;

-- Removes keys past their time.
CREATE OR REPLACE FUNCTION forget_keys_2(_now bigint, _limit bigint) RETURNS void LANGUAGE sql VOLATILE AS $$
    DELETE FROM unique_key WHERE ctid = ANY (
        ARRAY(SELECT ctid FROM unique_key WHERE kept_until_ms <= _now LIMIT _limit FOR UPDATE SKIP LOCKED)
    )
$$;

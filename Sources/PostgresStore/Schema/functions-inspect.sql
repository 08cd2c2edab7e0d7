-- What operators ask. Nothing here writes or locks.
--
-- A list is cut after _rows rows that were looked at, or after _time milliseconds. The clock is read after 16 rows each, and
-- at least one row is looked at. If other rows may follow, the last row of the list has only the key behind which the next
-- list begins.

-- A page of tubes in the order of their names. _state: only tubes that have tasks in it. The numbers are those of
-- tube_statistics_2.
CREATE OR REPLACE FUNCTION inspect_tubes_3(
    _state text, _after text, _limit bigint, _rows bigint, _time bigint, _now bigint
) RETURNS TABLE (o_name text, o_numbers bigint[]) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _end   timestamptz := clock_timestamp() + _time * interval '1 millisecond';
    _last  text := _after;
    _found bigint := 0;
    _seen  bigint := 0;
BEGIN
    FOR o_name IN SELECT name FROM tube WHERE name > _after ORDER BY name LOOP
        IF _found >= _limit OR (_seen > 0 AND (_seen >= _rows OR (_seen % 16 = 0 AND clock_timestamp() >= _end))) THEN
            o_name := _last;
            o_numbers := NULL;
            RETURN NEXT;
            RETURN;
        END IF;
        _seen := _seen + 1;
        _last := o_name;
        CONTINUE WHEN _state IS NOT NULL AND (
            SELECT coalesce(sum(CASE _state
                WHEN 'pending' THEN pending WHEN 'delayed' THEN delayed WHEN 'claimed' THEN claimed ELSE buried
            END), 0) FROM tube_count WHERE tube = o_name
        ) = 0;
        o_numbers := (tube_statistics_2(0, o_name, coalesce(_now, now_ms()))).numbers;
        CONTINUE WHEN o_numbers IS NULL;
        _found := _found + 1;
        RETURN NEXT;
    END LOOP;
END $$;

-- The ids of all tasks of a tube, or in a state, or both, if they are at most _rows; else NULL.
CREATE OR REPLACE FUNCTION inspect_candidates_3(_tube text, _state text, _rows bigint) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _ids  bigint[] := '{}';
    _some bigint[];
    _one  text;
BEGIN
    IF _tube IS NULL AND _state IS NULL THEN
        RETURN NULL;
    END IF;
    FOREACH _one IN ARRAY ARRAY['claimed', 'buried', 'delayed', 'pending'] LOOP
        CONTINUE WHEN _one <> _state;
        IF _tube IS NULL THEN
            CASE _one
            WHEN 'pending' THEN _some := ARRAY(SELECT id FROM task_state WHERE state = 'pending' LIMIT _rows + 1);
            WHEN 'delayed' THEN _some := ARRAY(SELECT id FROM task_state WHERE state = 'delayed' LIMIT _rows + 1);
            WHEN 'claimed' THEN _some := ARRAY(SELECT id FROM task_state WHERE state = 'claimed' LIMIT _rows + 1);
            WHEN 'buried' THEN _some := ARRAY(SELECT id FROM task_state WHERE state = 'buried' LIMIT _rows + 1);
            END CASE;
        ELSE
            CASE _one
            WHEN 'pending' THEN
                _some := ARRAY(SELECT id FROM task_state WHERE state = 'pending' AND tube = _tube LIMIT _rows + 1);
            WHEN 'delayed' THEN
                _some := ARRAY(SELECT id FROM task_state WHERE state = 'delayed' AND tube = _tube LIMIT _rows + 1);
            WHEN 'claimed' THEN
                _some := ARRAY(SELECT id FROM task_state WHERE state = 'claimed' AND tube = _tube LIMIT _rows + 1);
            WHEN 'buried' THEN
                _some := ARRAY(SELECT id FROM task_state WHERE state = 'buried' AND tube = _tube LIMIT _rows + 1);
            END CASE;
        END IF;
        _ids := _ids || _some;
        IF cardinality(_ids) > _rows THEN
            RETURN NULL;
        END IF;
    END LOOP;
    RETURN _ids;
END $$;

-- A page of tasks in the order of their ids. NULL: any. _before: put before this time. _like: bytes in the body.
-- _manager: held by a connection of a manager with this name, or by a named session that such a connection has.
--
-- The numbers: priority, created_ms, delay_s, ttr_s, due_ms, reserves, timeouts, releases, buries, kicks, holder, the
-- connection of the holder, and the length of the body.
CREATE OR REPLACE FUNCTION inspect_tasks_3(
    _tube text, _state text, _before bigint, _like bytea, _manager text, _after bigint, _limit bigint, _rows bigint,
    _time bigint, _start integer
) RETURNS TABLE (o_id bigint, o_tube text, o_state text, o_numbers bigint[], o_manager text, o_start bytea)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _end   timestamptz := clock_timestamp() + _time * interval '1 millisecond';
    _ids   bigint[] := inspect_candidates_3(_tube, _state, _rows);
    _place integer := 0;
    _all   refcursor;
    _task  task_state;
    _link  bigint;
    _last  bigint := _after;
    _found bigint := 0;
    _seen  bigint := 0;
BEGIN
    IF _ids IS NULL THEN
        OPEN _all NO SCROLL FOR SELECT * FROM task_state WHERE id > _after ORDER BY id;
    ELSE
        _ids := ARRAY(SELECT i FROM unnest(_ids) AS i WHERE i > _after ORDER BY i);
    END IF;
    LOOP
        IF _ids IS NULL THEN
            FETCH _all INTO _task;
            EXIT WHEN NOT FOUND;
        ELSE
            _place := _place + 1;
            EXIT WHEN _place > cardinality(_ids);
            SELECT * INTO _task FROM task_state WHERE id = _ids[_place];
            CONTINUE WHEN NOT FOUND;
        END IF;
        IF _found >= _limit OR (_seen > 0 AND (_seen >= _rows OR (_seen % 16 = 0 AND clock_timestamp() >= _end))) THEN
            RETURN QUERY SELECT _last, NULL::text, NULL::text, NULL::bigint[], NULL::text, NULL::bytea;
            RETURN;
        END IF;
        _seen := _seen + 1;
        _last := _task.id;
        CONTINUE WHEN _task.tube <> _tube OR _task.state <> _state OR _task.created_ms >= _before;
        _link := CASE
            WHEN _task.holder < 4294967296 THEN (SELECT connection FROM session WHERE id = _task.holder)
            ELSE _task.holder
        END;
        o_manager := (SELECT name FROM manager WHERE id = _link >> 32);
        CONTINUE WHEN _manager IS NOT NULL AND o_manager IS DISTINCT FROM _manager;
        CONTINUE WHEN _like IS NOT NULL AND position(_like IN _task.body) = 0;
        _found := _found + 1;
        o_id := _task.id;
        o_tube := _task.tube;
        o_state := _task.state;
        o_numbers := ARRAY[
            _task.priority, _task.created_ms, _task.delay_s, _task.ttr_s, _task.due_ms, _task.reserves, _task.timeouts,
            _task.releases, _task.buries, _task.kicks, _task.holder, _link, octet_length(_task.body)
        ];
        o_start := substr(_task.body, 1, _start);
        RETURN NEXT;
    END LOOP;
END $$;

-- One task, as a row of inspect_tasks_3, with its key. _whole: all of the body.
CREATE OR REPLACE FUNCTION inspect_task_3(_id bigint, _whole boolean, _start integer)
RETURNS TABLE (
    o_id bigint, o_tube text, o_state text, o_numbers bigint[], o_manager text, o_start bytea, o_key text
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    SELECT
        found.o_id, found.o_tube, found.o_state, found.o_numbers, found.o_manager,
        CASE WHEN _whole THEN (SELECT body FROM task_state WHERE id = _id) ELSE found.o_start END,
        (SELECT key FROM unique_key WHERE task_id = _id)
    FROM inspect_tasks_3(NULL, NULL, NULL, NULL, NULL, _id - 1, 1, 1, 1000, _start) AS found
    WHERE found.o_id = _id AND found.o_tube IS NOT NULL;
END $$;

-- A page of named sessions in the order of their numbers. NULL: any. _tube: the session holds a task of it. _manager: the
-- name of the manager that has the session's connection.
CREATE OR REPLACE FUNCTION inspect_sessions_3(
    _tube text, _manager text, _after bigint, _limit bigint, _rows bigint, _time bigint
) RETURNS TABLE (o_id bigint, o_connection bigint, o_manager text, o_taken_ms bigint, o_claims bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _end   timestamptz := clock_timestamp() + _time * interval '1 millisecond';
    _last  bigint := _after;
    _found bigint := 0;
    _seen  bigint := 0;
BEGIN
    FOR o_id, o_connection, o_taken_ms IN
        SELECT id, connection, taken_ms FROM session WHERE id > _after ORDER BY id
    LOOP
        IF _found >= _limit OR (_seen > 0 AND (_seen >= _rows OR (_seen % 16 = 0 AND clock_timestamp() >= _end))) THEN
            RETURN QUERY SELECT _last, NULL::bigint, NULL::text, NULL::bigint, NULL::bigint;
            RETURN;
        END IF;
        _seen := _seen + 1;
        _last := o_id;
        o_manager := (SELECT name FROM manager WHERE id = o_connection >> 32);
        CONTINUE WHEN _manager IS NOT NULL AND o_manager IS DISTINCT FROM _manager;
        CONTINUE WHEN _tube IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = o_id AND tube = _tube
        );
        o_claims := (SELECT count(*) FROM task_state WHERE state = 'claimed' AND holder = o_id);
        _found := _found + 1;
        RETURN NEXT;
    END LOOP;
END $$;

-- All managers. The numbers: id, lane, pid, started_ms, heartbeat_ms, draining (0, 1 or NULL), and the claims of its
-- connections.
CREATE OR REPLACE FUNCTION inspect_managers_3()
RETURNS TABLE (
    o_numbers bigint[], o_name text, o_address text, o_host text, o_version text, o_figures text
) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    SELECT
        ARRAY[
            id, lane, pid, started_ms, heartbeat_ms, draining::integer,
            (
                SELECT count(*) FROM task_state
                WHERE state = 'claimed' AND holder BETWEEN manager.id << 32 AND (manager.id << 32) + 4294967295
            )
        ]::bigint[],
        name, address, host, version, figures
    FROM manager WHERE fence >= 0 ORDER BY id;
END $$;

-- The store: its server, and the numbers: schema version, pending, urgent, delayed, claimed, buried, all tasks ever put,
-- tubes, bytes of the tables, milliseconds since the oldest transaction that keeps old rows began, and when the last
-- backup ended.
CREATE OR REPLACE FUNCTION inspect_store_3() RETURNS TABLE (o_server text, o_numbers bigint[]) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    o_server := current_setting('server_version');
    o_numbers := ARRAY[(SELECT max(version) FROM schema_version)]
        || (store_statistics_2(0)).numbers
        || ARRAY[
            (
                SELECT sum(pg_total_relation_size(oid)) FROM pg_class
                WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
            ),
            (
                SELECT floor(extract(epoch FROM clock_timestamp() - min(xact_start)) * 1000) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL
            ),
            (SELECT at_ms FROM store_event WHERE name = 'backup')
        ]::bigint[];
    RETURN NEXT;
END $$;

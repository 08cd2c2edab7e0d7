-- What each operation of a batch does: one function per verb, called by run_batch_2.
--
-- _operation is the operation's number in the batch, for the rows. _holder is the number under which the session holds
-- tasks: its connection's, or that of its named session. A function that returns one row returns nulls if the operation
-- has changed or found nothing.

-- == Tasks ==

-- Adds tasks. Returns one row per task, in order.
CREATE OR REPLACE FUNCTION put_tasks_2(_operation integer, _puts operation_2[], _now bigint) RETURNS SETOF batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    INSERT INTO task_state (tube, state, priority, delay_s, ttr_s, created_ms, due_ms, body)
    SELECT
        tube, CASE WHEN delay_s > 0 THEN 'delayed' ELSE 'pending' END, priority, delay_s, ttr_s, _now,
        CASE WHEN delay_s > 0 THEN _now + delay_s * 1000 END, body
    FROM unnest(_puts)
    RETURNING
        _operation, 'done', id, NULL, NULL, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
        NULL::bigint[], NULL::bytea;
END $$;

-- Adds a task with a key, and its tube if it does not exist. If the key is known, the row says "key exists" and has the id of the
-- task that was put with it.
CREATE OR REPLACE FUNCTION put_unique_task_2(_operation integer, _put operation_2, _now bigint) RETURNS batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2 := event_2(_operation, 'key exists');
BEGIN
    SELECT task_id INTO _row.id FROM unique_key
    WHERE tube = _put.tube AND key = _put.name AND (kept_until_ms IS NULL OR kept_until_ms > _now);
    IF FOUND THEN
        RETURN _row;
    END IF;
    _row.id := nextval('task_id');
    INSERT INTO unique_key AS known (tube, key, task_id) VALUES (_put.tube, _put.name, _row.id)
    ON CONFLICT (tube, key) DO UPDATE SET task_id = EXCLUDED.task_id, kept_until_ms = NULL
    WHERE known.kept_until_ms <= _now;
    IF NOT FOUND THEN
        -- Another transaction has added it a moment before.
        SELECT task_id INTO _row.id FROM unique_key WHERE tube = _put.tube AND key = _put.name;
        RETURN _row;
    END IF;
    IF _put.makes_tube THEN
        PERFORM make_tube(_put.tube);
    END IF;
    INSERT INTO task_state (id, tube, state, priority, delay_s, ttr_s, created_ms, due_ms, keyed, body)
    VALUES (
        _row.id, _put.tube, CASE WHEN _put.delay_s > 0 THEN 'delayed' ELSE 'pending' END, _put.priority, _put.delay_s,
        _put.ttr_s, _now, CASE WHEN _put.delay_s > 0 THEN _now + _put.delay_s * 1000 END, true, _put.body
    );
    _row.event := 'done';
    RETURN _row;
END $$;

-- Claims the first pending tasks of the tubes that are not paused, for several sessions in turn. All claims name the same
-- tubes. _holder: for a single claim. Returns one row per task.
CREATE OR REPLACE FUNCTION claim_tasks_2(
    _operation integer, _claims operation_2[], _holder bigint, _paused text[], _now bigint
) RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _open    text[] := (_claims[1]).tubes;
    _holders bigint[];
    _limit   integer;
    _ids     bigint[];
BEGIN
    IF cardinality(_paused) > 0 THEN
        _open := ARRAY(SELECT name FROM unnest(_open) AS given (name) WHERE name <> ALL (_paused));
    END IF;
    IF cardinality(_claims) = 1 THEN
        _holders := array_fill(_holder, ARRAY[(_claims[1]).bound::integer]);
    ELSE
        _holders := ARRAY(SELECT given.session FROM unnest(_claims) AS given, generate_series(1, given.bound));
    END IF;
    IF cardinality(_open) = 1 THEN
        RETURN QUERY SELECT * FROM claim_first_2(_operation, _open[1], _holders, _now);
        RETURN;
    END IF;
    WHILE cardinality(_open) > 1 AND cardinality(_holders) > 0 LOOP
        _limit := least(cardinality(_holders), 256);
        _ids := lock_first_pending_2(_open, _limit);
        RETURN QUERY SELECT * FROM claim_2(_operation, _ids, _holders, 'pending', _now);
        EXIT WHEN cardinality(_ids) < _limit;
        _holders := _holders[_limit + 1:];
    END LOOP;
END $$;

-- Claims a task that is not claimed.
CREATE OR REPLACE FUNCTION claim_task_2(_operation integer, _id bigint, _holder bigint, _now bigint)
RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _state text;
BEGIN
    SELECT state INTO _state FROM task_state WHERE id = _id AND state <> 'claimed' FOR UPDATE;
    IF FOUND THEN
        RETURN QUERY SELECT * FROM claim_2(_operation, ARRAY[_id], ARRAY[_holder], _state, _now);
    END IF;
END $$;

-- Deletes a task that its session holds or that is not claimed, and its tube if it is unused then.
CREATE OR REPLACE FUNCTION delete_task_and_tube_2(_operation integer, _id bigint, _holder bigint, _keys_until bigint)
RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    SELECT * INTO _row FROM finish_2(_operation, ARRAY[_id], ARRAY[_holder], _keys_until);
    IF FOUND THEN
        RETURN NEXT _row;
        IF remove_unused_tube(_row.tube) THEN
            _row.event := 'tube removed';
            RETURN NEXT _row;
        END IF;
    END IF;
END $$;

-- Ends a claim: the task is pending again, or delayed.
CREATE OR REPLACE FUNCTION release_task_2(
    _operation integer, _id bigint, _holder bigint, _priority bigint, _delay bigint, _now bigint
) RETURNS batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    UPDATE task_state SET
        state = CASE WHEN _delay > 0 THEN 'delayed' ELSE 'pending' END, priority = _priority, delay_s = _delay,
        due_ms = CASE WHEN _delay > 0 THEN _now + _delay * 1000 END, holder = NULL, releases = releases + 1
    WHERE id = _id AND state = 'claimed' AND holder = _holder
    RETURNING _operation, 'done', tube INTO _row.operation, _row.event, _row.tube;
    RETURN _row;
END $$;

-- Ends a claim: the task is buried, as the last of its tube.
CREATE OR REPLACE FUNCTION bury_task_2(_operation integer, _id bigint, _holder bigint, _priority bigint)
RETURNS batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    UPDATE task_state SET
        state = 'buried', priority = _priority, buried_order = nextval('burial'), due_ms = NULL, holder = NULL,
        buries = buries + 1
    WHERE id = _id AND state = 'claimed' AND holder = _holder
    RETURNING _operation, 'done', tube INTO _row.operation, _row.event, _row.tube;
    RETURN _row;
END $$;

-- Gives a claim its full time to run again.
CREATE OR REPLACE FUNCTION touch_task_2(_operation integer, _id bigint, _holder bigint, _now bigint) RETURNS batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE task_state SET due_ms = _now + ttr_s * 1000 WHERE id = _id AND state = 'claimed' AND holder = _holder;
    IF FOUND THEN
        RETURN event_2(_operation, 'done');
    END IF;
    RETURN NULL;
END $$;

-- Ends a claim whose time to run is over.
CREATE OR REPLACE FUNCTION expire_claim_2(_operation integer, _id bigint, _holder bigint) RETURNS SETOF batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY SELECT * FROM make_pending_2(
        _operation,
        ARRAY(SELECT id FROM task_state WHERE id = _id AND state = 'claimed' AND holder = _holder FOR UPDATE),
        'claimed', _timeouts := 1
    );
END $$;

-- Makes buried tasks of a tube pending, or delayed ones if none is buried. _state: NULL, or the only state to look at.
CREATE OR REPLACE FUNCTION kick_tasks_2(_operation integer, _tube text, _limit bigint, _state text)
RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF _state IS NULL THEN
        _state := CASE
            WHEN EXISTS (SELECT 1 FROM task_state WHERE state = 'buried' AND tube = _tube) THEN 'buried' ELSE 'delayed'
        END;
    END IF;
    RETURN QUERY SELECT * FROM make_pending_2(_operation, lock_first_2(_tube, _state, _limit), _state, _kicks := 1);
END $$;

-- Makes a buried or delayed task pending.
CREATE OR REPLACE FUNCTION kick_task_2(_operation integer, _id bigint) RETURNS SETOF batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _state text;
BEGIN
    SELECT state INTO _state FROM task_state WHERE id = _id AND state IN ('buried', 'delayed') FOR UPDATE;
    IF FOUND THEN
        RETURN QUERY SELECT * FROM make_pending_2(_operation, ARRAY[_id], _state, _kicks := 1);
    END IF;
END $$;

-- Reads a task.
CREATE OR REPLACE FUNCTION peek_task_2(_operation integer, _id bigint) RETURNS batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    SELECT _operation, 'done', id, body INTO _row.operation, _row.event, _row.id, _row.body
    FROM task_state WHERE id = _id;
    RETURN _row;
END $$;

-- Reads the first task of a tube in a state.
CREATE OR REPLACE FUNCTION peek_next_task_2(_operation integer, _tube text, _state text) RETURNS batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _id bigint;
BEGIN
    CASE _state
    WHEN 'pending' THEN
        SELECT id INTO _id FROM task_state WHERE state = 'pending' AND tube = _tube ORDER BY priority, id LIMIT 1;
    WHEN 'delayed' THEN
        SELECT id INTO _id FROM task_state WHERE state = 'delayed' AND tube = _tube ORDER BY due_ms, id LIMIT 1;
    WHEN 'buried' THEN
        SELECT id INTO _id FROM task_state WHERE state = 'buried' AND tube = _tube ORDER BY buried_order, id LIMIT 1;
    ELSE
        RETURN NULL;
    END CASE;
    RETURN peek_task_2(_operation, _id);
END $$;

-- == Tubes ==

-- Pauses a tube for _pause seconds. 0 ends a pause.
CREATE OR REPLACE FUNCTION pause_tube_2(_operation integer, _tube text, _pause bigint, _now bigint) RETURNS batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE tube SET
        pauses = pauses + 1, pause_s = _pause, paused_until_ms = CASE WHEN _pause > 0 THEN _now + _pause * 1000 END
    WHERE name = _tube;
    IF FOUND THEN
        RETURN event_2(_operation, 'done');
    END IF;
    RETURN NULL;
END $$;

-- Deletes up to _limit tasks of a tube in a state. Returns one row with their number, unless the tube does not exist.
CREATE OR REPLACE FUNCTION clear_tube_2(
    _operation integer, _tube text, _state text, _limit bigint, _keys_until bigint
) RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row  batch_row_2 := event_2(_operation, 'done');
    _ids  bigint[];
    _free bigint[];
BEGIN
    IF _state = 'claimed' OR NOT EXISTS (SELECT 1 FROM tube WHERE name = _tube) THEN
        RETURN;
    END IF;
    _ids := lock_first_2(_tube, _state, _limit);
    IF EXISTS (SELECT 1 FROM unique_key WHERE task_id = ANY (_ids)) THEN
        -- A task whose key another program has locked stays.
        _free := ARRAY(SELECT task_id FROM unique_key WHERE task_id = ANY (_ids) FOR UPDATE SKIP LOCKED);
        _ids := ARRAY(
            SELECT t FROM unnest(_ids) AS t
            WHERE t = ANY (_free) OR NOT EXISTS (SELECT 1 FROM unique_key WHERE task_id = t)
        );
    END IF;
    SELECT count(*), count(*) FILTER (WHERE priority < 1024) INTO _row.tasks, _row.urgent
    FROM finish_2(_operation, _ids, '{}', _keys_until);
    _row.tube := _tube;
    RETURN NEXT _row;
    IF _row.tasks > 0 AND remove_unused_tube(_tube) THEN
        _row.event := 'tube removed';
        RETURN NEXT _row;
    END IF;
END $$;

-- Adds to the numbers of a manager's connections that use and watch a tube. _removes_tubes: remove the tube if it is
-- unused then.
CREATE OR REPLACE FUNCTION count_users_2(
    _operation integer, _manager bigint, _tube text, _users bigint, _watchers bigint, _removes_tubes boolean
) RETURNS batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    INSERT INTO tube_user AS known (tube, manager_id, users, watchers)
    VALUES (_tube, _manager, greatest(0, _users), greatest(0, _watchers))
    ON CONFLICT (tube, manager_id) DO UPDATE SET
        users = greatest(0, known.users + _users), watchers = greatest(0, known.watchers + _watchers);
    DELETE FROM tube_user WHERE tube = _tube AND manager_id = _manager AND users = 0 AND watchers = 0;
    IF FOUND AND _removes_tubes AND remove_unused_tube(_tube) THEN
        _row := event_2(_operation, 'tube removed');
        _row.tube := _tube;
    END IF;
    RETURN _row;
END $$;

-- Lists the tubes that the client may see, one row per tube. _patterns: see may_find_task_2; no pattern: all tubes.
CREATE OR REPLACE FUNCTION list_tubes_2(_operation integer, _patterns text[]) RETURNS SETOF batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
    SELECT
        _operation, 'done', NULL::bigint, name, NULL::text, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint,
        NULL::bigint, NULL::bigint[], NULL::bytea
    FROM tube WHERE cardinality(_patterns) = 0 OR 'o:' || name LIKE ANY (_patterns) ORDER BY position;
END $$;

-- == Statistics ==
-- BatchReader+Statistics.swift reads the numbers in the same order.

CREATE OR REPLACE FUNCTION task_statistics_2(_operation integer, _id bigint, _now bigint) RETURNS batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    SELECT
        _operation, 'done', id, tube, state, priority, ttr_s,
        ARRAY[_now - created_ms, delay_s, coalesce(due_ms - _now, 0), reserves, timeouts, releases, buries, kicks]
    INTO _row.operation, _row.event, _row.id, _row.tube, _row.state, _row.priority, _row.ttr_s, _row.numbers
    FROM task_state WHERE id = _id;
    RETURN _row;
END $$;

CREATE OR REPLACE FUNCTION tube_statistics_2(_operation integer, _tube text, _now bigint) RETURNS batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    SELECT
        _operation, 'done',
        (
            SELECT ARRAY[
                coalesce(sum(pending), 0), coalesce(sum(urgent), 0), coalesce(sum(delayed), 0), coalesce(sum(claimed), 0),
                coalesce(sum(buried), 0), coalesce(sum(total_tasks), 0), coalesce(sum(deletes), 0)
            ]::bigint[]
            FROM tube_count WHERE tube_count.tube = _tube
        ) || ARRAY[
            pauses, pause_s, greatest(0, coalesce(paused_until_ms - _now, 0)),
            (SELECT coalesce(sum(users), 0) FROM tube_user WHERE tube_user.tube = _tube),
            (SELECT coalesce(sum(watchers), 0) FROM tube_user WHERE tube_user.tube = _tube),
            coalesce(_now - (SELECT oldest_ms FROM oldest_pending_task(_tube)), 0)
        ]::bigint[]
    INTO _row.operation, _row.event, _row.numbers
    FROM tube WHERE name = _tube;
    RETURN _row;
END $$;

CREATE OR REPLACE FUNCTION store_statistics_2(_operation integer) RETURNS batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    SELECT
        _operation, 'done',
        ARRAY[
            coalesce(sum(pending), 0), coalesce(sum(urgent), 0), coalesce(sum(delayed), 0), coalesce(sum(claimed), 0),
            coalesce(sum(buried), 0), (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM task_id),
            (SELECT count(*) FROM tube)
        ]::bigint[]
    INTO _row.operation, _row.event, _row.numbers
    FROM tube_count;
    RETURN _row;
END $$;

-- == Sessions ==

-- Ends a connection. Its claims are returned, unless they belong to a named session and _releases is false.
CREATE OR REPLACE FUNCTION disconnect_2(_operation integer, _session bigint, _releases boolean)
RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    -- A connection that lost its session to another one holds nothing under its own number.
    _holder bigint := coalesce((SELECT id FROM session WHERE connection = _session FOR UPDATE), _session);
BEGIN
    IF _releases OR _holder = _session THEN
        RETURN QUERY SELECT * FROM return_claims_2(_operation, ARRAY[_holder]);
    END IF;
    IF _holder <> _session THEN
        PERFORM leave_session_2(_session, '');
    END IF;
END $$;

-- Attaches a connection to a named session, which is added if it does not exist. The session gets the connection's
-- claims. Returns a row "attached" with the session's id, and one row per claim with the time left in "numbers".
CREATE OR REPLACE FUNCTION attach_session_2(_operation integer, _session bigint, _name text, _now bigint)
RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row    batch_row_2 := event_2(_operation, 'attached');
    _former bigint;
BEGIN
    -- The connection that has it may be waiting for tasks at another manager, which has to be notified.
    SELECT connection INTO _former FROM session WHERE name = _name FOR UPDATE;
    IF _former >> 32 <> _session >> 32 THEN
        PERFORM pg_notify(current_schema() || '.' || (_former >> 32), '');
    END IF;
    INSERT INTO session (name, connection, taken_ms) VALUES (_name, _session, _now)
    ON CONFLICT (name) DO UPDATE SET connection = _session, taken_ms = _now
    RETURNING id INTO _row.id;
    PERFORM leave_session_2(_session, _name);
    UPDATE task_state SET holder = _row.id WHERE state = 'claimed' AND holder = _session;
    RETURN NEXT _row;
    RETURN QUERY
    SELECT
        _operation, 'done', id, tube, state, priority, holder, ttr_s, NULL::bigint, NULL::bigint,
        ARRAY[greatest(0, due_ms - _now)], NULL::bytea
    FROM task_state WHERE state = 'claimed' AND holder = _row.id ORDER BY id;
END $$;

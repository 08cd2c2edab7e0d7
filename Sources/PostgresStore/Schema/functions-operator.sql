-- What operators do with tasks, sessions and managers. See functions-verbs.sql for the parameters.

-- Ends the claim of a task, whichever session holds it.
CREATE OR REPLACE FUNCTION break_claim_3(_operation integer, _id bigint) RETURNS SETOF batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY SELECT * FROM make_pending_2(
        _operation, ARRAY(SELECT id FROM task_state WHERE id = _id AND state = 'claimed' FOR UPDATE), 'claimed'
    );
END $$;

-- Ends a named session: its connection is superseded, and up to 1000 of its claims are returned. The row is deleted with
-- the last claim.
CREATE OR REPLACE FUNCTION end_session_3(_operation integer, _session bigint, _manager bigint) RETURNS SETOF batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _former bigint;
BEGIN
    SELECT connection INTO _former FROM session WHERE id = _session FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- The connection may be waiting for tasks at another manager, which has to be notified.
    IF _former >> 32 <> _manager THEN
        PERFORM pg_notify(current_schema() || '.' || (_former >> 32), '');
    END IF;
    UPDATE session SET connection = NULL WHERE id = _session;
    RETURN NEXT event_2(_operation, 'done');
    RETURN QUERY SELECT * FROM make_pending_2(
        _operation,
        ARRAY(
            SELECT id FROM task_state WHERE state = 'claimed' AND holder = _session
            LIMIT 1000 FOR UPDATE SKIP LOCKED
        ),
        'claimed'
    );
    DELETE FROM session
    WHERE id = _session AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = _session);
END $$;

-- Moves a task that no session holds to a tube, which is added if it does not exist. The row has the former tube.
CREATE OR REPLACE FUNCTION move_task_3(_operation integer, _id bigint, _tube text) RETURNS SETOF batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2 := event_2(_operation, 'done');
BEGIN
    SELECT tube, state, priority INTO _row.tube, _row.state, _row.priority
    FROM task_state WHERE id = _id AND state <> 'claimed' FOR UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN NEXT _row;
    IF _row.tube = _tube THEN
        RETURN;
    END IF;
    PERFORM make_tube(_tube);
    UPDATE task_state SET
        tube = _tube, buried_order = CASE WHEN state = 'buried' THEN nextval('burial') END
    WHERE id = _id;
    IF remove_unused_tube(_row.tube) THEN
        _row.event := 'tube removed';
        RETURN NEXT _row;
    END IF;
END $$;

-- Moves up to _limit tasks of a tube in a state to another tube, the first ones first. Returns one row with their number,
-- unless the tube does not exist.
CREATE OR REPLACE FUNCTION move_tasks_3(_operation integer, _from text, _to text, _state text, _limit bigint)
RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row    batch_row_2 := event_2(_operation, 'done');
    _ids    bigint[] := '{}';
    _orders bigint[];
BEGIN
    IF _state = 'claimed' OR NOT EXISTS (SELECT 1 FROM tube WHERE name = _from) THEN
        RETURN;
    END IF;
    IF _from <> _to THEN
        _ids := lock_first_2(_from, _state, _limit);
    END IF;
    IF cardinality(_ids) > 0 THEN
        PERFORM make_tube(_to);
        IF _state = 'buried' THEN
            _orders := ARRAY(SELECT nextval('burial') FROM generate_series(1, cardinality(_ids)));
        END IF;
        WITH moved AS (
            UPDATE task_state SET tube = _to, buried_order = _orders[given.place]
            FROM unnest(_ids) WITH ORDINALITY AS given (id, place) WHERE task_state.id = given.id
            RETURNING priority
        )
        SELECT count(*), count(*) FILTER (WHERE priority < 1024) INTO _row.tasks, _row.urgent FROM moved;
    ELSE
        _row.tasks := 0;
        _row.urgent := 0;
    END IF;
    _row.tube := _from;
    RETURN NEXT _row;
    IF _row.tasks > 0 AND remove_unused_tube(_from) THEN
        _row.event := 'tube removed';
        RETURN NEXT _row;
    END IF;
END $$;

-- Changes a task that no session holds. NULL: the value stays. The row has the state and the priority before.
CREATE OR REPLACE FUNCTION edit_task_3(
    _operation integer, _id bigint, _priority bigint, _delay bigint, _ttr bigint, _now bigint
) RETURNS batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _row batch_row_2;
BEGIN
    SELECT _operation, 'done', tube, state, priority INTO _row.operation, _row.event, _row.tube, _row.state, _row.priority
    FROM task_state WHERE id = _id AND state <> 'claimed' AND (state <> 'buried' OR _delay IS NULL) FOR UPDATE;
    UPDATE task_state SET
        state = CASE WHEN _delay IS NULL THEN state WHEN _delay > 0 THEN 'delayed' ELSE 'pending' END,
        due_ms = CASE WHEN _delay IS NULL THEN due_ms WHEN _delay > 0 THEN _now + _delay * 1000 END,
        priority = coalesce(_priority, priority), delay_s = coalesce(_delay, delay_s), ttr_s = coalesce(_ttr, ttr_s)
    WHERE id = _id AND _row.event IS NOT NULL;
    RETURN _row;
END $$;

-- Tells all managers of a name whether to take new tasks. Managers of versions that do not look are left out.
CREATE OR REPLACE FUNCTION set_draining_3(_operation integer, _name text, _draining boolean) RETURNS batch_row_2
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    UPDATE manager SET draining = _draining WHERE name = _name AND draining IS NOT NULL;
    IF FOUND THEN
        RETURN event_2(_operation, 'done');
    END IF;
    RETURN NULL;
END $$;

-- What a batch does on the server: run_batch_2 runs the operations in order, each by the function of its verb (see
-- functions-verbs.sql). schema-postgres.sql describes operation_2 and batch_row_2.

-- Locks the tasks that a batch names, in the order of their ids, before anything else. Tasks of other managers' claims
-- are left out. Returns the tasks that another transaction has locked, which are none unless _careful: then it waits for
-- no lock, and also locks the keys of the tasks.
CREATE OR REPLACE FUNCTION lock_tasks_2(_manager bigint, _ids bigint[], _careful boolean) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _free      bigint[];
    _locked    bigint[];
    _free_keys bigint[];
BEGIN
    IF NOT _careful THEN
        PERFORM 1 FROM task_state
        WHERE id = ANY (_ids) AND (state <> 'claimed' OR holder < 4294967296 OR holder >> 32 = _manager)
        ORDER BY id FOR UPDATE;
        RETURN '{}';
    END IF;
    _free := ARRAY(
        SELECT id FROM task_state
        WHERE id = ANY (_ids) AND (state <> 'claimed' OR holder < 4294967296 OR holder >> 32 = _manager)
        ORDER BY id FOR UPDATE SKIP LOCKED
    );
    _locked := ARRAY(
        SELECT id FROM task_state
        WHERE id = ANY (_ids) AND (state <> 'claimed' OR holder < 4294967296 OR holder >> 32 = _manager)
            AND id <> ALL (_free)
    );
    IF EXISTS (SELECT 1 FROM unique_key WHERE task_id = ANY (_free)) THEN
        _free_keys := ARRAY(SELECT task_id FROM unique_key WHERE task_id = ANY (_free) FOR UPDATE SKIP LOCKED);
        _locked := _locked || ARRAY(
            SELECT task_id FROM unique_key WHERE task_id = ANY (_free) AND task_id <> ALL (_free_keys)
        );
    END IF;
    RETURN _locked;
END $$;

-- Returns whether another transaction has locked what an operation names. Locks a tube or a key that is free. _locked: the
-- tasks that are locked.
CREATE OR REPLACE FUNCTION is_locked_2(_operation operation_2, _locked bigint[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    CASE
    WHEN _operation.kind IN (
        'claim task', 'delete', 'release', 'bury', 'touch', 'kick task', 'expire', 'break claim', 'move task', 'edit task'
    ) THEN
        RETURN _operation.id = ANY (_locked);
    WHEN _operation.kind = 'pause' THEN
        PERFORM 1 FROM tube WHERE name = _operation.tube FOR NO KEY UPDATE SKIP LOCKED;
        RETURN NOT FOUND AND EXISTS (SELECT 1 FROM tube WHERE name = _operation.tube);
    WHEN _operation.kind = 'put unique' THEN
        PERFORM 1 FROM unique_key
        WHERE tube = _operation.tube AND key = _operation.name FOR UPDATE SKIP LOCKED;
        RETURN NOT FOUND AND EXISTS (
            SELECT 1 FROM unique_key WHERE tube = _operation.tube AND key = _operation.name
        );
    ELSE
        RETURN false;
    END CASE;
END $$;

-- Runs a batch: its operations in order. Operations of one kind that follow each other may be run as one, up to "last" of
-- the first of them.
--
-- _writes: whether the batch may write. If it may not, and something has to be written first, it does nothing and
-- returns one row: "not done".
-- _reads_tubes: whether an operation needs the rows of all tubes, also of those that SQL has put tasks into.
-- _at: the time, or NULL for the server's clock. _steady: see let_time_pass_2.
-- _retention: for how many milliseconds the keys of finished tasks are kept.
-- _locks_tubes: whether the batch may add or remove tubes, which only one batch at a time may do.
-- _first_lock: tasks to lock first.
-- _careful: whether the batch waits for no lock of another program. Operations that would wait are not done ("locked"),
-- and later operations of their sessions are held back.
-- _leftovers: holders that are gone and still have claims to return.
CREATE OR REPLACE FUNCTION run_batch_2(
    _manager bigint, _operations operation_2[], _writes boolean, _reads_tubes boolean, _at bigint, _steady bigint,
    _retention bigint, _locks_tubes boolean, _first_lock bigint[], _careful boolean, _leftovers bigint[]
) RETURNS SETOF batch_row_2 LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now        bigint := coalesce(_at, now_ms());
    _keys_until bigint := _now + _retention;
    _is_known   boolean;
    _next       bigint;
    _paused     text[];
    _locked     bigint[];
    _waiting    bigint[];     -- sessions whose later operations are held back
    _operation  operation_2;
    _claim      operation_2;
    _last       integer := 0; -- the last operation that was run
    _holder     bigint;
    _got        bigint;
    _row        batch_row_2;
BEGIN
    IF _locks_tubes THEN
        PERFORM tubes_lock();
    END IF;
    IF _reads_tubes AND EXISTS (SELECT 1 FROM unknown_tube_2()) THEN
        IF NOT _writes THEN
            RETURN NEXT event_2(0, 'not done');
            RETURN;
        END IF;
        PERFORM tubes_lock();
        PERFORM make_tube(name) FROM unknown_tube_2() AS unknown (name);
    END IF;
    IF cardinality(_first_lock) > 0 THEN
        _locked := lock_tasks_2(_manager, _first_lock, _careful);
    END IF;
    SELECT EXISTS (SELECT 1 FROM manager WHERE id = _manager AND fence >= 0), next_ms INTO _is_known, _next
    FROM next_event_2();
    IF NOT _is_known THEN
        PERFORM raise_unknown_manager_2(_manager);
    END IF;
    IF _next <= _now THEN
        IF NOT _writes THEN
            RETURN NEXT event_2(0, 'not done');
            RETURN;
        END IF;
        RETURN QUERY SELECT * FROM let_time_pass_2(_now, _steady);
        IF (SELECT next_ms <= _now FROM next_event_2()) THEN
            RETURN NEXT event_2(0, 'still due');
        END IF;
    END IF;
    IF cardinality(_leftovers) > 0 THEN
        RETURN QUERY SELECT * FROM return_claims_2(0, _leftovers);
    END IF;
    _paused := ARRAY(SELECT name FROM tube WHERE paused_until_ms IS NOT NULL);

    FOR _i IN 1..cardinality(_operations) LOOP
        CONTINUE WHEN _i <= _last;
        _operation := _operations[_i];
        _last := _operation.last;
        _holder := _operation.session;
        _row := NULL;

        IF _operation.may_be_held_back AND _operation.session = ANY (_waiting) THEN
            RETURN NEXT event_2(_i, 'held back');
            CONTINUE;
        END IF;
        IF _operation.is_named THEN
            -- The lock keeps another connection from attaching the session before this batch is committed.
            SELECT id INTO _holder FROM session WHERE connection = _operation.session FOR SHARE;
            IF NOT FOUND THEN
                RETURN NEXT event_2(_i, 'displaced');
                CONTINUE;
            END IF;
        END IF;
        IF _careful AND is_locked_2(_operation, _locked) THEN
            RETURN NEXT event_2(_i, 'locked');
            IF _operation.kind <> 'expire' THEN
                _waiting := _waiting || _operation.session;
            END IF;
            CONTINUE;
        END IF;
        IF _operation.id IS NOT NULL AND cardinality(_operation.tubes) > 0
            AND NOT may_find_task_2(_operation.id, _operation.session, _operation.tubes, _writes)
        THEN
            CONTINUE;
        END IF;
        IF _operation.makes_tube AND _operation.kind <> 'put unique' THEN
            PERFORM make_tube(_operation.tube);
        END IF;

        CASE _operation.kind
        WHEN 'put' THEN
            RETURN QUERY SELECT * FROM put_tasks_2(_i, _operations[_i:_last], _now);
        WHEN 'claim' THEN
            RETURN QUERY SELECT * FROM claim_tasks_2(_i, _operations[_i:_last], _holder, _paused, _now);
            GET DIAGNOSTICS _got = ROW_COUNT;
            IF _operation.may_hold_back THEN
                FOREACH _claim IN ARRAY _operations[_i:_last] LOOP
                    IF _claim.waits AND _got < _claim.bound THEN
                        _waiting := _waiting || _claim.session;
                    END IF;
                    _got := greatest(0, _got - _claim.bound);
                END LOOP;
            END IF;
        WHEN 'delete' THEN
            IF _locks_tubes THEN
                RETURN QUERY SELECT * FROM delete_task_and_tube_2(_i, _operation.id, _holder, _keys_until);
            ELSIF _last = _i THEN
                RETURN QUERY SELECT * FROM finish_2(_i, ARRAY[_operation.id], ARRAY[_holder], _keys_until);
            ELSE
                RETURN QUERY SELECT * FROM finish_2(
                    _i, ARRAY(SELECT id FROM unnest(_operations[_i:_last])),
                    ARRAY(SELECT session FROM unnest(_operations[_i:_last])), _keys_until
                );
            END IF;
        WHEN 'release' THEN
            _row := release_task_2(_i, _operation.id, _holder, _operation.priority, _operation.delay_s, _now);
        WHEN 'bury' THEN
            _row := bury_task_2(_i, _operation.id, _holder, _operation.priority);
        WHEN 'touch' THEN
            _row := touch_task_2(_i, _operation.id, _holder, _now);
        WHEN 'expire' THEN
            RETURN QUERY SELECT * FROM expire_claim_2(_i, _operation.id, _holder);
        WHEN 'count users' THEN
            _row := count_users_2(
                _i, _manager, _operation.tube, _operation.users, _operation.watchers, _locks_tubes
            );
        WHEN 'put unique' THEN
            _row := put_unique_task_2(_i, _operation, _now);
        WHEN 'claim task' THEN
            RETURN QUERY SELECT * FROM claim_task_2(_i, _operation.id, _holder, _now);
        WHEN 'kick' THEN
            RETURN QUERY SELECT * FROM kick_tasks_2(_i, _operation.tube, _operation.bound, _operation.state);
        WHEN 'kick task' THEN
            RETURN QUERY SELECT * FROM kick_task_2(_i, _operation.id);
        WHEN 'peek' THEN
            _row := peek_task_2(_i, _operation.id);
        WHEN 'peek next' THEN
            _row := peek_next_task_2(_i, _operation.tube, _operation.state);
        WHEN 'pause' THEN
            _row := pause_tube_2(_i, _operation.tube, _operation.delay_s, _now);
            _paused := ARRAY(SELECT name FROM tube WHERE paused_until_ms IS NOT NULL);
        WHEN 'clear' THEN
            RETURN QUERY
            SELECT * FROM clear_tube_2(_i, _operation.tube, _operation.state, _operation.bound, _keys_until);
        WHEN 'task statistics' THEN
            _row := task_statistics_2(_i, _operation.id, _now);
        WHEN 'tube statistics' THEN
            _row := tube_statistics_2(_i, _operation.tube, _now);
        WHEN 'store statistics' THEN
            _row := store_statistics_2(_i);
        WHEN 'list tubes' THEN
            RETURN QUERY SELECT * FROM list_tubes_2(_i, _operation.tubes);
        WHEN 'disconnect' THEN
            RETURN QUERY SELECT * FROM disconnect_2(_i, _operation.session, false);
        WHEN 'disconnect and release' THEN
            RETURN QUERY SELECT * FROM disconnect_2(_i, _operation.session, true);
        WHEN 'attach' THEN
            RETURN QUERY SELECT * FROM attach_session_2(_i, _operation.session, _operation.name, _now);
        WHEN 'break claim' THEN
            RETURN QUERY SELECT * FROM break_claim_3(_i, _operation.id);
        WHEN 'end session' THEN
            RETURN QUERY SELECT * FROM end_session_3(_i, _operation.id, _manager);
        WHEN 'move task' THEN
            RETURN QUERY SELECT * FROM move_task_3(_i, _operation.id, _operation.tube);
        WHEN 'move tasks' THEN
            RETURN QUERY
            SELECT * FROM move_tasks_3(_i, _operation.tube, _operation.name, _operation.state, _operation.bound);
        WHEN 'edit task' THEN
            _row := edit_task_3(
                _i, _operation.id, _operation.priority, _operation.delay_s, _operation.ttr_s, _now
            );
        WHEN 'set draining' THEN
            _row := set_draining_3(_i, _operation.name, _operation.bound = 1);
        END CASE;
        IF _row.event IS NOT NULL THEN
            RETURN NEXT _row;
        END IF;
    END LOOP;

    SELECT next_ms INTO _next FROM next_event_2();
    _row := event_2(0, 'end');
    _row.numbers := ARRAY[_now, _next, txid_current_if_assigned()];
    RETURN NEXT _row;
END $$;

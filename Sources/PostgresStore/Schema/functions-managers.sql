-- How managers start, prove that they are alive, look for changes, and end.

-- == A manager's start ==

-- Adds a manager. Returns its number.
CREATE OR REPLACE FUNCTION enter_3(
    _name text, _lane integer, _address text, _pid integer, _version text, _lease bigint, _host text
) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    INSERT INTO manager (name, lane, address, pid, version, started_ms, lease_ms, heartbeat_ms, host, draining)
    VALUES (_name, _lane, _address, _pid, _version, now_ms(), _lease, now_ms(), _host, false)
    RETURNING id
$$;

-- Counts the connections that use and watch tubes again, after their manager got another number.
CREATE OR REPLACE FUNCTION count_users_again_2(_me bigint, _tubes text[], _users bigint[], _watchers bigint[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM tubes_lock();
    PERFORM make_tube(name) FROM unnest(_tubes) AS given (name);
    INSERT INTO tube_user (tube, manager_id, users, watchers)
    SELECT name, _me, users, watchers FROM unnest(_tubes, _users, _watchers) AS given (name, users, watchers);
END $$;

-- Attaches connections to the named sessions that they had when their manager had the number _former. Leaves out sessions
-- that a connection of another manager has attached since then.
CREATE OR REPLACE FUNCTION attach_sessions_again_2(_former bigint, _sessions bigint[], _connections bigint[])
RETURNS void LANGUAGE sql VOLATILE AS $$
    UPDATE session SET connection = given.connection
    FROM unnest(_sessions, _connections) AS given (id, connection)
    WHERE session.id = given.id AND (session.connection IS NULL OR session.connection >> 32 = _former)
$$;

-- == What sessions wait for ==

-- Notes that a manager's sessions wait for these tubes.
CREATE OR REPLACE FUNCTION subscribe_2(_me bigint, _tubes text[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO awaited (tube, manager_id) SELECT name, _me FROM unnest(_tubes) AS given (name) ON CONFLICT DO NOTHING;
END $$;

-- Notes that a manager's sessions no longer wait for these tubes.
CREATE OR REPLACE FUNCTION unsubscribe_2(_me bigint, _tubes text[]) RETURNS void LANGUAGE sql VOLATILE AS $$
    DELETE FROM awaited WHERE manager_id = _me AND tube = ANY (_tubes)
$$;

-- Returns a number that changes with the batches of the other managers, and whether one of these tubes has a pending task.
CREATE OR REPLACE FUNCTION find_changes_2(_me bigint, _tubes text[])
RETURNS TABLE (o_others bigint, o_is_pending boolean) LANGUAGE sql VOLATILE AS $$
    SELECT
        (SELECT coalesce(sum(id * 1000003 + batches), 0)::bigint FROM manager WHERE id <> _me),
        EXISTS (
            SELECT 1 FROM unnest(_tubes) AS given (name), LATERAL (
                SELECT 1 FROM task_state WHERE state = 'pending' AND tube = given.name LIMIT 1
            ) AS head
        )
$$;

-- == Signs of life ==

-- Returns the number of a manager's last batch, after any commit that is under way. Returns no row if the manager is
-- considered dead. It also raises the manager's fence: a batch that arrives later, over a connection that the manager has
-- given up, is not committed.
CREATE OR REPLACE FUNCTION last_batch_2(_me bigint) RETURNS TABLE (o_batches bigint, o_fence bigint) LANGUAGE sql VOLATILE AS $$
    UPDATE manager SET fence = fence + 1 WHERE id = _me AND fence >= 0 RETURNING batches, fence
$$;

-- Notes that a manager is alive. It is called over its own connection, which no batch delays.
CREATE OR REPLACE FUNCTION beat_2(_me bigint) RETURNS void LANGUAGE sql VOLATILE AS $$
    INSERT INTO heartbeat AS known (manager_id, beats) SELECT _me, 1 WHERE EXISTS (SELECT 1 FROM manager WHERE id = _me)
    ON CONFLICT (manager_id) DO UPDATE SET beats = known.beats + 1
$$;

-- Returns all managers: a counter that stays the same only while the manager shows no sign of life, its lease, and whether
-- it is already considered dead. Also returns whether there are changes of counts to add up, whether each is to take no
-- new tasks, and the names. With _renews, writes the time of the last heartbeat of _me, and its figures, for people.
--
-- No clock of the server takes part: the caller decides which manager is dead, by its own clock, after two calls.
CREATE OR REPLACE FUNCTION list_managers_3(_me bigint, _renews boolean, _figures text)
RETURNS TABLE (
    o_id bigint, o_pulse bigint, o_lease bigint, o_is_dead boolean, o_has_changes boolean, o_is_draining boolean, o_name text
)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF _renews THEN
        UPDATE manager SET heartbeat_ms = now_ms(), figures = _figures
        WHERE id IN (SELECT id FROM manager WHERE id = _me FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
    RETURN QUERY
    SELECT
        id, batches + coalesce((SELECT beats FROM heartbeat WHERE manager_id = id), 0), lease_ms, fence < 0,
        EXISTS (SELECT 1 FROM tube_count WHERE manager_id < 0), coalesce(draining, false), name
    FROM manager;
END $$;

-- == Maintenance ==

-- Adds up to _limit changes of counts to a manager's own rows, and adds the tubes that they name and that do not exist.
-- Returns the number of changes.
CREATE OR REPLACE FUNCTION add_up_changes_2(_me bigint, _limit bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _new    text[] := ARRAY(SELECT name FROM unknown_tube_2() AS unknown (name));
    _tubes  text[];
    _added  bigint;
    _free   text[];
    _locked text[];
BEGIN
    -- Leave rows that another program has locked.
    _free := ARRAY(SELECT tube FROM tube_count WHERE manager_id = _me AND tube IN (
        SELECT tube FROM tube_count WHERE manager_id < 0
    ) FOR UPDATE SKIP LOCKED);
    _locked := ARRAY(SELECT tube FROM tube_count WHERE manager_id = _me AND tube <> ALL (_free) AND tube IN (
        SELECT tube FROM tube_count WHERE manager_id < 0
    ));
    IF cardinality(_new) > 0 THEN
        IF NOT try_tubes_lock() THEN
            RETURN 0;
        END IF;
        PERFORM make_tube(name) FROM unnest(_new) AS given (name);
    END IF;
    WITH gone AS (
        DELETE FROM tube_count WHERE ctid = ANY (
            ARRAY(
                SELECT ctid FROM tube_count
                WHERE manager_id < 0 AND EXISTS (SELECT 1 FROM tube WHERE name = tube_count.tube)
                    AND tube <> ALL (_locked)
                LIMIT _limit FOR UPDATE SKIP LOCKED
            )
        )
        RETURNING *
    ), summed AS (
        SELECT
            tube, count(*) AS changes,
            add_counts_2(
                _me, tube, sum(pending)::bigint, sum(urgent)::bigint, sum(delayed)::bigint, sum(claimed)::bigint,
                sum(buried)::bigint, sum(total_tasks)::bigint, sum(deletes)::bigint
            )
        FROM gone GROUP BY tube
    )
    SELECT coalesce(sum(changes), 0), array_agg(tube) INTO _added, _tubes FROM summed;
    -- SQL may have taken the last task out of a tube.
    IF _added > 0 THEN
        PERFORM remove_unused_tubes_2(_tubes);
    END IF;
    RETURN _added;
END $$;

-- After the server's clock was set, gives claims of named sessions from before that their full time to run again, up to
-- 1000. Returns their number.
CREATE OR REPLACE FUNCTION restart_named_claims_2(_before bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _now   bigint := now_ms();
    _found bigint[] := ARRAY(
        SELECT id FROM task_state
        WHERE state = 'claimed' AND holder < 4294967296
            AND (due_ms - ttr_s * 1000 < _before OR due_ms - ttr_s * 1000 > _now)
        LIMIT 1000 FOR UPDATE SKIP LOCKED
    );
BEGIN
    UPDATE task_state SET due_ms = _now + ttr_s * 1000 WHERE id = ANY (_found);
    RETURN cardinality(_found);
END $$;

-- Deletes keys past their time, sessions without connection and claims, and unused tubes.
CREATE OR REPLACE FUNCTION clean_up_2(_at bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM forget_keys_2(coalesce(_at, now_ms()), 1000);
    DELETE FROM session
    WHERE id = ANY (
        ARRAY(
            SELECT id FROM session
            WHERE connection IS NULL AND NOT EXISTS (
                SELECT 1 FROM task_state WHERE state = 'claimed' AND holder = session.id
            )
            FOR UPDATE SKIP LOCKED
        )
    );
    IF try_tubes_lock() THEN
        PERFORM remove_unused_tube(name) FROM tube
        WHERE name <> 'default' AND NOT EXISTS (SELECT 1 FROM tube_user WHERE tube = name)
            AND NOT EXISTS (
                SELECT 1 FROM tube_count WHERE tube = name HAVING sum(pending + delayed + claimed + buried) > 0
            );
    END IF;
END $$;

-- Declares a manager dead if its counter is still _pulse (NULL: whatever it is), and returns up to 1000 of its claims. From
-- then on, nothing that it does can be committed. Once all its claims are returned, its row is removed.
--
-- Waits for no row: what another transaction has locked is left for the next call. Returns no row if the manager does not
-- exist, is alive, or if nothing could be done. o_is_full: there may be more to do at once.
CREATE OR REPLACE FUNCTION remove_dead_manager_2(_me bigint, _dead bigint, _pulse bigint)
RETURNS TABLE (o_name text, o_claims bigint, o_is_gone boolean, o_is_full boolean, o_tubes text[])
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _from  bigint := _dead << 32;
    _to    bigint := (_dead << 32) + 4294967295;
    _fence bigint;
    _beats bigint;
    _name  text;
    _found bigint[];
BEGIN
    IF NOT try_tubes_lock() THEN
        RETURN;
    END IF;
    -- A batch that is being committed has locked this row.
    SELECT name, fence, batches INTO o_name, _fence, _beats FROM manager WHERE id = _dead FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    _beats := _beats + coalesce((SELECT beats FROM heartbeat WHERE manager_id = _dead), 0);
    IF _fence >= 0 AND _beats <> _pulse THEN
        RETURN;
    END IF;
    UPDATE manager SET fence = -1 WHERE id = _dead AND fence >= 0;
    _found := ARRAY(
        SELECT id FROM task_state WHERE state = 'claimed' AND holder BETWEEN _from AND _to
        ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
    );
    WITH moved AS (
        SELECT tube, tasks, urgent FROM make_pending_2(0, _found, 'claimed')
    ), counted AS (
        INSERT INTO tube_count (tube, manager_id, pending, urgent, claimed)
        SELECT tube, -nextval('count_change'), tasks, urgent, -tasks FROM moved
    )
    SELECT coalesce(sum(tasks), 0), array_agg(tube) INTO o_claims, o_tubes FROM moved;
    o_is_full := o_claims = 1000;
    o_is_gone := false;
    IF NOT o_is_full AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND holder BETWEEN _from AND _to) THEN
        UPDATE session SET connection = NULL
        WHERE id = ANY (ARRAY(SELECT id FROM session WHERE connection BETWEEN _from AND _to FOR UPDATE SKIP LOCKED));
        WITH gone AS (
            DELETE FROM tube_count WHERE ctid = ANY (
                ARRAY(SELECT ctid FROM tube_count WHERE manager_id = _dead FOR UPDATE SKIP LOCKED)
            )
            RETURNING *
        )
        INSERT INTO tube_count (tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes)
        SELECT tube, -nextval('count_change'), pending, urgent, delayed, claimed, buried, total_tasks, deletes FROM gone;
        o_is_gone := NOT EXISTS (SELECT 1 FROM session WHERE connection BETWEEN _from AND _to)
            AND NOT EXISTS (SELECT 1 FROM tube_count WHERE manager_id = _dead);
    END IF;
    IF o_is_gone THEN
        DELETE FROM awaited WHERE manager_id = _dead;
        DELETE FROM heartbeat WHERE manager_id = _dead;
        DELETE FROM manager WHERE id = _dead;
        -- A tube with count changes that were just inserted could not be removed.
        PERFORM add_up_changes_2(CASE WHEN EXISTS (SELECT 1 FROM manager WHERE id = _me) THEN _me ELSE 0 END, 100000);
        FOR _name IN
            WITH gone AS (DELETE FROM tube_user WHERE manager_id = _dead RETURNING tube)
            SELECT gone.tube FROM gone JOIN tube ON tube.name = gone.tube ORDER BY tube.position
        LOOP
            PERFORM remove_unused_tube(_name);
        END LOOP;
    END IF;
    IF _fence < 0 AND o_claims = 0 AND NOT o_is_gone THEN
        RETURN;
    END IF;
    PERFORM wake(o_tubes, _me);
    RETURN NEXT;
END $$;

-- How managers come, live, look and go, version 1.

-- For what may happen only while a manager is known, where it is not.
CREATE FUNCTION not_known_1(_me bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RAISE EXCEPTION 'manager % is not known any more', _me USING ERRCODE = 'BR001';
END $$;

-- Enters a manager. Returns its number.
CREATE FUNCTION enter_1(_name text, _lane integer, _address text, _pid integer, _version text, _lease bigint)
RETURNS bigint LANGUAGE sql VOLATILE AS $$
    INSERT INTO manager (name, lane, address, pid, version, started_ms, lease_ms, heartbeat_ms)
    VALUES (_name, _lane, _address, _pid, _version, now_ms(), _lease, now_ms())
    RETURNING id
$$;

-- Says anew which tubes a manager's connections use and watch, after it has got another number.
CREATE FUNCTION refer_again_1(_me bigint, _tubes text[], _users bigint[], _watchers bigint[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM tubes_lock();
    PERFORM make_tube(name) FROM unnest(_tubes) AS given (name);
    INSERT INTO tube_user (tube, manager_id, users, watchers)
    SELECT name, _me, users, watchers FROM unnest(_tubes, _users, _watchers) AS given (name, users, watchers);
END $$;

-- Takes named sessions up again for the connections that had them when the manager had another number, as far as nobody
-- else has taken them up.
CREATE FUNCTION take_up_again_1(_former bigint, _sessions bigint[], _connections bigint[])
RETURNS void LANGUAGE sql VOLATILE AS $$
    UPDATE session SET connection = given.connection
    FROM unnest(_sessions, _connections) AS given (id, connection)
    WHERE session.id = given.id AND (session.connection IS NULL OR session.connection >> 32 = _former)
$$;

-- Says which tubes a manager's sessions wait for.
CREATE FUNCTION announce_1(_me bigint, _tubes text[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO awaited (tube, manager_id) SELECT name, _me FROM unnest(_tubes) AS given (name) ON CONFLICT DO NOTHING;
END $$;

-- Says which tubes a manager's sessions do not wait for any more.
CREATE FUNCTION withdraw_1(_me bigint, _tubes text[]) RETURNS void LANGUAGE sql VOLATILE AS $$
    DELETE FROM awaited WHERE manager_id = _me AND tube = ANY (_tubes)
$$;

-- A number that changes with the batches of the other managers, and whether one of these tubes has a pending task.
CREATE FUNCTION look_1(_me bigint, _tubes text[]) RETURNS TABLE (o_others bigint, o_is_pending boolean) LANGUAGE sql VOLATILE
AS $$
    SELECT
        (SELECT coalesce(sum(id * 1000003 + batches), 0)::bigint FROM manager WHERE id <> _me),
        EXISTS (
            SELECT 1 FROM unnest(_tubes) AS given (name), LATERAL (
                SELECT 1 FROM task_state WHERE state = 'pending' AND tube = given.name LIMIT 1
            ) AS head
        )
$$;

-- The number of a manager's last batch, once whatever is about to be committed has been; no row where it is not known any
-- more. What arrives later, over a connection that the manager has given up, meets the fence that this raises: nothing of it
-- is committed.
CREATE FUNCTION last_batch_1(_me bigint) RETURNS TABLE (o_batches bigint, o_fence bigint) LANGUAGE sql VOLATILE AS $$
    UPDATE manager SET fence = fence + 1 WHERE id = _me RETURNING batches, fence
$$;

-- Whether a manager has not renewed its lease. A server that has just started gives all of them the time to do so.
CREATE FUNCTION is_dead_1(_heartbeat bigint, _lease bigint) RETURNS boolean LANGUAGE sql VOLATILE
RETURN _heartbeat + _lease < now_ms()
    AND floor(extract(epoch FROM pg_postmaster_start_time()) * 1000)::bigint + _lease < now_ms();

-- Renews a manager's lease if asked to. Returns whether the manager is known, and whether another one is dead.
CREATE FUNCTION beat_1(_me bigint, _renews boolean) RETURNS TABLE (is_known boolean, is_needed boolean)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF _renews THEN
        UPDATE manager SET heartbeat_ms = now_ms() WHERE id = _me;
        is_known := FOUND;
    ELSE
        is_known := EXISTS (SELECT 1 FROM manager WHERE id = _me);
    END IF;
    is_needed := EXISTS (SELECT 1 FROM manager WHERE id <> _me AND is_dead_1(heartbeat_ms, lease_ms));
    RETURN NEXT;
END $$;

-- Cleans up: keys past their time, sessions that nobody has and that hold nothing, tubes that nobody needs.
CREATE FUNCTION tidy_1(_at bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM forget_keys_1(coalesce(_at, now_ms()), 1000);
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

-- Returns up to 1000 claims of a manager and, with the last of them, removes its row: of manager _who, or of any that is
-- dead. Returns no row where there is none.
CREATE FUNCTION bury_manager_1(_me bigint, _who bigint)
RETURNS TABLE (o_id bigint, o_name text, o_claims bigint, o_is_last boolean, o_tubes text[]) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _name  text;
    _found bigint[];
BEGIN
    PERFORM tubes_lock();
    SELECT id, name INTO o_id, o_name FROM manager
    WHERE CASE WHEN _who IS NULL THEN id <> _me AND is_dead_1(heartbeat_ms, lease_ms) ELSE id = _who END
    ORDER BY id LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- Tasks are locked before the manager, as in a batch. One that is merely slow may be in the middle of a batch: nobody
    -- waits for it, and it is looked at again later.
    _found := ARRAY(
        SELECT id FROM task_state
        WHERE state = 'claimed' AND holder BETWEEN o_id << 32 AND (o_id << 32) + 4294967295
        ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED
    );
    SELECT count(*) INTO o_claims FROM (
        SELECT 1 FROM task_state
        WHERE state = 'claimed' AND holder BETWEEN o_id << 32 AND (o_id << 32) + 4294967295
        LIMIT 1000
    ) AS claimed;
    PERFORM 1 FROM manager
    WHERE id = o_id AND (_who IS NOT NULL OR is_dead_1(heartbeat_ms, lease_ms))
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND OR cardinality(_found) < o_claims THEN
        RETURN;
    END IF;
    WITH moved AS (
        UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL
        WHERE id = ANY (_found) RETURNING tube, priority
    ), counted AS (
        INSERT INTO tube_count AS known (tube, manager_id, pending, urgent, claimed)
        SELECT tube, 0, count(*), count(*) FILTER (WHERE priority < 1024), -count(*) FROM moved GROUP BY tube
        ON CONFLICT (tube, manager_id) DO UPDATE SET
            pending = known.pending + EXCLUDED.pending,
            urgent  = known.urgent + EXCLUDED.urgent,
            claimed = known.claimed + EXCLUDED.claimed
    )
    SELECT count(*), array_agg(DISTINCT tube) INTO o_claims, o_tubes FROM moved;
    o_is_last := o_claims < 1000;
    IF o_is_last THEN
        UPDATE session SET connection = NULL WHERE connection BETWEEN o_id << 32 AND (o_id << 32) + 4294967295;
        DELETE FROM awaited WHERE manager_id = o_id;
        WITH gone AS (
            DELETE FROM tube_count WHERE manager_id = o_id RETURNING *
        )
        INSERT INTO tube_count AS known (tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes)
        SELECT tube, 0, pending, urgent, delayed, claimed, buried, total_tasks, deletes FROM gone
        ON CONFLICT (tube, manager_id) DO UPDATE SET
            pending     = known.pending + EXCLUDED.pending,
            urgent      = known.urgent + EXCLUDED.urgent,
            delayed     = known.delayed + EXCLUDED.delayed,
            claimed     = known.claimed + EXCLUDED.claimed,
            buried      = known.buried + EXCLUDED.buried,
            total_tasks = known.total_tasks + EXCLUDED.total_tasks,
            deletes     = known.deletes + EXCLUDED.deletes;
        DELETE FROM manager WHERE id = o_id;
        FOR _name IN
            WITH gone AS (DELETE FROM tube_user WHERE manager_id = o_id RETURNING tube)
            SELECT gone.tube FROM gone JOIN tube ON tube.name = gone.tube ORDER BY tube.position
        LOOP
            PERFORM remove_unused_tube(_name);
        END LOOP;
    END IF;
    PERFORM wake(o_tubes, _me);
    RETURN NEXT;
END $$;

-- How managers come, live, look and go, version 2.

-- For what may happen only while a manager is known, where it is not.
CREATE OR REPLACE FUNCTION not_known_2(_me bigint) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RAISE EXCEPTION 'manager % is not known any more', _me USING ERRCODE = 'BR001';
END $$;

-- Enters a manager. Returns its number.
CREATE OR REPLACE FUNCTION enter_2(_name text, _lane integer, _address text, _pid integer, _version text, _lease bigint)
RETURNS bigint LANGUAGE sql VOLATILE AS $$
    INSERT INTO manager (name, lane, address, pid, version, started_ms, lease_ms, heartbeat_ms)
    VALUES (_name, _lane, _address, _pid, _version, now_ms(), _lease, now_ms())
    RETURNING id
$$;

-- Says anew which tubes a manager's connections use and watch, after it has got another number.
CREATE OR REPLACE FUNCTION refer_again_2(_me bigint, _tubes text[], _users bigint[], _watchers bigint[])
RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM tubes_lock();
    PERFORM make_tube(name) FROM unnest(_tubes) AS given (name);
    INSERT INTO tube_user (tube, manager_id, users, watchers)
    SELECT name, _me, users, watchers FROM unnest(_tubes, _users, _watchers) AS given (name, users, watchers);
END $$;

-- Takes named sessions up again for the connections that had them when the manager had another number, as far as nobody
-- else has taken them up.
CREATE OR REPLACE FUNCTION take_up_again_2(_former bigint, _sessions bigint[], _connections bigint[])
RETURNS void LANGUAGE sql VOLATILE AS $$
    UPDATE session SET connection = given.connection
    FROM unnest(_sessions, _connections) AS given (id, connection)
    WHERE session.id = given.id AND (session.connection IS NULL OR session.connection >> 32 = _former)
$$;

-- Says which tubes a manager's sessions wait for.
CREATE OR REPLACE FUNCTION announce_2(_me bigint, _tubes text[]) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    INSERT INTO awaited (tube, manager_id) SELECT name, _me FROM unnest(_tubes) AS given (name) ON CONFLICT DO NOTHING;
END $$;

-- Says which tubes a manager's sessions do not wait for any more.
CREATE OR REPLACE FUNCTION withdraw_2(_me bigint, _tubes text[]) RETURNS void LANGUAGE sql VOLATILE AS $$
    DELETE FROM awaited WHERE manager_id = _me AND tube = ANY (_tubes)
$$;

-- A number that changes with the batches of the other managers, and whether one of these tubes has a pending task.
CREATE OR REPLACE FUNCTION look_2(_me bigint, _tubes text[]) RETURNS TABLE (o_others bigint, o_is_pending boolean) LANGUAGE sql VOLATILE
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
CREATE OR REPLACE FUNCTION last_batch_2(_me bigint) RETURNS TABLE (o_batches bigint, o_fence bigint) LANGUAGE sql VOLATILE AS $$
    UPDATE manager SET fence = fence + 1 WHERE id = _me AND fence >= 0 RETURNING batches, fence
$$;

-- Says that a manager lives. Called over a connection of its own, which no batch holds up.
CREATE OR REPLACE FUNCTION beat_2(_me bigint) RETURNS void LANGUAGE sql VOLATILE AS $$
    INSERT INTO heartbeat AS known (manager_id, beats) SELECT _me, 1 WHERE EXISTS (SELECT 1 FROM manager WHERE id = _me)
    ON CONFLICT (manager_id) DO UPDATE SET beats = known.beats + 1
$$;

-- All managers: a counter that stands still only while the manager shows no sign of life, its lease, and whether it is dead
-- already. With _renews, notes for people that _me lives.
--
-- No clock is asked: which manager is dead is for the caller to judge, by its own clock, over two calls.
CREATE OR REPLACE FUNCTION survey_2(_me bigint, _renews boolean)
RETURNS TABLE (o_id bigint, o_pulse bigint, o_lease bigint, o_is_dead boolean, o_has_changes boolean)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF _renews THEN
        UPDATE manager SET heartbeat_ms = now_ms()
        WHERE id IN (SELECT id FROM manager WHERE id = _me FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
    RETURN QUERY
    SELECT
        id, batches + coalesce((SELECT beats FROM heartbeat WHERE manager_id = id), 0), lease_ms, fence < 0,
        EXISTS (SELECT 1 FROM tube_count WHERE manager_id < 0)
    FROM manager;
END $$;

-- Adds up to _limit changes of counts to a manager's own rows, and adds the tubes that they name and that are not there.
-- Returns how many it has added.
CREATE OR REPLACE FUNCTION add_up_2(_me bigint, _limit bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _new    text[] := ARRAY(SELECT name FROM unknown_tube_2() AS unknown (name));
    _name   text;
    _tubes  text[];
    _added  bigint;
    _free   text[];
    _locked text[];
BEGIN
    -- What another program has locked is left as it is.
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
    ), added AS (
        INSERT INTO tube_count AS known (tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes)
        SELECT
            tube, _me, sum(pending), sum(urgent), sum(delayed), sum(claimed), sum(buried), sum(total_tasks), sum(deletes)
        FROM gone GROUP BY tube
        ON CONFLICT (tube, manager_id) DO UPDATE SET
            pending     = known.pending + EXCLUDED.pending,
            urgent      = known.urgent + EXCLUDED.urgent,
            delayed     = known.delayed + EXCLUDED.delayed,
            claimed     = known.claimed + EXCLUDED.claimed,
            buried      = known.buried + EXCLUDED.buried,
            total_tasks = known.total_tasks + EXCLUDED.total_tasks,
            deletes     = known.deletes + EXCLUDED.deletes
    )
    SELECT count(*), array_agg(DISTINCT tube) INTO _added, _tubes FROM gone;
    -- SQL may have taken the last task out of a tube.
    IF _added > 0 AND try_tubes_lock() THEN
        FOREACH _name IN ARRAY _tubes LOOP
            PERFORM remove_unused_tube(_name);
        END LOOP;
    END IF;
    RETURN _added;
END $$;

-- Begins the time of claims of named sessions again, up to 1000 of them: those from before a step of the server's clock.
-- Returns how many.
CREATE OR REPLACE FUNCTION begin_named_claims_again_2(_before bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
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

-- Cleans up: keys past their time, sessions that nobody has and that hold nothing, tubes that nobody needs.
CREATE OR REPLACE FUNCTION tidy_2(_at bigint) RETURNS void LANGUAGE plpgsql VOLATILE AS $$
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

-- Takes a manager for dead, if its counter is still _pulse (NULL: whatever it is), and returns up to 1000 of its claims.
-- From then on nothing that it does can be committed. Once all its claims are returned, removes its row.
--
-- Waits for no row: what another transaction has locked is left for the next call. Returns no row if there is no such
-- manager, if it lives, or if nothing could be done. o_is_full: there may be more to do at once.
CREATE OR REPLACE FUNCTION bury_manager_2(_me bigint, _dead bigint, _pulse bigint)
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
    -- A batch that has come to its end holds this row until it is committed.
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
        UPDATE task_state SET state = 'pending', due_ms = NULL, holder = NULL
        WHERE id = ANY (_found) RETURNING tube, priority
    ), counted AS (
        INSERT INTO tube_count (tube, manager_id, pending, urgent, claimed)
        SELECT tube, -nextval('count_change'), pending, urgent, -pending
        FROM (
            SELECT tube, count(*) AS pending, count(*) FILTER (WHERE priority < 1024) AS urgent FROM moved GROUP BY tube
        ) AS by_tube
    )
    SELECT count(*), array_agg(DISTINCT tube) INTO o_claims, o_tubes FROM moved;
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
        -- The counts that were just inserted keep a tube in being.
        PERFORM add_up_2(CASE WHEN EXISTS (SELECT 1 FROM manager WHERE id = _me) THEN _me ELSE 0 END, 100000);
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

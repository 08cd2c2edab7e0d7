-- Functions that managers of 0.1.0 call, changed so that they work beside version 2 of the tables. Run after all others.

-- Notes that a manager of 0.1.0 is alive. It never learns that another one is dead: only newer managers remove dead ones.
CREATE OR REPLACE FUNCTION beat_1(_me bigint, _renews boolean) RETURNS TABLE (is_known boolean, is_needed boolean)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    is_known := EXISTS (SELECT 1 FROM manager WHERE id = _me AND fence >= 0);
    IF is_known AND _renews THEN
        UPDATE manager SET heartbeat_ms = now_ms() WHERE id = _me;
        PERFORM beat_2(_me);
    END IF;
    is_needed := false;
    RETURN NEXT;
END $$;

-- A dead manager stays dead.
CREATE OR REPLACE FUNCTION last_batch_1(_me bigint) RETURNS TABLE (o_batches bigint, o_fence bigint)
LANGUAGE sql VOLATILE AS $$
    UPDATE manager SET fence = fence + 1 WHERE id = _me AND fence >= 0 RETURNING batches, fence
$$;

-- A manager of 0.1.0 removes only itself: when it ends, and when the others considered it dead.
CREATE OR REPLACE FUNCTION bury_manager_1(_me bigint, _who bigint)
RETURNS TABLE (o_id bigint, o_name text, o_claims bigint, o_is_last boolean, o_tubes text[]) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _is_full boolean;
BEGIN
    IF _who IS NULL THEN
        RETURN;
    END IF;
    -- It waits for this lock, as in 0.1.0. Without the lock it would leave its claims to others.
    PERFORM tubes_lock();
    SELECT _who, removed.o_name, removed.o_claims, removed.o_is_gone, removed.o_tubes, removed.o_is_full
    INTO o_id, o_name, o_claims, o_is_last, o_tubes, _is_full
    FROM remove_dead_manager_2(_me, _who, NULL) AS removed;
    IF FOUND AND (o_is_last OR _is_full) THEN
        RETURN NEXT;
    END IF;
END $$;

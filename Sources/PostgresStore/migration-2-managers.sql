-- Functions that managers of 0.1.0 call, as they have to be beside version 2 of the tables; run after all others.

-- Says that a manager of 0.1.0 lives. It is never told that another one is dead: newer managers see to that.
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

-- A manager that is dead stays so.
CREATE OR REPLACE FUNCTION last_batch_1(_me bigint) RETURNS TABLE (o_batches bigint, o_fence bigint)
LANGUAGE sql VOLATILE AS $$
    UPDATE manager SET fence = fence + 1 WHERE id = _me AND fence >= 0 RETURNING batches, fence
$$;

-- A manager of 0.1.0 buries only itself: when it leaves, and when it was taken for dead.
CREATE OR REPLACE FUNCTION bury_manager_1(_me bigint, _who bigint)
RETURNS TABLE (o_id bigint, o_name text, o_claims bigint, o_is_last boolean, o_tubes text[]) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    _is_full boolean;
BEGIN
    IF _who IS NULL THEN
        RETURN;
    END IF;
    -- It waits for this lock, as it always did: if it could not get it, it would leave its claims to others.
    PERFORM tubes_lock();
    SELECT _who, buried.o_name, buried.o_claims, buried.o_is_gone, buried.o_tubes, buried.o_is_full
    INTO o_id, o_name, o_claims, o_is_last, o_tubes, _is_full
    FROM bury_manager_2(_me, _who, NULL) AS buried;
    IF FOUND AND (o_is_last OR _is_full) THEN
        RETURN NEXT;
    END IF;
END $$;

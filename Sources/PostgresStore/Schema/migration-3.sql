-- Changes the tables of version 2 to those of version 3: operators see and steer managers. It runs in one transaction with
-- the functions, which are replaced or added.
--
-- Running managers of version 2 continue. They never look whether they are to take new tasks, and so "draining" stays NULL
-- in their rows.

ALTER TABLE manager
    ADD COLUMN host text NOT NULL DEFAULT '', ADD COLUMN draining boolean, ADD COLUMN figures text NOT NULL DEFAULT '';

CREATE TABLE store_event (
    name  text   COLLATE "C" PRIMARY KEY,
    at_ms bigint NOT NULL
);

DROP VIEW manager_overview;

CREATE VIEW manager_overview AS
SELECT
    id, name, lane, address, pid, host, version, draining, utc(started_ms) AS started, utc(heartbeat_ms) AS last_heartbeat,
    round((heartbeat_ms + lease_ms - now_ms()) / 1000.0, 1) AS lease_seconds_left,
    (
        SELECT count(*) FROM task_state
        WHERE state = 'claimed' AND holder BETWEEN manager.id << 32 AND (manager.id << 32) + 4294967295
    ) AS claims
FROM manager
ORDER BY id;

UPDATE schema_version SET version = 3;

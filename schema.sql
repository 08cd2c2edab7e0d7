-- Beanrow's database, version 4.
--
-- One row per task. Read the views (task_overview, claim_overview, oldest_pending, tube_overview, session_overview,
-- manager_overview). Add, change and delete tasks through the view "task":
--
--   INSERT INTO task (tube, body) VALUES ('mail', 'hello');
--   UPDATE task SET state = 'pending' WHERE tube = 'mail' AND state = 'buried';
--   DELETE FROM task WHERE id = 7;
--
-- Before you write to a database that managers use: PRAGMA wal_autocheckpoint = 0; Times are UTC in milliseconds since
-- 1970 (…_ms). Durations are seconds (…_s). Only the due_ms of a claimed task is claim time, which does not change when
-- the machine's clock is set: see "claim_clock".

PRAGMA application_id = 1113940334;  -- "Bean"
PRAGMA user_version = 4;

-- A manager process that serves this database. Its peers notice when it dies and remove its row.
CREATE TABLE manager (
    id           INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 2147483647),
    name         TEXT    NOT NULL,
    address      TEXT    NOT NULL,         -- its listening address, HOST:PORT
    pid          INTEGER NOT NULL,
    slot         INTEGER NOT NULL UNIQUE CHECK (slot BETWEEN 0 AND 63),  -- the byte of the lock file that it holds
    version      TEXT    NOT NULL,
    started_ms   INTEGER NOT NULL,
    heartbeat_ms INTEGER NOT NULL,         -- written about every ten seconds; the lock proves that it lives, not this
    host         TEXT    NOT NULL DEFAULT '',
    draining     INTEGER CHECK (draining IN (0, 1)),  -- whether it is to take no new tasks; NULL: its version never looks
    figures      TEXT    NOT NULL DEFAULT ''  -- of its process, as of its heartbeat: name=number, separated by spaces
) STRICT;

-- A tube: a named queue. It exists while it has tasks or users; "default" always does.
CREATE TABLE tube (
    id              INTEGER PRIMARY KEY,
    name            TEXT    NOT NULL UNIQUE
        CONSTRAINT "a tube's name has 1 to 200 of the characters A-Z a-z 0-9 - + / ; . $ _ ( ) and no hyphen in front"
        CHECK (
            length(CAST(name AS BLOB)) BETWEEN 1 AND 200
            AND length(name) = length(CAST(name AS BLOB))
            AND name NOT GLOB '-*'
            AND name NOT GLOB '*[^-A-Za-z0-9+/;.$_()]*'
        ),
    position        INTEGER UNIQUE,        -- its place in the list of tubes
    -- Tasks by state, always equal to the number of rows. Urgent: pending, with a priority below 1024.
    pending         INTEGER NOT NULL DEFAULT 0 CHECK (pending >= 0),
    urgent          INTEGER NOT NULL DEFAULT 0 CHECK (urgent BETWEEN 0 AND pending),
    delayed         INTEGER NOT NULL DEFAULT 0 CHECK (delayed >= 0),
    claimed         INTEGER NOT NULL DEFAULT 0 CHECK (claimed >= 0),
    buried          INTEGER NOT NULL DEFAULT 0 CHECK (buried >= 0),
    -- What happened since it was created.
    total_tasks     INTEGER NOT NULL DEFAULT 0 CHECK (total_tasks >= 0),
    deletes         INTEGER NOT NULL DEFAULT 0 CHECK (deletes >= 0),
    pauses          INTEGER NOT NULL DEFAULT 0 CHECK (pauses >= 0),
    -- The current pause: its length, and when it ends.
    pause_s         INTEGER NOT NULL DEFAULT 0 CHECK (pause_s BETWEEN 0 AND 4294967295),
    paused_until_ms INTEGER,
    CONSTRAINT "pause_s and paused_until_ms are set together" CHECK ((pause_s > 0) = (paused_until_ms IS NOT NULL))
) STRICT;

CREATE INDEX tube_paused ON tube (paused_until_ms) WHERE paused_until_ms IS NOT NULL;

INSERT INTO tube (id, name, position) VALUES (1, 'default', 1);

-- How many connections of each manager use a tube for their puts, and how many watch it.
CREATE TABLE tube_user (
    tube_id    INTEGER NOT NULL REFERENCES tube (id),
    manager_id INTEGER NOT NULL REFERENCES manager (id),
    users      INTEGER NOT NULL CHECK (users >= 0),
    watchers   INTEGER NOT NULL CHECK (watchers >= 0),
    PRIMARY KEY (tube_id, manager_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tube_user_manager ON tube_user (manager_id);

-- All columns of a task except its body. Ids grow with each task and are never used again.
CREATE TABLE task_state (
    id           INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    tube_id      INTEGER NOT NULL REFERENCES tube (id),
    state        TEXT    NOT NULL
        CONSTRAINT "state is pending, delayed, claimed or buried"
        -- Not "state IN (…)": SQLite would build a temporary table for it each time.
        CHECK (state = 'pending' OR state = 'delayed' OR state = 'claimed' OR state = 'buried'),
    priority     INTEGER NOT NULL          -- smaller is more urgent
        CONSTRAINT "priority is from 0 to 4294967295" CHECK (priority BETWEEN 0 AND 4294967295),
    delay_s      INTEGER NOT NULL          -- of the last put or release
        CONSTRAINT "delay is from 0 to 4294967295 seconds" CHECK (delay_s BETWEEN 0 AND 4294967295),
    ttr_s        INTEGER NOT NULL          -- time to run: how long a claim lasts
        CONSTRAINT "ttr is from 1 to 4294967295 seconds" CHECK (ttr_s BETWEEN 1 AND 4294967295),
    created_ms   INTEGER NOT NULL,
    due_ms       INTEGER,                  -- delayed: when it becomes pending; claimed: the claim's end (claim time)
    holder       INTEGER,                  -- claimed: manager << 32 | connection, or the id of a named session
    buried_order INTEGER,                  -- buried: its position among the tube's buried tasks
    reserves     INTEGER NOT NULL DEFAULT 0,
    timeouts     INTEGER NOT NULL DEFAULT 0,
    releases     INTEGER NOT NULL DEFAULT 0,
    buries       INTEGER NOT NULL DEFAULT 0,
    kicks        INTEGER NOT NULL DEFAULT 0,
    keyed        INTEGER NOT NULL DEFAULT 0 CHECK (keyed IN (0, 1)),  -- whether unique_key has a row for it
    CONSTRAINT "due_ms is set while delayed or claimed" CHECK ((due_ms IS NOT NULL) = (state = 'delayed' OR state = 'claimed')),
    CONSTRAINT "holder is set while claimed" CHECK ((holder IS NOT NULL) = (state = 'claimed')),
    CONSTRAINT "buried_order is set while buried" CHECK ((buried_order IS NOT NULL) = (state = 'buried'))
) STRICT;

-- Bodies have a table of their own, since each change of a task rewrites its row.
CREATE TABLE task_body (
    id       INTEGER PRIMARY KEY REFERENCES task_state (id),
    body     BLOB NOT NULL,
    checksum INTEGER                       -- CRC-32C of the id (8 bytes, lowest first) and the body; NULL: unknown
) STRICT;

-- A session that a client has named, so that its claims outlive the connection: this id is their holder.
CREATE TABLE session (
    id         INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 4294967295),
    name       TEXT    NOT NULL UNIQUE,    -- behind the principal's name and a colon, if it has one
    connection INTEGER,                    -- the one that has it now, manager << 32 | connection; or NULL
    taken_ms   INTEGER NOT NULL            -- when it was last attached
) STRICT;

CREATE INDEX session_connection ON session (connection) WHERE connection IS NOT NULL;

-- How far claim time is ahead of the machine's clock. Managers write it. It is 0 until the machine's clock is set.
CREATE TABLE claim_clock (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    ahead_ms INTEGER NOT NULL
) STRICT;

INSERT INTO claim_clock (id, ahead_ms) VALUES (1, 0);

-- When something was last done to the database as a whole. Managers write "checkpoint"; a backup writes "backup".
CREATE TABLE store_event (
    name  TEXT    PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys of tasks put with put-unique. While the task exists, and for some time after, the same key is not put again.
CREATE TABLE unique_key (
    tube          TEXT    NOT NULL,
    key           TEXT    NOT NULL,
    task_id       INTEGER NOT NULL,
    kept_until_ms INTEGER,                 -- set once the task is gone
    PRIMARY KEY (tube, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX unique_key_task ON unique_key (task_id);
CREATE INDEX unique_key_gone ON unique_key (kept_until_ms) WHERE kept_until_ms IS NOT NULL;

-- One index per query. Each holds only the tasks of one state. All end with the id.
CREATE INDEX task_pending ON task_state (tube_id, priority) WHERE state = 'pending';
CREATE INDEX task_due ON task_state (due_ms) WHERE state = 'delayed';
CREATE INDEX task_delayed ON task_state (tube_id, due_ms) WHERE state = 'delayed';
CREATE INDEX task_claimed ON task_state (holder) WHERE state = 'claimed';
CREATE INDEX task_claimed_named ON task_state (due_ms) WHERE state = 'claimed' AND holder < 4294967296;
CREATE INDEX task_buried ON task_state (tube_id, buried_order) WHERE state = 'buried';

-- Everything below is for people and programs that use SQL. Managers follow the same rules with their own statements,
-- and switch triggers off on their connections.

-- Counts.

CREATE TRIGGER task_state_added AFTER INSERT ON task_state BEGIN
    UPDATE tube SET
        pending     = pending     + (NEW.state = 'pending'),
        urgent      = urgent      + (NEW.state = 'pending' AND NEW.priority < 1024),
        delayed     = delayed     + (NEW.state = 'delayed'),
        claimed     = claimed     + (NEW.state = 'claimed'),
        buried      = buried      + (NEW.state = 'buried'),
        total_tasks = total_tasks + 1
    WHERE id = NEW.tube_id;
END;

CREATE TRIGGER task_state_changed AFTER UPDATE OF tube_id, state, priority ON task_state BEGIN
    -- One statement if the tube stays the same: no count may be negative in between.
    UPDATE tube SET
        pending = pending + (NEW.state = 'pending') - (OLD.state = 'pending'),
        urgent  = urgent  + (NEW.state = 'pending' AND NEW.priority < 1024)
                          - (OLD.state = 'pending' AND OLD.priority < 1024),
        delayed = delayed + (NEW.state = 'delayed') - (OLD.state = 'delayed'),
        claimed = claimed + (NEW.state = 'claimed') - (OLD.state = 'claimed'),
        buried  = buried  + (NEW.state = 'buried')  - (OLD.state = 'buried')
    WHERE id = NEW.tube_id AND NEW.tube_id = OLD.tube_id;

    UPDATE tube SET
        pending = pending + (NEW.state = 'pending'),
        urgent  = urgent  + (NEW.state = 'pending' AND NEW.priority < 1024),
        delayed = delayed + (NEW.state = 'delayed'),
        claimed = claimed + (NEW.state = 'claimed'),
        buried  = buried  + (NEW.state = 'buried')
    WHERE id = NEW.tube_id AND NEW.tube_id <> OLD.tube_id;

    UPDATE tube SET
        pending = pending - (OLD.state = 'pending'),
        urgent  = urgent  - (OLD.state = 'pending' AND OLD.priority < 1024),
        delayed = delayed - (OLD.state = 'delayed'),
        claimed = claimed - (OLD.state = 'claimed'),
        buried  = buried  - (OLD.state = 'buried')
    WHERE id = OLD.tube_id AND NEW.tube_id <> OLD.tube_id;

    DELETE FROM tube WHERE id = OLD.tube_id AND NEW.tube_id <> OLD.tube_id AND id IN (SELECT id FROM tube_unused);
END;

CREATE TRIGGER task_state_removed AFTER DELETE ON task_state BEGIN
    DELETE FROM task_body WHERE id = OLD.id;

    -- One hour is the default of managers.
    UPDATE unique_key SET kept_until_ms = (SELECT ms FROM clock) + 3600000 WHERE OLD.keyed AND task_id = OLD.id;

    UPDATE tube SET
        pending = pending - (OLD.state = 'pending'),
        urgent  = urgent  - (OLD.state = 'pending' AND OLD.priority < 1024),
        delayed = delayed - (OLD.state = 'delayed'),
        claimed = claimed - (OLD.state = 'claimed'),
        buried  = buried  - (OLD.state = 'buried'),
        deletes = deletes + 1
    WHERE id = OLD.tube_id;

    DELETE FROM tube WHERE id = OLD.tube_id AND id IN (SELECT id FROM tube_unused);
END;

-- Not counted, and so not allowed: REPLACE deletes rows without firing triggers. Ids never change.

CREATE TRIGGER task_state_replaced BEFORE INSERT ON task_state WHEN NEW.id IN (SELECT id FROM task_state) BEGIN
    SELECT RAISE(ABORT, 'a task cannot be replaced; update it');
END;

CREATE TRIGGER task_state_renumbered BEFORE UPDATE OF id ON task_state WHEN NEW.id <> OLD.id BEGIN
    SELECT RAISE(ABORT, 'a task''s id cannot be changed');
END;

CREATE TRIGGER task_body_alone BEFORE INSERT ON task_body WHEN NEW.id NOT IN (SELECT id FROM task_state) BEGIN
    SELECT RAISE(ABORT, 'a body needs a task; insert into "task"');
END;

CREATE TRIGGER task_body_renumbered BEFORE UPDATE OF id ON task_body WHEN NEW.id <> OLD.id BEGIN
    SELECT RAISE(ABORT, 'a task''s id cannot be changed');
END;

CREATE TRIGGER task_body_changed AFTER UPDATE OF body ON task_body WHEN NEW.checksum IS NOT NULL BEGIN
    UPDATE task_body SET checksum = NULL WHERE id = NEW.id;
END;

CREATE TRIGGER task_body_kept BEFORE DELETE ON task_body WHEN OLD.id IN (SELECT id FROM task_state) BEGIN
    SELECT RAISE(ABORT, 'a task needs a body; delete the task');
END;

CREATE TRIGGER tube_replaced BEFORE INSERT ON tube
WHEN NEW.id IN (SELECT id FROM tube) OR NEW.name IN (SELECT name FROM tube) OR NEW.position IN (SELECT position FROM tube)
BEGIN
    SELECT RAISE(ABORT, 'there is such a tube');
END;

CREATE TRIGGER tube_displaced BEFORE UPDATE OF position ON tube
WHEN NEW.position IN (SELECT position FROM tube WHERE id <> OLD.id) BEGIN
    SELECT RAISE(ABORT, 'there is another tube in that place');
END;

-- Tubes.

CREATE VIEW tube_unused AS
SELECT id FROM tube
WHERE pending = 0 AND delayed = 0 AND claimed = 0 AND buried = 0 AND id <> 1
    AND NOT EXISTS (SELECT 1 FROM tube_user WHERE tube_user.tube_id = tube.id);

CREATE TRIGGER tube_added AFTER INSERT ON tube WHEN NEW.position IS NULL BEGIN
    UPDATE tube SET position = (SELECT coalesce(max(position), 0) + 1 FROM tube) WHERE id = NEW.id;
END;

CREATE TRIGGER tube_kept BEFORE DELETE ON tube WHEN OLD.id NOT IN (SELECT id FROM tube_unused) BEGIN
    SELECT RAISE(ABORT, 'a tube that has tasks or connections cannot be deleted');
END;

CREATE TRIGGER tube_removed AFTER DELETE ON tube BEGIN
    -- The last tube in the list takes the free position.
    UPDATE tube SET position = OLD.position
    WHERE position = (SELECT max(position) FROM tube) AND position > OLD.position;
END;

CREATE TRIGGER tube_renamed BEFORE UPDATE OF id, name ON tube WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name BEGIN
    SELECT RAISE(ABORT, 'a tube cannot be renamed; give its tasks another tube instead');
END;

-- Tasks, one row per task with all columns. Insert, update and delete here.
--
-- Insert: tube and body are enough; priority, delay and ttr may be given. Update: tube, state, priority, delay, ttr and
-- body.
CREATE VIEW task (
    id, tube, state, priority, delay, ttr, created_ms, due_ms, holder, reserves, timeouts, releases, buries, kicks, body
) AS
SELECT
    task_state.id, tube.name, state, priority, delay_s, ttr_s, created_ms, due_ms, holder, reserves, timeouts, releases,
    buries, kicks, body
FROM task_state
JOIN tube ON tube.id = task_state.tube_id
LEFT JOIN task_body ON task_body.id = task_state.id;

CREATE TRIGGER task_insert INSTEAD OF INSERT ON task BEGIN
    SELECT CASE
        WHEN NEW.tube IS NULL THEN RAISE(ABORT, 'a task needs a tube')
        WHEN NEW.body IS NULL THEN RAISE(ABORT, 'a task needs a body')
        WHEN NEW.state IS NOT NULL AND NEW.state IS NOT iif(coalesce(NEW.delay, 0) > 0, 'delayed', 'pending')
            THEN RAISE(ABORT, 'a new task is pending, or delayed if it has a delay: leave its state out')
        WHEN coalesce(
            NEW.id, NEW.created_ms, NEW.due_ms, NEW.holder, NEW.reserves, NEW.timeouts, NEW.releases, NEW.buries, NEW.kicks
        ) IS NOT NULL
            THEN RAISE(ABORT, 'a new task takes tube, body, priority, delay and ttr; the rest is set for it')
    END;

    INSERT INTO tube (name) SELECT NEW.tube WHERE NOT EXISTS (SELECT 1 FROM tube WHERE name = NEW.tube);

    INSERT INTO task_state (tube_id, state, priority, delay_s, ttr_s, created_ms, due_ms)
    SELECT
        tube.id,
        iif(coalesce(NEW.delay, 0) > 0, 'delayed', 'pending'),
        coalesce(NEW.priority, 65536),
        coalesce(NEW.delay, 0),
        coalesce(NEW.ttr, 60),
        clock.ms,
        iif(coalesce(NEW.delay, 0) > 0, clock.ms + NEW.delay * 1000, NULL)
    FROM tube, clock WHERE tube.name = NEW.tube;

    -- INSERT OR IGNORE also ignores failed checks in this trigger. A task is never dropped silently.
    SELECT RAISE(ABORT, 'no task was added: its tube, priority, delay or ttr is not allowed') WHERE changes() = 0;

    INSERT INTO task_body (id, body) VALUES (last_insert_rowid(), CAST(NEW.body AS BLOB));
END;

CREATE TRIGGER task_update INSTEAD OF UPDATE ON task BEGIN
    SELECT CASE
        WHEN NEW.tube IS NULL THEN RAISE(ABORT, 'a task needs a tube')
        WHEN NEW.body IS NULL THEN RAISE(ABORT, 'a task needs a body')
        WHEN NEW.state IS 'claimed' AND OLD.state <> 'claimed'
            THEN RAISE(ABORT, 'only a manager can claim a task')
        WHEN NEW.id IS NOT OLD.id OR NEW.created_ms IS NOT OLD.created_ms OR NEW.holder IS NOT OLD.holder
            OR NEW.due_ms IS NOT OLD.due_ms OR NEW.reserves IS NOT OLD.reserves OR NEW.timeouts IS NOT OLD.timeouts
            OR NEW.releases IS NOT OLD.releases OR NEW.buries IS NOT OLD.buries OR NEW.kicks IS NOT OLD.kicks
            THEN RAISE(ABORT, 'only tube, state, priority, delay, ttr and body of a task can be changed')
        WHEN NEW.state IS 'delayed' AND NEW.delay = 0
            THEN RAISE(ABORT, 'a delayed task needs a delay of at least 1')
        WHEN NEW.state IS NOT 'delayed' AND NEW.delay IS NOT OLD.delay
            THEN RAISE(ABORT, 'to delay a task set its state to ''delayed'' too')
    END;

    INSERT INTO tube (name) SELECT NEW.tube WHERE NOT EXISTS (SELECT 1 FROM tube WHERE name = NEW.tube);

    UPDATE task_state SET
        tube_id      = (SELECT tube.id FROM tube WHERE tube.name = NEW.tube),
        state        = NEW.state,
        priority     = NEW.priority,
        delay_s      = NEW.delay,
        ttr_s        = NEW.ttr,
        due_ms       = CASE
            WHEN NEW.state = 'delayed' AND (OLD.state <> 'delayed' OR NEW.delay <> OLD.delay)
                THEN (SELECT ms FROM clock) + NEW.delay * 1000
            WHEN NEW.state IN ('delayed', 'claimed') THEN OLD.due_ms
        END,
        holder       = iif(NEW.state = 'claimed', OLD.holder, NULL),
        buried_order = CASE
            WHEN NEW.state = 'buried' AND OLD.state = 'buried' AND NEW.tube = OLD.tube THEN buried_order
            WHEN NEW.state = 'buried' THEN (
                SELECT coalesce(max(other.buried_order), 0) + 1 FROM task_state AS other
                WHERE other.state = 'buried' AND other.tube_id = (SELECT tube.id FROM tube WHERE tube.name = NEW.tube)
            )
        END,
        buries       = buries + (NEW.state = 'buried' AND OLD.state <> 'buried'),
        kicks        = kicks + (NEW.state = 'pending' AND OLD.state IN ('buried', 'delayed'))
    WHERE id = OLD.id;

    SELECT RAISE(ABORT, 'nothing was changed: tube, priority, delay or ttr is not allowed') WHERE changes() = 0;

    UPDATE task_body SET body = CAST(NEW.body AS BLOB) WHERE id = OLD.id AND NEW.body IS NOT OLD.body;
END;

CREATE TRIGGER task_delete INSTEAD OF DELETE ON task BEGIN
    DELETE FROM task_state WHERE id = OLD.id;
END;

-- The current time, in the unit of the tables.
CREATE VIEW clock AS SELECT CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER) AS ms;

-- Tasks for people: times in UTC, the holder by name, the start of the body (as X'…' if it is not text).
CREATE VIEW task_overview AS
SELECT
    task.id, tube, state, priority, ttr,
    strftime('%Y-%m-%d %H:%M:%f', created_ms / 1000.0, 'unixepoch') AS created,
    strftime(
        '%Y-%m-%d %H:%M:%f',
        (due_ms - iif(state = 'claimed', (SELECT ahead_ms FROM claim_clock WHERE id = 1), 0)) / 1000.0,
        'unixepoch'
    ) AS due,
    round(
        (
            due_ms - (SELECT ms FROM clock)
            - iif(state = 'claimed', (SELECT ahead_ms FROM claim_clock WHERE id = 1), 0)
        ) / 1000.0,
        1
    ) AS seconds_left,
    iif(
        holder < 4294967296,
        'session ' || holder,
        coalesce(manager.name, 'manager ' || (holder >> 32)) || '/' || (holder & 4294967295)
    ) AS held_by,
    reserves, timeouts, releases, buries, kicks,
    length(body) AS bytes,
    CASE
        WHEN instr(substr(body, 1, 240), X'00') > 0 OR substr(CAST(substr(body, 1, 240) AS TEXT), 1, 60)
            -- Control characters, and the replacement character for bytes that are not UTF-8.
            GLOB '*[' || char(1) || '-' || char(8) || char(11) || char(12) || char(14) || '-' || char(31)
                || char(127) || '-' || char(159) || char(65533) || ']*'
        THEN 'X''' || hex(substr(body, 1, 30)) || ''''
        ELSE replace(replace(replace(
            substr(CAST(substr(body, 1, 240) AS TEXT), 1, 60), char(13), ' '), char(10), ' '), char(9), ' ')
    END AS start_of_body
FROM task
LEFT JOIN manager ON manager.id = task.holder >> 32;

-- Claims for people: the holder of each task, since when (the reserve, or the last touch), and for how much longer.
CREATE VIEW claim_overview AS
SELECT id, tube, held_by, round(ttr - seconds_left, 1) AS seconds_held, seconds_left, reserves, timeouts, start_of_body
FROM task_overview
WHERE state = 'claimed';

-- The oldest pending task of each tube. Reads the first task of each priority, at most 1000 priorities, the most urgent
-- first.
CREATE VIEW oldest_pending AS
SELECT
    tube.name AS tube, task_state.id, task_state.priority,
    strftime('%Y-%m-%d %H:%M:%f', created_ms / 1000.0, 'unixepoch') AS created,
    round(((SELECT ms FROM clock) - created_ms) / 1000.0, 1) AS age
FROM tube
JOIN task_state ON task_state.id = (
    WITH RECURSIVE first (priority, id) AS (
        SELECT * FROM (
            SELECT priority, id FROM task_state WHERE state = 'pending' AND tube_id = tube.id
            ORDER BY priority, id LIMIT 1
        )
        UNION ALL
        SELECT task_state.priority, task_state.id
        FROM first
        JOIN task_state ON task_state.id = (
            SELECT id FROM task_state WHERE state = 'pending' AND tube_id = tube.id AND priority > first.priority
            ORDER BY priority, id LIMIT 1
        )
        LIMIT 1000
    )
    SELECT min(id) FROM first
)
ORDER BY tube.position;

-- Tubes for people.
CREATE VIEW tube_overview AS
SELECT
    name, pending, urgent, delayed, claimed, buried, total_tasks, deletes,
    (SELECT coalesce(sum(users), 0) FROM tube_user WHERE tube_id = tube.id) AS users,
    (SELECT coalesce(sum(watchers), 0) FROM tube_user WHERE tube_id = tube.id) AS watchers,
    strftime('%Y-%m-%d %H:%M:%f', paused_until_ms / 1000.0, 'unixepoch') AS paused_until
FROM tube
ORDER BY position;

-- Named sessions for people. The names are left out: a client of the same principal that knows a name can attach the
-- session.
CREATE VIEW session_overview AS
SELECT
    session.id,
    coalesce(manager.name, 'manager ' || (connection >> 32)) || '/' || (connection & 4294967295) AS taken_by,
    strftime('%Y-%m-%d %H:%M:%f', taken_ms / 1000.0, 'unixepoch') AS taken,
    (SELECT count(*) FROM task_state WHERE state = 'claimed' AND holder = session.id) AS claims
FROM session
LEFT JOIN manager ON manager.id = session.connection >> 32;

-- Managers for people.
CREATE VIEW manager_overview AS
SELECT
    manager.id, name, address, pid, host, version, draining,
    strftime('%Y-%m-%d %H:%M:%f', started_ms / 1000.0, 'unixepoch') AS started,
    strftime('%Y-%m-%d %H:%M:%f', heartbeat_ms / 1000.0, 'unixepoch') AS last_heartbeat,
    (
        SELECT count(*) FROM task_state
        WHERE state = 'claimed' AND holder BETWEEN manager.id << 32 AND (manager.id << 32) + 4294967295
    ) AS claims
FROM manager;

-- Beanrow's database, version 1.
--
-- One row a task. Look with the views (task_overview, tube_overview, manager_overview); add, change and delete tasks
-- through the view "task":
--
--   INSERT INTO task (tube, body) VALUES ('mail', 'hello');
--   UPDATE task SET state = 'pending' WHERE tube = 'mail' AND state = 'buried';
--   DELETE FROM task WHERE id = 7;
--
-- Before you write to a database that managers use: PRAGMA wal_autocheckpoint = 0;
-- Times are UTC in milliseconds since 1970 (…_ms), spans are seconds (…_s).

PRAGMA application_id = 1113940334;  -- "Bean"
PRAGMA user_version = 1;

-- A manager process that serves this database. Its peers notice when it dies and remove its row.
CREATE TABLE manager (
    id           INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id BETWEEN 1 AND 2147483647),
    name         TEXT    NOT NULL,
    address      TEXT    NOT NULL,         -- where it listens: HOST:PORT
    pid          INTEGER NOT NULL,
    slot         INTEGER NOT NULL UNIQUE CHECK (slot BETWEEN 0 AND 63),  -- the byte of the lock file that it holds
    version      TEXT    NOT NULL,
    started_ms   INTEGER NOT NULL,
    heartbeat_ms INTEGER NOT NULL          -- written every few seconds; the lock, not this, proves that it lives
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
    -- Tasks by state, always equal to what counting the rows would give; urgent are the pending ones below priority 1024.
    pending         INTEGER NOT NULL DEFAULT 0 CHECK (pending >= 0),
    urgent          INTEGER NOT NULL DEFAULT 0 CHECK (urgent BETWEEN 0 AND pending),
    delayed         INTEGER NOT NULL DEFAULT 0 CHECK (delayed >= 0),
    claimed         INTEGER NOT NULL DEFAULT 0 CHECK (claimed >= 0),
    buried          INTEGER NOT NULL DEFAULT 0 CHECK (buried >= 0),
    -- What happened since it exists.
    total_tasks     INTEGER NOT NULL DEFAULT 0 CHECK (total_tasks >= 0),
    deletes         INTEGER NOT NULL DEFAULT 0 CHECK (deletes >= 0),
    pauses          INTEGER NOT NULL DEFAULT 0 CHECK (pauses >= 0),
    -- The present pause: how long it was to be, and when it ends.
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

-- All of a task but its body. Ids grow with every task and are never used again.
CREATE TABLE task_state (
    id           INTEGER PRIMARY KEY AUTOINCREMENT CHECK (id > 0),
    tube_id      INTEGER NOT NULL REFERENCES tube (id),
    state        TEXT    NOT NULL
        CONSTRAINT "state is pending, delayed, claimed or buried"
        CHECK (state IN ('pending', 'delayed', 'claimed', 'buried')),
    priority     INTEGER NOT NULL          -- smaller is more urgent
        CONSTRAINT "priority is from 0 to 4294967295" CHECK (priority BETWEEN 0 AND 4294967295),
    delay_s      INTEGER NOT NULL          -- of the last put or release
        CONSTRAINT "delay is from 0 to 4294967295 seconds" CHECK (delay_s BETWEEN 0 AND 4294967295),
    ttr_s        INTEGER NOT NULL          -- time to run: how long a claim lasts
        CONSTRAINT "ttr is from 1 to 4294967295 seconds" CHECK (ttr_s BETWEEN 1 AND 4294967295),
    created_ms   INTEGER NOT NULL,
    due_ms       INTEGER,                  -- delayed: pending again at; claimed: the claim ends at
    holder       INTEGER,                  -- claimed: by whom; manager << 32 | connection
    buried_order INTEGER,                  -- buried: its place in the tube's line
    reserves     INTEGER NOT NULL DEFAULT 0,
    timeouts     INTEGER NOT NULL DEFAULT 0,
    releases     INTEGER NOT NULL DEFAULT 0,
    buries       INTEGER NOT NULL DEFAULT 0,
    kicks        INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "due_ms is set while delayed or claimed" CHECK ((due_ms IS NOT NULL) = (state IN ('delayed', 'claimed'))),
    CONSTRAINT "holder is set while claimed" CHECK ((holder IS NOT NULL) = (state = 'claimed')),
    CONSTRAINT "buried_order is set while buried" CHECK ((buried_order IS NOT NULL) = (state = 'buried'))
) STRICT;

-- Bodies are apart since every change of a task rewrites its row.
CREATE TABLE task_body (
    id   INTEGER PRIMARY KEY REFERENCES task_state (id),
    body BLOB NOT NULL
) STRICT;

-- One index for each question; each holds only the tasks of one state. All end with the id.
CREATE INDEX task_pending ON task_state (tube_id, priority) WHERE state = 'pending';
CREATE INDEX task_due ON task_state (due_ms) WHERE state = 'delayed';
CREATE INDEX task_delayed ON task_state (tube_id, due_ms) WHERE state = 'delayed';
CREATE INDEX task_claimed ON task_state (holder) WHERE state = 'claimed';
CREATE INDEX task_buried ON task_state (tube_id, buried_order) WHERE state = 'buried';

-- Beanrow's tables in PostgreSQL, version 3.
--
-- They are in a schema of their own, usually "beanrow". One row per task. Read the views (task_overview,
-- claim_overview, oldest_pending, tube_overview, session_overview, manager_overview). Add, change and delete tasks
-- through the view "task", also together with your own rows in one transaction:
--
--   SET search_path TO beanrow, public;
--   INSERT INTO task (tube, body) VALUES ('mail', 'hello');
--   UPDATE task SET state = 'pending' WHERE tube = 'mail' AND state = 'buried';
--   DELETE FROM task WHERE id = 7;
--
-- A transaction that adds, changes or deletes tasks may stay open. Managers and other such transactions wait for it
-- only if they need the tasks that it has changed.
--
-- Times are UTC in milliseconds since 1970 (…_ms), by the clock of this server. Durations are seconds (…_s). The
-- functions that managers call are in functions-*.sql. The steps from older versions are in migration-N.sql.

-- == Tables ==

-- The version of these tables: the number of the last migration that was run. Managers read it first.
CREATE TABLE schema_version (
    version bigint NOT NULL
);

INSERT INTO schema_version VALUES (3);

-- A manager that serves these tables. A process has one row per lane (a thread with its own connection). Numbers are
-- never used again. If a manager's counters in "heartbeat" and "batches" do not change during its lease, the other
-- managers consider it dead: they set its fence to -1, return its claims and then remove its row.
CREATE SEQUENCE manager_id AS integer;

CREATE TABLE manager (
    id           bigint  PRIMARY KEY DEFAULT nextval('manager_id') CHECK (id BETWEEN 1 AND 2147483647),
    name         text    NOT NULL,
    lane         integer NOT NULL,
    address      text    NOT NULL,         -- its listening address, HOST:PORT
    pid          integer NOT NULL,         -- on its own host
    version      text    NOT NULL,
    started_ms   bigint  NOT NULL,
    lease_ms     bigint  NOT NULL,         -- how long it may be silent
    heartbeat_ms bigint  NOT NULL,         -- when it last renewed its lease; for people to read
    batches      bigint  NOT NULL DEFAULT 0, -- the number of its last batch that changed something
    fence        bigint  NOT NULL DEFAULT 0, -- the value that its next batch must give, so that a batch that it
                                             -- gave up cannot arrive late; -1: it is dead and can commit nothing
    host         text    NOT NULL DEFAULT '',
    draining     boolean,                  -- whether it is to take no new tasks; NULL: its version never looks
    figures      text    NOT NULL DEFAULT '' -- of its process, as of its heartbeat: name=number, separated by spaces
) WITH (fillfactor = 20);                  -- free space in each page for new versions of a row that changes often

-- How often each manager has said that it lives. It is a counter, so that no clock decides which manager is dead. It
-- has its own table, so that a heartbeat waits for no batch. A crash of the server empties it. Then all managers
-- connect again, and for some time no manager is considered dead.
CREATE UNLOGGED TABLE heartbeat (
    manager_id bigint PRIMARY KEY,
    beats      bigint NOT NULL
) WITH (fillfactor = 20);

-- A tube: a named queue. It exists while it has tasks or users; "default" always does.
--
-- Only managers add and remove rows, under the advisory lock of tubes_lock(). If SQL puts a task into a tube that does
-- not exist, its row in tube_count names the tube, and a manager adds it within a second. The counts are in tube_count.
CREATE TABLE tube (
    name            text COLLATE "C" PRIMARY KEY
        CONSTRAINT "a tube name is 1 to 200 of A-Za-z0-9-+/;.$_() and no - in front"
        CHECK (name ~ '^[A-Za-z0-9+/;.$_()][-A-Za-z0-9+/;.$_()]{0,199}$'),
    position        bigint NOT NULL,       -- its place in the list of tubes
    pauses          bigint NOT NULL DEFAULT 0 CHECK (pauses >= 0),
    -- The current pause: its length, and when it ends.
    pause_s         bigint NOT NULL DEFAULT 0 CHECK (pause_s BETWEEN 0 AND 4294967295),
    paused_until_ms bigint,
    CONSTRAINT "pause_s and paused_until_ms are set together" CHECK ((pause_s > 0) = (paused_until_ms IS NOT NULL))
);

CREATE INDEX tube_paused ON tube (paused_until_ms) WHERE paused_until_ms IS NOT NULL;

INSERT INTO tube (name, position) VALUES ('default', 1);

-- Tasks of a tube by state: the sum over all rows of the tube is always equal to the number of tasks. Each manager adds
-- to its own rows, so that managers do not wait for each other. For the same reason, changes by SQL of other programs
-- are inserted as further rows with numbers below 0. Managers soon add these to their own rows. A single value may be
-- negative.
CREATE SEQUENCE count_change;

CREATE TABLE tube_count (
    tube        text   COLLATE "C" NOT NULL,
    manager_id  bigint NOT NULL,
    pending     bigint NOT NULL DEFAULT 0,
    urgent      bigint NOT NULL DEFAULT 0,   -- the pending ones below priority 1024
    delayed     bigint NOT NULL DEFAULT 0,
    claimed     bigint NOT NULL DEFAULT 0,
    buried      bigint NOT NULL DEFAULT 0,
    total_tasks bigint NOT NULL DEFAULT 0,   -- put into it since it was created
    deletes     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tube, manager_id)
) WITH (fillfactor = 20);

CREATE INDEX tube_count_change ON tube_count (tube) WHERE manager_id < 0;

-- How many connections of each manager use a tube for their puts, and how many watch it.
CREATE TABLE tube_user (
    tube       text   COLLATE "C" NOT NULL,
    manager_id bigint NOT NULL,
    users      bigint NOT NULL CHECK (users >= 0),
    watchers   bigint NOT NULL CHECK (watchers >= 0),
    PRIMARY KEY (tube, manager_id)
) WITH (fillfactor = 50);

CREATE INDEX tube_user_manager ON tube_user (manager_id);

-- Which managers have sessions waiting for which tubes, to wake them. A crash of the server empties it, and managers
-- fill it again.
CREATE UNLOGGED TABLE awaited (
    tube       text   COLLATE "C" NOT NULL,
    manager_id bigint NOT NULL,
    PRIMARY KEY (tube, manager_id)
);

-- Tasks. Ids grow with each task and are never used again. PostgreSQL stores large bodies separately (TOAST), and
-- changes of the other columns do not rewrite them.
--
-- The table has no CHECK constraints: the server would read and prepare them again with each statement, which took an
-- eighth of its time. Managers write only what the comments here allow. All other programs write through the view
-- "task" below, which checks what they write.
CREATE SEQUENCE task_id;
CREATE SEQUENCE burial;

CREATE TABLE task_state (
    id           bigint  PRIMARY KEY DEFAULT nextval('task_id'),
    priority     bigint  NOT NULL,          -- 0 to 4294967295, smaller is more urgent
    delay_s      bigint  NOT NULL,          -- of the last put or release, 0 to 4294967295
    ttr_s        bigint  NOT NULL,          -- time to run: how long a claim lasts, 1 to 4294967295
    created_ms   bigint  NOT NULL,
    due_ms       bigint,                    -- delayed: when it becomes pending; claimed: when the claim ends
    holder       bigint,                    -- claimed: manager << 32 | connection, or the id of a named session
    buried_order bigint,                    -- buried: its position among the buried tasks
    reserves     integer NOT NULL DEFAULT 0,
    timeouts     integer NOT NULL DEFAULT 0,
    releases     integer NOT NULL DEFAULT 0,
    buries       integer NOT NULL DEFAULT 0,
    kicks        integer NOT NULL DEFAULT 0,
    keyed        boolean NOT NULL DEFAULT false,  -- whether unique_key has a row for it
    state        text COLLATE "C" NOT NULL,       -- pending, delayed, claimed or buried
    tube         text COLLATE "C" NOT NULL,
    body         bytea NOT NULL
) WITH (
    -- Rows are added and removed all the time: clean up early and without pauses.
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0
);

DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 130000 THEN
        ALTER TABLE task_state SET (autovacuum_vacuum_insert_scale_factor = 0.2);
    END IF;
END $$;

-- Compressing bodies is rarely worth the time.
ALTER TABLE task_state ALTER COLUMN body SET STORAGE EXTERNAL;

-- One index per query. Each holds only the tasks of one state.
CREATE INDEX task_pending ON task_state (tube, priority, id) WHERE state = 'pending';
CREATE INDEX task_due ON task_state (due_ms) WHERE state = 'delayed';
CREATE INDEX task_delayed ON task_state (tube, due_ms, id) WHERE state = 'delayed';
CREATE INDEX task_claimed ON task_state (holder) WHERE state = 'claimed';
CREATE INDEX task_claimed_tube ON task_state (tube) WHERE state = 'claimed';
CREATE INDEX task_claimed_named ON task_state (due_ms) WHERE state = 'claimed' AND holder < 4294967296;
CREATE INDEX task_buried ON task_state (tube, buried_order) WHERE state = 'buried';

-- A session that a client has named, so that its claims outlive the connection: this id is their holder. The sequence
-- begins again after its last number, since larger numbers belong to connections.
CREATE SEQUENCE session_id MAXVALUE 4294967295 CYCLE;

CREATE TABLE session (
    id         bigint PRIMARY KEY DEFAULT nextval('session_id') CHECK (id BETWEEN 1 AND 4294967295),
    name       text   COLLATE "C" NOT NULL UNIQUE,  -- behind the principal's name and a colon, if it has one
    connection bigint,                              -- the one that has it now, manager << 32 | connection; or NULL
    taken_ms   bigint NOT NULL                      -- when it was last attached
);

CREATE INDEX session_connection ON session (connection) WHERE connection IS NOT NULL;

-- When something was last done to the database as a whole. A backup writes "backup".
CREATE TABLE store_event (
    name  text   COLLATE "C" PRIMARY KEY,
    at_ms bigint NOT NULL
);

-- Keys of tasks put with put-unique. While the task exists, and for some time after, the same key is not put again.
CREATE TABLE unique_key (
    tube          text   COLLATE "C" NOT NULL,
    key           text   COLLATE "C" NOT NULL,
    task_id       bigint NOT NULL,
    kept_until_ms bigint,                  -- set once the task is gone
    PRIMARY KEY (tube, key)
);

CREATE INDEX unique_key_task ON unique_key (task_id);
CREATE INDEX unique_key_gone ON unique_key (kept_until_ms) WHERE kept_until_ms IS NOT NULL;

-- == Types ==

-- An operation of a batch, as managers send it. "kind" says what it does; the operation has only the values that its kind
-- needs.
CREATE TYPE operation_2 AS (
    kind             text,    -- a WHEN of run_batch_2 in functions-batch.sql
    last             integer, -- the number of the last operation that is run together with this one; else its own
    session          bigint,  -- the connection: manager << 32 | connection
    id               bigint,  -- the task; end session: the session
    tube             text,
    tubes            text[],  -- claim: from which tubes; task or list: patterns of tubes, see may_find_task_2
    state            text,    -- kick, clear, move tasks, peek next: the state of the tasks
    priority         bigint,
    delay_s          bigint,  -- put, release; pause: the length of the pause
    ttr_s            bigint,
    bound            bigint,  -- claim, kick, clear, move tasks: how many tasks at most; set draining: 1 or 0
    name             text,    -- put unique: the key; attach: the session's key; move tasks: the other tube; a manager's
    users            bigint,  -- count users: what is added to the numbers of users and watchers
    watchers         bigint,
    is_named         boolean, -- the connection has attached a named session, or had until another one attached it
    makes_tube       boolean, -- the tube may not exist, and is added
    waits            boolean, -- claim: the session waits if it gets fewer tasks
    may_hold_back    boolean, -- claim: later operations of the session follow, and are held back if it waits
    may_be_held_back boolean, -- the session may wait for an earlier operation
    body             bytea
);

-- A row of the answer to a batch. "event" says what has happened:
--
--   done              the operation, or one of those that run together, was done: see functions-verbs.sql
--   key exists        put unique: a task with this key exists or existed (id)
--   became pending    tasks of a tube became pending (tube, the state before, tasks, urgent)
--   pause ended       of a tube
--   still due         not everything that is due could be ended
--   tube removed      the tube was unused
--   attached          to the named session (id)
--   claims left       a holder that is gone (id) has more claims to return
--   held back, displaced, locked    nothing was done: the session waits for an earlier operation, has lost its named
--                     session to another connection, or another program has locked what the operation names
--   not done          nothing of the batch was done: it has to be run in another way
--   end               the last row; numbers: the time, when the next event is due, and the transaction's id
CREATE TYPE batch_row_2 AS (
    operation integer,  -- the operation's number in the batch, from 1; 0: not about one operation
    event     text,
    id        bigint,
    tube      text,
    state     text,     -- of the task before
    priority  bigint,
    holder    bigint,
    ttr_s     bigint,
    tasks     bigint,   -- the number of tasks
    urgent    bigint,   -- how many of them are urgent
    numbers   bigint[], -- statistics, or as described above
    body      bytea
);

-- == Functions ==
-- Each migration from an older version replaces all of them.

-- The current time, in the unit of the tables.
CREATE OR REPLACE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- Tubes.

-- Takes the lock for adding and removing tubes, until the end of the transaction.
--
-- Only managers take this lock, in short transactions. So a manager waits longer for it than for rows: it should not
-- lose its place in the queue because commits are slow.
CREATE OR REPLACE FUNCTION tubes_lock() RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    _timeout text := current_setting('lock_timeout');
BEGIN
    IF try_tubes_lock() THEN
        RETURN;
    END IF;
    IF _timeout <> '0' THEN
        PERFORM set_config('lock_timeout', '5000', true);
    END IF;
    PERFORM pg_advisory_xact_lock(1113940334, current_schema()::regnamespace::oid::integer);
    PERFORM set_config('lock_timeout', _timeout, true);
END $$;

CREATE OR REPLACE FUNCTION try_tubes_lock() RETURNS boolean LANGUAGE sql SET search_path FROM CURRENT AS $$
    SELECT pg_try_advisory_xact_lock(1113940334, current_schema()::regnamespace::oid::integer)
$$;

-- Adds a tube unless it exists. The caller holds the lock of tubes_lock().
CREATE OR REPLACE FUNCTION make_tube(_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM tube WHERE name = _name) THEN
        INSERT INTO tube (name, position) SELECT _name, coalesce(max(position), 0) + 1 FROM tube;
    END IF;
END $$;

-- Removes a tube that has neither tasks nor users. The caller holds the lock of tubes_lock().
--
-- Waits for no row: if another transaction has locked a row that it needs, the tube stays until a later try. The tube
-- also stays while there are changes of its counts that no manager has added up.
CREATE OR REPLACE FUNCTION remove_unused_tube(_name text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    _position bigint;
    _last     bigint;
    _counts   bigint;
    _free     bigint;
BEGIN
    IF _name = 'default'
        OR EXISTS (SELECT 1 FROM tube_user WHERE tube = _name)
        OR EXISTS (SELECT 1 FROM task_state WHERE state = 'pending' AND tube = _name)
        OR EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND tube = _name)
        OR EXISTS (SELECT 1 FROM task_state WHERE state = 'delayed' AND tube = _name)
        OR EXISTS (SELECT 1 FROM task_state WHERE state = 'buried' AND tube = _name)
    THEN
        RETURN false;
    END IF;
    SELECT position INTO _position FROM tube WHERE name = _name FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- The last tube in the list takes the free position.
    SELECT position INTO _last FROM tube WHERE position = (SELECT max(position) FROM tube) FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    SELECT count(*) INTO _free FROM (
        SELECT 1 FROM tube_count WHERE tube = _name AND manager_id >= 0 FOR UPDATE SKIP LOCKED
    ) AS free;
    SELECT count(*) INTO _counts FROM tube_count WHERE tube = _name AND manager_id >= 0;
    IF _free < _counts THEN
        RETURN false;
    END IF;
    -- One statement, and so one snapshot: if a transaction with a task for the tube commits at this moment, the
    -- snapshot has its task or its change of the counts.
    DELETE FROM tube
    WHERE name = _name
        AND NOT EXISTS (SELECT 1 FROM tube_count WHERE tube = _name AND manager_id < 0)
        AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'pending' AND tube = _name)
        AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'claimed' AND tube = _name)
        AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'delayed' AND tube = _name)
        AND NOT EXISTS (SELECT 1 FROM task_state WHERE state = 'buried' AND tube = _name);
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    DELETE FROM tube_count WHERE tube = _name AND manager_id >= 0;
    UPDATE tube SET position = _position WHERE position = _last AND position > _position;
    RETURN true;
END $$;

-- Everything below is for people and programs that use SQL. Managers follow the same rules with their own functions.

-- Counts a task in or out of a state, for SQL of other programs.
CREATE OR REPLACE FUNCTION count_task(_tube text, _state text, _priority bigint, _sign integer, _put integer, _deleted integer)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO tube_count (tube, manager_id, pending, urgent, delayed, claimed, buried, total_tasks, deletes)
    SELECT
        _tube, -nextval('count_change'),
        CASE WHEN _state = 'pending' THEN _sign ELSE 0 END,
        CASE WHEN _state = 'pending' AND _priority < 1024 THEN _sign ELSE 0 END,
        CASE WHEN _state = 'delayed' THEN _sign ELSE 0 END,
        CASE WHEN _state = 'claimed' THEN _sign ELSE 0 END,
        CASE WHEN _state = 'buried' THEN _sign ELSE 0 END,
        _put, _deleted
$$;

-- Wakes the managers that have sessions waiting for one of these tubes, when the transaction commits.
--
-- Each manager listens on its own channel, named after its number.
CREATE OR REPLACE FUNCTION wake(_tubes text[], _but bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify(current_schema() || '.' || manager_id, '')
    FROM (SELECT DISTINCT manager_id FROM awaited WHERE tube = ANY (_tubes) AND manager_id <> _but) AS waiting;
END $$;

-- Raises an error if a value is not allowed for a task.
CREATE OR REPLACE FUNCTION check_task(_state text, _priority bigint, _delay bigint, _ttr bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    _rule text;
BEGIN
    _rule := CASE
        WHEN _state NOT IN ('pending', 'delayed', 'claimed', 'buried') THEN 'state is pending, delayed, claimed or buried'
        WHEN _priority NOT BETWEEN 0 AND 4294967295 THEN 'priority is from 0 to 4294967295'
        WHEN _delay NOT BETWEEN 0 AND 4294967295 THEN 'delay is from 0 to 4294967295 seconds'
        WHEN _ttr NOT BETWEEN 1 AND 4294967295 THEN 'ttr is from 1 to 4294967295 seconds'
    END;
    IF _rule IS NOT NULL THEN
        RAISE EXCEPTION USING MESSAGE = _rule, ERRCODE = 'check_violation', SCHEMA = current_schema(), TABLE = 'task';
    END IF;
END $$;

-- Raises an error if a tube cannot have this name, with the text of the table's constraint.
CREATE OR REPLACE FUNCTION check_tube_name(_name text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF _name !~ '^[A-Za-z0-9+/;.$_()][-A-Za-z0-9+/;.$_()]{0,199}$' THEN
        RAISE EXCEPTION 'a tube name is 1 to 200 of A-Za-z0-9-+/;.$_() and no - in front'
            USING ERRCODE = 'check_violation', SCHEMA = current_schema(), TABLE = 'task';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION task_insert() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    _now   bigint := now_ms();
    _delay bigint := coalesce(NEW.delay, 0);
BEGIN
    IF NEW.tube IS NULL THEN
        RAISE EXCEPTION 'a task needs a tube';
    ELSIF NEW.body IS NULL THEN
        RAISE EXCEPTION 'a task needs a body';
    ELSIF NEW.state <> (CASE WHEN _delay > 0 THEN 'delayed' ELSE 'pending' END) THEN
        RAISE EXCEPTION 'a new task is pending, or delayed if it has a delay: leave its state out';
    ELSIF coalesce(
        NEW.id, NEW.created_ms, NEW.due_ms, NEW.holder, NEW.reserves, NEW.timeouts, NEW.releases, NEW.buries, NEW.kicks
    ) IS NOT NULL THEN
        RAISE EXCEPTION 'a new task takes tube, body, priority, delay and ttr; the rest is set for it';
    END IF;
    PERFORM check_task(NULL, NEW.priority, NEW.delay, NEW.ttr);
    PERFORM check_tube_name(NEW.tube);
    INSERT INTO task_state (tube, state, priority, delay_s, ttr_s, created_ms, due_ms, body)
    VALUES (
        NEW.tube, CASE WHEN _delay > 0 THEN 'delayed' ELSE 'pending' END, coalesce(NEW.priority, 65536), _delay,
        coalesce(NEW.ttr, 60), _now, CASE WHEN _delay > 0 THEN _now + _delay * 1000 END, NEW.body
    )
    RETURNING id, state, priority, delay_s, ttr_s, created_ms, due_ms, reserves, timeouts, releases, buries, kicks
    INTO NEW.id, NEW.state, NEW.priority, NEW.delay, NEW.ttr, NEW.created_ms, NEW.due_ms, NEW.reserves, NEW.timeouts,
        NEW.releases, NEW.buries, NEW.kicks;
    PERFORM count_task(NEW.tube, NEW.state, NEW.priority, 1, 1, 0);
    PERFORM wake(ARRAY[NEW.tube], 0);
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION task_update() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    _old task_state;
BEGIN
    IF NEW.tube IS NULL THEN
        RAISE EXCEPTION 'a task needs a tube';
    ELSIF NEW.body IS NULL THEN
        RAISE EXCEPTION 'a task needs a body';
    ELSIF NEW.state IS NULL THEN
        RAISE EXCEPTION 'a task needs a state';
    END IF;
    PERFORM check_task(NEW.state, NEW.priority, NEW.delay, NEW.ttr);
    IF NEW.state = 'claimed' AND OLD.state <> 'claimed' THEN
        RAISE EXCEPTION 'only a manager can claim a task';
    ELSIF (NEW.id, NEW.created_ms, NEW.holder, NEW.due_ms, NEW.reserves, NEW.timeouts, NEW.releases, NEW.buries, NEW.kicks)
        IS DISTINCT FROM
        (OLD.id, OLD.created_ms, OLD.holder, OLD.due_ms, OLD.reserves, OLD.timeouts, OLD.releases, OLD.buries, OLD.kicks)
    THEN
        RAISE EXCEPTION 'only tube, state, priority, delay, ttr and body of a task can be changed';
    ELSIF NEW.state = 'delayed' AND NEW.delay = 0 THEN
        RAISE EXCEPTION 'a delayed task needs a delay of at least 1';
    ELSIF NEW.state <> 'delayed' AND NEW.delay <> OLD.delay THEN
        RAISE EXCEPTION 'to delay a task set its state to ''delayed'' too';
    END IF;
    PERFORM check_tube_name(NEW.tube);
    -- OLD may no longer be current.
    SELECT * INTO _old FROM task_state WHERE id = OLD.id AND state = OLD.state AND tube = OLD.tube FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    UPDATE task_state SET
        tube         = NEW.tube,
        state        = NEW.state,
        priority     = NEW.priority,
        delay_s      = NEW.delay,
        ttr_s        = NEW.ttr,
        body         = NEW.body,
        due_ms       = CASE
            WHEN NEW.state = 'delayed' AND (_old.state <> 'delayed' OR NEW.delay <> _old.delay_s)
                THEN now_ms() + NEW.delay * 1000
            WHEN NEW.state IN ('delayed', 'claimed') THEN _old.due_ms
        END,
        holder       = CASE WHEN NEW.state = 'claimed' THEN _old.holder END,
        buried_order = CASE
            WHEN NEW.state = 'buried' THEN coalesce(_old.buried_order, nextval('burial'))
        END,
        buries       = buries + CASE WHEN NEW.state = 'buried' AND _old.state <> 'buried' THEN 1 ELSE 0 END,
        kicks        = kicks + CASE WHEN NEW.state = 'pending' AND _old.state IN ('buried', 'delayed') THEN 1 ELSE 0 END
    WHERE id = OLD.id;
    PERFORM count_task(_old.tube, _old.state, _old.priority, -1, 0, 0);
    PERFORM count_task(NEW.tube, NEW.state, NEW.priority, 1, 0, 0);
    IF NEW.state = 'pending' THEN
        PERFORM wake(ARRAY[NEW.tube], 0);
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION task_delete() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    _old task_state;
BEGIN
    DELETE FROM task_state WHERE id = OLD.id AND state = OLD.state AND tube = OLD.tube RETURNING * INTO _old;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF _old.keyed THEN
        -- One hour is the default of managers.
        UPDATE unique_key SET kept_until_ms = now_ms() + 3600000 WHERE task_id = _old.id;
    END IF;
    PERFORM count_task(_old.tube, _old.state, _old.priority, -1, 0, 1);
    RETURN OLD;
END $$;

-- A time for people.
CREATE OR REPLACE FUNCTION utc(_ms bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT to_char(to_timestamp(_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.MS')
$$;

-- The holder of a task, for people.
CREATE OR REPLACE FUNCTION held_by(_holder bigint) RETURNS text LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
    SELECT CASE
        WHEN _holder < 4294967296 THEN 'session ' || _holder
        ELSE coalesce(
            (SELECT name FROM manager WHERE id = _holder >> 32), 'manager ' || (_holder >> 32)
        ) || '/' || (_holder & 4294967295)
    END
$$;

-- The oldest pending task of a tube: its id, and when it was put. Reads the first task of each priority, at most 1000
-- priorities, the most urgent first. If the clock was set back, the smallest id and the earliest time may be of two tasks.
CREATE OR REPLACE FUNCTION oldest_pending_task(_tube text, OUT oldest_id bigint, OUT oldest_ms bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
    _priority bigint := -1;
    _id       bigint;
    _created  bigint;
BEGIN
    FOR _ IN 1..1000 LOOP
        SELECT priority, id, created_ms INTO _priority, _id, _created FROM task_state
        WHERE state = 'pending' AND tube = _tube AND priority > _priority
        ORDER BY priority, id LIMIT 1;
        EXIT WHEN NOT FOUND;
        oldest_id := least(oldest_id, _id);
        oldest_ms := least(oldest_ms, _created);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION oldest_pending_id(_tube text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT oldest_id FROM oldest_pending_task(_tube)
$$;

-- == Views ==

-- The server's clock in milliseconds.
CREATE VIEW clock AS SELECT now_ms() AS ms;

-- Tasks, one row per task with all columns. Insert, update and delete here.
--
-- Insert: tube and body are enough; priority, delay and ttr may be given. Update: tube, state, priority, delay, ttr and
-- body.
CREATE VIEW task AS
SELECT
    id, tube, state, priority, delay_s AS delay, ttr_s AS ttr, created_ms, due_ms, holder, reserves, timeouts, releases,
    buries, kicks, body
FROM task_state;

CREATE TRIGGER task_insert INSTEAD OF INSERT ON task FOR EACH ROW EXECUTE FUNCTION task_insert();
CREATE TRIGGER task_update INSTEAD OF UPDATE ON task FOR EACH ROW EXECUTE FUNCTION task_update();
CREATE TRIGGER task_delete INSTEAD OF DELETE ON task FOR EACH ROW EXECUTE FUNCTION task_delete();

-- Tasks for people: times in UTC, the holder by name, the start of the body (other bytes than text as \x…).
CREATE VIEW task_overview AS
SELECT
    id, tube, state, priority, ttr_s AS ttr, utc(created_ms) AS created, utc(due_ms) AS due,
    round((due_ms - now_ms()) / 1000.0, 1) AS seconds_left, held_by(holder) AS held_by,
    reserves, timeouts, releases, buries, kicks, length(body) AS bytes,
    replace(encode(substr(body, 1, 60), 'escape'), E'\n', ' ') AS start_of_body
FROM task_state;

-- Claims for people: the holder of each task, since when (the reserve, or the last touch), and for how much longer.
CREATE VIEW claim_overview AS
SELECT id, tube, held_by, round(ttr - seconds_left, 1) AS seconds_held, seconds_left, reserves, timeouts, start_of_body
FROM task_overview
WHERE state = 'claimed';

-- The oldest pending task of each tube.
CREATE VIEW oldest_pending AS
SELECT
    tube.name AS tube, task_state.id, task_state.priority, utc(created_ms) AS created,
    round((now_ms() - created_ms) / 1000.0, 1) AS age
FROM tube
JOIN task_state ON task_state.id = oldest_pending_id(tube.name)
ORDER BY tube.position;

-- Tubes for people.
CREATE VIEW tube_overview AS
SELECT
    name,
    coalesce(sum(pending), 0) AS pending, coalesce(sum(urgent), 0) AS urgent, coalesce(sum(delayed), 0) AS delayed,
    coalesce(sum(claimed), 0) AS claimed, coalesce(sum(buried), 0) AS buried,
    coalesce(sum(total_tasks), 0) AS total_tasks, coalesce(sum(deletes), 0) AS deletes,
    (SELECT coalesce(sum(users), 0) FROM tube_user WHERE tube_user.tube = name) AS users,
    (SELECT coalesce(sum(watchers), 0) FROM tube_user WHERE tube_user.tube = name) AS watchers,
    utc(paused_until_ms) AS paused_until
FROM tube
LEFT JOIN tube_count ON tube_count.tube = name
GROUP BY name, position, paused_until_ms
ORDER BY position;

-- Named sessions for people. The names are left out: a client of the same principal that knows a name can attach the
-- session.
CREATE VIEW session_overview AS
SELECT
    id, held_by(connection) AS taken_by, utc(taken_ms) AS taken,
    (SELECT count(*) FROM task_state WHERE state = 'claimed' AND holder = session.id) AS claims
FROM session;

-- Managers for people.
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

-- Changes the tables of version 1 (Beanrow 0.1.0) to those of version 2. It runs in one transaction with the functions of
-- schema-postgres.sql and functions-*.sql, which are replaced or added.
--
-- Running managers of 0.1.0 continue: their functions, whose names end with 1, stay. Those that decide which manager is
-- dead, and that remove it, are changed: a manager of 0.1.0 declares no manager dead because of a clock, and cannot undo
-- that it was declared dead itself. A manager of 0.1.0 that is started from now on refuses these tables.

CREATE UNLOGGED TABLE heartbeat (
    manager_id bigint PRIMARY KEY,
    beats      bigint NOT NULL
) WITH (fillfactor = 20);

CREATE SEQUENCE count_change;

ALTER SEQUENCE session_id MAXVALUE 4294967295 CYCLE;

CREATE INDEX tube_count_change ON tube_count (tube) WHERE manager_id < 0;

-- schema-postgres.sql describes these types.
CREATE TYPE operation_2 AS (
    kind             text,
    last             integer,
    session          bigint,
    id               bigint,
    tube             text,
    tubes            text[],
    state            text,
    priority         bigint,
    delay_s          bigint,
    ttr_s            bigint,
    bound            bigint,
    name             text,
    users            bigint,
    watchers         bigint,
    is_named         boolean,
    makes_tube       boolean,
    waits            boolean,
    may_hold_back    boolean,
    may_be_held_back boolean,
    body             bytea
);

CREATE TYPE batch_row_2 AS (
    operation integer,
    event     text,
    id        bigint,
    tube      text,
    state     text,
    priority  bigint,
    holder    bigint,
    ttr_s     bigint,
    tasks     bigint,
    urgent    bigint,
    numbers   bigint[],
    body      bytea
);

UPDATE schema_version SET version = 2;

-- From version 1 of the tables (Beanrow 0.1.0) to version 2. Run in one transaction with the functions of
-- schema-postgres.sql and functions-*.sql, which it replaces or adds.
--
-- Managers of 0.1.0 that are running go on: their functions, whose names end with 1, stay. Those that judge and bury other
-- managers are changed, so that a manager of 0.1.0 neither takes one for dead because of a clock, nor undoes that it was
-- taken for dead itself. A manager of 0.1.0 that is started from now on refuses these tables.

CREATE UNLOGGED TABLE heartbeat (
    manager_id bigint PRIMARY KEY,
    beats      bigint NOT NULL
) WITH (fillfactor = 20);

CREATE SEQUENCE count_change;

ALTER SEQUENCE session_id MAXVALUE 4294967295 CYCLE;

CREATE INDEX tube_count_change ON tube_count (tube) WHERE manager_id < 0;

UPDATE schema_version SET version = 2;

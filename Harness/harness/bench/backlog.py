"""Databases with millions of tasks, made without a manager's help."""

import contextlib
import sqlite3
import time

from ..lib.processes import Failure
from .systems import Beanrow

TUBE = "backlog"
_PATTERN = "".join(chr(ord("a") + i % 26) for i in range(80))


def fill(database, pending=0, delayed=0):
    """Adds tasks to a Beanrow database that no manager has open. Bodies are the load generator's, numbered from 0."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        run = connection.execute
        run("PRAGMA journal_mode = OFF")
        run("PRAGMA synchronous = OFF")
        run("PRAGMA cache_size = -100000")
        run("BEGIN IMMEDIATE")
        # One count for all of the rows in place of a trigger a row.
        triggers = run(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name IN ('task_state', 'task_body', 'tube')"
        ).fetchall()
        for name, _ in triggers:
            run(f'DROP TRIGGER "{name}"')
        run("INSERT INTO tube (name, position) SELECT ?, max(position) + 1 FROM tube", (TUBE,))
        (tube,) = run("SELECT id FROM tube WHERE name = ?", (TUBE,)).fetchone()
        # Delayed tasks come first by id and by priority: they would be in front, were they looked at.
        later = int(time.time() * 1000) + 86_400_000
        for state, count, priority, delay, due in (
            ("delayed", delayed, 0, 86_400, later),
            ("pending", pending, 1024, 0, None),
        ):
            if not count:
                continue
            (last,) = run("SELECT coalesce(max(id), 0) FROM task_state").fetchone()
            numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)"
            values = {"count": count, "last": last, "tube": tube, "state": state, "priority": priority,
                      "delay": delay, "due": due, "now": int(time.time() * 1000), "pattern": _PATTERN}  # fmt: skip
            run(
                f"""{numbers}
                INSERT INTO task_state (id, tube_id, state, priority, delay_s, ttr_s, created_ms, due_ms)
                SELECT :last + 1 + i, :tube, :state, :priority, :delay, 120, :now, :due FROM n""",
                values,
            )
            run(
                f"""{numbers} INSERT INTO task_body (id, body)
                SELECT :last + 1 + i, CAST(printf('%020d%s', i, :pattern) AS BLOB) FROM n""",
                values,
            )
        run(
            "UPDATE tube SET pending = ?, delayed = ?, total_tasks = ? WHERE id = ?",
            (pending, delayed, pending + delayed, tube),
        )
        for _, sql in triggers:
            run(sql)
        run("COMMIT")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA wal_checkpoint(TRUNCATE)")


def prepare(pending=0, delayed=0):
    """What a Beanrow does before its managers start, once: make the file, through a manager, and fill it."""

    def make(system):
        if system.database.exists():
            return
        system.add_manager()
        system.stop()
        system.ports = []
        try:
            fill(system.database, pending, delayed)
        except sqlite3.Error as error:
            raise Failure(f"cannot fill {system.database}: {error}") from None

    return make


def in_words(count):
    """10000000 as 10 million."""
    if count >= 1_000_000 and count % 100_000 == 0:
        return f"{count / 1_000_000:g} million"
    return f"{count:,}".replace(",", " ")


def variants(name, program, sizes):
    """Three managers over each size of backlog, the first one empty; the last has only delayed tasks."""
    for pending, delayed in [(0, 0), *((size, 0) for size in sizes), (0, sizes[0] if sizes else 0)]:
        if delayed:
            key, title = "delayed", f"{in_words(delayed)} delayed"
        else:
            key, title = f"pending-{pending}", f"{in_words(pending)} pending" if pending else "empty"
        system = Beanrow(
            name, program, 3, prepare(pending, delayed) if pending or delayed else None, f"{name}-{key}", title
        )
        system.tube, system.pending = TUBE, pending
        yield system

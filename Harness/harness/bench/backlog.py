"""Databases with millions of tasks, made without a manager."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..lib.failures import Failure
from .systems import Beanrow

TUBE = "backlog"
_PATTERN = "".join(chr(ord("a") + i % 26) for i in range(80))


def fill(database: Path, pending: int = 0, delayed: int = 0) -> None:
    """Adds tasks to a file that no manager has open. The bodies are the load generator's, numbered from 0."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        run = connection.execute
        run("PRAGMA journal_mode = OFF")
        run("PRAGMA synchronous = OFF")
        run("PRAGMA cache_size = -100000")
        run("BEGIN IMMEDIATE")
        # One count for all rows, instead of a trigger per row.
        triggers = run(
            "SELECT name, sql FROM sqlite_schema "
            "WHERE type = 'trigger' AND tbl_name IN ('task_state', 'task_body', 'tube')"
        ).fetchall()
        for name, _ in triggers:
            run(f'DROP TRIGGER "{name}"')
        run("INSERT INTO tube (name, position) SELECT ?, max(position) + 1 FROM tube", (TUBE,))
        (tube,) = run("SELECT id FROM tube WHERE name = ?", (TUBE,)).fetchone()
        # Delayed tasks have the lowest ids and priorities: a query that looked at them would return them first.
        later = int(time.time() * 1000) + 86_400_000
        for state, count, priority, delay, due in (
            ("delayed", delayed, 0, 86_400, later),
            ("pending", pending, 1024, 0, None),
        ):
            if not count:
                continue
            (last,) = run("SELECT coalesce(max(id), 0) FROM task_state").fetchone()
            numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count)"
            values = {
                "count": count,
                "last": last,
                "tube": tube,
                "state": state,
                "priority": priority,
                "delay": delay,
                "due": due,
                "now": int(time.time() * 1000),
                "pattern": _PATTERN,
            }
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


def prepare(pending: int = 0, delayed: int = 0) -> Callable[[Beanrow], None]:
    """Returns what makes the file of a system, through a manager, and fills it, if it does not exist."""

    def make(system: Beanrow) -> None:
        database = Path(system.database)
        if database.exists():
            return
        system.add_manager()
        system.stop()
        system.ports = []
        try:
            fill(database, pending, delayed)
        except sqlite3.Error as error:
            raise Failure(f"cannot fill {database}: {error}") from None

    return make


def in_words(count: int) -> str:
    """Returns, for example, ``10 million`` for 10000000."""
    if count >= 1_000_000 and count % 100_000 == 0:
        return f"{count / 1_000_000:g} million"
    return f"{count:,}".replace(",", " ")


class BeanrowWithBacklog(Beanrow):
    """Three managers on a file that has many tasks already."""

    def __init__(self, name: str, program: Path, pending: int, delayed: int) -> None:
        """Prepares managers on a file with these numbers of tasks."""
        if delayed:
            key, title = "delayed", f"{in_words(delayed)} delayed"
        else:
            key, title = f"pending-{pending}", f"{in_words(pending)} pending" if pending else "empty"
        make = prepare(pending, delayed) if pending or delayed else None
        super().__init__(name, program, 3, make, f"{name}-{key}", title)
        self.pending = pending
        #: How many of the pending tasks were reserved so far.
        self.used = 0


def variants(name: str, program: Path, sizes: Sequence[int]) -> Iterator[BeanrowWithBacklog]:
    """Yields managers on each size of backlog: first none, last only delayed tasks."""
    for pending, delayed in [(0, 0), *((size, 0) for size in sizes), (0, sizes[0] if sizes else 0)]:
        yield BeanrowWithBacklog(name, program, pending, delayed)

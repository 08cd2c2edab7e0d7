"""Reading a database without its managers, through SQLite, and checking that it is sound."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .failures import Failure

STATES = ("pending", "delayed", "claimed", "buried")


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Reads everything in the block from one state of the database, whatever is committed at the same time."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class Row:
    """A task in the database. A row without a body is damage."""

    id: int
    tube: str
    state: str
    priority: int
    reserves: int
    body: bytes | None


class Away(Failure):
    """The database does not answer. It is unknown whether it has executed what was sent."""


class Tasks(Protocol):
    """The tasks of a database, read and inserted without its managers."""

    def count(self) -> int:
        """Returns the number of tasks, by the stored counts."""

    def insert(self, tube: str, body: bytes) -> None:
        """Inserts a task with SQL, as another program does that uses the database."""

    def is_claimed(self) -> bool:
        """Returns whether a task is claimed."""

    def state(self) -> tuple[list[str], list[Row]]:
        """Returns what is wrong with the database, and all tasks, both at one moment."""


@dataclass(frozen=True, slots=True)
class File:
    """The tasks in a SQLite file; see `Tasks`."""

    path: Path
    #: How many seconds an insert may wait for other writers.
    patience: float = 60

    def count(self) -> int:
        """See `Tasks`."""
        with self._opened() as db:
            return count(db)

    def insert(self, tube: str, body: bytes) -> None:
        """See `Tasks`."""
        try:
            with closing(sqlite3.connect(self.path, timeout=self.patience, isolation_level=None)) as db:
                db.execute("PRAGMA wal_autocheckpoint = 0")
                db.execute("INSERT INTO task (tube, body) VALUES (?, ?)", (tube, body))
        except sqlite3.Error as error:
            raise Away(str(error)) from error

    def is_claimed(self) -> bool:
        """See `Tasks`."""
        with self._opened() as db:
            return db.execute("SELECT 1 FROM task WHERE state = 'claimed'").fetchone() is not None

    def state(self) -> tuple[list[str], list[Row]]:
        """See `Tasks`."""
        # Managers may make delayed tasks pending at the same time.
        with self._opened() as db, snapshot(db):
            return unsoundness(db), list(tasks(db))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with opened(self.path, readonly=True) as db:
                yield db
        except sqlite3.Error as error:
            raise Away(str(error)) from error


@contextmanager
def opened(path: Path, readonly: bool = False) -> Iterator[sqlite3.Connection]:
    """Opens a database that exists."""
    mode = "ro" if readonly else "rw"
    with closing(sqlite3.connect(f"file:{path}?mode={mode}", uri=True, timeout=30, isolation_level=None)) as db:
        yield db


def unsoundness(db: sqlite3.Connection) -> list[str]:
    """Returns what is wrong with the file and with the counts; nothing for a sound file."""
    found = [f"integrity_check: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    found += [f"foreign_key_check: {row}" for row in db.execute("PRAGMA foreign_key_check")]
    return found + wrong_counts(db)


def wrong_counts(db: sqlite3.Connection) -> list[str]:
    """Returns the tubes whose stored counts differ from the number of their tasks."""
    columns = (*STATES, "urgent")
    counted = ", ".join(f"count(*) FILTER (WHERE state = '{state}')" for state in STATES)
    urgent = "count(*) FILTER (WHERE state = 'pending' AND priority < 1024)"
    real = {row[0]: row[1:] for row in db.execute(f"SELECT tube, {counted}, {urgent} FROM task GROUP BY tube")}
    kept = {row[0]: row[1:] for row in db.execute(f"SELECT name, {', '.join(columns)} FROM tube")}
    nothing = (0,) * len(columns)

    def named(values: tuple[int, ...]) -> dict[str, int]:
        return dict(zip(columns, values, strict=True))

    return [
        f"tube {tube}: counts {named(kept.get(tube, nothing))} but has {named(real.get(tube, nothing))}"
        for tube in sorted(real.keys() | kept.keys(), key=str)
        if real.get(tube, nothing) != kept.get(tube, nothing)
    ]


def tasks(db: sqlite3.Connection) -> Iterator[Row]:
    """Yields all tasks."""
    for row in db.execute("SELECT id, tube, state, priority, reserves, body FROM task"):
        id, tube, state, priority, reserves, body = row
        yield Row(id, tube, state, priority, reserves, body.encode() if isinstance(body, str) else body)


def count(db: sqlite3.Connection) -> int:
    """Returns the number of tasks, by the stored counts."""
    row = db.execute(f"SELECT sum({' + '.join(STATES)}) FROM tube").fetchone()
    return int(row[0] or 0)


def last_id(db: sqlite3.Connection) -> int:
    """Returns the largest id that was ever given."""
    row = db.execute("SELECT max(seq) FROM sqlite_sequence WHERE name LIKE 'task%'").fetchone()
    return int(row[0] or 0)


def has_schema(db: sqlite3.Connection) -> bool:
    """Returns whether the tables exist."""
    return db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'task'").fetchone() is not None

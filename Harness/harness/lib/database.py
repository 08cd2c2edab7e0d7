"""Looking at a database from outside, through SQLite, and whether it is sound."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

STATES = ("pending", "delayed", "claimed", "buried")


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Reads everything in the block from one state of the database, whatever others commit meanwhile."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class Row:
    """A task as the database has it; no body is a file that is not sound."""

    id: int
    tube: str
    state: str
    priority: int
    reserves: int
    body: bytes | None


class Away(Exception):
    """The database cannot be asked; what was asked may have happened."""


class Tasks(Protocol):
    """A database of tasks, seen past its managers."""

    def count(self) -> int:
        """How many tasks there are, by the counts that are kept."""

    def insert(self, tube: str, body: bytes) -> None:
        """Puts a task with SQL, as a program does that shares the database."""

    def is_claimed(self) -> bool:
        """Whether anybody holds a task."""

    def state(self) -> tuple[list[str], list[Row]]:
        """What is wrong with the database, and all tasks, at one moment."""


@dataclass(frozen=True, slots=True)
class File:
    """The tasks in a file of SQLite's; see `Tasks`."""

    path: Path
    #: How long an insert may wait for those who write, in seconds.
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
        # Managers still make delayed tasks pending.
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
    """What is wrong with the file and with the counts; empty for a sound one."""
    found = [f"integrity_check: {row[0]}" for row in db.execute("PRAGMA integrity_check") if row[0] != "ok"]
    found += [f"foreign_key_check: {row}" for row in db.execute("PRAGMA foreign_key_check")]
    return found + wrong_counts(db)


def wrong_counts(db: sqlite3.Connection) -> list[str]:
    """Where the counts of a tube differ from what counting its tasks gives."""
    columns = (*STATES, "urgent")
    counted = ", ".join(f"count(*) FILTER (WHERE state = '{state}')" for state in STATES)
    urgent = "count(*) FILTER (WHERE state = 'pending' AND priority < 1024)"
    real = {row[0]: row[1:] for row in db.execute(f"SELECT tube, {counted}, {urgent} FROM task GROUP BY tube")}
    kept = {row[0]: row[1:] for row in db.execute(f"SELECT name, {', '.join(columns)} FROM tube")}
    nothing = (0,) * len(columns)
    return [
        f"tube {tube}: counts {dict(zip(columns, kept.get(tube, nothing)))} but has "
        f"{dict(zip(columns, real.get(tube, nothing)))}"
        for tube in sorted(real.keys() | kept.keys(), key=str)
        if real.get(tube, nothing) != kept.get(tube, nothing)
    ]


def tasks(db: sqlite3.Connection) -> Iterator[Row]:
    """All tasks."""
    for row in db.execute("SELECT id, tube, state, priority, reserves, body FROM task"):
        id, tube, state, priority, reserves, body = row
        yield Row(id, tube, state, priority, reserves, body.encode() if isinstance(body, str) else body)


def count(db: sqlite3.Connection) -> int:
    """How many tasks there are, by the counts that are kept."""
    row = db.execute(f"SELECT sum({' + '.join(STATES)}) FROM tube").fetchone()
    return int(row[0] or 0)


def last_id(db: sqlite3.Connection) -> int:
    """The largest id ever given."""
    row = db.execute("SELECT max(seq) FROM sqlite_sequence WHERE name LIKE 'task%'").fetchone()
    return int(row[0] or 0)


def has_schema(db: sqlite3.Connection) -> bool:
    """Whether somebody has made the tables."""
    return db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'task'").fetchone() is not None

"""The report about a damaged file: never sound, and never an error of the tool."""

from __future__ import annotations

import sqlite3
import tempfile
import unittest
from contextlib import closing
from pathlib import Path

from ..lib import bodies
from ..lib.paths import ROOT
from ..powercut.acknowledgements import Acknowledgements, Operation, Replies, State, Task, Wire
from ..powercut.recovery import check_file

SCHEMA = ROOT / "schema.sql"
WIRE = Wire(1000, 11300, 0)


class DamageTests(unittest.TestCase):
    """A file with one acknowledged task, and kinds of damage."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="beanrow-recovery-")
        self.addCleanup(directory.cleanup)
        self.path = Path(directory.name) / "tasks.db"
        self.body = bodies.make("key", 10)
        with closing(sqlite3.connect(self.path)) as db:
            db.executescript(SCHEMA.read_text())
            db.execute("INSERT INTO task (tube, body) VALUES ('default', ?)", (self.body,))
            db.commit()

    def check(self, *damage: str) -> list[str]:
        with closing(sqlite3.connect(self.path)) as db:
            # A lost sector can do what SQL may not.
            for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
                db.execute(f'DROP TRIGGER "{name}"')
            for statement in damage:
                db.execute(statement)
            db.commit()
        return self.look()

    def look(self) -> list[str]:
        put = Task("key", len(self.body), id=1)
        put.operations.append(Operation("put", State("live", 65536), 10, WIRE, acked=20))
        acknowledgements = Acknowledgements([put], Replies([]))
        acknowledgements.advance(30)
        return check_file(self.path, acknowledgements, 30)

    def test_sound(self) -> None:
        self.assertEqual(self.check(), [])

    def test_row_without_body(self) -> None:
        found = self.check("DELETE FROM task_body")
        self.assertIn("task 1 has no body", found)
        self.assertTrue(any("is lost" in line for line in found), found)

    def test_body_that_no_client_put(self) -> None:
        found = self.check("UPDATE task_body SET body = x'00'")
        self.assertTrue(any("a body that no client put" in line for line in found), found)

    def test_body_without_row(self) -> None:
        found = self.check("DELETE FROM task_state")
        self.assertTrue(any("foreign_key_check" in line for line in found), found)
        self.assertTrue(any("is lost" in line for line in found), found)

    def test_row_without_tube(self) -> None:
        found = self.check("INSERT INTO tube (name) VALUES ('b')", "UPDATE task_state SET tube_id = 9")
        self.assertTrue(any("foreign_key_check" in line for line in found), found)

    def test_file_that_is_not_a_database(self) -> None:
        self.check()
        self.path.write_bytes(b"\xff" * 8192)
        [line] = self.look()
        self.assertIn("cannot be read", line)

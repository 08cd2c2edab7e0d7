"""Reading PostgreSQL without its managers: every error in it must be found."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from ..hosts.tasks import PostgresTasks
from ..lib.database import Away
from ..lib.failures import Unavailable
from ..lib.paths import ROOT
from ..lib.postgres import SCHEMA, PostgresServer


class PostgresTasksTests(unittest.TestCase):
    """A server with Beanrow's tables; skipped if there can be none."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="beanrow-postgres-")
        self.addCleanup(directory.cleanup)
        try:
            self.server = PostgresServer("db1", Path(directory.name))
        except Unavailable as error:
            self.skipTest(str(error))
        self.tasks = PostgresTasks([self.server])
        self.addCleanup(self.tasks.kill)
        self.server.create()
        self.server.start()
        self.server.ask(f"CREATE SCHEMA {SCHEMA}")
        self.server.ask((ROOT / "schema-postgres.sql").read_text())

    def test_tasks_and_wrong_counts_are_found(self) -> None:
        self.assertEqual((self.tasks.count(), self.tasks.is_claimed(), self.tasks.state()), (0, False, ([], [])))
        self.tasks.insert("mail", b"one\t\n\0\xff")
        self.tasks.insert("mail", b"")
        unsound, rows = self.tasks.state()
        self.assertEqual(unsound, [])
        seen = [(row.id, row.tube, row.state, row.body) for row in rows]
        self.assertEqual(seen, [(1, "mail", "pending", b"one\t\n\0\xff"), (2, "mail", "pending", b"")])
        self.assertEqual(self.tasks.count(), 2)

        self.server.ask("UPDATE tube_count SET delayed = delayed + 1")
        self.assertEqual(len(self.tasks.state()[0]), 1, "a wrong count")
        self.server.ask("DELETE FROM tube_count")
        self.assertEqual(len(self.tasks.state()[0]), 1, "missing counts")
        self.server.ask("DELETE FROM task_state")
        self.assertEqual(self.tasks.state(), ([], []))

        self.server.kill()
        with self.assertRaises(Away):
            self.tasks.count()
        with self.assertRaises(Away):
            self.tasks.insert("mail", b"three")


if __name__ == "__main__":
    unittest.main()

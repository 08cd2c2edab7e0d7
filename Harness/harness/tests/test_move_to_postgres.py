"""tools/move-to-postgres: what is in the file is on the server afterwards."""

from __future__ import annotations

import sqlite3
import subprocess
import tempfile
import unittest
from contextlib import closing
from pathlib import Path

from ..lib.failures import Unavailable
from ..lib.paths import ROOT
from ..lib.postgres import PostgresServer


class MoveTests(unittest.TestCase):
    """A file with two tasks and an empty server; skipped if there can be no server."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="beanrow-move-")
        self.addCleanup(directory.cleanup)
        self.file = Path(directory.name) / "tasks.db"
        try:
            self.server = PostgresServer("server", Path(directory.name))
        except Unavailable as error:
            self.skipTest(str(error))
        self.addCleanup(self.server.stop)
        self.server.create()
        self.server.start()
        with closing(sqlite3.connect(self.file)) as db:
            db.executescript((ROOT / "schema.sql").read_text())
            db.execute("INSERT INTO task (tube, body) VALUES ('default', x'00ff')")
            db.execute("INSERT INTO task (tube, body, priority) VALUES ('mail', 'text', 5)")
            db.commit()

    def move(self) -> subprocess.CompletedProcess[str]:
        command: list[Path | str] = [
            ROOT / "tools" / "move-to-postgres",
            "--from",
            self.file,
            "--to",
            self.server.uri("postgres"),
        ]
        return subprocess.run(command, capture_output=True, text=True)

    def test_tasks_are_copied_once(self) -> None:
        result = self.move()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("copied 2 tasks in 2 tubes", result.stderr)
        tasks = self.server.ask("SELECT id, tube, state, priority, body FROM task ORDER BY id")
        expected = [["1", "default", "pending", "65536", "\\x00ff"], ["2", "mail", "pending", "5", "\\x74657874"]]
        self.assertEqual(tasks, expected)
        again = self.move()
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertIn("comparing", again.stderr)

    def test_a_difference_is_found(self) -> None:
        self.assertEqual(self.move().returncode, 0)
        self.server.ask("UPDATE task SET priority = 6 WHERE id = 2")
        result = self.move()
        self.assertEqual(result.returncode, 1)
        self.assertIn(" differs: ", result.stderr)


if __name__ == "__main__":
    unittest.main()

"""PostgreSQL seen past its managers: what is wrong in it must be seen, or nothing that is said of it means anything."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from ..lib.postgres import SCHEMA, Cluster, Server
from ..lib.database import Away
from ..hosts.network import Network
from ..lib.paths import ROOT, Unavailable


class ClusterTests(unittest.TestCase):
    """A server with our tables; skipped where there can be none."""

    def setUp(self) -> None:
        try:
            network = Network("db1")
            self.addCleanup(network.close)
            directory = tempfile.TemporaryDirectory(prefix="beanrow-cluster-")
            self.addCleanup(directory.cleanup)
            self.server = Server(network["db1"], Path(directory.name))
        except Unavailable as error:
            self.skipTest(str(error))
        self.cluster = Cluster([self.server])
        self.addCleanup(self.cluster.kill)
        self.server.create("10.20.30.0/24")
        self.server.start()
        self.server.ask(f"CREATE SCHEMA {SCHEMA}")
        self.server.ask((ROOT / "schema-postgres.sql").read_text())

    def test_what_is_there_is_seen(self) -> None:
        self.assertEqual((self.cluster.count(), self.cluster.is_claimed(), self.cluster.state()), (0, False, ([], [])))
        self.cluster.insert("mail", b"one\t\n\0\xff")
        self.cluster.insert("mail", b"")
        unsound, rows = self.cluster.state()
        self.assertEqual(unsound, [])
        seen = [(row.id, row.tube, row.state, row.body) for row in rows]
        self.assertEqual(seen, [(1, "mail", "pending", b"one\t\n\0\xff"), (2, "mail", "pending", b"")])
        self.assertEqual(self.cluster.count(), 2)

        self.server.ask("UPDATE tube_count SET delayed = delayed + 1")
        self.assertEqual(len(self.cluster.state()[0]), 1, "a count that is wrong")
        self.server.ask("DELETE FROM tube_count")
        self.assertEqual(len(self.cluster.state()[0]), 1, "counts that are missing")
        self.server.ask("DELETE FROM task_state")
        self.assertEqual(self.cluster.state(), ([], []))

        self.server.kill()
        with self.assertRaises(Away):
            self.cluster.count()
        with self.assertRaises(Away):
            self.cluster.insert("mail", b"three")


if __name__ == "__main__":
    unittest.main()

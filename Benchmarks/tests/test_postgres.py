"""Tests of tools/bench --postgres on a server of its own: small runs, each of which accounts for every task."""

import os
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

BENCHMARKS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(BENCHMARKS))

from beanbench import install, onserver_report  # noqa: E402
from beanbench.cluster import Cluster  # noqa: E402
from beanbench.compare import compare  # noqa: E402
from beanbench.load import Generator  # noqa: E402
from beanbench.onserver import LIFE, ServerBench  # noqa: E402
from beanbench.postgresql import PostgreSQL  # noqa: E402
from beanbench.processes import Failure  # noqa: E402
from beanbench.results import Results  # noqa: E402
from beanbench.systems import BeanrowOnServer  # noqa: E402
from beanbench.workloads import WORKLOADS  # noqa: E402

GIVEN = os.environ.get("BEANROW_MANAGER", "")
MANAGER = str(Path(GIVEN).resolve()) if GIVEN else ""
MISSING = Cluster().missing()


def _workload(key):
    return next(workload for workload in WORKLOADS if workload.key == key)


@unittest.skipIf(MISSING, MISSING)
class OnOneServerTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.directory = Path(folder.name)
        cls.directory.chmod(0o755)
        cls.cluster = Cluster()
        (cls.directory / "server").mkdir()
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start(cls.directory / "server")
        cls.generator = Generator(install.load_programs(BENCHMARKS, cls.directory)[0])

    def compare(self, key, *systems):
        return compare(_workload(key), systems, self.generator, self.directory, rounds=1, seconds=0.01, say=lambda _: None)

    def pgbench(self, mode):
        return PostgreSQL(self.cluster, mode, LIFE if mode == "life" else f"pgbench-{mode}", mode)

    def test_plain_skip_locked_puts_takes_and_does_both(self):
        found = self.compare("W7", self.pgbench("life"), self.pgbench("put"), self.pgbench("drain"))
        for key, system in found.items():
            self.assertNotIn("failed", system, key)
            self.assertGreaterEqual(system["runs"][0]["tasks"], 1900, key)
            self.assertGreater(system["runs"][0]["database_cpu_per_1000"], 0, key)
        self.assertEqual(len(found), 3)

    def test_the_best_that_sql_can_do_puts_and_takes_many_at_once(self):
        for key in ("W6", "W7"):
            found = self.compare(key, PostgreSQL(self.cluster))
            self.assertNotIn("failed", found["postgresql"])
            self.assertGreaterEqual(found["postgresql"]["runs"][0]["tasks"], 1900)

    def test_tasks_that_are_not_taken_are_seen(self):
        system = self.pgbench("drain")
        system.start(self.directory)
        self.addCleanup(system.dispose)
        system.query("INSERT INTO task (state, body) SELECT 'buried', '' FROM generate_series(1, 100)")
        with self.assertRaisesRegex(Failure, "left over"):
            system.measure(_workload("W3"), 640, {"connections": 64, "bytes": 100}, 60)

    def test_tasks_that_were_not_put_are_seen(self):
        system = self.pgbench("put")
        system.start(self.directory)
        self.addCleanup(system.dispose)
        system.query("CREATE RULE lose AS ON INSERT TO task WHERE random() < 0.5 DO INSTEAD NOTHING")
        with self.assertRaisesRegex(Failure, "640 tasks put, "):
            system.measure(_workload("W2"), 640, {"connections": 64, "bytes": 100}, 60)

    @unittest.skipUnless(MANAGER, "BEANROW_MANAGER names no manager")
    def test_the_tool_measures_managers_beside_it(self):
        keys = ["W4", "W6", "W7"]
        options = SimpleNamespace(
            managers={"beanrow": MANAGER}, no_install=True, no_build=True, directory=str(self.directory), lanes=2, rounds=1,
            seconds=0.01, workloads=keys, growth=False,
        )  # fmt: skip
        kept = []
        bench = ServerBench(options, lambda *_: None, lambda *state: kept.append(state[1]), Results())
        self.addCleanup(bench.clean)
        bench.run()
        self.assertFalse(bench.failed, bench.results.data)
        self.assertEqual(list(bench.results.data["workloads"]), keys)
        # The load generator has seen each body once.
        for key in keys:
            self.assertGreaterEqual(bench.results.runs(key, "beanrow-3")[0]["tasks"], _workload(key).first_tasks)
            self.assertGreater(bench.results.peak_memory(key, "beanrow-3"), 0)
        self.assertEqual(kept.count(True), len(keys))
        self.assertEqual(sorted(onserver_report.musts(bench.results)), keys)

    @unittest.skipUnless(MANAGER, "BEANROW_MANAGER names no manager")
    def test_a_task_that_comes_twice_fails_the_run(self):
        system = BeanrowOnServer(MANAGER, 3, self.cluster, 2)
        system.start(self.directory)
        self.addCleanup(system.dispose)
        self.generator.run(system, "put", connections=64, depth=8, bytes=100, tasks=2000, queue="lossy")
        # One body again in the place of another.
        self.cluster.query(
            "UPDATE beanrow.task SET body = (SELECT body FROM beanrow.task ORDER BY id LIMIT 1) "
            "WHERE id = (SELECT max(id) FROM beanrow.task)",
            system.database_name,
        )
        with self.assertRaisesRegex(Failure, "duplicates=1 missing=1"):
            self.generator.run(system, "drain", connections=64, bytes=100, tasks=2000, queue="lossy")


def _results(**rates):
    """Rates by system, the same in W4 and W6."""
    systems = {
        key.replace("_", "-"): {"title": key, "runs": [
            {"rate": rate, "share": [1.0], "latencies": {}, "cpu_per_1000": 0.2, "database_cpu_per_1000": 0.1, "written_per_task": 1}
        ]}
        for key, rate in rates.items()
    }  # fmt: skip
    entry = {"title": "life", "measured": "today", "systems": systems}
    return Results({"machine": {"memory": "1"}, "versions": {}, "workloads": {"W4": entry, "W6": entry}})


class ReportTests(unittest.TestCase):
    def test_musts_are_times_the_whole_life(self):
        results = _results(beanrow_3=5000, pgbench_life=1000, pgbench_put=2000)
        self.assertEqual(onserver_report.musts(results), {"W4": (5.0, 2.5, True), "W6": (5.0, 8, False)})
        text = " ".join(onserver_report.targets(results).split())
        self.assertIn("| 5.00× | ≥ 2.5× | met |", text)
        self.assertIn("| 5.00× | ≥ 8× | not met |", text)
        self.assertIn("2.50×", onserver_report.comparison(results))

    def test_the_projection_is_of_the_servers_own_cost(self):
        results = _results(pgbench_life=1000, beanrow_3=5000)
        results.data["growth"] = {"1": _results(pgbench_life=1000, beanrow_1=2000, beanrow_3=5000).data}
        text = onserver_report.growth(results)
        # 0.1 s per 1 000 tasks and 0.8 of two cores are 16 000 a second; 5 000 a second keep half of a core busy.
        self.assertIn("16.0k", text)
        self.assertIn("50 %", text)

    def test_nothing_measured_is_said(self):
        self.assertIn("Not measured", onserver_report.comparison(Results()))
        self.assertIn("Not measured", onserver_report.growth(Results()))


if __name__ == "__main__":
    unittest.main()

"""tools/bench --postgres on a server of its own: small runs, each of which accounts for every task."""

from __future__ import annotations

import os
import tempfile
import unittest
from pathlib import Path

from ..bench import on_server_report
from ..bench.compare import compare
from ..bench.load import Generator
from ..bench.on_server import LIFE, ServerBench
from ..bench.options import Options
from ..bench.postgresql import SETTINGS, PostgreSQL
from ..bench.results import Entry, Results
from ..bench.systems import BeanrowOnServer, System
from ..bench.workloads import WORKLOADS, Workload
from ..lib import postgres
from ..lib.failures import Failure
from ..lib.paths import load_programs
from ..lib.postgres import PostgresServer

GIVEN = os.environ.get("BEANROW_MANAGER")
MANAGER = Path(GIVEN).resolve() if GIVEN else None
MISSING = postgres.missing()


def _workload(key: str) -> Workload:
    return next(workload for workload in WORKLOADS if workload.key == key)


@unittest.skipIf(MISSING is not None, MISSING or "")
class OnOneServerTests(unittest.TestCase):
    """Systems on one server."""

    directory: Path
    server: PostgresServer
    generator: Generator

    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.directory = Path(directory.name)
        cls.server = PostgresServer("server", cls.directory, settings=SETTINGS)
        cls.addClassCleanup(cls.server.stop)
        cls.server.create()
        cls.server.start()
        cls.generator = Generator(load_programs(cls.directory)[0])

    def compare(self, key: str, *systems: System) -> Entry:
        return compare(
            _workload(key), systems, self.generator, self.directory, rounds=1, seconds=0.01, say=lambda _: None
        )

    def pgbench(self, mode: str) -> PostgreSQL:
        return PostgreSQL(self.server, mode, LIFE if mode == "life" else f"pgbench-{mode}", mode)

    def test_plain_skip_locked_puts_takes_and_does_both(self) -> None:
        found = self.compare("W7", self.pgbench("life"), self.pgbench("put"), self.pgbench("drain"))
        for key, system in found.items():
            self.assertNotIn("failed", system, key)
            self.assertGreaterEqual(system["runs"][0]["tasks"], 1900, key)
            self.assertGreater(system["runs"][0]["database_cpu_per_1000"], 0, key)
        self.assertEqual(len(found), 3)

    def test_the_fastest_sql_puts_and_takes_many_tasks_at_once(self) -> None:
        for key in ("W6", "W7"):
            found = self.compare(key, PostgreSQL(self.server))
            self.assertNotIn("failed", found["postgresql"])
            self.assertGreaterEqual(found["postgresql"]["runs"][0]["tasks"], 1900)

    def test_tasks_that_are_not_taken_are_seen(self) -> None:
        system = self.pgbench("drain")
        system.start(self.directory)
        self.addCleanup(system.dispose)
        system.query("INSERT INTO task (state, body) SELECT 'buried', '' FROM generate_series(1, 100)")
        with self.assertRaisesRegex(Failure, "left over"):
            system.measure("drain", "reserve", 640, {"connections": 64, "bytes": 100}, 60)

    def test_tasks_that_were_not_put_are_seen(self) -> None:
        system = self.pgbench("put")
        system.start(self.directory)
        self.addCleanup(system.dispose)
        system.query("CREATE RULE lose AS ON INSERT TO task WHERE random() < 0.5 DO INSTEAD NOTHING")
        with self.assertRaisesRegex(Failure, "640 tasks put, "):
            system.measure("put", "put", 640, {"connections": 64, "bytes": 100}, 60)

    @unittest.skipIf(MANAGER is None, "BEANROW_MANAGER names no manager")
    def test_the_tool_measures_managers_and_pgbench(self) -> None:
        keys = ["W4", "W6", "W7"]
        options = Options(
            workloads=keys,
            rounds=1,
            seconds=0.01,
            lanes=2,
            managers={"beanrow": MANAGER},
            builds=False,
            installs=False,
            directory=self.directory,
        )
        kept: list[bool] = []
        bench = ServerBench(options, lambda _: None, lambda _, is_done: kept.append(is_done), Results())
        self.addCleanup(bench.clean)
        bench.run()
        self.assertFalse(bench.has_failed, bench.results.data)
        self.assertEqual(list(bench.results.data["workloads"]), keys)
        # The load generator has seen each body once.
        for key in keys:
            self.assertGreaterEqual(bench.results.runs(key, "beanrow-3")[0]["tasks"], _workload(key).first_tasks)
            self.assertGreater(bench.results.peak_memory(key, "beanrow-3") or 0, 0)
        self.assertEqual(kept.count(True), len(keys))
        self.assertEqual(sorted(on_server_report.musts(bench.results)), keys)

    @unittest.skipIf(MANAGER is None, "BEANROW_MANAGER names no manager")
    def test_a_task_that_comes_twice_fails_the_run(self) -> None:
        assert MANAGER is not None
        system = BeanrowOnServer(MANAGER, 3, self.server, 2)
        system.start(self.directory)
        self.addCleanup(system.dispose)
        self.generator.run(system, "put", connections=64, depth=8, bytes=100, tasks=2000, queue="lossy")
        # One body instead of another.
        self.server.ask(
            "UPDATE beanrow.task SET body = (SELECT body FROM beanrow.task ORDER BY id LIMIT 1) "
            "WHERE id = (SELECT max(id) FROM beanrow.task)",
            database=system.database_name,
        )
        with self.assertRaisesRegex(Failure, "duplicates=1 missing=1"):
            self.generator.run(system, "drain", connections=64, bytes=100, tasks=2000, queue="lossy")


def _results(**rates: int) -> Results:
    """Returns rates by system, the same in W4 and W6."""
    costs = {"cpu_per_1000": 0.2, "database_cpu_per_1000": 0.1, "written_per_task": 1}
    systems = {
        key.replace("_", "-"): {"title": key, "runs": [{"rate": rate, "share": [1.0], "latencies": {}, **costs}]}
        for key, rate in rates.items()
    }
    entry = {"title": "life", "measured": "today", "systems": systems}
    return Results({"machine": {"memory": "1"}, "versions": {}, "workloads": {"W4": entry, "W6": entry}})


class ReportTests(unittest.TestCase):
    """The tables."""

    def test_musts_are_times_the_whole_life(self) -> None:
        results = _results(beanrow_3=5000, pgbench_life=1000, pgbench_put=2000)
        self.assertEqual(on_server_report.musts(results), {"W4": (5.0, 2.5, True), "W6": (5.0, 8, False)})
        text = " ".join(on_server_report.targets(results).split())
        self.assertIn("| 5.00× | ≥ 2.5× | met |", text)
        self.assertIn("| 5.00× | ≥ 8× | not met |", text)
        self.assertIn("2.50×", on_server_report.comparison(results))

    def test_the_projection_follows_from_the_cost_of_the_server(self) -> None:
        results = _results(pgbench_life=1000, beanrow_3=5000)
        results.data["growth"] = {"1": _results(pgbench_life=1000, beanrow_1=2000, beanrow_3=5000).data}
        text = on_server_report.growth(results)
        # 0.1 s per 1 000 tasks and 0.8 of two cores are 16 000 per second; 5 000 per second use half of a core.
        self.assertIn("16.0k", text)
        self.assertIn("50 %", text)

    def test_a_page_without_results_says_so(self) -> None:
        self.assertIn("Not measured", on_server_report.comparison(Results()))
        self.assertIn("Not measured", on_server_report.growth(Results()))


if __name__ == "__main__":
    unittest.main()

"""The parts of the benchmark: the load generator against servers that lie, and the reports."""

from __future__ import annotations

import contextlib
import socketserver
import sqlite3
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any

from ..bench import backlog, main, report
from ..bench.options import Options
from ..bench.results import Results
from ..lib.paths import ROOT, load_programs


class Liar(socketserver.ThreadingTCPServer):
    """A server for one connection at a time, which may mistreat one of the tasks."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, spoil: str | None = None) -> None:
        self.spoil = spoil
        self.tasks: list[bytes] = []
        self.received = 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self) -> bytes:
        """Takes the next task, or what the server says is one."""
        self.received += 1
        body = self.tasks.pop(0)
        if self.spoil == "twice" and self.received == 3:
            self.tasks.insert(0, body)
        if self.spoil == "altered" and self.received == 3:
            body = body[:-1] + b"#"
        if self.spoil == "another" and self.received == 3:
            body = b"9" * 20 + body[20:]
        return body


class Handler(socketserver.StreamRequestHandler):
    """One connection to a liar."""

    def handle(self) -> None:
        """Answers all commands."""
        server = self.server
        assert isinstance(server, Liar)
        for line in self.rfile:
            word = line.split()[0]
            if word == b"put":
                server.tasks.append(self.rfile.read(int(line.split()[4]) + 2)[:-2])
                self.wfile.write(b"INSERTED 1\r\n")
            elif word == b"reserve":
                body = server.take()
                self.wfile.write(b"RESERVED 1 %d\r\n%s\r\n" % (len(body), body))
            elif word == b"delete":
                self.wfile.write(b"NOT_FOUND\r\n" if server.spoil == "not found" else b"DELETED\r\n")


class LoadGeneratorTests(unittest.TestCase):
    """The load generator must notice a server that lies, or no figure of tools/bench means anything."""

    generator: Path

    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.generator = load_programs(Path(directory.name))[0]

    def run_against(
        self, spoil: str | None, *, mode: str = "life", tasks: int = 20, puts: int | None = None
    ) -> tuple[subprocess.CompletedProcess[str], dict[str, int]]:
        with Liar(spoil) as server:
            command = [str(self.generator), "--ports", str(server.server_address[1]), "--connections", "1"]
            command += ["--time-limit", "20"]
            if puts:
                subprocess.run([*command, "--mode", "put", "--tasks", str(puts)], check=True, capture_output=True)
            result = subprocess.run([*command, "--mode", mode, "--tasks", str(tasks)], capture_output=True, text=True)
            server.shutdown()
        words = dict(pair.split("=") for pair in result.stdout.split())
        return result, {name: int(words[name]) for name in ("duplicates", "missing", "altered") if name in words}

    def test_an_honest_server_passes(self) -> None:
        result, found = self.run_against(None)
        self.assertEqual((result.returncode, found), (0, {"duplicates": 0, "missing": 0, "altered": 0}), result.stderr)

    def test_a_task_handed_out_twice_is_a_duplicate_and_leaves_another_missing(self) -> None:
        result, found = self.run_against("twice")
        self.assertEqual((result.returncode, found), (1, {"duplicates": 1, "missing": 1, "altered": 0}))

    def test_an_altered_body_is_seen(self) -> None:
        result, found = self.run_against("altered")
        self.assertEqual((result.returncode, found), (1, {"duplicates": 0, "missing": 1, "altered": 1}))

    def test_a_body_that_no_client_put_is_seen(self) -> None:
        result, found = self.run_against("another")
        self.assertEqual((result.returncode, found), (1, {"duplicates": 0, "missing": 1, "altered": 1}))

    def test_a_wrong_answer_ends_the_run(self) -> None:
        result, _ = self.run_against("not found")
        self.assertEqual(result.returncode, 1)
        self.assertIn("NOT_FOUND", result.stderr)

    def test_a_drain_takes_what_an_earlier_run_has_put(self) -> None:
        result, found = self.run_against(None, mode="drain", tasks=30, puts=30)
        self.assertEqual((result.returncode, found), (0, {"duplicates": 0, "missing": 0, "altered": 0}), result.stderr)

    def test_bad_options_are_refused(self) -> None:
        for options in (["--mode", "life"], ["--ports", "0"], ["--ports", "11300", "--mode", "x"], ["--tasks", "12a"]):
            self.assertEqual(subprocess.run([self.generator, *options], capture_output=True).returncode, 64, options)


def _results(**rates: list[int]) -> Results:
    systems = {
        key: {"title": key, "durable": True, "runs": [{"rate": rate, "share": [1.0], "latencies": {}} for rate in runs]}
        for key, runs in rates.items()
    }
    return Results({"machine": {}, "versions": {}, "workloads": {"W4": {"title": "life", "systems": systems}}})


def _targets(beanrow: int, beanstalkd: int) -> Results:
    results = _results(**{"beanrow-3": [beanrow], "beanstalkd": [beanstalkd]})
    results.data["workloads"]["W2"] = results.data["workloads"].pop("W4")
    return results


class BacklogTests(unittest.TestCase):
    """Files that are filled without a manager."""

    def test_a_file_is_filled_as_the_load_generator_expects_it_and_as_its_counts_say(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "tasks.db")
            with contextlib.closing(sqlite3.connect(path)) as database:
                database.executescript((ROOT / "schema.sql").read_text())
                triggers = database.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'").fetchone()
            backlog.fill(path, pending=500, delayed=20)
            with contextlib.closing(sqlite3.connect(path)) as database:

                def ask(text: str) -> tuple[Any, ...]:
                    row: tuple[Any, ...] = database.execute(text).fetchone()
                    return row

                counts = ask("SELECT pending, delayed, total_tasks FROM tube WHERE name = 'backlog'")
                self.assertEqual(counts, (500, 20, 520))
                self.assertEqual(ask("SELECT count(*) FROM task_state WHERE state = 'pending'"), (500,))
                bodies = ask("SELECT count(*), min(length(body)), max(length(body)) FROM task_body")
                self.assertEqual(bodies, (520, 100, 100))
                self.assertEqual(ask("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), triggers)
                first = ask("SELECT min(id) FROM task_state WHERE state = 'pending'")[0]
                body = ask(f"SELECT body FROM task_body WHERE id = {first + 7}")[0]
                self.assertTrue(bytes(body).startswith(b"00000000000000000007abcdef"))
                self.assertEqual(ask("PRAGMA integrity_check"), ("ok",))


class ReportTests(unittest.TestCase):
    """Tables, stored results and targets."""

    def test_a_table_shows_medians_and_the_ratio_to_the_reference(self) -> None:
        text = report.headline(_results(mine=[10_000, 30_000, 20_000], beanstalkd=[40_000]))
        self.assertIn("20.0k (0.50×)", text)
        self.assertIn("| 40.0k |", " ".join(text.split()))

    def test_figures_have_three_significant_digits(self) -> None:
        shown = [report.figure(value) for value in (0.1234, 7, 812, 4510, 107_300, 1_910_000, None)]
        self.assertEqual(shown, ["0.123", "7", "812", "4.5k", "107k", "1.9M", "–"])

    def test_results_survive_a_file(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "results.json")
            _results(mine=[1]).write(path)
            self.assertEqual(Results.read(path).rate("W4", "mine"), 1)

    def test_what_was_measured_to_the_end_is_not_measured_again(self) -> None:
        results = _results(mine=[1])
        results.data["workloads"]["W2"] = {"title": "put", "systems": {}}
        results.data["workloads"]["W4"]["done"] = True
        results.data["growth"] = {"1": _results(mine=[2]).data}
        with tempfile.TemporaryDirectory() as folder:
            store = main.ResultsStore(Options(workloads=[]), Path(folder))
            store.keep(results, True)
            earlier = store.earlier()
        self.assertEqual(list(earlier.data["workloads"]), ["W4"])
        self.assertEqual(earlier.data["growth"]["1"]["workloads"], {})

    def test_a_target_is_met_or_not_and_one_without_figures_is_named(self) -> None:
        text = " ".join(report.targets(_targets(beanrow=60, beanstalkd=100)).split())
        self.assertIn("| W2 put, relative to beanstalkd in memory | 0.60× | ≥ 0.6× | ≥ 0.8× | met |", text)
        self.assertIn("Not measured: W1 put p50", text)
        for beanrow, row in (
            (59, "| 0.59× | ≥ 0.6× | ≥ 0.8× | not met |"),
            (80, "| 0.80× | ≥ 0.6× | ≥ 0.8× | met, also the aim |"),
        ):
            text = report.targets(_targets(beanrow=beanrow, beanstalkd=100))
            self.assertIn(row, " ".join(text.split()))

    def test_tables_can_be_shown_of_a_run_that_was_ended_early(self) -> None:
        results = _results(mine=[1])
        for key in ("W1", "W3", "W10", "W11", "W12", "W13"):
            results.data["workloads"][key] = {"title": key, "systems": {"beanrow-3": {"title": "Beanrow", "runs": []}}}
        text = report.everything(results)
        self.assertIn("W4 life", text)
        self.assertNotIn("W3", text.partition("Not measured:")[0])

    def test_newer_results_replace_a_workload_and_leave_the_others(self) -> None:
        old, new = _results(mine=[1]), _results(mine=[2])
        new.data["workloads"]["W2"] = new.data["workloads"].pop("W4")
        old.update(new)
        self.assertEqual((old.rate("W4", "mine"), old.rate("W2", "mine")), (1, 2))


if __name__ == "__main__":
    unittest.main()

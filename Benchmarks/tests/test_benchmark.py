"""Tests of the benchmark's own parts: the load generator against servers that lie, the reading of results."""

import contextlib
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from types import SimpleNamespace

BENCHMARKS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(BENCHMARKS))

from beanbench import backlog, cli, install, report  # noqa: E402
from beanbench.results import Results  # noqa: E402


class Liar(socketserver.ThreadingTCPServer):
    """A server for one connection at a time, which may treat one of the tasks badly."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, spoil=None):
        self.spoil, self.tasks, self.received = spoil, [], 0
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self):
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
    def handle(self):
        server = self.server
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
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.generator = install.load_programs(BENCHMARKS, Path(cls.folder.name))[0]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_against(self, spoil, *, mode="life", tasks=20, puts=None):
        with Liar(spoil) as server:
            command = [self.generator, "--ports", str(server.server_address[1]), "--connections", "1", "--time-limit", "20"]
            if puts:
                subprocess.run([*command, "--mode", "put", "--tasks", str(puts)], check=True, capture_output=True)
            result = subprocess.run([*command, "--mode", mode, "--tasks", str(tasks)], capture_output=True, text=True)
            server.shutdown()
        words = dict(pair.split("=") for pair in result.stdout.split())
        return result, {name: int(words[name]) for name in ("duplicates", "missing", "altered") if name in words}

    def test_an_honest_server_passes(self):
        result, found = self.run_against(None)
        self.assertEqual((result.returncode, found), (0, {"duplicates": 0, "missing": 0, "altered": 0}), result.stderr)

    def test_a_task_handed_out_twice_is_a_duplicate_and_leaves_another_missing(self):
        result, found = self.run_against("twice")
        self.assertEqual((result.returncode, found), (1, {"duplicates": 1, "missing": 1, "altered": 0}))

    def test_an_altered_body_is_seen(self):
        result, found = self.run_against("altered")
        self.assertEqual((result.returncode, found), (1, {"duplicates": 0, "missing": 1, "altered": 1}))

    def test_a_body_nobody_put_is_seen(self):
        result, found = self.run_against("another")
        self.assertEqual((result.returncode, found), (1, {"duplicates": 0, "missing": 1, "altered": 1}))

    def test_a_wrong_answer_ends_the_run(self):
        result, _ = self.run_against("not found")
        self.assertEqual(result.returncode, 1)
        self.assertIn("NOT_FOUND", result.stderr)

    def test_a_drain_takes_what_an_earlier_run_has_put(self):
        result, found = self.run_against(None, mode="drain", tasks=30, puts=30)
        self.assertEqual((result.returncode, found), (0, {"duplicates": 0, "missing": 0, "altered": 0}), result.stderr)

    def test_bad_options_are_refused(self):
        for options in (["--mode", "life"], ["--ports", "0"], ["--ports", "11300", "--mode", "x"], ["--tasks", "12a"]):
            self.assertEqual(subprocess.run([self.generator, *options], capture_output=True).returncode, 64, options)


def _results(**rates):
    systems = {
        key: {"title": key, "durable": True, "runs": [{"rate": rate, "share": [1.0], "latencies": {}} for rate in runs]}
        for key, runs in rates.items()
    }
    return Results({"machine": {}, "versions": {}, "workloads": {"W4": {"title": "life", "systems": systems}}})


def _targets(beanrow, beanstalkd):
    results = _results(**{"beanrow-3": [beanrow], "beanstalkd": [beanstalkd]})
    results.data["workloads"]["W2"] = results.data["workloads"].pop("W4")
    return results


class BacklogTests(unittest.TestCase):
    SCHEMA = (BENCHMARKS.parent / "schema.sql").read_text()

    def test_a_file_is_filled_as_the_load_generator_expects_it_and_as_its_counts_say(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "tasks.db")
            with contextlib.closing(sqlite3.connect(path)) as database:
                database.executescript(self.SCHEMA)
                triggers = database.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'").fetchone()
            backlog.fill(path, pending=500, delayed=20)
            with contextlib.closing(sqlite3.connect(path)) as database:
                ask = lambda text: database.execute(text).fetchone()  # noqa: E731
                self.assertEqual(ask("SELECT pending, delayed, total_tasks FROM tube WHERE name = 'backlog'"), (500, 20, 520))
                self.assertEqual(ask("SELECT count(*) FROM task_state WHERE state = 'pending'"), (500,))
                self.assertEqual(ask("SELECT count(*), min(length(body)), max(length(body)) FROM task_body"), (520, 100, 100))
                self.assertEqual(ask("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"), triggers)
                first = ask("SELECT min(id) FROM task_state WHERE state = 'pending'")[0]
                body = ask(f"SELECT body FROM task_body WHERE id = {first + 7}")[0]
                self.assertTrue(bytes(body).startswith(b"00000000000000000007abcdef"))
                self.assertEqual(ask("PRAGMA integrity_check"), ("ok",))


class ReportTests(unittest.TestCase):
    def test_a_table_shows_medians_and_the_ratio_to_the_reference(self):
        text = report.headline(_results(mine=[10_000, 30_000, 20_000], beanstalkd=[40_000]))
        self.assertIn("20.0k (0.50×)", text)
        self.assertIn("| 40.0k |", " ".join(text.split()))

    def test_figures_have_three_digits_that_count(self):
        shown = [report.figure(value) for value in (0.1234, 7, 812, 4510, 107_300, 1_910_000, None)]
        self.assertEqual(shown, ["0.123", "7", "812", "4.5k", "107k", "1.9M", "–"])

    def test_results_survive_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "results.json")
            _results(mine=[1]).write(path)
            self.assertEqual(Results.read(path).rate("W4", "mine"), 1)

    def test_what_was_measured_to_the_end_is_not_measured_again(self):
        results = _results(mine=[1])
        results.data["workloads"]["W2"] = {"title": "put", "systems": {}}
        results.data["workloads"]["W4"]["done"] = True
        results.data["growth"] = {"1": _results(mine=[2]).data}
        with tempfile.TemporaryDirectory() as folder:
            keeper = cli.Keeper(SimpleNamespace(postgres=False, write=False))
            keeper.file = Path(folder, "last.json")
            keeper.keep(results, True)
            earlier = keeper.earlier()
        self.assertEqual(list(earlier.data["workloads"]), ["W4"])
        self.assertEqual(earlier.data["growth"]["1"]["workloads"], {})

    def test_a_target_is_met_or_not_and_one_without_figures_is_named(self):
        text = " ".join(report.targets(_targets(beanrow=60, beanstalkd=100)).split())
        self.assertIn("| W2 put, relative to beanstalkd in memory | 0.60× | ≥ 0.6× | ≥ 0.8× | met |", text)
        self.assertIn("Not measured: W1 put p50", text)
        self.assertIn("| 0.59× | ≥ 0.6× | ≥ 0.8× | not met |", " ".join(report.targets(_targets(beanrow=59, beanstalkd=100)).split()))
        self.assertIn("| 0.80× | ≥ 0.6× | ≥ 0.8× | met, also the aim |", " ".join(report.targets(_targets(beanrow=80, beanstalkd=100)).split()))

    def test_tables_can_be_shown_of_a_run_that_was_ended_early(self):
        results = _results(mine=[1])
        for key in ("W1", "W3", "W10", "W11", "W12", "W13"):
            results.data["workloads"][key] = {"title": key, "systems": {"beanrow-3": {"title": "Beanrow", "runs": []}}}
        text = report.everything(results)
        self.assertIn("W4 life", text)
        self.assertNotIn("W3", text.partition("Not measured:")[0])

    def test_newer_results_replace_a_workload_and_leave_the_others(self):
        old, new = _results(mine=[1]), _results(mine=[2])
        new.data["workloads"]["W2"] = new.data["workloads"].pop("W4")
        old.update(new)
        self.assertEqual((old.rate("W4", "mine"), old.rate("W2", "mine")), (1, 2))


if __name__ == "__main__":
    unittest.main()

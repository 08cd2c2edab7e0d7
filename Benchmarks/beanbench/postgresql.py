"""PostgreSQL as a task queue: FOR UPDATE SKIP LOCKED, loaded by pgbench."""

import glob
import os
import pwd
import shutil
import signal
import subprocess

from . import processes
from .load import Measurement
from .processes import Failure
from .systems import System

_SCHEMA = """
CREATE TABLE task (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL DEFAULT 'pending',
    priority bigint NOT NULL DEFAULT 1024,
    claimed_at timestamptz,
    body bytea NOT NULL
);
ALTER TABLE task ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX task_pending ON task (priority, id) WHERE state = 'pending';
"""

_PUT = "INSERT INTO task (body) VALUES ('{body}');\n"

# Always one row, so that pgbench goes on where a claim finds nothing.
_CLAIM = """
WITH claimed AS (
    UPDATE task SET state = 'claimed', claimed_at = now() WHERE id IN (
        SELECT id FROM task WHERE state = 'pending' ORDER BY priority, id LIMIT {count} FOR UPDATE SKIP LOCKED)
    RETURNING id, body)
SELECT coalesce(array_agg(id), '{{}}') AS ids, count(body) AS bodies FROM claimed \\gset
"""

_DELETE = "DELETE FROM task WHERE id = ANY (:ids::bigint[]);\n"


class PostgreSQL(System):
    key, title, protocol = "postgresql", "PostgreSQL, SKIP LOCKED", "pgbench"
    package = "postgresql"
    counts_memory = False  # its processes share most of it

    def __init__(self):
        super().__init__()
        folders = glob.glob("/usr/lib/postgresql/*/bin")
        self.folder = max(folders, key=lambda folder: int(folder.split("/")[-2])) if folders else ""
        self.user = "postgres" if os.geteuid() == 0 else None

    def missing(self):
        if not all(os.access(f"{self.folder}/{name}", os.X_OK) for name in ("initdb", "postgres", "pgbench", "psql")):
            return f"no PostgreSQL server with pgbench found (Debian package {self.package})"
        if self.user and self.user not in {entry.pw_name for entry in pwd.getpwall()}:
            return "PostgreSQL does not run as root, and there is no user postgres"
        return None

    def version(self):
        return subprocess.run(
            [f"{self.folder}/postgres", "--version"], capture_output=True, text=True
        ).stdout.strip()

    def launch(self):
        data = self.directory / "data"
        port = processes.free_port()
        if self.user:
            shutil.chown(self.directory, self.user)
        log = self.directory / "log"
        log.touch()
        initialize = processes.start(
            [f"{self.folder}/initdb", "--pgdata", data, "--auth", "trust", "--username", "bench", "--encoding", "UTF8",
             "--locale", "C"],
            directory=self.directory, log=log, user=self.user,
        )  # fmt: skip
        try:
            if initialize.wait(60) != 0:
                raise Failure("initdb failed")
        except subprocess.TimeoutExpired:
            raise Failure("initdb hangs") from None
        finally:
            processes.stop(initialize)
        server = self.begin(
            f"{self.folder}/postgres", "-D", data, "-h", "127.0.0.1", "-p", port, "-k", "", "-c", "max_connections=600",
            user=self.user,
        )  # fmt: skip
        processes.await_port(port, server)
        self.ports = [port]
        self.query(_SCHEMA)

    def stop(self):
        for process in self.running:
            processes.stop(process, signal.SIGINT)  # "fast": does not wait for clients
        self.running = []

    def _connection(self):
        return ["-h", "127.0.0.1", "-p", str(self.ports[0]), "-U", "bench"]

    def query(self, text):
        """Runs SQL and returns what it printed."""
        command = [f"{self.folder}/psql", *self._connection(), "-d", "postgres", "-qtAX", "-v", "ON_ERROR_STOP=1"]
        for _ in range(100):
            result = subprocess.run(command, input=text, capture_output=True, text=True)
            if "starting up" not in result.stderr:
                break
        if result.returncode != 0:
            raise Failure(result.stderr.strip())
        return result.stdout.strip()

    def measure(self, workload, tasks, options, time_limit):
        """One run, as Workload.run."""
        body = "".join(chr(ord("a") + i % 26) for i in range(options["bytes"]))
        depth = options.get("depth", 1)
        # A script puts, takes or both this many tasks; pgbench calls a run of it a transaction.
        each = depth if workload.mode == "put" else options.get("reserves", 1)
        put, take = _PUT.format(body=body), _CLAIM.format(count=each) + _DELETE
        if workload.mode == "put":
            script = put if each == 1 else "\\startpipeline\n" + put * each + "\\endpipeline\n"
        else:
            script = take if workload.mode == "drain" else put + take
        clients = options["connections"]
        runs = max(1, round(tasks / each / clients))
        tasks = runs * clients * each
        if workload.mode == "drain":
            self.query(f"INSERT INTO task (body) SELECT '{body}' FROM generate_series(1, {tasks}); ANALYZE task;")
        result = self._pgbench(script, clients, runs, time_limit)
        result.tasks = tasks
        left = int(self.query("SELECT count(*) FROM task"))
        if workload.mode == "put":
            if left != tasks:
                raise Failure(f"{tasks} tasks put, {left} found")
        else:
            # A claim finds nothing where others are just claiming all that it sees.
            result.tasks -= left
            if left > clients:
                raise Failure(f"{left} of {tasks} tasks left over")
        result.rate = result.tasks / result.seconds
        result.latencies = {f"{workload.latency}_{name}": value for name, value in result.latencies.items()}
        self.query("TRUNCATE task")
        return result

    def _pgbench(self, script, clients, runs, time_limit):
        folder = self.directory / "pgbench"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / "script.sql").write_text(script)
        command = [
            f"{self.folder}/pgbench", *self._connection(), "-n", "-M", "prepared", "-c", str(clients), "-j", "1",
            "-t", str(runs), "-f", "script.sql", "--log", "--log-prefix=run", "postgres",
        ]  # fmt: skip
        before = processes.usage(self.roots)
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=time_limit)
        except subprocess.TimeoutExpired:
            raise Failure(f"pgbench was not done within {time_limit} s") from None
        cost = processes.usage(self.roots) - before
        if done.returncode != 0:
            raise Failure("pgbench: " + done.stderr.strip()[-300:])
        taken, ends = [], []
        for log in folder.glob("run*"):
            for line in log.read_text().splitlines():
                fields = line.split()
                if fields[2].isdigit():
                    taken.append(int(fields[2]))
                    ends.append(int(fields[4]) * 1_000_000 + int(fields[5]))
        began = min(end - one for end, one in zip(ends, taken))
        taken.sort()
        return Measurement(
            tasks=0,
            seconds=(max(ends) - began) / 1e6,
            rate=0,
            latencies={"p50": taken[len(taken) // 2], "p99": taken[len(taken) * 99 // 100], "max": taken[-1]},
            share=[1.0],
            cpu=cost.cpu,
            written=cost.written,
        )

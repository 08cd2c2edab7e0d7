"""What can be measured: each system starts, says where it listens, and stops."""

import os
import select
import shutil
import signal
import subprocess
import time

from ..lib import processes
from ..lib.processes import Failure


class System:
    """A task queue that the load generator can talk to."""

    key = ""
    title = ""
    durable = True
    protocol = "beanstalk"
    counts_memory = True
    program = ""
    package = ""

    def __init__(self):
        self.running = []
        self.ports = []
        self.directory = None

    def missing(self):
        """Why this cannot be measured here, or None."""
        return None if shutil.which(self.program) else f"no {self.program} found (Debian package {self.package})"

    def version(self):
        """One line."""
        return ""

    @property
    def program_name(self):
        """What has that version."""
        return self.title.partition(",")[0].partition(" -")[0]

    def start(self, directory):
        """Starts it with its files in a directory of its own below the one given."""
        self.directory = directory / self.key
        self.directory.mkdir(exist_ok=True)
        self.ports = []
        try:
            self.launch()
        except Failure as failure:
            self.stop()
            raise Failure(f"{self.title}: {failure}; {self.last_words()}") from None

    def launch(self):
        raise NotImplementedError

    def last_words(self):
        """The end of what it logged."""
        try:
            return (self.directory / "log").read_text(errors="replace").strip()[-300:] or "it said nothing"
        except OSError:
            return "it said nothing"

    def begin(self, *arguments, **options):
        """Starts one process of it."""
        process = processes.start(arguments, directory=self.directory, log=self.directory / "log", **options)
        self.running.append(process)
        return process

    @property
    def roots(self):
        """The processes whose cost is the system's."""
        return [process.pid for process in self.running]

    @property
    def memory_roots(self):
        """Those of them whose memory is looked at."""
        return self.roots if self.counts_memory else []

    @property
    def database_roots(self):
        """Those of them that are a database's."""
        return []

    def settle(self):
        """Cleans up after earlier runs, so that no run pays for another one."""

    def stop(self):
        """Ends it, in order if it can."""
        for process in self.running:
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            processes.stop(process)
        self.running = []

    def kill(self):
        """Ends it as a crash would."""
        for process in self.running:
            processes.stop(process, signal.SIGKILL)
        self.running = []

    def dispose(self):
        """Ends it and removes its files."""
        self.stop()
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)


class Beanstalkd(System):
    program = package = "beanstalkd"

    def __init__(self, durable):
        super().__init__()
        self.durable = durable
        self.sync = "-f0"
        self.key = "beanstalkd-f0" if durable else "beanstalkd"
        self.title = "beanstalkd -b -f0" if durable else "beanstalkd, in memory"

    def version(self):
        return _output(self.program, "-v")

    def launch(self):
        self.ports = [processes.free_port()]
        arguments = [self.program, "-l", "127.0.0.1", "-p", self.ports[0]]
        if self.durable:
            (self.directory / "log.d").mkdir(exist_ok=True)
            arguments += ["-b", self.directory / "log.d", self.sync]
        processes.await_port(self.ports[0], self.begin(*arguments))


class Redis(System):
    key, title, protocol = "redis", "Redis, appendfsync always", "redis"
    program = package = "redis-server"

    def version(self):
        return " ".join(_output(self.program, "--version").split()[:3])

    def launch(self):
        self.ports = [processes.free_port()]
        process = self.begin(
            self.program, "--bind", "127.0.0.1", "--port", self.ports[0], "--dir", self.directory, "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no",
        )  # fmt: skip
        processes.await_port(self.ports[0], process)


class Floor(System):
    """A server that does next to nothing."""

    key, title, durable = "floor", "a server that does nothing", False

    def __init__(self, program):
        super().__init__()
        self.program = str(program)

    def launch(self):
        self.ports = [processes.free_port()]
        processes.await_port(self.ports[0], self.begin(self.program, self.ports[0]))


class Beanrow(System):
    def __init__(self, name, program, managers, prepare=None, key=None, title=None, options=()):
        super().__init__()
        self.name = name
        self.program = str(program)
        self.managers = managers
        self.prepare = prepare
        self.options = options
        self.key = key or f"{name}-{managers}"
        noun = "manager" if managers == 1 else "managers"
        self.title = title or f"{name.capitalize()}, {managers} {noun}"

    def missing(self):
        return None if os.access(self.program, os.X_OK) else f"no {self.program}"

    def version(self):
        return _output(self.program, "--version")

    @property
    def database(self):
        return self.directory / "tasks.db"

    def launch(self):
        if self.prepare:
            self.prepare(self)
        for _ in range(self.managers):
            self.add_manager()

    def add_manager(self):
        """Starts one more manager; returns how many seconds it took until it said that it listens."""
        began = time.monotonic()
        process = self.begin(
            self.program, "--database", self.database, "--listen", "127.0.0.1:0", *self.options, output=subprocess.PIPE
        )
        self.ports.append(_announced_port(process))
        return time.monotonic() - began


class BeanrowOnServer(Beanrow):
    """Managers over a PostgreSQL server that others use as well, in a database of their own."""

    def __init__(self, program, managers, cluster, lanes=None):
        super().__init__("beanrow", program, managers, options=("--lanes", lanes) if lanes else ())
        self.cluster = cluster
        self.database_name = self.key.replace("-", "_")

    @property
    def database(self):
        return self.cluster.address(self.database_name)

    @property
    def roots(self):
        return self.memory_roots + self.database_roots

    @property
    def memory_roots(self):
        return [process.pid for process in self.running]

    @property
    def database_roots(self):
        return self.cluster.roots

    def launch(self):
        self.cluster.make_database(self.database_name)
        super().launch()

    def settle(self):
        self.cluster.query("VACUUM ANALYZE", self.database_name)

    def stop(self):
        super().stop()
        if self.directory:
            self.cluster.drop_database(self.database_name)


def _announced_port(process, patience=60):
    """Reads `listening on HOST:PORT`, which a manager says once it accepts connections."""
    said, deadline = b"", time.monotonic() + patience
    while time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.2)[0]:
            more = os.read(process.stdout.fileno(), 4096)
            if not more:
                raise Failure("a manager ended before it listened")
            said += more
            for line in said.decode(errors="replace").splitlines(keepends=True):
                if line.startswith("listening on ") and line.endswith("\n"):
                    return int(line.rpartition(":")[2])
    raise Failure(f"a manager does not listen after {patience} s")


def _output(*command):
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return (result.stdout or result.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return ""

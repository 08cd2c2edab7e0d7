"""What can be measured. Each system starts, says on which ports it listens, and stops."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from ..lib import processes
from ..lib.failures import Failure
from ..lib.managers import Manager, StartFailed
from ..lib.ports import ReservedPort
from ..lib.postgres import PostgresServer


class System:
    """A task queue that the load generator can use."""

    key = ""
    title = ""
    durable = True
    protocol = "beanstalk"
    counts_memory = True
    program = ""
    #: Debian's package.
    package = ""

    def __init__(self) -> None:
        """Prepares it; nothing runs yet."""
        self.running: list[subprocess.Popen[bytes]] = []
        self.ports: list[int] = []
        self._directory: Path | None = None
        self._reserved: ReservedPort | None = None

    @property
    def directory(self) -> Path:
        """Where its files are."""
        assert self._directory is not None, "not started"
        return self._directory

    @property
    def log(self) -> Path:
        """The output of its processes."""
        return self.directory / "log"

    def missing(self) -> str | None:
        """Returns why it cannot be measured on this machine, None if it can."""
        return None if shutil.which(self.program) else f"there is no {self.program} (Debian package {self.package})"

    def version(self) -> str:
        """Returns its version in one line."""
        return ""

    @property
    def program_name(self) -> str:
        """What has that version."""
        return self.title.partition(",")[0].partition(" -")[0]

    def start(self, directory: Path) -> None:
        """Starts it, with its files in a directory of its own below the given one."""
        self._directory = directory / self.key
        self._directory.mkdir(exist_ok=True)
        self.ports = []
        try:
            self.launch()
        except Failure as failure:
            self.stop()
            raise Failure(f"{self.title}: {failure}; {self.last_words()}") from None

    def launch(self) -> None:
        """Starts its processes and sets ``ports``."""
        raise NotImplementedError

    def last_words(self) -> str:
        """Returns the end of its log."""
        return processes.tail(self.log, 3) if self._directory is not None else ""

    def run_server(self, *arguments: object) -> None:
        """Starts one process of it, which listens on the last of its ports."""
        process = processes.start(
            arguments, directory=self.directory, log=self.log, dies_with_parent=True, in_own_session=True
        )
        self.running.append(process)
        processes.await_port(self.ports[-1], process)

    def new_port(self) -> int:
        """Reserves the port of its only process."""
        self._reserved = ReservedPort()
        self.ports = [self._reserved.number]
        return self._reserved.number

    @property
    def roots(self) -> list[int]:
        """The processes whose cost is the system's."""
        return [process.pid for process in self.running]

    @property
    def memory_roots(self) -> list[int]:
        """Those of them whose memory is measured."""
        return self.roots if self.counts_memory else []

    @property
    def database_roots(self) -> list[int]:
        """Those of them that belong to a database."""
        return []

    def settle(self) -> None:
        """Cleans up after earlier runs, so that no run pays for another one."""

    def stop(self) -> None:
        """Ends its processes, in order if they can."""
        for process in self.running:
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            processes.stop(process)
        self.running = []

    def kill(self) -> None:
        """Kills its processes, as a crash does."""
        for process in self.running:
            processes.stop(process, signal.SIGKILL)
        self.running = []

    def dispose(self) -> None:
        """Ends it and removes its files."""
        self.stop()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


class Beanstalkd(System):
    """beanstalkd, in memory or with a log that it syncs after each command."""

    program = package = "beanstalkd"

    def __init__(self, durable: bool) -> None:
        """Prepares it; ``durable`` is with a log."""
        super().__init__()
        self.durable = durable
        self.sync = "-f0"
        self.key = "beanstalkd-f0" if durable else "beanstalkd"
        self.title = "beanstalkd -b -f0" if durable else "beanstalkd, in memory"

    def version(self) -> str:
        """See `System`."""
        return _output(self.program, "-v")

    def launch(self) -> None:
        """See `System`."""
        arguments: list[object] = [self.program, "-l", "127.0.0.1", "-p", self.new_port()]
        if self.durable:
            (self.directory / "log.d").mkdir(exist_ok=True)
            arguments += ["-b", self.directory / "log.d", self.sync]
        self.run_server(*arguments)


class Redis(System):
    """Redis, with a log that it syncs after each command."""

    key, title, protocol = "redis", "Redis, appendfsync always", "redis"
    program = package = "redis-server"

    def version(self) -> str:
        """See `System`."""
        return " ".join(_output(self.program, "--version").split()[:3])

    def launch(self) -> None:
        """See `System`."""
        self.run_server(
            *(self.program, "--bind", "127.0.0.1", "--port", self.new_port(), "--dir", self.directory),
            *("--save", "", "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no"),
        )


class Floor(System):
    """A server that does almost nothing."""

    key, title, durable = "floor", "a server that does nothing", False

    def __init__(self, program: Path) -> None:
        """Takes the compiled program."""
        super().__init__()
        self.program = str(program)

    def launch(self) -> None:
        """See `System`."""
        self.run_server(self.program, self.new_port())


class Beanrow(System):
    """Managers that share one file."""

    def __init__(
        self,
        name: str,
        program: Path,
        managers: int,
        prepare: Callable[[Beanrow], None] | None = None,
        key: str | None = None,
        title: str | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Prepares managers; ``prepare`` is called before they start."""
        super().__init__()
        self.name = name
        self.program = str(program)
        self.managers = managers
        self.prepare = prepare
        self.options = options
        self.key = key or f"{name}-{managers}"
        noun = "manager" if managers == 1 else "managers"
        self.title = title or f"{name.capitalize()}, {managers} {noun}"
        self._number = 0

    def missing(self) -> str | None:
        """See `System`."""
        return None if os.access(self.program, os.X_OK) else f"there is no {self.program}"

    def version(self) -> str:
        """See `System`."""
        return _output(self.program, "--version")

    @property
    def database(self) -> Path | str:
        """What the managers get as --database."""
        return self.directory / "tasks.db"

    def launch(self) -> None:
        """See `System`."""
        if self.prepare is not None:
            self.prepare(self)
        for _ in range(self.managers):
            self.add_manager()

    def add_manager(self) -> None:
        """Starts one more manager and waits until it listens."""
        self._number += 1
        manager = Manager(
            Path(self.program),
            self.database,
            f"{self.name}-{self._number}",
            self.log,
            options=self.options,
            address=("127.0.0.1", 0),
            is_measured=True,
        )
        try:
            manager.start(timeout=60)
        except StartFailed:
            manager.kill()
            raise
        assert manager.process is not None
        self.running.append(manager.process)
        self.ports.append(manager.address[1])


class BeanrowOnServer(Beanrow):
    """Managers over a PostgreSQL server that other systems use too, in a database of their own."""

    def __init__(self, program: Path, managers: int, server: PostgresServer, lanes: int | None = None) -> None:
        """Prepares managers; ``lanes`` is their number of connections to the server."""
        super().__init__("beanrow", program, managers, options=("--lanes", str(lanes)) if lanes else ())
        self.server = server
        self.database_name = self.key.replace("-", "_")

    @property
    def database(self) -> str:
        """See `Beanrow`."""
        return self.server.uri(self.database_name)

    @property
    def roots(self) -> list[int]:
        """See `System`."""
        return self.memory_roots + self.database_roots

    @property
    def memory_roots(self) -> list[int]:
        """See `System`."""
        return [process.pid for process in self.running]

    @property
    def database_roots(self) -> list[int]:
        """See `System`."""
        return self.server.roots

    def launch(self) -> None:
        """See `System`."""
        self.server.make_database(self.database_name)
        super().launch()

    def settle(self) -> None:
        """See `System`."""
        self.server.ask("VACUUM ANALYZE", database=self.database_name, patience=600)

    def stop(self) -> None:
        """See `System`."""
        super().stop()
        if self._directory is not None:
            self.server.drop_database(self.database_name)


def _output(*command: str) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10)
        return (result.stdout or result.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return ""

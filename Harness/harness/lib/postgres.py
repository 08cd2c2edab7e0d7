"""PostgreSQL servers for one run: created, killed, promoted, rebuilt, and queried with psql."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from . import processes
from .database import Away
from .failures import Failure, Unavailable
from .ports import ReservedPort

#: The schema that managers create.
SCHEMA = "beanrow"

#: The role that everything runs as.
ROLE = "beanrow"

#: Debian's package.
PACKAGE = "postgresql"


def programs() -> Path:
    """Returns the directory of the newest PostgreSQL's programs."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if not found:
        raise Unavailable(f"there is no PostgreSQL server (Debian package {PACKAGE})")
    return max(found, key=lambda path: int(path.parent.name))


def missing() -> str | None:
    """Returns why there can be no server on this machine, None if there can be one."""
    try:
        programs()
        _server_user()
    except Unavailable as error:
        return str(error)
    return None


def version() -> str:
    """Returns what the newest server prints for --version."""
    result = subprocess.run([programs() / "postgres", "--version"], capture_output=True, text=True)
    return result.stdout.strip()


def short_version(text: str) -> str:
    """Returns, for example, ``PostgreSQL 15.13`` for what `version` returns."""
    found = re.search(r"\d+(\.\d+)*", text)
    return f"PostgreSQL {found.group()}" if found else text


class PostgresServer:
    """A server with its files below a directory. PostgreSQL does not run as root; there it runs as another user."""

    def __init__(
        self,
        name: str,
        directory: Path,
        address: str = "127.0.0.1",
        port: int | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        within: Callable[[], AbstractContextManager[None]] = nullcontext,
        is_measured: bool = False,
    ) -> None:
        """Prepares a server; its files go to the directory ``name`` below ``directory``.

        - ``port``: None reserves one of 127.0.0.1.
        - ``within``: moves the calling thread to the host on which the server runs.
        - ``is_measured``: the server is a benchmark's; see ``dies_with_parent`` of `processes.start`.
        """
        self.name = name
        self.address = address
        if port is None:
            self._reserved = ReservedPort()
            port = self._reserved.number
        self.port = port
        self.directory = directory / name
        self.data = self.directory / "data"
        self.log = self.directory / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self._programs = programs()
        self._settings = settings or {}
        self._environment = {**os.environ, **(environment or {})}
        self._within = within
        self._is_measured = is_measured
        user = _server_user()
        self._user = processes.User(user.pw_uid, user.pw_gid) if os.geteuid() == 0 else None
        self.directory.mkdir(exist_ok=True)
        os.chown(self.directory, user.pw_uid, user.pw_gid)
        # Its sockets are here too, and everyone may use them, whatever the umask is.
        for path in (directory, self.directory):
            path.chmod(0o755)

    # Its life.

    def create(self, network: str | None = None) -> None:
        """Creates an empty cluster; ``network`` names the hosts that may use it besides this one."""
        self._run("initdb", "-D", str(self.data), "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale", "C")
        if network is not None:
            with (self.data / "pg_hba.conf").open("a") as file:
                file.write(f"host all all {network} trust\nhost replication all {network} trust\n")

    def start(self, timeout: float = 60) -> None:
        """Starts the server and waits until it answers queries."""
        settings = {"listen_addresses": self.address, "cluster_name": self.name, **self._settings}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._within():
            self.process = processes.start(
                [self._programs / "postgres", "-D", self.data, "-p", self.port, "-k", self.directory, *words],
                log=self.log,
                directory=self.directory,
                environment=self._environment,
                user=self._user,
                dies_with_parent=self._is_measured,
                in_own_session=True,
            )
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.ask("SELECT 1")
            except Away as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"PostgreSQL does not start: {error}; {self.tail()}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """Stops it without waiting for its clients."""
        if self.process is not None:
            processes.stop(self.process, signal.SIGINT)
            self.process = None

    def kill(self) -> None:
        """Kills all its processes at once, as the loss of its host does."""
        if self.process is None:
            return
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            # Stopped first, so that it starts no more of them.
            self.process.send_signal(signal.SIGSTOP)
            pids = [self.process.pid, *map(int, children.read_text().split())]
        except OSError:
            pids = [self.process.pid]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def promote(self) -> None:
        """Makes a standby the primary, and waits until it is."""
        self._run("pg_ctl", "promote", "-w", "-t", "60", "-D", str(self.data))

    def follow(self, primary: PostgresServer) -> None:
        """Creates it again as a standby; from now on each commit of the primary waits for both disks."""
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"host={primary.address} port={primary.port} user={ROLE} application_name={self.name}"
        self._run("pg_basebackup", "-D", str(self.data), "-R", "-X", "stream", "-c", "fast", "-d", source)
        self.start()
        primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{self.name}'")
        primary.ask("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 60
        in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"
        while primary.ask(in_step) != [["1"]]:
            if time.monotonic() > deadline:
                raise Failure(f"{self.name} does not become a synchronous standby: {self.tail()}")
            time.sleep(0.05)

    def forget_standbys(self) -> None:
        """Waits for no standby any more: for a server that has just become the primary."""
        self.ask("ALTER SYSTEM RESET synchronous_standby_names")
        self.ask("SELECT pg_reload_conf()")

    def hold_to(self, cores: Collection[int]) -> None:
        """Restricts all its processes, also later ones, to these cores, as taskset does."""
        for root in self.roots:
            for pid in processes.family(root):
                with suppress(ProcessLookupError):
                    os.sched_setaffinity(pid, cores)

    # Using it.

    @property
    def roots(self) -> list[int]:
        """The process that all others descend from, if it runs."""
        return [] if self.process is None else [self.process.pid]

    @property
    def host_and_port(self) -> str:
        """Its address and port, as part of a connection URI."""
        return f"{self.address}:{self.port}"

    def uri(self, database: str) -> str:
        """Returns what managers are told."""
        return f"postgres://{ROLE}@{self.host_and_port}/{database}"

    def socket_uri(self, database: str) -> str:
        """Returns what programs on this machine are told: they use its Unix socket."""
        return f"postgresql://{ROLE}@/{database}?host={self.directory}&port={self.port}"

    def arguments(self) -> list[str]:
        """Returns the options by which PostgreSQL's programs connect to it over TCP."""
        return ["-h", self.address, "-p", str(self.port), "-U", ROLE]

    def ask(self, *statements: str, database: str = "postgres", patience: float = 30) -> list[list[str]]:
        """Runs SQL in one session, each statement by itself; returns the rows of all, each value as text.

        Raises:
            Away: if there is no answer in time, or a statement fails.

        """
        command: list[str | Path] = [self._programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-F", "\t"]
        command += ["-h", self.directory, "-p", str(self.port), "-U", ROLE, "-d", database]
        try:
            result = subprocess.run(
                command,
                input="".join(f"{statement};\n" for statement in statements),
                capture_output=True,
                timeout=patience,
                env={**os.environ, "PGOPTIONS": f"-c search_path={SCHEMA},public", "PGCONNECT_TIMEOUT": "5"},
                text=True,
                errors="replace",
            )
        except subprocess.TimeoutExpired as error:
            raise Away("psql has no answer") from error
        if result.returncode != 0:
            raise Away(result.stderr.strip())
        return [line.split("\t") for line in result.stdout.split("\n")[:-1]]

    def make_database(self, name: str) -> None:
        """Creates an empty database instead of any that has this name."""
        self.drop_database(name)
        self.ask(f'CREATE DATABASE "{name}"')

    def drop_database(self, name: str) -> None:
        """Removes a database if it exists, and ends its connections."""
        self.ask(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def tail(self, lines: int = 5) -> str:
        """Returns the end of its log."""
        return processes.tail(self.log, lines)

    def _run(self, program: str, *words: str) -> None:
        with self._within():
            result = subprocess.run(
                [self._programs / program, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                cwd=self.directory,
                user=None if self._user is None else self._user.uid,
                group=None if self._user is None else self._user.gid,
                extra_groups=None if self._user is None else [],
            )
        if result.returncode != 0:
            raise Failure(f"{program}: {result.stderr.decode(errors='replace').strip()}")


def _server_user() -> pwd.struct_passwd:
    """Returns the user that servers run as."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    # words:off: names of users
    for name in ("postgres", "nobody"):
        # words:on
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise Unavailable("PostgreSQL does not run as root, and there is no user postgres")

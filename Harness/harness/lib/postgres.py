"""PostgreSQL servers of a run's own: made, killed, promoted, rebuilt, and asked with psql."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .database import STATES, Away, Row
from ..hosts.network import Host
from .paths import Unavailable

#: The schema that managers make.
SCHEMA = "beanrow"


def programs() -> Path:
    """The directory of the newest PostgreSQL's programs."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if not found:
        raise Unavailable("there is no PostgreSQL server (Debian package postgresql)")
    return max(found, key=lambda path: int(path.parent.name))


class Server:
    """A server on a host, with its files below a directory. PostgreSQL refuses to be root: it runs as another user."""

    def __init__(
        self, host: Host, directory: Path, port: int = 5432, environment: Mapping[str, str] | None = None
    ) -> None:
        self.host = host
        self.port = port
        self.directory = directory / host.name
        self.data = self.directory / "data"
        self.log = self.directory / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self._programs = programs()
        self._environment = {**os.environ, **(environment or {})}
        self._user = _some_user()
        self.directory.mkdir()
        os.chown(self.directory, self._user.pw_uid, self._user.pw_gid)
        # Its sockets are here too, whatever the umask says.
        for path in (directory, self.directory):
            path.chmod(0o755)

    @property
    def address(self) -> str:
        """Where it listens, as part of a connection URI."""
        return f"{self.host.address}:{self.port}"

    def create(self, network: str) -> None:
        """Makes an empty cluster that anybody in the network may use."""
        self._run("initdb", "-D", str(self.data), "-U", "beanrow", "-A", "trust", "-E", "UTF8", "--locale", "C")
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write(f"host all all {network} trust\nhost replication all {network} trust\n")

    def start(self, timeout: float = 60) -> None:
        """Starts it and waits until it takes questions."""
        options = {
            "listen_addresses": self.host.address,
            "max_connections": "200",
            "cluster_name": self.host.name,
            # A standby whose primary is silent tries again; it does not have long.
            "wal_receiver_timeout": "5s",
            "wal_retrieve_retry_interval": "500ms",
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [str(self._programs / "postgres"), "-D", str(self.data), "-p", str(self.port), "-k"]
        with self.log.open("ab") as log, self.host.inside():
            self.process = subprocess.Popen(
                [*command, str(self.directory), *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,
                env=self._environment,
                **self._identity,
            )
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.ask("SELECT 1")
                return
            except Away as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise OSError(f"PostgreSQL does not start: {error}; {self.tail()}") from error
                time.sleep(0.05)

    def kill(self) -> None:
        """Kills all its processes at once, as the loss of its host would."""
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
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None

    def promote(self) -> None:
        """Makes a standby the primary, and waits until it is."""
        self._run("pg_ctl", "promote", "-w", "-t", "60", "-D", str(self.data))

    def follow(self, primary: Server) -> None:
        """Makes it, anew, a standby of another server, to whose disk and its own every commit goes from now on."""
        self.kill()
        shutil.rmtree(self.data, ignore_errors=True)
        source = f"host={primary.host.address} port={primary.port} user=beanrow application_name={self.host.name}"
        self._run("pg_basebackup", "-D", str(self.data), "-R", "-X", "stream", "-c", "fast", "-d", source)
        self.start()
        primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{self.host.name}'")
        primary.ask("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 60
        in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming'"
        while primary.ask(in_step) != [["1"]]:
            if time.monotonic() > deadline:
                raise OSError(f"{self.host.name} does not become a synchronous standby: {self.tail()}")
            time.sleep(0.05)

    def forget_standbys(self) -> None:
        """Does not wait for a standby any more: for a server that has just become the primary."""
        self.ask("ALTER SYSTEM RESET synchronous_standby_names")
        self.ask("SELECT pg_reload_conf()")

    def ask(self, *questions: str, patience: float = 30) -> list[list[str]]:
        """The rows of the last question, each value as text; raises `Away` where there is no answer in time."""
        words = [word for question in questions for word in ("-c", question)]
        where = ("-h", str(self.directory), "-p", str(self.port), "-U", "beanrow", "-d", "postgres")
        try:
            result = subprocess.run(
                [self._programs / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-F", "\t", *where, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=patience,
                env={**os.environ, "PGOPTIONS": f"-c search_path={SCHEMA},public", "PGCONNECT_TIMEOUT": "5"},
            )
        except subprocess.TimeoutExpired as error:
            raise Away("psql has no answer") from error
        if result.returncode != 0:
            raise Away(result.stderr.decode(errors="replace").strip())
        return [line.split("\t") for line in result.stdout.decode().splitlines()]

    def tail(self, lines: int = 5) -> str:
        """The end of what it has said."""
        try:
            return " | ".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    @property
    def _identity(self) -> dict[str, object]:
        if os.geteuid() != 0:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}

    def _run(self, program: str, *words: str) -> None:
        with self.host.inside():
            result = subprocess.run(
                [self._programs / program, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                cwd=self.directory,
                **self._identity,
            )
        if result.returncode != 0:
            raise OSError(f"{program}: {result.stderr.decode(errors='replace').strip()}")


class Cluster:
    """The tasks in the server that is the primary at the moment; see `Tasks`."""

    def __init__(self, servers: Sequence[Server]) -> None:
        self.servers = list(servers)
        self.primary = self.servers[0]

    @property
    def uri(self) -> str:
        """What managers are told: all servers, of which they find the primary by themselves."""
        hosts = ",".join(server.address for server in self.servers)
        return f"postgresql://beanrow@{hosts}/postgres?target_session_attrs=read-write"

    def count(self) -> int:
        """See `Tasks`."""
        return int(self.primary.ask(f"SELECT coalesce(sum({' + '.join(STATES)}), 0) FROM tube_count")[0][0])

    def insert(self, tube: str, body: bytes) -> None:
        """See `Tasks`."""
        self.primary.ask(f"INSERT INTO task (tube, body) VALUES ('{tube}', decode('{body.hex()}', 'hex'))")

    def is_claimed(self) -> bool:
        """See `Tasks`."""
        return self.primary.ask("SELECT EXISTS (SELECT FROM task WHERE state = 'claimed')") == [["t"]]

    def leave_open(self, seconds: float) -> None:
        """Changes tasks in a transaction, as an application does, takes its time, and changes nothing after all."""
        some = "SELECT id FROM task WHERE tube <> 'application' ORDER BY random() LIMIT 30"
        self.primary.ask(
            "BEGIN",
            "INSERT INTO task (tube, body) SELECT 'application', 'x' FROM generate_series(1, 20)",
            f"UPDATE task SET priority = priority WHERE id IN ({some})",
            f"SELECT pg_sleep({seconds:.2f})",
            "ROLLBACK",
            patience=seconds + 30,
        )

    def state(self) -> tuple[list[str], list[Row]]:
        """See `Tasks`."""
        columns = (*STATES, "urgent")
        sums = ", ".join(f"coalesce(sum({name}), 0) AS {name}" for name in columns)
        counted = ", ".join(f"count(*) FILTER (WHERE state = '{state}') AS {state}" for state in STATES)
        wrong = f"""
            SELECT 'wrong', tube, kept, counted FROM
            (SELECT tube, row({', '.join(columns)})::text AS kept FROM
                (SELECT tube, {sums} FROM tube_count GROUP BY tube) AS s) AS k
            FULL JOIN
            (SELECT tube, row({', '.join(columns)})::text AS counted FROM
                (SELECT tube, {counted}, count(*) FILTER (WHERE state = 'pending' AND priority < 1024) AS urgent
                FROM task GROUP BY tube) AS t) AS c
            USING (tube)
            WHERE coalesce(kept, '(0,0,0,0,0)') <> coalesce(counted, '(0,0,0,0,0)')"""
        rows = "SELECT 'task', id, tube, state, priority, reserves, encode(body, 'hex') FROM task"
        found, tasks = [], []
        for kind, *row in self.primary.ask("BEGIN ISOLATION LEVEL REPEATABLE READ", wrong, rows, "COMMIT"):
            if kind == "wrong":
                found.append(f"tube {row[0]}: counts {row[1]} but has {row[2]} ({', '.join(columns)})")
            else:
                id, tube, state, priority, reserves, body = row
                tasks.append(Row(int(id), tube, state, int(priority), int(reserves), bytes.fromhex(body)))
        return found, tasks

    def kill(self) -> None:
        """Kills all servers, whatever state they are in."""
        for server in self.servers:
            server.kill()


def _some_user() -> pwd.struct_passwd:
    """Who the servers run as."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unavailable("there is no user but root for PostgreSQL to run as")

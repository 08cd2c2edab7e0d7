"""A PostgreSQL server of our own: made in a directory, started, asked, stopped. Others on the machine are left alone."""

import glob
import os
import pwd
import re
import shutil
import signal
import subprocess

from ..lib import processes
from ..lib.processes import Failure

USER = "bench"
PACKAGE = "postgresql"


class Cluster:
    """Debian's PostgreSQL with its settings as they come: synced commits, and as many connections as are needed."""

    def __init__(self):
        folders = glob.glob("/usr/lib/postgresql/*/bin")
        self.folder = max(folders, key=lambda folder: int(folder.split("/")[-2])) if folders else ""
        self.user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL does not run as root
        self.process = self.port = None

    def missing(self):
        """Why there can be no server here, or None."""
        if not all(os.access(f"{self.folder}/{name}", os.X_OK) for name in ("initdb", "postgres", "pgbench", "psql")):
            return f"no PostgreSQL server with pgbench found (Debian package {PACKAGE})"
        if self.user and self.user not in {entry.pw_name for entry in pwd.getpwall()}:
            return "PostgreSQL does not run as root, and there is no user postgres"
        return None

    def version(self):
        return subprocess.run([f"{self.folder}/postgres", "--version"], capture_output=True, text=True).stdout.strip()

    def start(self, directory):
        """Makes the cluster in this directory, which must be there, and starts the server."""
        data, log = directory / "data", directory / "log"
        if self.user:
            shutil.chown(directory, self.user)
        log.touch()
        initialize = processes.start(
            [f"{self.folder}/initdb", "--pgdata", data, "--auth", "trust", "--username", USER, "--encoding", "UTF8",
             "--locale", "C"],
            directory=directory, log=log, user=self.user,
        )  # fmt: skip
        try:
            if initialize.wait(60) != 0:
                raise Failure("initdb failed")
        except subprocess.TimeoutExpired:
            raise Failure("initdb hangs") from None
        finally:
            processes.stop(initialize)
        self.port = processes.free_port()
        self.process = processes.start(
            [f"{self.folder}/postgres", "-D", data, "-h", "127.0.0.1", "-p", self.port, "-k", "", "-c", "max_connections=600"],
            directory=directory, log=log, user=self.user,
        )  # fmt: skip
        processes.await_port(self.port, self.process)
        self.query("SELECT 1")

    def stop(self):
        if self.process:
            processes.stop(self.process, signal.SIGINT)  # "fast": does not wait for clients
            self.process = None

    @property
    def roots(self):
        return [self.process.pid] if self.process else []

    def address(self, database):
        """As managers take it."""
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def connection(self, database):
        """As PostgreSQL's own programs take it."""
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", database]

    def query(self, text, database="postgres"):
        """Runs SQL, each statement by itself, and returns what it printed."""
        command = [f"{self.folder}/psql", *self.connection(database), "-qtAX", "-v", "ON_ERROR_STOP=1"]
        for _ in range(100):
            result = subprocess.run(command, input=text, capture_output=True, text=True)
            if "starting up" not in result.stderr:
                break
        if result.returncode != 0:
            raise Failure(result.stderr.strip())
        return result.stdout.strip()

    def make_database(self, name):
        """Makes a database, empty."""
        self.drop_database(name)
        self.query(f'CREATE DATABASE "{name}"')

    def drop_database(self, name):
        """Ends its connections, too."""
        self.query(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def settings(self):
        """What decides how durable and how fast it is."""
        names = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "checkpoint_timeout")
        return {name: self.query(f"SHOW {name}") for name in names}

    def hold_to(self, cores):
        """Lets the server and all its processes, also those to come, run on these cores only (as taskset does)."""
        for root in self.roots:
            for pid in processes.family(root):
                try:
                    os.sched_setaffinity(pid, cores)
                except ProcessLookupError:
                    pass


def short_version(text):
    """PostgreSQL 15.13 from what the server says of itself."""
    found = re.search(r"\d+(\.\d+)*", text)
    return f"PostgreSQL {found.group()}" if found else text

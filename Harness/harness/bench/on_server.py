"""tools/bench --postgres: managers over a PostgreSQL server beside plain SKIP LOCKED on the same server."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..lib import postgres
from ..lib.failures import Failure
from ..lib.postgres import PostgresServer
from . import install
from .bench import Keep, Run
from .compare import compare
from .options import Options, Say
from .postgresql import SETTINGS, PostgreSQL
from .results import Results
from .systems import BeanrowOnServer, System
from .workloads import WORKLOADS, Workload

KEYS = ["W2", "W3", "W4", "W5", "W6", "W7"]
GROWING = ["W4", "W6", "W7"]
LIFE = "pgbench-life"

#: The part of the whole life of a task that a workload of this mode can be compared with.
PART = {"put": "pgbench-put", "drain": "pgbench-take"}

#: What decides how durable and how fast the server is.
SHOWN = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size", "checkpoint_timeout")


class ServerBench(Run):
    """One temporary server for all. Each system has a database of its own on it."""

    def __init__(self, options: Options, say: Say, keep: Keep, results: Results) -> None:
        """See `Run`."""
        super().__init__(options, say, keep, results)
        self.program = options.managers.get("beanrow") or self.build_manager()
        if postgres.missing() and options.installs:
            install.packages([postgres.PACKAGE], say)
        if reason := postgres.missing():
            raise Failure(reason)
        if not os.access(postgres.programs() / "pgbench", os.X_OK):
            raise Failure(f"there is no pgbench (Debian package {postgres.PACKAGE})")
        self.prepare()
        self.server = PostgresServer("server", self.directory, settings=SETTINGS, is_measured=True)

    def run(self) -> None:
        """See `Run`."""
        self.server.create()
        self.server.start()
        data = self.results.data
        data["versions"] = {"PostgreSQL": postgres.version(), "Beanrow": self.managers(3).version()}
        data["settings"] = {name: self.server.ask(f"SHOW {name}")[0][0] for name in SHOWN}
        data["settings"]["lanes per manager"] = self.options.lanes or "1 (default)"
        for workload in WORKLOADS:
            if workload.key in KEYS and workload.key in self.options.workloads:
                systems: list[System] = [self.managers(3), self.pgbench(None)]
                if workload.mode in PART:
                    systems.append(self.pgbench(workload.mode))
                self.compare(workload, systems)
        if self.options.grows:
            self.grow()

    def grow(self) -> None:
        """Measures one, two and three managers, with fewer cores for the server."""
        kept = self.results.data.setdefault("growth", {})
        every_core = os.sched_getaffinity(0)
        for cores in range(1, min(2, len(every_core)) + 1):
            results = Results(kept.get(str(cores)))
            kept[str(cores)] = results.data
            self.server.hold_to(sorted(every_core)[:cores])
            self.say(f"the server on {cores} of {len(every_core)} cores")
            for workload in WORKLOADS:
                if workload.key in GROWING and workload.key in self.options.workloads:
                    self.compare(
                        workload, [self.pgbench(None), *(self.managers(count) for count in (1, 2, 3))], results
                    )
        self.server.hold_to(every_core)

    def compare(self, workload: Workload, systems: Sequence[System], results: Results | None = None) -> None:
        """Measures a workload."""
        self.measure(
            workload.key,
            workload.title,
            lambda found: compare(
                workload,
                systems,
                self.generator,
                self.directory,
                rounds=self.options.rounds,
                seconds=self.options.seconds,
                say=self.say,
                found=found,
                keep=self.keep_run,
            ),
            results,
        )

    def managers(self, count: int) -> BeanrowOnServer:
        """Returns this number of managers."""
        return BeanrowOnServer(self.program, count, self.server, self.options.lanes)

    def pgbench(self, mode: str | None) -> PostgreSQL:
        """Returns plain SKIP LOCKED: the whole life of a task, or the part of this mode."""
        if mode is None:
            return PostgreSQL(self.server, "life", LIFE, "pgbench, put→claim→delete")
        words = {"put": "pgbench, put alone", "drain": "pgbench, claim→delete alone"}
        return PostgreSQL(self.server, mode, PART[mode], words[mode])

    def clean(self) -> None:
        """See `Run`."""
        if hasattr(self, "server"):
            self.server.stop()
        super().clean()

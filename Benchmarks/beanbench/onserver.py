"""tools/bench --postgres: managers over a PostgreSQL server beside plain SKIP LOCKED on the same one."""

import os

from . import install
from .bench import Run
from .cluster import PACKAGE, Cluster
from .compare import compare
from .postgresql import PostgreSQL
from .processes import Failure
from .results import Results
from .systems import BeanrowOnServer
from .workloads import WORKLOADS

KEYS = ["W2", "W3", "W4", "W5", "W6", "W7"]
GROWING = ["W4", "W6", "W7"]
LIFE = "pgbench-life"
PART = {"put": "pgbench-put", "drain": "pgbench-take"}
"""What of the whole life a workload of this mode is comparable with."""


class ServerBench(Run):
    """One temporary server for all; every system has a database of its own on it."""

    def __init__(self, options, say, keep, results):
        super().__init__(options, say, keep, results)
        if not options.managers["beanrow"]:
            options.managers["beanrow"] = self.build_manager()
        self.program = options.managers["beanrow"]
        self.cluster = Cluster()
        if self.cluster.missing() and not options.no_install:
            install.packages([PACKAGE], say)
        if reason := self.cluster.missing():
            raise Failure(reason)
        self.prepare()

    def run(self):
        options, data = self.options, self.results.data
        folder = self.directory / "server"
        folder.mkdir()
        self.cluster.start(folder)
        data["versions"] = {"PostgreSQL": self.cluster.version(), "Beanrow": self.managers(3).version()}
        data["settings"] = self.cluster.settings() | {"lanes per manager": options.lanes or "1 (default)"}
        for workload in WORKLOADS:
            if workload.key in KEYS and workload.key in options.workloads:
                systems = [self.managers(3), self.pgbench(None)]
                if workload.mode in PART:
                    systems.append(self.pgbench(workload.mode))
                self.compare(workload, systems)
        if options.growth:
            self.grow()

    def grow(self):
        """The same with one, two and three managers, and with fewer cores for the server."""
        kept = self.results.data.setdefault("growth", {})
        everything = os.sched_getaffinity(0)
        for cores in range(1, min(2, len(everything)) + 1):
            results = Results(kept.get(str(cores)))
            kept[str(cores)] = results.data
            self.cluster.hold_to(sorted(everything)[:cores])
            self.say(f"the server on {cores} of {len(everything)} cores")
            for workload in WORKLOADS:
                if workload.key in GROWING and workload.key in self.options.workloads:
                    self.compare(workload, [self.pgbench(None), *(self.managers(count) for count in (1, 2, 3))], results)
        self.cluster.hold_to(everything)

    def compare(self, workload, systems, results=None):
        self.measure(workload.key, workload.title, lambda found: compare(
            workload, systems, self.generator, self.directory, rounds=self.options.rounds, seconds=self.options.seconds,
            say=self.say, found=found, keep=self.keep_run), results)  # fmt: skip

    def managers(self, count):
        return BeanrowOnServer(self.program, count, self.cluster, self.options.lanes)

    def pgbench(self, mode):
        """Plain SKIP LOCKED: the whole life of a task, or the part that this mode is about."""
        if mode is None:
            return PostgreSQL(self.cluster, "life", LIFE, "pgbench, put→claim→delete")
        words = {"put": "pgbench, put alone", "drain": "pgbench, claim→delete alone"}
        return PostgreSQL(self.cluster, mode, PART[mode], words[mode])

    def clean(self):
        self.cluster.stop()
        super().clean()

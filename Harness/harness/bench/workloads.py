"""What is measured: how each workload loads a system, and which latency counts in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..lib.failures import Failure
from .backlog import TUBE, BeanrowWithBacklog
from .load import Generator, Measurement, Value
from .postgresql import PostgreSQL
from .systems import System

#: How tasks are put or taken outside of what is measured.
FAST: dict[str, Value] = {"connections": 64, "depth": 32, "reserves": 16}

ALL_PEERS = ("beanstalkd", "beanstalkd-f0", "redis", "postgresql", "floor")
WITHOUT_POSTGRESQL = ("beanstalkd", "beanstalkd-f0", "redis", "floor")


@dataclass(frozen=True)
class Workload:
    """A load with a rate. The options are the load generator's."""

    key: str
    title: str
    mode: str
    options: Mapping[str, Value] = field(default_factory=dict)
    #: The latency that is reported for the workload.
    latency: str = "put"
    peers: tuple[str, ...] = ALL_PEERS
    first_tasks: int = 2000
    most_tasks: int = 4_000_000

    def run(self, generator: Generator, system: System, tasks: int, number: str, time_limit: int) -> Measurement:
        """Runs ``tasks`` tasks once; leaves no task behind. Each run has another ``number``."""
        queue = f"{self.key.lower()}-{number}"
        options: dict[str, Value] = {"connections": 64, "bytes": 100, **self.options, "tasks": tasks, "queue": queue}
        if isinstance(system, PostgreSQL):
            return system.measure(self.mode, self.latency, tasks, options, time_limit)
        fast = options | FAST
        if self.mode == "drain":
            generator.run(system, "put", time_limit=time_limit, **fast)
        result = generator.run(system, self.mode, time_limit=time_limit, **options)
        if self.mode == "put":
            # Draining shows that each acknowledged task exists once.
            generator.run(system, "drain", time_limit=time_limit, **fast)
        return result


@dataclass(frozen=True)
class Backlog(Workload):
    """A load on a tube that has many tasks already."""

    def run(self, generator: Generator, system: System, tasks: int, number: str, time_limit: int) -> Measurement:
        """See `Workload`."""
        assert isinstance(system, BeanrowWithBacklog)
        used = system.used
        if system.pending and used + tasks > system.pending:
            raise Failure("the backlog is too small for a run of this length")
        system.used += tasks
        return generator.run(
            system,
            self.mode,
            connections=64,
            bytes=100,
            tasks=tasks,
            queue=TUBE,
            backlog=system.pending + used,
            time_limit=time_limit,
        )


@dataclass(frozen=True)
class Wake(Workload):
    """One task at a time, for a consumer that waits."""

    def run(self, generator: Generator, system: System, tasks: int, number: str, time_limit: int) -> Measurement:
        """See `Workload`."""
        return generator.run(
            system, "wake", bytes=100, tasks=tasks, queue=f"wake-{number}", gap=5000, time_limit=time_limit
        )


#: The workloads with a rate; W12 and W13 are in special.py, W14 in beside_flood.py.
WORKLOADS = [
    Workload("W1", "put, 1 connection", "put", {"connections": 1}, first_tasks=200),
    Workload("W2", "put, 64 connections", "put"),
    Workload("W3", "reserve+delete, 64 connections", "drain", latency="reserve"),
    Workload("W4", "put→reserve→delete, 64 connections", "life", latency="e2e"),
    Workload("W5", "32 producing, 32 consuming", "mixed", latency="e2e", peers=WITHOUT_POSTGRESQL),
    Workload("W6", "put, 32 in flight on each of 64", "put", {"depth": 32}),
    Workload("W7", "reserve+delete, 16 in flight on each of 64", "drain", {"reserves": 16}, latency="reserve"),
    Workload("W8", "put→reserve→delete, 512 connections", "life", {"connections": 512}, latency="e2e"),
    Workload("W9a", "put→reserve→delete, 4 KB bodies", "life", {"bytes": 4096}, latency="e2e"),
    Workload("W9b", "put→reserve→delete, 60 KB bodies", "life", {"bytes": 60000}, latency="e2e", first_tasks=500),
    Backlog("W10", "put→reserve→delete on a backlog", "life", latency="reserve", peers=()),
    Wake(
        "W11",
        "put at one manager → reserved at another",
        "wake",
        latency="e2e",
        peers=WITHOUT_POSTGRESQL,
        first_tasks=20,
        most_tasks=2000,
    ),
]

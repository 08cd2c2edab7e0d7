"""What is measured: how each workload loads a system, and what counts in it."""

from dataclasses import dataclass, field

from ..lib.processes import Failure

FAST = {"connections": 64, "depth": 32, "reserves": 16}
"""How tasks are put or taken away outside of what is measured."""


@dataclass(frozen=True)
class Workload:
    """A load with a rate. The options are the load generator's."""

    key: str
    title: str
    mode: str
    options: dict = field(default_factory=dict)
    latency: str = "put"
    """The latency that stands for the workload."""
    by_latency: bool = False
    """Whether systems are compared by that latency's median, not by their rate."""
    peers: tuple = ("beanstalkd", "beanstalkd-f0", "redis", "postgresql", "floor")
    first_tasks: int = 2000
    most_tasks: int = 4_000_000

    def run(self, generator, system, tasks, number, time_limit):
        """One run of so many tasks; `number` tells runs apart. Leaves no task behind."""
        queue = f"{self.key.lower()}-{number}"
        options = {"connections": 64, "bytes": 100} | self.options | {"tasks": tasks, "queue": queue}
        if system.protocol == "pgbench":
            return system.measure(self, tasks, options, time_limit)
        fast = options | FAST
        if self.mode == "drain":
            generator.run(system, "put", **fast, time_limit=time_limit)
        result = generator.run(system, self.mode, **options, time_limit=time_limit)
        if self.mode == "put":
            # Taking them away shows that each acknowledged put is there, once.
            generator.run(system, "drain", **fast, time_limit=time_limit)
        return result


@dataclass(frozen=True)
class Backlog(Workload):
    """A load on a tube that has many tasks already."""

    def run(self, generator, system, tasks, number, time_limit):
        used = getattr(system, "used", 0)
        if system.pending and used + tasks > system.pending:
            raise Failure("the backlog is too small for a run of this length")
        system.used = used + tasks
        return generator.run(
            system, self.mode, connections=64, bytes=100, tasks=tasks, queue=system.tube,
            backlog=system.pending + used, time_limit=time_limit,
        )  # fmt: skip


@dataclass(frozen=True)
class Wake(Workload):
    """One task at a time for a consumer that waits."""

    def run(self, generator, system, tasks, number, time_limit):
        return generator.run(
            system, "wake", bytes=100, tasks=tasks, queue=f"wake-{number}", gap=5000, time_limit=time_limit
        )


WORKLOADS = [
    Workload("W1", "put, 1 connection", "put", {"connections": 1}, by_latency=True, first_tasks=200),
    Workload("W2", "put, 64 connections", "put"),
    Workload("W3", "reserve+delete, 64 connections", "drain", latency="reserve"),
    Workload("W4", "put→reserve→delete, 64 connections", "life", latency="e2e"),
    Workload("W5", "32 producing, 32 consuming", "mixed", latency="e2e", peers=("beanstalkd", "beanstalkd-f0", "redis", "floor")),
    Workload("W6", "put, 32 in flight on each of 64", "put", {"depth": 32}),
    Workload("W7", "reserve+delete, 16 in flight on each of 64", "drain", {"reserves": 16}, latency="reserve"),
    Workload("W8", "put→reserve→delete, 512 connections", "life", {"connections": 512}, latency="e2e"),
    Workload("W9a", "put→reserve→delete, 4 KB bodies", "life", {"bytes": 4096}, latency="e2e"),
    Workload("W9b", "put→reserve→delete, 60 KB bodies", "life", {"bytes": 60000}, latency="e2e", first_tasks=500),
    Backlog("W10", "put→reserve→delete on a backlog", "life", latency="reserve", peers=()),
    Wake("W11", "put at one manager → reserved at another", "wake", latency="e2e", by_latency=True,
         peers=("beanstalkd", "beanstalkd-f0", "redis", "floor"), first_tasks=20, most_tasks=2000),
]  # fmt: skip
"""The ones with a rate; W12 and W13 are in special.py."""

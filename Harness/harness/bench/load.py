"""Runs of the load generator, and their results."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from ..lib import processes
from ..lib.failures import Failure
from .results import Entry
from .systems import System

#: A value of an option of the load generator.
Value = int | str


@dataclass(slots=True)
class Measurement:
    """One run of one workload on one system."""

    tasks: int
    seconds: float
    rate: float
    #: Microseconds by name: put_p50, put_p99, put_max, reserve_…, delete_…, e2e_…
    latencies: dict[str, int] = field(default_factory=dict)
    #: The part of all answers that each port gave.
    share: list[float] = field(default_factory=list)
    #: Processor seconds of the servers.
    cpu: float = 0.0
    #: The part of it that a database used for them.
    database_cpu: float = 0.0
    #: Bytes that the servers sent to the disk.
    written: int = 0
    client_cpu: float = 0.0

    def as_entry(self) -> Entry:
        """Returns what is stored of it."""
        return {
            "tasks": self.tasks,
            "seconds": self.seconds,
            "rate": self.rate,
            "latencies": self.latencies,
            "share": self.share,
            "cpu_per_1000": self.cpu * 1000 / self.tasks,
            "database_cpu_per_1000": self.database_cpu * 1000 / self.tasks,
            "written_per_task": self.written / self.tasks,
            "client_cpu_per_1000": self.client_cpu * 1000 / self.tasks,
        }


class Generator:
    """The load generator's program."""

    def __init__(self, program: Path) -> None:
        """Takes the compiled program."""
        self.program = program

    def command(self, system: System, mode: str, **options: Value) -> list[str]:
        """Returns the command line of a run."""
        arguments = [str(self.program), "--mode", mode, "--protocol", system.protocol]
        arguments += ["--ports", ",".join(str(port) for port in system.ports)]
        for name, value in options.items():
            arguments += ["--" + name.replace("_", "-"), str(value)]
        return arguments

    def run(self, system: System, mode: str, *, time_limit: int = 60, **options: Value) -> Measurement:
        """Runs it once, and measures what the servers cost during the run."""
        arguments = self.command(system, mode, time_limit=time_limit, **options)
        before, database_before = processes.usage(system.roots), processes.usage(system.database_roots)
        try:
            result = subprocess.run(arguments, capture_output=True, text=True, timeout=time_limit + 30)
        except subprocess.TimeoutExpired:
            raise Failure("the load generator hangs: " + " ".join(arguments)) from None
        cost = processes.usage(system.roots) - before
        database_cost = processes.usage(system.database_roots) - database_before
        if result.returncode != 0:
            words = (result.stderr + result.stdout).strip()
            raise Failure(f"{mode} failed: {words}\n  " + " ".join(arguments))
        return _parse(result.stdout, cost, database_cost.cpu)


def _parse(line: str, cost: processes.Usage, database_cpu: float) -> Measurement:
    values = dict(pair.split("=", 1) for pair in line.split())
    return Measurement(
        tasks=int(values["tasks"]),
        seconds=float(values["seconds"]),
        rate=float(values["tasks_per_s"]),
        latencies={name: int(value) for name, value in values.items() if name.endswith(("_p50", "_p99", "_max"))},
        share=[float(part) for part in values["share"].split(",")],
        cpu=cost.cpu,
        database_cpu=database_cpu,
        written=cost.written,
        client_cpu=float(values["client_cpu"]),
    )

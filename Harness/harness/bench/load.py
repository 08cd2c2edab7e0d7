"""Runs of the load generator, and what a run told."""

import subprocess
from dataclasses import dataclass, field

from ..lib import processes
from ..lib.processes import Failure


@dataclass
class Measurement:
    """One run of one workload against one system."""

    tasks: int
    seconds: float
    rate: float
    latencies: dict = field(default_factory=dict)
    """Microseconds by name: put_p50, put_p99, put_max, reserve_…, delete_…, e2e_…"""
    share: list = field(default_factory=list)
    """The part of all answers that each port gave."""
    cpu: float = 0.0
    """Processor seconds of the servers."""
    database_cpu: float = 0.0
    """The part of it that a database behind them took."""
    written: int = 0
    """Bytes the servers sent towards the disk."""
    client_cpu: float = 0.0

    def as_dict(self):
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

    def __init__(self, program):
        self.program = str(program)

    def command(self, system, mode, **options):
        arguments = [self.program, "--mode", mode, "--protocol", system.protocol]
        arguments += ["--ports", ",".join(str(port) for port in system.ports)]
        for name, value in options.items():
            arguments += ["--" + name.replace("_", "-"), str(value)]
        return arguments

    def run(self, system, mode, *, time_limit=60, **options):
        """One run; what the servers cost in it is measured too."""
        arguments = self.command(system, mode, time_limit=time_limit, **options)
        before, database_before = processes.usage(system.roots), processes.usage(system.database_roots)
        try:
            result = subprocess.run(arguments, capture_output=True, text=True, timeout=time_limit + 30)
        except subprocess.TimeoutExpired:
            raise Failure("the load generator hangs: " + " ".join(arguments)) from None
        cost, database_cost = processes.usage(system.roots) - before, processes.usage(system.database_roots) - database_before
        if result.returncode != 0:
            words = (result.stderr + result.stdout).strip()
            raise Failure(f"{mode} failed: {words}\n  " + " ".join(arguments))
        return _understand(result.stdout, cost, database_cost.cpu)


def _understand(line, cost, database_cpu):
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

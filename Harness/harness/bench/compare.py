"""Runs a workload on several systems in turn, round after round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ..lib.failures import Failure
from ..lib.processes import peak_memory, present_memory
from .load import Generator
from .options import Say
from .results import Entry
from .systems import System
from .workloads import Workload


def compare(
    workload: Workload,
    systems: Sequence[System],
    generator: Generator,
    directory: Path,
    *,
    rounds: int,
    seconds: float,
    say: Say,
    found: Entry | None = None,
    keep: Callable[[], None] = lambda: None,
) -> Entry:
    """Returns what was measured, by system. Adds it to ``found`` and calls ``keep`` after each run.

    All systems run all the time. Each run is short, and every round has another order of the systems, so that other
    load on the machine affects all of them equally. The number of tasks of a run follows from the speed of earlier
    runs.
    """
    found = {} if found is None else found
    found.update({system.key: {"title": system.title, "durable": system.durable, "runs": []} for system in systems})
    lengths: dict[str, int] = {}
    number = 0

    def fail(system: System, failure: Failure) -> None:
        say(f"  {system.title}: {failure}\n  the end of its log: {system.last_words()}")
        found[system.key]["failed"] = str(failure)
        system.dispose()

    try:
        for system in systems:
            try:
                system.start(directory)
                number += 1
                lengths[system.key] = _calibrate(workload, system, generator, seconds, number)
            except Failure as failure:
                fail(system, failure)
        for turn in range(rounds):
            alive = [system for system in systems if "failed" not in found[system.key]]
            for system in alive[turn % len(alive) :] + alive[: turn % len(alive)] if alive else []:
                number += 1
                try:
                    system.settle()
                    result = workload.run(generator, system, lengths[system.key], f"{number}", _limit(seconds))
                except Failure as failure:
                    fail(system, failure)
                    continue
                entry, run = found[system.key], result.as_entry()
                if system.memory_roots:
                    run["memory"] = present_memory(system.memory_roots)
                    entry["peak_memory"] = peak_memory(system.memory_roots)
                entry["runs"].append(run)
                keep()
                lengths[system.key] = _tasks(workload, result.rate, seconds)
                latency = result.latencies.get(f"{workload.latency}_p50", 0)
                line = f"{system.title:34} {result.rate:>9.0f} tasks/s   {workload.latency} p50 {latency} µs"
                say(f"  round {turn + 1}  {line}")
    finally:
        for system in systems:
            system.dispose()
    return found


def _limit(seconds: float) -> int:
    return int(60 + seconds * 20)


def _tasks(workload: Workload, rate: float, seconds: float) -> int:
    return max(workload.first_tasks, min(int(rate * seconds), workload.most_tasks))


def _calibrate(workload: Workload, system: System, generator: Generator, seconds: float, number: int) -> int:
    """Finds the number of tasks for a run of ``seconds``, with short runs that also warm everything up."""
    tasks = wanted = workload.first_tasks
    for attempt in range(3):
        result = workload.run(generator, system, tasks, f"{number}-{attempt}", _limit(seconds))
        wanted = _tasks(workload, result.rate, seconds)
        if result.seconds >= seconds / 5 or wanted <= tasks:
            break
        tasks = min(wanted, tasks * 10)
    return wanted

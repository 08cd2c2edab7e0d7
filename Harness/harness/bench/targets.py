"""Beanrow's targets, compared with the measurements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .results import Results

#: Computes a figure from results; None if it was not measured.
Value = Callable[[Results], float | None]


@dataclass(frozen=True)
class Target:
    """A figure with bounds. If ``at_most`` is set, smaller is better."""

    title: str
    value: Value
    must: float
    aim: float
    unit: str = "×"
    at_most: bool = False

    def reached(self, value: float) -> str:
        """Returns in a few words whether the target is met."""

        def within(bound: float) -> bool:
            return value <= bound if self.at_most else value >= bound

        return "met, also the aim" if within(self.aim) else "met" if within(self.must) else "not met"


def _ratio(workload: str, system: str, peer: str, peer_workload: str | None = None) -> Value:
    def value(results: Results) -> float | None:
        ours, theirs = results.rate(workload, system), results.rate(peer_workload or workload, peer)
        return ours / theirs if ours and theirs else None

    return value


def _worst(values: Sequence[Value]) -> Value:
    def worst(results: Results) -> float | None:
        found = [figure for value in values if (figure := value(results)) is not None]
        return min(found, default=None)

    return worst


def _latency(workload: str, system: str, name: str, scale: float = 1.0, peer: str | None = None) -> Value:
    def value(results: Results) -> float | None:
        ours = results.latency(workload, system, name)
        if ours is None or peer is None:
            return None if ours is None else ours * scale
        theirs = results.latency(workload, peer, name)
        return ours / theirs if theirs else None

    return value


def _in_turn(peer: str) -> Value:
    return _worst([_ratio(workload, "beanrow-3", peer) for workload in ("W4", "W5", "W8")])


def _backlog(results: Results) -> float | None:
    full = results.rate("W10", results.largest_backlog("beanrow"))
    empty = results.rate("W10", "beanrow-pending-0")
    return full / empty if full and empty else None


def _backlog_latency(results: Results) -> float | None:
    full = results.latency("W10", results.largest_backlog("beanrow"), "reserve_p99")
    empty = results.latency("W10", "beanrow-pending-0", "reserve_p99")
    return full / empty if full and empty else None


def _share(results: Results) -> float | None:
    found = [
        abs(share * 3 - 1) * 100
        for workload in ("W2", "W3", "W4", "W5", "W8")
        for share in results.shares(workload, "beanrow-3")
    ]
    return max(found) if found else None


def _worst_wait(results: Results) -> float | None:
    found = [
        results.latency(workload, "beanrow-3", f"{command}_max")
        for workload in ("W2", "W3", "W4")
        for command in ("put", "reserve", "delete")
    ]
    known = [latency for latency in found if latency is not None]
    return max(known) / 1000 if known else None


def _idle(results: Results) -> float | None:
    return results.figure("W12", "beanrow-3", "cpu_percent")


def _memory(results: Results) -> float | None:
    value = results.peak_memory("W8", "beanrow-3")
    return value / 2**20 if value else None


def _memory_over_time(results: Results) -> float | None:
    """Returns the ratio of the last round of W8 to its first."""
    found: list[float] = [run["memory"] for run in results.runs("W8", "beanrow-3") if run.get("memory")]
    return found[-1] / found[0] if len(found) > 1 else None


def _memory_with_backlog(results: Results) -> float | None:
    full = results.peak_memory("W10", results.largest_backlog("beanrow"))
    empty = results.peak_memory("W10", "beanrow-pending-0")
    return full / empty if full and empty else None


def _disk(results: Results) -> float | None:
    value = results.figure("W9a", "beanrow-3", "written_per_task")
    return value / 4096 if value is not None else None


_FOUR = ("W2", "W3", "W4", "W5")

TARGETS = [
    Target(
        "W1 put p50, one connection, relative to beanstalkd -f0",
        _latency("W1", "beanrow-3", "put_p50", peer="beanstalkd-f0"),
        1.3,
        1.0,
        at_most=True,
    ),
    Target("W2 put, relative to beanstalkd in memory", _ratio("W2", "beanrow-3", "beanstalkd"), 0.6, 0.8),
    Target("W3 reserve+delete, relative to beanstalkd in memory", _ratio("W3", "beanrow-3", "beanstalkd"), 0.75, 1.0),
    Target("W4, W5, W8 (the lowest), relative to beanstalkd in memory", _in_turn("beanstalkd"), 0.55, 0.8),
    Target("W4, W5, W8 (the lowest), relative to Redis always", _in_turn("redis"), 1.0, 1.0),
    Target("W4, W5, W8 (the lowest), relative to beanstalkd -f0", _in_turn("beanstalkd-f0"), 6, 10),
    Target(
        "one manager, W2 to W5 (the lowest), relative to beanstalkd in memory",
        _worst([_ratio(workload, "beanrow-1", "beanstalkd") for workload in _FOUR]),
        0.75,
        0.9,
    ),
    Target("W6 pipelined puts, relative to beanstalkd in memory", _ratio("W6", "beanrow-3", "beanstalkd"), 2.5, 3.5),
    Target(
        "W7 pipelined reserves, relative to beanstalkd in memory's W3",
        _ratio("W7", "beanrow-3", "beanstalkd", "W3"),
        2.5,
        3.5,
    ),
    Target("W10 rate on the largest backlog, relative to an empty tube", _backlog, 0.85, 0.95),
    Target(
        "W10 claim p99 on the largest backlog, relative to an empty tube", _backlog_latency, 1.25, 1.1, at_most=True
    ),
    Target("W11 wake across managers, p50", _latency("W11", "beanrow-3", "e2e_p50", 0.001), 0.5, 0.3, "ms", True),
    Target("W11 wake across managers, p99", _latency("W11", "beanrow-3", "e2e_p99", 0.001), 2, 2, "ms", True),
    Target("W12 idle, three managers together", _idle, 1, 1, "% of a core", True),
    Target("largest difference of a manager's share from an equal share", _share, 10, 10, "%", True),
    Target("worst wait for one answer in W2, W3, W4", _worst_wait, 50, 50, "ms", True),
    Target("memory of a manager, W8", _memory, 40, 20, "MiB", True),
    Target(
        "memory of a manager in the last round of W8, relative to the first", _memory_over_time, 1.1, 1.05, at_most=True
    ),
    Target(
        "memory of a manager on the largest backlog, relative to an empty tube",
        _memory_with_backlog,
        1.1,
        1.05,
        at_most=True,
    ),
    Target("bytes written per body byte, W9 at 4 KB", _disk, 5, 3, "", True),
]

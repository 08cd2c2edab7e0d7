"""The scenarios of tools/powercut --failed-syncs, and what their runs have shown."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from .page_cache import Failure, Role


class Peers(Enum):
    """Which other managers serve the file."""

    NONE = "no peer"
    IDLE = "an idle peer"
    BUSY = "busy peers"

    @property
    def managers(self) -> int:
        """The number of managers."""
        return {Peers.NONE: 1, Peers.IDLE: 2, Peers.BUSY: 3}[self]


class Other(Enum):
    """What another program with an open file does."""

    NONE = "none"
    CLOSES = "closes"
    KILLED = "is killed"


class Eviction(Enum):
    """When the kernel evicts the dropped pages."""

    NEVER = "never"
    #: Inside the call that fails.
    AT_ONCE = "at once"
    #: When all managers serve again.
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One combination of circumstances."""

    role: Role
    failure: Failure
    is_killed: bool
    peers: Peers
    other: Other
    eviction: Eviction

    def __str__(self) -> str:
        failure = "write-back" if self.failure is Failure.WRITE_BACK else "flush"
        ending = "killed" if self.is_killed else "returns"
        return (
            f"{self.role.name.lower():8}  {failure:10}  {ending:7}  {self.peers.value:12}  "
            f"{self.other.value:9}  {self.eviction.value:7}"
        )

    @property
    def has_blind_moment(self) -> bool:
        """Whether peers may acknowledge what a failed flush has lost.

        Only the caller of a failed flush gets the error. Until it has told its peers, or they have found that it is
        dead, their own syncs succeed. What they acknowledge in this moment is not safe, in any design.
        """
        return self.failure is Failure.FLUSH and self.peers is Peers.BUSY


ALL = [Scenario(*values) for values in itertools.product(Role, Failure, (False, True), Peers, Other, Eviction)]

#: What tools/test runs: each circumstance with several others, and all that lost tasks before managers marked their
#: syncs.
SHORT = [
    Scenario(Role.LOG, Failure.WRITE_BACK, False, Peers.NONE, Other.NONE, Eviction.NEVER),
    Scenario(Role.LOG, Failure.FLUSH, True, Peers.BUSY, Other.NONE, Eviction.NEVER),
    Scenario(Role.LOG, Failure.WRITE_BACK, True, Peers.IDLE, Other.NONE, Eviction.AT_ONCE),
    Scenario(Role.LOG, Failure.FLUSH, False, Peers.NONE, Other.CLOSES, Eviction.NEVER),
    Scenario(Role.DATABASE, Failure.WRITE_BACK, False, Peers.IDLE, Other.NONE, Eviction.NEVER),
    Scenario(Role.DATABASE, Failure.WRITE_BACK, True, Peers.BUSY, Other.NONE, Eviction.LATER),
    Scenario(Role.DATABASE, Failure.FLUSH, False, Peers.NONE, Other.KILLED, Eviction.LATER),
]


@dataclass(slots=True)
class Outcome:
    """The result of one run."""

    scenario: Scenario
    cuts: int = 0
    bad_cuts: int = 0
    #: How often managers ended with each status.
    ends: Counter[int] = field(default_factory=Counter)
    #: Whether a manager refused to serve for a good reason.
    is_refused: bool = False
    problems: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)


def describe(outcome: Outcome) -> str:
    """Returns one line about a run."""
    ends = ", ".join(f"{count} with {status}" for status, count in sorted(outcome.ends.items()))
    verdict = "REFUSED" if outcome.is_refused else "LOST" if outcome.losses else "WRONG" if outcome.problems else ""
    return f"{outcome.scenario}  {outcome.cuts:4} {outcome.bad_cuts:4}  {ends}  {verdict}".rstrip()


def report(outcomes: Sequence[Outcome]) -> int:
    """Prints the sums; returns the exit status."""
    lost = sum(bool(outcome.losses) for outcome in outcomes)
    wrong = sum(bool(outcome.problems) and not outcome.losses for outcome in outcomes)
    refused = sum(outcome.is_refused for outcome in outcomes)
    cuts, bad = sum(outcome.cuts for outcome in outcomes), sum(outcome.bad_cuts for outcome in outcomes)
    print(f"{len(outcomes)} runs, {cuts} cuts, {bad} of them with losses")
    print(
        f"runs with losses: {lost}; with other findings: {wrong}; with a manager that rightly did not serve: {refused}"
    )
    for line in sums(outcomes):
        print(line)
    return 1 if lost or wrong else 0


def sums(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yields, for each circumstance, the number of runs, of runs with losses, and of runs with other findings."""
    runs: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for outcome in outcomes:
        scenario = outcome.scenario
        what = f"{scenario.role.name.lower()}, {scenario.failure.name.lower().replace('_', '-')} error"
        for name in (
            f"{what}, {'killed' if scenario.is_killed else 'returns'}, {scenario.peers.value}",
            f"another program: {scenario.other.value}",
            f"evicted: {scenario.eviction.value}",
        ):
            runs[name] += 1
            lost[name] += bool(outcome.losses)
            wrong[name] += bool(outcome.problems) and not outcome.losses
    yield f"{'runs':>6} {'lost':>6} {'wrong':>6}"
    for name in runs:
        yield f"{runs[name]:6} {lost[name]:6} {wrong[name]:6}  {name}"

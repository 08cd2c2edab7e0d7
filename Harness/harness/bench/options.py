"""What a run of tools/bench was told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

#: Prints one line for the user.
Say = Callable[[str], None]


@dataclass(slots=True)
class Options:
    """The command line, with all defaults filled in."""

    #: The keys of the workloads to run, and of the systems to measure.
    workloads: list[str]
    systems: list[str] = field(default_factory=list)
    rounds: int = 5
    #: How long one run takes, about.
    seconds: float = 2.0
    is_quick: bool = False
    #: The numbers of pending tasks in W10.
    backlog: list[int] = field(default_factory=list)
    #: The number of tasks in W13.
    recovery_tasks: int = 1_000_000
    #: Measure managers over PostgreSQL.
    is_on_server: bool = False
    grows: bool = False
    #: How many connections each manager works with; None for its default.
    lanes: int | None = None
    #: Managers to measure, by name; None is the one to build.
    managers: dict[str, Path | None] = field(default_factory=dict)
    builds: bool = True
    installs: bool = True
    directory: Path | None = None
    #: Write the pages in docs/.
    writes: bool = False
    #: Continue the last run.
    resumes: bool = False
    #: Only compare TCP, unix sockets and TLS.
    is_of_transports: bool = False
    #: Only write the pages from stored results.
    only_reports: bool = False

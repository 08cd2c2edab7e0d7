"""Sampled figures of a long run, and whether any of them grows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from .context import RunContext

MIB = 1 << 20


@dataclass(slots=True)
class Series:
    """One figure over time."""

    name: str
    unit: str
    #: A figure has grown if it exceeds its earlier value times this factor, plus this slack.
    factor: float = 1.2
    slack: float = 0
    #: Whether growth is a failure. Figures of processes that are restarted say nothing.
    judged: bool = True
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, time: float, value: float) -> None:
        """Appends a sample."""
        self.times.append(time)
        self.values.append(value)

    def growth(self) -> str | None:
        """Describes the growth from the second quarter of the run to the last.

        Returns None if there is none, or if there are too few samples.
        """
        quarter = len(self.values) // 4
        if not self.judged or quarter < 10:
            return None
        before, after = median(self.values[quarter : 2 * quarter]), median(self.values[-quarter:])
        if after <= before * self.factor + self.slack:
            return None
        return f"{self.name} has grown from {before:.1f} to {after:.1f} {self.unit}"


class Sampler:
    """Samples the managers and their files."""

    def __init__(self, managers: int) -> None:
        names = [f"m{n}" for n in range(1, managers + 1)]
        self.rate = Series("tasks deleted", "1/s", judged=False)
        self.memory = [Series(f"memory of {name}", "MiB", 1.1, 3, name == "m1") for name in names]
        self.descriptors = [Series(f"descriptors of {name}", "", 1.5, 10, name == "m1") for name in names]
        # The log keeps the size that it had during the longest read transaction.
        self.log = Series("write-ahead log", "MiB", 2, 16)
        self.database = Series("database", "MiB", 1.25, 8)
        self.tasks = Series("tasks", "", 1.5, 500)
        self._last = (0.0, 0)

    @property
    def all(self) -> list[Series]:
        """All figures."""
        return [self.rate, *self.memory, *self.descriptors, self.log, self.database, self.tasks]

    def sample(self, time: float, context: RunContext) -> None:
        """Takes one sample of each figure."""
        last, finished = self._last
        if last > 0:
            self.rate.add(time, (context.finished - finished) / (time - last))
        self._last = (time, context.finished)
        for place, memory, descriptors in zip(context.places, self.memory, self.descriptors, strict=True):
            try:
                process = Path("/proc") / str(place.manager.pid)
                pages = int((process / "statm").read_text().split()[1])
                descriptors.add(time, sum(1 for _ in (process / "fd").iterdir()))
                memory.add(time, pages * os.sysconf("SC_PAGE_SIZE") / MIB)
            except (OSError, IndexError):
                continue  # It does not run at the moment.
        # Only their sizes: opening and closing these files would release the locks of SQLite in this process.
        for path, series in ((context.database, self.database), (Path(f"{context.database}-wal"), self.log)):
            if path.exists():
                series.add(time, path.stat().st_size / MIB)
        self.tasks.add(time, context.there)

    def growths(self) -> list[str]:
        """Describes all figures that have grown."""
        return [growth for series in self.all if (growth := series.growth()) is not None]


def summary(series: Sequence[Series]) -> list[str]:
    """Returns a line per figure: least, median, largest, last."""
    lines = [f"{'':24}{'least':>10}{'median':>10}{'largest':>10}{'last':>10}"]
    for one in series:
        if one.values:
            figures = (min(one.values), median(one.values), max(one.values), one.values[-1])
            lines.append(f"{one.name:24}" + "".join(f"{value:10.1f}" for value in figures) + f"  {one.unit}")
    return lines

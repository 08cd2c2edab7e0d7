"""What was measured, as it is stored in a file: medians, and what follows from them."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

#: What JSON calls an object.
Entry = dict[str, Any]


class Results:
    """Measurements by workload and system, with the machine they were made on.

    ``data`` is the content of the file: {"machine": {…}, "versions": {…}, "workloads": {"W1": {"title": …, "systems":
    {"beanrow-3": {"title": …, "runs": [{…}, …]}}}}}. With --postgres it has the server's "settings" too, and in
    "growth" the same again by the number of its cores.
    """

    def __init__(self, data: Entry | None = None) -> None:
        """Begins with what was stored, or with nothing."""
        self.data: Entry = data or {"machine": {}, "versions": {}, "workloads": {}}

    @classmethod
    def read(cls, path: Path) -> Results:
        """Reads a file; one that does not exist has no results."""
        return cls(json.loads(path.read_text()) if path.exists() else None)

    def write(self, path: Path) -> None:
        """Replaces the file as a whole: an interrupted write leaves the old one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".new")
        unfinished.write_text(json.dumps(self.data, indent=1, ensure_ascii=False) + "\n")
        unfinished.replace(path)

    def update(self, newer: Results) -> None:
        """Takes everything from newer results; workloads that are not in them stay."""
        for part, found in newer.data.items():
            self.data.setdefault(part, {}).update(found)

    def title(self, workload: str) -> str:
        """Returns a workload's title, or its key if it was not measured."""
        return str(self.data["workloads"].get(workload, {}).get("title", workload))

    def systems(self, workload: str) -> list[str]:
        """Returns the keys of the systems that were measured, in their order."""
        found = self.data["workloads"].get(workload, {}).get("systems", {})
        return [key for key, system in found.items() if system.get("runs")]

    def system(self, workload: str, key: str) -> Entry:
        """Returns everything about one system, nothing if it was not measured."""
        found: Entry = self.data["workloads"].get(workload, {}).get("systems", {}).get(key, {})
        return found

    def system_title(self, workload: str, key: str) -> str:
        """Returns a system's title."""
        return str(self.system(workload, key)["title"])

    def runs(self, workload: str, system: str) -> list[Entry]:
        """Returns all runs of a system."""
        found: list[Entry] = self.system(workload, system).get("runs", [])
        return found

    def figure(self, workload: str, system: str, name: str) -> float | None:
        """Returns the median over the rounds, None if there is none."""
        values = [run[name] for run in self.runs(workload, system) if run.get(name) is not None]
        return statistics.median(values) if values else None

    def rate(self, workload: str, system: str | None) -> float | None:
        """Returns tasks per second."""
        return None if system is None else self.figure(workload, system, "rate")

    def latency(self, workload: str, system: str | None, name: str) -> float | None:
        """Returns microseconds: the median over the rounds, or the largest for a ``_max``."""
        if system is None:
            return None
        values = [run["latencies"][name] for run in self.runs(workload, system) if name in run.get("latencies", {})]
        if not values:
            return None
        return float(max(values) if name.endswith("_max") else statistics.median(values))

    def shares(self, workload: str, system: str) -> list[float]:
        """Returns each manager's part of the work, the median over the rounds."""
        shares = zip(*(run["share"] for run in self.runs(workload, system)), strict=True)
        return [statistics.median(parts) for parts in shares]

    def peak_memory(self, workload: str, system: str | None) -> float | None:
        """Returns the most memory that one process had, in bytes."""
        if system is None:
            return None
        found: float | None = self.system(workload, system).get("peak_memory")
        return found

    def largest_backlog(self, name: str) -> str | None:
        """Returns the key of the system with the most pending tasks in W10."""
        start = f"{name}-pending-"
        sizes = [int(key[len(start) :]) for key in self.systems("W10") if key.startswith(start)]
        return f"{start}{max(sizes)}" if sizes and max(sizes) > 0 else None

"""What was measured, as it is kept in a file: medians and what can be said of them."""

import json
import statistics
from pathlib import Path


class Results:
    """Measurements by workload and system, with the machine they were made on.

    `data` is what stands in the file: {"machine": {…}, "versions": {…}, "workloads": {"W1": {"title": …, "systems":
    {"beanrow-3": {"title": …, "runs": [{…}, …]}}}}}. With --postgres it has the server's "settings" too, and in "growth"
    the same again by the number of its cores.
    """

    def __init__(self, data=None):
        self.data = data or {"machine": {}, "versions": {}, "workloads": {}}

    @classmethod
    def read(cls, path):
        path = Path(path)
        return cls(json.loads(path.read_text()) if path.exists() else None)

    def write(self, path):
        """Replaces the file as a whole: whoever is interrupted leaves the old one or the new one."""
        path = Path(path)
        unfinished = path.with_name(path.name + ".new")
        unfinished.write_text(json.dumps(self.data, indent=1, ensure_ascii=False) + "\n")
        unfinished.replace(path)

    def update(self, newer):
        """Takes over what the newer ones have; workloads that they have not stay."""
        for part, found in newer.data.items():
            self.data.setdefault(part, {}).update(found)

    def systems(self, workload):
        """Keys of the systems that have been measured, in their order."""
        found = self.data["workloads"].get(workload, {}).get("systems", {})
        return [key for key, system in found.items() if system.get("runs")]

    def system(self, workload, key):
        return self.data["workloads"].get(workload, {}).get("systems", {}).get(key, {})

    def runs(self, workload, system):
        return self.system(workload, system).get("runs", [])

    def figure(self, workload, system, name):
        """The median over the rounds."""
        values = [run[name] for run in self.runs(workload, system) if run.get(name) is not None]
        return statistics.median(values) if values else None

    def rate(self, workload, system):
        return self.figure(workload, system, "rate")

    def spread(self, workload, system):
        """How far the rounds lie apart, as a part of their median."""
        values = [run["rate"] for run in self.runs(workload, system)]
        return (max(values) - min(values)) / statistics.median(values) if values else None

    def latency(self, workload, system, name):
        """Microseconds, the median over the rounds; of a worst wait the worst."""
        values = [run["latencies"][name] for run in self.runs(workload, system) if name in run.get("latencies", {})]
        if not values:
            return None
        return max(values) if name.endswith("_max") else statistics.median(values)

    def shares(self, workload, system):
        """Each manager's part of the work, the median over the rounds."""
        return [statistics.median(parts) for parts in zip(*(run["share"] for run in self.runs(workload, system)))]

    def peak_memory(self, workload, system):
        return self.system(workload, system).get("peak_memory")

    def largest_backlog(self, name):
        """The key of the system with the most pending tasks in W10."""
        start = f"{name}-pending-"
        sizes = [int(key[len(start) :]) for key in self.systems("W10") if key.startswith(start)]
        return f"{start}{max(sizes)}" if sizes and max(sizes) > 0 else None

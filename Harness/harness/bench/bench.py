"""One run of tools/bench: which systems, which workloads, in which order."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from ..lib.failures import Failure
from ..lib.paths import BUILT, load_programs, manager_binary
from . import backlog, beside_flood, install, machine, special
from .compare import compare
from .load import Generator
from .options import Options, Say
from .postgresql import PostgreSQL
from .results import Entry, Results
from .systems import Beanrow, Beanstalkd, Floor, Redis, System
from .workloads import WORKLOADS, Workload

PEERS = ["beanstalkd", "beanstalkd-f0", "redis", "postgresql", "floor"]
SPECIAL = {
    "W12": "idle: 100 consumers wait",
    "W13": "start-up and recovery",
    "W14": "16 connections beside 200 that never read",
}

#: The most rounds of a workload that starts its systems in each round.
MOST_STARTS = 3

#: Stores results. It is told whether a workload is done.
Keep = Callable[[Results, bool], None]


class Run:
    """What every run of the tool has: the load generator, a place for files, and results, stored after each step."""

    def __init__(self, options: Options, say: Say, keep: Keep, results: Results) -> None:
        """``results`` has what an earlier run measured to the end; that is not measured again."""
        self.options, self.say, self.keep, self.results = options, say, keep, results
        self.has_failed = False
        program, self.floor = load_programs(BUILT)
        self.generator = Generator(program)
        self._directory: Path | None = None

    @property
    def directory(self) -> Path:
        """Where the servers keep their files."""
        assert self._directory is not None, "not prepared"
        return self._directory

    def run(self) -> None:
        """Measures everything that the options name."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Makes the place for files, and describes the machine."""
        self._directory = machine.working_directory(self.options.directory)
        self._directory.chmod(0o755)
        self.results.data["machine"] = machine.describe(self._directory)

    def build_manager(self) -> Path:
        """Returns the release build's manager."""
        return manager_binary(build=self.options.builds)

    def measure(self, key: str, title: str, work: Callable[[Entry], object], results: Results | None = None) -> None:
        """Runs one workload. ``work`` fills the dictionary that it is given, which is stored after each run."""
        results = results or self.results
        if results.data["workloads"].get(key, {}).get("done"):
            return
        keys = self.options.workloads
        self.say(f"{key} {title} ({keys.index(key) + 1} of {len(keys)} workloads)")
        systems: Entry = {}
        results.data["workloads"][key] = {
            "title": title,
            "measured": time.strftime("%Y-%m-%d", time.gmtime()),
            "systems": systems,
        }
        work(systems)
        results.data["workloads"][key]["done"] = True
        self.has_failed |= any("failed" in system for system in systems.values())
        self.keep(self.results, True)

    def keep_run(self) -> None:
        """Stores the results after a run."""
        self.keep(self.results, False)

    def clean(self) -> None:
        """Ends everything and removes all files."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


class Bench(Run):
    """Beanrow on a file beside other task queues."""

    def __init__(self, options: Options, say: Say, keep: Keep, results: Results) -> None:
        """See `Run`."""
        super().__init__(options, say, keep, results)
        self.managers: dict[str, Path] = {}
        for name, program in options.managers.items():
            if self.wants(name):
                self.managers[name] = program or self.build_manager()
        self.factories = self.make_factories()
        self.leave_out_missing()
        self.prepare()

    def wants(self, name: str) -> bool:
        """Returns whether managers of this name are to be measured."""
        return any(key.startswith(f"{name}-") and key[len(name) + 1 :].isdigit() for key in self.options.systems)

    def make_factories(self) -> dict[str, Callable[[], System]]:
        """Returns how to make each system, by key, in the order of the tables."""
        made: dict[str, Callable[[], System]] = {}
        for name, program in self.managers.items():
            for managers in (3, 1):
                made[f"{name}-{managers}"] = partial(Beanrow, name, program, managers)
        made["beanstalkd"] = partial(Beanstalkd, durable=False)
        made["beanstalkd-f0"] = partial(Beanstalkd, durable=True)
        made["redis"], made["postgresql"] = Redis, PostgreSQL
        made["floor"] = partial(Floor, self.floor)
        return {key: factory for key, factory in made.items() if key in self.options.systems}

    def leave_out_missing(self) -> None:
        """Installs what is missing, and leaves out what is missing still."""
        if self.options.installs:
            systems = [factory() for factory in self.factories.values()]
            install.packages(sorted({one.package for one in systems if one.missing() and one.package}), self.say)
        for key, factory in list(self.factories.items()):
            system = factory()
            if reason := system.missing():
                self.say(f"leaving out {system.title}: {reason}")
                del self.factories[key]

    def run(self) -> None:
        """See `Run`."""
        options = self.options
        systems = [factory() for factory in self.factories.values()]
        self.results.data["versions"] = {
            system.program_name: version for system in systems if (version := system.version())
        }
        for workload in WORKLOADS:
            has_systems = workload.peers or any(key not in PEERS for key in self.factories)
            if workload.key in options.workloads and has_systems:
                self.measure(workload.key, workload.title, partial(self.compare, workload))
        if "W12" in options.workloads:
            keys = [key for key in self.factories if key not in ("postgresql", "floor")]
            self.measure("W12", SPECIAL["W12"], lambda found: self.repeat(found, keys, self.idle))
        if "W13" in options.workloads:
            keys_of_durable = [key for key in self.factories if key not in ("beanstalkd", "postgresql", "floor")]
            title = f"{backlog.in_words(options.recovery_tasks)} tasks"
            self.measure("W13", title, lambda found: self.repeat(found, keys_of_durable, self.recover))

        if "W14" in options.workloads:
            keys_of_beanstalk = [key for key in self.factories if key.startswith(("beanrow-", "beanstalkd"))]
            self.measure("W14", SPECIAL["W14"], lambda found: self.repeat(found, keys_of_beanstalk, self.beside_flood))

    def compare(self, workload: Workload, found: Entry) -> Mapping[str, object]:
        """Measures a workload with a rate."""
        return compare(
            workload,
            self.systems_for(workload),
            self.generator,
            self.directory,
            rounds=self.options.rounds,
            seconds=self.options.seconds,
            say=self.say,
            found=found,
            keep=self.keep_run,
        )

    def idle(self, system: System) -> Entry:
        """Measures W12."""
        seconds = 3 if self.options.is_quick else 10
        return special.idle(system, self.generator, self.directory, seconds, self.say)

    def recover(self, system: System) -> Entry:
        """Measures W13."""
        return special.recovery(system, self.generator, self.directory, self.options.recovery_tasks, self.say)

    def beside_flood(self, system: System) -> Entry:
        """Measures W14."""
        tasks = 500 if self.options.is_quick else 5000
        return beside_flood.beside_flood(system, self.generator, self.directory, tasks, self.say)

    def systems_for(self, workload: Workload) -> list[System]:
        """Returns the systems of a workload."""
        if workload.key == "W10":
            return [
                system
                for name, program in self.managers.items()
                if f"{name}-3" in self.factories
                for system in backlog.variants(name, program, self.options.backlog)
            ]
        return [make() for key, make in self.factories.items() if key not in PEERS or key in workload.peers]

    def repeat(self, found: Entry, keys: Sequence[str], work: Callable[[System], Entry]) -> None:
        """Runs rounds of a workload that starts its systems itself."""
        for _ in range(min(self.options.rounds, MOST_STARTS)):
            for key in keys:
                system = self.factories[key]()
                entry = found.setdefault(key, {"title": system.title, "durable": system.durable, "runs": []})
                if "failed" in entry:
                    continue
                try:
                    entry["runs"].append(work(system))
                    self.keep_run()
                except Failure as failure:
                    self.say(f"  {system.title}: {failure}")
                    entry["failed"] = str(failure)

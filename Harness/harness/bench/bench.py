"""One run of tools/bench: which systems, which workloads, in which order."""

import shutil
import time

from . import REPOSITORY, backlog, install, machine, special
from .compare import compare
from .load import Generator
from .postgresql import PostgreSQL
from ..lib.processes import Failure
from .systems import Beanrow, Beanstalkd, Floor, Redis
from .workloads import WORKLOADS

PEERS = ["beanstalkd", "beanstalkd-f0", "redis", "postgresql", "floor"]
SPECIAL = {
    "W12": "idle: 100 consumers wait",
    "W13": "start-up and recovery",
}

MOST_STARTS = 3
"""How many rounds there are, at the most, of what starts its systems anew each time."""


class Run:
    """What every run of the tool has: the load generator, a place for files, and results that are kept as they come."""

    def __init__(self, options, say, keep, results):
        """`results` has what an earlier run measured to the end; that is not measured again."""
        self.options, self.say, self.keep, self.results = options, say, keep, results
        self.failed = False
        programs = install.load_programs(REPOSITORY / "Benchmarks", REPOSITORY / ".build" / "bench")
        self.generator, self.floor = Generator(programs[0]), programs[1]
        self.directory = None

    def prepare(self):
        """Makes the place for files, and describes the machine."""
        self.directory = machine.working_directory(self.options.directory, REPOSITORY)
        self.directory.chmod(0o755)
        self.results.data["machine"] = machine.describe(self.directory, REPOSITORY)

    def build_manager(self):
        return install.manager(REPOSITORY, self.say, build=not self.options.no_build)

    def measure(self, key, title, work, results=None):
        """Does one workload: `work` fills the dictionary it is given, which is kept after each run."""
        if results is None:
            results = self.results
        if results.data["workloads"].get(key, {}).get("done"):
            return
        keys = self.options.workloads
        self.say(f"{key} {title} ({keys.index(key) + 1} of {len(keys)} workloads)")
        systems = {}
        results.data["workloads"][key] = {
            "title": title,
            "measured": time.strftime("%Y-%m-%d", time.gmtime()),
            "systems": systems,
        }
        work(systems)
        results.data["workloads"][key]["done"] = True
        self.failed |= any("failed" in system for system in systems.values())
        self.keep(self.results, True)

    def keep_run(self):
        self.keep(self.results, False)

    def clean(self):
        if self.directory:
            shutil.rmtree(self.directory, ignore_errors=True)


class Bench(Run):
    """Beanrow over a file beside other task queues."""

    def __init__(self, options, say, keep, results):
        super().__init__(options, say, keep, results)
        if self.wants("beanrow") and not options.managers["beanrow"]:
            options.managers["beanrow"] = self.build_manager()
        self.factories = self.make_factories()
        self.leave_out_missing()
        self.prepare()

    def wants(self, name):
        return any(key.startswith(f"{name}-") and key[len(name) + 1 :].isdigit() for key in self.options.systems)

    def make_factories(self):
        """How to make each system anew, by key, in the order of the tables."""
        made = {}
        for name, program in self.options.managers.items():
            for managers in (3, 1):
                made[f"{name}-{managers}"] = lambda name=name, program=program, managers=managers: Beanrow(name, program, managers)
        made["beanstalkd"] = lambda: Beanstalkd(durable=False)
        made["beanstalkd-f0"] = lambda: Beanstalkd(durable=True)
        made["redis"], made["postgresql"] = Redis, PostgreSQL
        made["floor"] = lambda: Floor(self.floor)
        return {key: factory for key, factory in made.items() if key in self.options.systems}

    def leave_out_missing(self):
        if not self.options.no_install:
            systems = [factory() for factory in self.factories.values()]
            install.packages(sorted({one.package for one in systems if one.missing() and one.package}), self.say)
        for key, factory in list(self.factories.items()):
            reason = factory().missing()
            if reason:
                self.say(f"leaving out {factory().title}: {reason}")
                del self.factories[key]

    def run(self):
        options = self.options
        self.results.data["versions"] = {
            factory().program_name: version for factory in self.factories.values() if (version := factory().version())
        }  # fmt: skip
        for workload in WORKLOADS:
            if workload.key in options.workloads and (workload.peers or any(key not in PEERS for key in self.factories)):
                self.measure(workload.key, workload.title, lambda found, workload=workload: compare(
                    workload, self.systems_for(workload), self.generator, self.directory,
                    rounds=options.rounds, seconds=options.seconds, say=self.say, found=found, keep=self.keep_run))  # fmt: skip
        if "W12" in options.workloads:
            seconds = 3 if options.quick else 10
            keys = [key for key in self.factories if key not in ("postgresql", "floor")]
            self.measure("W12", SPECIAL["W12"], lambda found: self.repeat(
                found, keys, lambda system: special.idle(system, self.generator, self.directory, seconds, self.say)))  # fmt: skip
        if "W13" in options.workloads:
            keys = [key for key in self.factories if key not in ("beanstalkd", "postgresql", "floor")]
            title = f"{backlog.in_words(options.recovery_tasks)} tasks"
            self.measure("W13", title, lambda found: self.repeat(found, keys, lambda system: special.recovery(
                system, self.generator, self.directory, options.recovery_tasks, self.say)))  # fmt: skip

    def systems_for(self, workload):
        if workload.key == "W10":
            return [
                system
                for name, program in self.options.managers.items()
                if f"{name}-3" in self.factories
                for system in backlog.variants(name, program, self.options.backlog)
            ]
        return [make() for key, make in self.factories.items() if key not in PEERS or key in workload.peers]

    def repeat(self, found, keys, work):
        """Rounds of something that starts its systems itself."""
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

"""tools/bench: the command line, and the order of things."""

import argparse
import re
import shutil
import signal
import sys
import time
from pathlib import Path

from . import backlog, install, machine, plot, report, special
from .compare import compare
from .load import Generator
from .postgresql import PostgreSQL
from .processes import Failure
from .results import Results
from .systems import Beanrow, Beanstalkd, Floor, Redis
from .workloads import WORKLOADS

REPOSITORY = Path(__file__).resolve().parents[2]
PEERS = ["beanstalkd", "beanstalkd-f0", "redis", "postgresql", "floor"]
SPECIAL = {
    "W12": "idle: 100 consumers wait",
    "W13": "start-up and recovery",
}


def say(*words):
    print(*words, file=sys.stderr, flush=True)


def _numbers(text):
    return [int(part) for part in text.split(",") if part]


def arguments(given):
    keys = [workload.key for workload in WORKLOADS] + list(SPECIAL)
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Measures Beanrow beside other task queues on this machine, each workload against all systems in turn.",
        epilog="workloads: " + "; ".join(f"{one.key} {one.title}" for one in WORKLOADS)
        + "; " + "; ".join(f"{key} {title}" for key, title in SPECIAL.items()),
    )  # fmt: skip
    add = parser.add_argument
    add("--workloads", metavar="W2,W4", help="only these (W9 means W9a and W9b)")
    add("--systems", metavar="KEYS", help="only these of: beanrow-3, beanrow-1, " + ", ".join(PEERS))
    add("--rounds", type=int, metavar="N", help="how often each workload goes through all systems (3)")
    add("--seconds", type=float, metavar="S", help="how long one run is to be, more or less (2)")
    add("--quick", action="store_true", help="one short round and small backlogs: does everything work?")
    add("--backlog", type=_numbers, metavar="N,N", help="pending tasks in W10 (1000000,10000000)")
    add("--recovery-tasks", type=int, metavar="N", help="tasks in W13 (1000000)")
    add("--manager", metavar="PATH", help="measure this beanrow-manager instead of building one")
    add("--also", metavar="NAME=PATH", action="append", default=[],
        help="measure a second beanrow-manager beside it, as NAME-3 and NAME-1")  # fmt: skip
    add("--no-build", action="store_true", help="take the release build that is there")
    add("--no-install", action="store_true", help="leave out peers that are not installed")
    add("--directory", metavar="DIR", help="where the servers keep their files (a real disk; /var/tmp)")
    add("--write", action=argparse.BooleanOptionalAction,
        help="write docs/performance.* (what a full run does); what was not measured stays as it is")  # fmt: skip
    add("--report", action="store_true", help="measure nothing; write the pages anew from docs/performance.json")
    options = parser.parse_args(given)
    short = options.quick
    options.rounds = options.rounds or (1 if short else 3)
    options.seconds = options.seconds or (0.3 if short else 2.0)
    options.backlog = options.backlog if options.backlog is not None else ([30_000] if short else [1_000_000, 10_000_000])
    options.recovery_tasks = options.recovery_tasks or (20_000 if short else 1_000_000)
    options.full = not options.workloads and not options.systems and not short
    if options.write is None:
        options.write = options.full
    wanted = (options.workloads or ",".join(keys)).replace("W9,", "W9a,W9b,").split(",")
    wanted = [key for word in wanted for key in (["W9a", "W9b"] if word == "W9" else [word])]
    unknown = [key for key in wanted if key not in keys]
    if unknown:
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(keys)}")
    options.workloads = [key for key in keys if key in wanted]
    known = ["beanrow-3", "beanrow-1", *PEERS]
    options.managers = {"beanrow": options.manager}
    for pair in options.also:
        name, _, path = pair.partition("=")
        if not re.fullmatch("[a-z][a-z0-9]*", name) or not path:
            parser.error("--also takes NAME=PATH, the name of small letters and digits")
        options.managers[name] = path
        known += [f"{name}-3", f"{name}-1"]
    options.systems = options.systems.split(",") if options.systems else known
    unknown = [key for key in options.systems if key not in known]
    if unknown:
        parser.error(f"no system {', '.join(unknown)}; there are {', '.join(known)}")
    return options


class Bench:
    """One run of the tool."""

    def __init__(self, options):
        self.options = options
        self.results = Results()
        self.failed = False
        programs = install.load_programs(REPOSITORY / "Benchmarks", REPOSITORY / ".build" / "bench")
        self.generator, self.floor = Generator(programs[0]), programs[1]
        if self.wants("beanrow") and not options.managers["beanrow"]:
            options.managers["beanrow"] = install.manager(REPOSITORY, say, build=not options.no_build)
        self.factories = self.make_factories()
        self.leave_out_missing()
        self.directory = machine.working_directory(options.directory, REPOSITORY)
        self.directory.chmod(0o755)

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
            install.packages(sorted({one.package for one in map(_call, self.factories.values()) if one.missing() and one.package}), say)
        for key, factory in list(self.factories.items()):
            reason = factory().missing()
            if reason:
                say(f"leaving out {factory().title}: {reason}")
                del self.factories[key]

    def run(self):
        options = self.options
        self.results.data["machine"] = machine.describe(self.directory, REPOSITORY)
        self.results.data["versions"] = {
            factory().program_name: version for factory in self.factories.values() if (version := factory().version())
        }  # fmt: skip
        for workload in WORKLOADS:
            if workload.key in options.workloads and (workload.peers or any(key not in PEERS for key in self.factories)):
                self.measure(workload.key, workload.title, lambda workload=workload: compare(
                    workload, self.systems_for(workload), self.generator, self.directory,
                    rounds=options.rounds, seconds=options.seconds, say=say))  # fmt: skip
        if "W12" in options.workloads:
            seconds = 3 if options.quick else 20
            keys = [key for key in self.factories if key not in ("postgresql", "floor")]
            self.measure("W12", SPECIAL["W12"], lambda: self.repeat(
                keys, lambda system: special.idle(system, self.generator, self.directory, seconds, say)))  # fmt: skip
        if "W13" in options.workloads:
            keys = [key for key in self.factories if key not in ("beanstalkd", "postgresql", "floor")]
            title = f"{backlog.in_words(options.recovery_tasks)} tasks"
            self.measure("W13", title, lambda: self.repeat(keys, lambda system: special.recovery(
                system, self.generator, self.directory, options.recovery_tasks, say)))  # fmt: skip

    def systems_for(self, workload):
        if workload.key == "W10":
            return [
                system
                for name, program in self.options.managers.items()
                if f"{name}-3" in self.factories
                for system in backlog.variants(name, program, self.options.backlog)
            ]
        return [make() for key, make in self.factories.items() if key not in PEERS or key in workload.peers]

    def measure(self, key, title, work):
        say(f"{key} {title}")
        systems = work()
        self.results.data["workloads"][key] = {
            "title": title,
            "measured": time.strftime("%Y-%m-%d", time.gmtime()),
            "rounds": self.options.rounds,
            "systems": systems,
        }
        self.failed |= any("failed" in system for system in systems.values())

    def repeat(self, keys, work):
        """Rounds of something that starts its systems itself."""
        found = {}
        for turn in range(self.options.rounds):
            for key in keys:
                system = self.factories[key]()
                entry = found.setdefault(key, {"title": system.title, "durable": system.durable, "runs": []})
                if "failed" in entry:
                    continue
                try:
                    entry["runs"].append(work(system))
                except Failure as failure:
                    say(f"  {system.title}: {failure}")
                    entry["failed"] = str(failure)
        return found

    def clean(self):
        shutil.rmtree(self.directory, ignore_errors=True)


def _call(factory):
    return factory()


def _write_between(path, name, text):
    """Replaces what stands between the page's markers of this name; returns whether it has them."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    page = path.read_text() if path.exists() else ""
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        return False
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
    return True


def write_pages(results):
    """docs/performance.md and its picture, and the table in the README if that has a place for it."""
    docs = REPOSITORY / "docs"
    docs.mkdir(exist_ok=True)
    results.write(docs / "performance.json")
    (docs / "performance.svg").write_text(plot.draw(results))
    page = docs / "performance.md"
    if not _write_between(page, "results", report.everything(results)):
        raise Failure(f"{page} has no place marked <!-- bench:results -->")
    _write_between(REPOSITORY / "README.md", "headline", report.headline(results, ["W2", "W3", "W4", "W5", "W6", "W7"]))
    say("wrote docs/performance.md, .json and .svg")


def _end(number, _frame):
    raise SystemExit(128 + number)


def main():
    options = arguments(sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    bench = None
    try:
        stored = REPOSITORY / "docs" / "performance.json"
        if options.report:
            write_pages(Results.read(stored))
            return 0
        bench = Bench(options)
        bench.run()
        print(report.everything(bench.results))
        if options.write:
            results = Results() if options.full else Results.read(stored)
            results.update(bench.results)
            write_pages(results)
        return 1 if bench.failed else 0
    except Failure as failure:
        say(f"tools/bench: {failure}")
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if bench:
            bench.clean()

"""tools/bench: the command line."""

import argparse
import re
import signal
import sys
import time

from . import REPOSITORY, onserver_report, pages, report
from .bench import PEERS, SPECIAL, Bench
from .onserver import KEYS, ServerBench
from ..lib.processes import Failure
from .results import Results
from .workloads import WORKLOADS

KEPT = REPOSITORY / ".build" / "bench"
_began = time.monotonic()


def say(*words):
    """Tells the user how it goes, with the minutes and seconds since the beginning."""
    minutes, seconds = divmod(int(time.monotonic() - _began), 60)
    print(f"{minutes:3d}:{seconds:02d}", *words, file=sys.stderr, flush=True)


def _numbers(text):
    return [int(part) for part in text.split(",") if part]


def _parser(keys):
    parser = argparse.ArgumentParser(
        prog="tools/bench",
        description="Measures Beanrow beside other task queues on this machine, each workload against all systems in turn. "
        "What has been measured is kept after each run and shown even if it is ended early.",
        epilog="workloads: " + "; ".join(f"{one.key} {one.title}" for one in WORKLOADS)
        + "; " + "; ".join(f"{key} {title}" for key, title in SPECIAL.items()),
    )  # fmt: skip
    add = parser.add_argument
    add("--workloads", metavar="W2,W4", help="only these (W9 means W9a and W9b)")
    add("--systems", metavar="KEYS", help="only these of: beanrow-3, beanrow-1, " + ", ".join(PEERS))
    add("--rounds", type=int, metavar="N", help="how often each workload goes through all systems (5)")
    add("--seconds", type=float, metavar="S", help="how long one run is to be, more or less (2)")
    add("--quick", action="store_true", help="one short round and small backlogs: does everything work?")
    add("--backlog", type=_numbers, metavar="N,N", help="pending tasks in W10 (1000000,10000000)")
    add("--recovery-tasks", type=int, metavar="N", help="tasks in W13 (1000000)")
    add("--postgres", action="store_true",
        help="managers over a PostgreSQL server beside plain SKIP LOCKED on the same one, W2 to W7, for docs/scaling.md; the "
        "server is made for it in a temporary directory")  # fmt: skip
    add("--growth", action="store_true",
        help="with --postgres: also with one, two and three managers, and with the server held to one and two cores")  # fmt: skip
    add("--lanes", type=int, metavar="N", help="with --postgres: how many connections each manager works with")
    add("--manager", metavar="PATH", help="measure this beanrow-manager instead of building one")
    add("--also", metavar="NAME=PATH", action="append", default=[],
        help="measure a second beanrow-manager beside it, as NAME-3 and NAME-1")  # fmt: skip
    add("--no-build", action="store_true", help="take the release build that is there")
    add("--no-install", action="store_true", help="leave out peers that are not installed")
    add("--directory", metavar="DIR", help="where the servers keep their files (a real disk; /var/tmp)")
    add("--write", action=argparse.BooleanOptionalAction,
        help="write the pages in docs/ (what a full run does); what was not measured stays as it is")  # fmt: skip
    add("--continue", dest="resume", action="store_true",
        help="go on with the last run: workloads that were measured to the end are not measured again")  # fmt: skip
    add("--report", action="store_true", help="measure nothing; write the pages anew from the results in docs/")
    return parser


def _workloads(parser, text, keys):
    words = text.split(",") if text else keys
    wanted = [key for word in words for key in (["W9a", "W9b"] if word == "W9" else [word])]
    unknown = [key for key in wanted if key not in keys]
    if unknown:
        parser.error(f"no workload {', '.join(unknown)}; there are {', '.join(keys)}")
    return [key for key in keys if key in wanted]


def _systems(parser, options):
    """Which systems, and the managers to be measured by name."""
    known = ["beanrow-3", "beanrow-1", *PEERS]
    options.managers = {"beanrow": options.manager}
    for pair in options.also:
        name, _, path = pair.partition("=")
        if not re.fullmatch("[a-z][a-z0-9]*", name) or not path:
            parser.error("--also takes NAME=PATH, the name of small letters and digits")
        options.managers[name] = path
        known += [f"{name}-3", f"{name}-1"]
    systems = options.systems.split(",") if options.systems else known
    unknown = [key for key in systems if key not in known]
    if unknown:
        parser.error(f"no system {', '.join(unknown)}; there are {', '.join(known)}")
    return systems


def arguments(given):
    keys = [workload.key for workload in WORKLOADS] + list(SPECIAL)
    parser = _parser(keys)
    options = parser.parse_args(given)
    short = options.quick
    options.rounds = options.rounds or (1 if short else 5)
    options.seconds = options.seconds or (0.3 if short else 2.0)
    options.backlog = options.backlog if options.backlog is not None else ([30_000] if short else [1_000_000, 10_000_000])
    options.recovery_tasks = options.recovery_tasks or (20_000 if short else 1_000_000)
    if options.write is None:
        options.write = not options.workloads and not options.systems and not short
    if options.postgres and (options.systems or options.also):
        parser.error("--postgres has its own systems")
    if (options.growth or options.lanes) and not options.postgres:
        parser.error("--growth and --lanes need --postgres")
    options.workloads = _workloads(parser, options.workloads, KEYS if options.postgres else keys)
    options.systems = _systems(parser, options)
    return options


class Keeper:
    """Keeps results in a file as they come, and the pages in docs/ after each workload."""

    def __init__(self, options):
        self.options = options
        self.file = KEPT / ("last-postgres.json" if options.postgres else "last.json")
        self.stored = pages.STORED_ON_SERVER if options.postgres else pages.STORED
        self.latest = None

    def write_pages(self, results):
        return (pages.write_on_server if self.options.postgres else pages.write)(results)

    def keep(self, results, is_workload_done):
        self.latest = results
        results.write(self.file)
        if is_workload_done and self.options.write:
            self.write_together(results)

    def write_together(self, results):
        """The pages, from what is new and what was there before."""
        together = Results.read(self.stored)
        together.update(results)
        return self.write_pages(together)

    def earlier(self):
        """What the last run had measured to the end."""
        results = Results.read(self.file)
        for part in [results.data, *results.data.get("growth", {}).values()]:
            part["workloads"] = {key: entry for key, entry in part["workloads"].items() if entry.get("done")}
        return results


def _show(options, results):
    print((onserver_report if options.postgres else report).everything(results))


def _end(number, _frame):
    raise SystemExit(128 + number)


def main():
    options = arguments(sys.argv[1:])
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    keeper, bench = Keeper(options), None
    try:
        if options.report:
            say("wrote", keeper.write_pages(Results.read(keeper.stored)))
            return 0
        earlier = keeper.earlier() if options.resume else Results()
        bench = (ServerBench if options.postgres else Bench)(options, say, keeper.keep, earlier)
        bench.run()
        _show(options, bench.results)
        if options.write:
            say("wrote", keeper.write_together(bench.results))
        return 1 if bench.failed else 0
    except Failure as failure:
        say(f"tools/bench: {failure}")
        return 1
    except (KeyboardInterrupt, SystemExit) as ending:
        if keeper.latest:
            _show(options, keeper.latest)
            say(f"ended early; this is what was measured, and it is kept in {keeper.file} (--continue goes on)")
        return ending.code if isinstance(ending, SystemExit) else 130
    finally:
        if bench:
            bench.clean()

"""The command line of tools/bench."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ..lib.command import exit_on_signals, new_parser
from ..lib.failures import Failure
from ..lib.paths import BUILT, manager_binary
from . import on_server_report, pages, report, transports
from .bench import PEERS, SPECIAL, Bench, Run
from .on_server import KEYS, ServerBench
from .options import Options
from .results import Results
from .workloads import WORKLOADS

_began = time.monotonic()


def say(line: str) -> None:
    """Prints a line of progress, with the minutes and seconds since the start."""
    minutes, seconds = divmod(int(time.monotonic() - _began), 60)
    print(f"{minutes:3d}:{seconds:02d} {line}", file=sys.stderr, flush=True)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def _parser() -> argparse.ArgumentParser:
    titles = [f"{workload.key} {workload.title}" for workload in WORKLOADS]
    titles += [f"{key} {title}" for key, title in SPECIAL.items()]
    parser = new_parser(
        "bench",
        "Measures Beanrow and other task queues on this machine, each workload on all systems in turn. The results are "
        "stored after each run, and shown even if the tool is ended early.",
        epilog="workloads: " + "; ".join(titles),
    )
    add = parser.add_argument
    add("--workloads", metavar="W2,W4", help="only these (W9 means W9a and W9b)")
    add("--systems", metavar="KEYS", help="only these of: beanrow-3, beanrow-1, " + ", ".join(PEERS))
    add("--rounds", type=int, metavar="N", help="how often each workload goes through all systems (5)")
    add("--seconds", type=float, metavar="S", help="how long one run takes, about (2)")
    add("--quick", action="store_true", help="one short round and small backlogs, to see that everything works")
    add("--backlog", type=_numbers, metavar="N,N", help="pending tasks in W10 (1000000,10000000)")
    add("--recovery-tasks", type=int, metavar="N", help="tasks in W13 (1000000)")
    add(
        "--postgres",
        action="store_true",
        help="managers over a PostgreSQL server beside plain SKIP LOCKED on the same server, W2 to W7, for "
        "docs/scaling.md; the server is made for the run in a temporary directory",
    )
    add(
        "--growth",
        action="store_true",
        help="with --postgres: also with one, two and three managers, and with the server on one and on two cores",
    )
    add(
        "--transports",
        action="store_true",
        help="measure nothing but what TLS and unix sockets cost a manager beside TCP, for docs/performance.md",
    )
    add("--lanes", type=int, metavar="N", help="with --postgres: how many connections each manager works with")
    add("--manager", type=Path, metavar="PATH", help="measure this beanrow-manager instead of building one")
    add(
        "--also",
        metavar="NAME=PATH",
        action="append",
        default=[],
        help="measure a second beanrow-manager beside it, as NAME-3 and NAME-1",
    )
    add("--no-build", action="store_true", help="use the release build that exists")
    add("--no-install", action="store_true", help="leave out task queues that are not installed")
    add("--directory", type=Path, metavar="DIR", help="where the servers keep their files (a real disk; /var/tmp)")
    add(
        "--write",
        action=argparse.BooleanOptionalAction,
        help="write the pages in docs/ (a full run does); what was not measured stays as it is",
    )
    add(
        "--continue",
        dest="resume",
        action="store_true",
        help="continue the last run: workloads that were measured to the end are not measured again",
    )
    add("--report", action="store_true", help="measure nothing; write the pages again from Benchmarks/results")
    return parser


def _workloads(parser: argparse.ArgumentParser, text: str | None, keys: list[str]) -> list[str]:
    words = text.split(",") if text else keys
    wanted = [key for word in words for key in (["W9a", "W9b"] if word == "W9" else [word])]
    unknown = [key for key in wanted if key not in keys]
    if unknown:
        parser.error(f"there is no workload {', '.join(unknown)}; the workloads are {', '.join(keys)}")
    return [key for key in keys if key in wanted]


def _managers(parser: argparse.ArgumentParser, given: argparse.Namespace) -> dict[str, Path | None]:
    """Returns the managers to measure, by name."""
    managers: dict[str, Path | None] = {"beanrow": given.manager}
    for pair in given.also:
        name, _, path = pair.partition("=")
        if not re.fullmatch("[a-z][a-z0-9]*", name) or not path:
            parser.error("--also takes NAME=PATH, and the name has small letters and digits only")
        managers[name] = Path(path)
    return managers


def _systems(parser: argparse.ArgumentParser, text: str | None, managers: Sequence[str]) -> list[str]:
    first, *others = ([f"{name}-3", f"{name}-1"] for name in managers)
    known = [*first, *PEERS, *(key for pair in others for key in pair)]
    systems = text.split(",") if text else known
    unknown = [key for key in systems if key not in known]
    if unknown:
        parser.error(f"there is no system {', '.join(unknown)}; the systems are {', '.join(known)}")
    return systems


def parse(arguments: Sequence[str] | None) -> Options:
    """Reads the command line."""
    parser = _parser()
    given = parser.parse_args(arguments)
    is_quick = given.quick
    if given.postgres and (given.systems or given.also):
        parser.error("--postgres has its own systems")
    if (given.growth or given.lanes) and not given.postgres:
        parser.error("--growth and --lanes need --postgres")
    backlog = [30_000] if is_quick else [1_000_000, 10_000_000]
    writes = not given.workloads and not given.systems and not is_quick
    keys = KEYS if given.postgres else [*(workload.key for workload in WORKLOADS), *SPECIAL]
    managers = _managers(parser, given)
    return Options(
        workloads=_workloads(parser, given.workloads, keys),
        systems=_systems(parser, given.systems, list(managers)),
        rounds=given.rounds or (1 if is_quick else 5),
        seconds=given.seconds or (0.3 if is_quick else 2.0),
        is_quick=is_quick,
        backlog=backlog if given.backlog is None else given.backlog,
        recovery_tasks=given.recovery_tasks or (20_000 if is_quick else 1_000_000),
        is_on_server=given.postgres,
        grows=given.growth,
        lanes=given.lanes,
        managers=managers,
        builds=not given.no_build,
        installs=not given.no_install,
        directory=given.directory,
        writes=writes if given.write is None else given.write,
        resumes=given.resume,
        is_of_transports=given.transports,
        only_reports=given.report,
    )


class ResultsStore:
    """Stores results in a file as they come, and writes the pages in docs/ after each workload."""

    def __init__(self, options: Options, directory: Path = BUILT) -> None:
        """``directory`` is where the file is."""
        self.options = options
        self.file = directory / ("last-postgres.json" if options.is_on_server else "last.json")
        self.stored = pages.STORED_ON_SERVER if options.is_on_server else pages.STORED
        self.latest: Results | None = None

    def write_pages(self, results: Results) -> str:
        """Writes the pages; returns what it has written."""
        return (pages.write_on_server if self.options.is_on_server else pages.write)(results)

    def keep(self, results: Results, is_workload_done: bool) -> None:
        """Stores results."""
        self.latest = results
        results.write(self.file)
        if is_workload_done and self.options.writes:
            self.write_together(results)

    def write_together(self, results: Results) -> str:
        """Writes the pages from new and from stored results."""
        together = Results.read(self.stored)
        together.update(results)
        return self.write_pages(together)

    def earlier(self) -> Results:
        """Returns what the last run measured to the end."""
        results = Results.read(self.file)
        for part in [results.data, *results.data.get("growth", {}).values()]:
            part["workloads"] = {key: entry for key, entry in part["workloads"].items() if entry.get("done")}
        return results


def _show(options: Options, results: Results) -> None:
    print((on_server_report if options.is_on_server else report).everything(results))


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    options = parse(arguments)
    exit_on_signals()
    store = ResultsStore(options)
    bench: Run | None = None
    try:
        if options.only_reports:
            say(f"wrote {store.write_pages(Results.read(store.stored))}")
            return 0
        if options.is_of_transports:
            binary = options.managers["beanrow"] or manager_binary(build=options.builds)
            print(transports.measure(binary, options.rounds, say))
            return 0
        earlier = store.earlier() if options.resumes else Results()
        bench = (ServerBench if options.is_on_server else Bench)(options, say, store.keep, earlier)
        bench.run()
        _show(options, bench.results)
        if options.writes:
            say(f"wrote {store.write_together(bench.results)}")
        return 1 if bench.has_failed else 0
    except Failure as failure:
        say(f"tools/bench: {failure}")
        return 1
    except (KeyboardInterrupt, SystemExit) as ending:
        if store.latest is not None:
            _show(options, store.latest)
            say(f"ended early; these results are kept in {store.file} (--continue measures the rest)")
        return int(ending.code or 0) if isinstance(ending, SystemExit) else 130
    finally:
        if bench is not None:
            bench.clean()

"""tools/powercut: records what managers do to their files, then cuts the power at many moments of the run."""

from __future__ import annotations

import argparse
import random
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..lib.command import add_run_options, chosen_seed, new_parser, run_tool, workspace
from ..lib.managers import Manager, start_all, stop_all
from ..lib.paths import BUILT
from . import failed_syncs
from .acknowledgements import Acknowledgements, Replies
from .disk import Disk, Flavour
from .leftovers import Leftovers
from .load import Client, Consumer, Producer, TaskRegistry
from .recovery import check_file, check_managers
from .trace import Kind, Record, Trace

#: The weight of each flavour.
FLAVOURS = {
    Flavour.NOTHING: 3,
    Flavour.TORN: 3,
    Flavour.SOME: 2,
    Flavour.FIRST: 1,
    Flavour.LAST: 1,
    Flavour.EVERYTHING: 1,
}


@dataclass(slots=True)
class Findings:
    """The result of the cuts."""

    cuts: Counter[str]
    violations: list[str]
    bad_cuts: int = 0
    manager_starts: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    options = parse(arguments)
    return run_tool("powercut", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    seed = chosen_seed(options.seed)
    with workspace("powercut", options) as (directory, binary):
        return (failed_syncs.run if options.failed_syncs else run)(directory, binary, options, seed)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = new_parser(
        "powercut",
        "Runs managers under load and records their system calls on files. Then rebuilds, for many moments of the run, "
        "what a disk may hold if the power fails at that moment, and checks that nothing acknowledged is lost.",
    )
    parser.add_argument("--cuts", type=int, default=150, help="moments at which the power fails (default 150)")
    parser.add_argument(
        "--seconds", type=float, help="how long the load runs (default 6; with --failed-syncs 1 after the failure)"
    )
    parser.add_argument("--clients", type=int, default=6, help="the number of producers, and of consumers (default 6)")
    parser.add_argument("--managers", type=int, default=3, help="the number of managers (default 3)")
    parser.add_argument(
        "--restart-every", type=int, default=25, metavar="N", help="start real managers after each Nth cut (default 25)"
    )
    parser.add_argument(
        "--without-sync",
        action="store_true",
        help="let every sync return success and do nothing. The tool must find losses then, and fails if it finds none",
    )
    parser.add_argument(
        "--journal-size",
        dest="trace_size",
        type=int,
        default=1024,
        metavar="MIB",
        help="end the load when the trace has this size (default 1024)",
    )
    parser.add_argument(
        "--failed-syncs",
        action="store_true",
        help="let one sync fail in each run, once for each combination of circumstances; managers are started again, "
        "and the power fails later",
    )
    parser.add_argument(
        "--rounds", type=int, default=1, help="with --failed-syncs: runs for each combination (default 1)"
    )
    parser.add_argument("--short", action="store_true", help="with --failed-syncs: a few combinations, once each")
    parser.add_argument(
        "--only", metavar="WORDS", help="with --failed-syncs: only combinations whose line contains this"
    )
    add_run_options(parser, "chooses the cuts and what the clients do")
    options = parser.parse_args(arguments)
    if options.seconds is None:
        options.seconds = 1 if options.failed_syncs else 6
    return options


def run(directory: Path, binary: Path, options: argparse.Namespace, seed: int) -> int:
    """Records a run, cuts it, and prints what was found; returns the exit status."""
    leftovers = Leftovers(directory / "run" / "tasks.db")
    trace, registry = record(directory, binary, options, seed, leftovers)
    replies = Replies(trace.records())
    acknowledgements = Acknowledgements(registry.tasks, replies)
    summary = Counter(record.kind for record in trace.records())
    print(
        f"recorded {options.seconds:g} s: {len(registry.tasks)} tasks, {acknowledgements.traced} acknowledgements, "
        f"{summary[Kind.WRITE]} writes, {summary[Kind.SYNC]} syncs, {trace.size >> 20} MiB",
        flush=True,
    )
    problems = list(registry.problems)
    if acknowledgements.untraced and not trace.full_at:
        problems.append(f"{acknowledgements.untraced} replies were received, but no manager is known to have sent them")
    findings = cut_all(directory, binary, trace, acknowledgements, leftovers, options, random.Random(seed))
    trace.close()
    return report(findings, problems, options)


def record(
    directory: Path, binary: Path, options: argparse.Namespace, seed: int, leftovers: Leftovers
) -> tuple[Trace, TaskRegistry]:
    """Runs managers under load. They start together without a file, one is killed, then all end and start again."""
    trace = Trace.create(directory / "trace", options.trace_size << 20)
    path = directory / "run" / "tasks.db"
    path.parent.mkdir()
    environment = trace.environment(path, options.without_sync)
    managers = [
        Manager(binary, path, f"m{n}", directory / f"m{n}.log", environment) for n in range(1, options.managers + 1)
    ]
    registry = TaskRegistry(trace, limit=500)
    try:
        start_all(managers)
        addresses = [manager.address for manager in managers]
        clients: list[Client] = [Producer(registry, addresses, f"p{n}", str(seed)) for n in range(options.clients)]
        clients += [Consumer(registry, addresses, f"c{n}", str(seed)) for n in range(options.clients)]
        for client in clients:
            client.start()
        part = options.seconds / 4
        wait(trace, part)
        managers[0].kill()
        managers[0].start()
        wait(trace, part)
        leftovers.look(trace)
        # The last manager to end removes the log, so the new ones begin with a new log.
        for manager in managers:
            manager.terminate()
        start_all(managers)
        wait(trace, part)
        managers[-1].terminate()
        managers[-1].start()
        wait(trace, part)
        leftovers.look(trace)
        registry.stopping.set()
        for client in clients:
            client.join()
        for manager in managers:
            manager.terminate()
    finally:
        registry.stopping.set()
        stop_all(managers)
    return trace, registry


def wait(trace: Trace, seconds: float) -> None:
    """Lets the load run, until the trace is full at the latest."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not trace.full_at:
        time.sleep(0.05)


def choose_cuts(trace: Trace, count: int, rng: random.Random) -> list[int]:
    """Chooses moments for cuts: most when a reply is sent, some while the files are created, the others anywhere."""
    last = trace.full_at - 1 if trace.full_at else trace.position
    sends, first = [], last
    for record in trace.records():
        if record.kind is Kind.SEND:
            first = min(first, record.begin)
            sends.append(record.begin)
    cuts = []
    for _ in range(count):
        dice = rng.random()
        if dice < 0.6 and sends:
            cuts.append(rng.choice(sends))
        elif dice < 0.65:
            cuts.append(rng.randint(1, first))
        else:
            cuts.append(rng.randint(1, last))
    return sorted(cuts)


def cut_all(
    directory: Path,
    binary: Path,
    trace: Trace,
    acknowledgements: Acknowledgements,
    leftovers: Leftovers,
    options: argparse.Namespace,
    rng: random.Random,
) -> Findings:
    """Reads the trace once, and cuts the power at the chosen moments."""
    findings = Findings(Counter(), [])
    disk = Disk()
    records = trace.records()
    coming: Record | None = next(records, None)
    shown = time.monotonic()
    for index, cut in enumerate(choose_cuts(trace, options.cuts, rng)):
        while coming is not None and coming.number <= cut:
            disk.take(coming)
            coming = next(records, None)
        acknowledgements.advance(cut)
        flavour = rng.choices(list(FLAVOURS), list(FLAVOURS.values()))[0]
        findings.cuts[flavour.value] += 1
        place = directory / "cut"
        place.mkdir()
        disk.write_cut(place / "tasks.db", flavour, rng)
        problems = []
        if index % options.restart_every == 0:
            findings.manager_starts += 1
            copy = directory / "restart"
            shutil.copytree(place, copy)
            leftovers.write(copy / "tasks.db", cut, rng)
            managers = [Manager(binary, copy / "tasks.db", f"after{n}", copy / f"after{n}.log") for n in (1, 2)]
            problems += check_managers(managers, acknowledgements, cut, rng)
            shutil.rmtree(copy)
        problems += check_file(place / "tasks.db", acknowledgements, cut)
        if problems:
            findings.bad_cuts += 1
            keep(place, cut, options)
            findings.violations += [f"cut {index} at {cut}, {flavour.value}: {problem}" for problem in problems]
        shutil.rmtree(place)
        if time.monotonic() - shown > 10:
            shown = time.monotonic()
            print(f"{index + 1} of {options.cuts} cuts, {findings.bad_cuts} with losses", flush=True)
    return findings


def keep(place: Path, cut: int, options: argparse.Namespace) -> None:
    """Saves the files of the first cuts that lost something, unless losses are expected."""
    target = BUILT / "lost" / str(cut)
    if options.without_sync or (target.parent.exists() and len(list(target.parent.iterdir())) >= 5):
        return
    shutil.copytree(place, target, dirs_exist_ok=True)
    print(f"kept in {target}", flush=True)


def report(findings: Findings, problems: Sequence[str], options: argparse.Namespace) -> int:
    """Prints the figures; returns the exit status."""
    total = sum(findings.cuts.values())
    for line in [*problems, *findings.violations[:20]]:
        print(line)
    if len(findings.violations) > 20:
        print(f"and {len(findings.violations) - 20} more")
    for name, count in findings.cuts.most_common():
        print(f"{count:6} cuts with {name}")
    starts = f"managers were started after {findings.manager_starts} of them"
    print(f"{total} cuts, {starts}: {findings.bad_cuts} with losses")
    if options.without_sync:
        print(
            "without sync, losses are expected:",
            "found" if findings.bad_cuts else "NOT FOUND, so the tool cannot find any",
        )
        return 0 if findings.bad_cuts else 1
    return 1 if findings.bad_cuts or problems else 0

"""tools/powercut: records what managers do to their files under load, then cuts the power at many moments of it."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import failed_syncs
from .load import Book, Client, Consumer, Producer
from .disk import Disk, Flavour
from .trace import Journal, Kind, Record
from .acknowledgements import Ledger, Replies
from .leftovers import Leftovers
from ..lib.managers import Manager, start_all, stop_all
from ..lib.paths import BUILT, Unavailable, manager_binary
from .recovery import check_file, check_managers

#: How often each flavour is used, out of the sum.
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
    """What the cuts showed."""

    cuts: Counter[str]
    violations: list[str]
    bad_cuts: int = 0
    manager_starts: int = 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    options = parse(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    try:
        binary = manager_binary(build=not options.no_build)
        with tempfile.TemporaryDirectory(prefix="beanrow-powercut-", dir=options.directory) as name:
            if options.failed_syncs:
                return failedsyncs.run(Path(name), binary, options, seed)
            return run(Path(name), binary, options, seed)
    except Unavailable as error:
        print(f"powercut: {error}", file=sys.stderr)
        return 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="tools/powercut",
        description="Runs managers under load with all their file calls recorded, then rebuilds, for many moments of "
        "the run, what a disk could hold if the power had failed then, and checks that nothing acknowledged is lost.",
    )
    parser.add_argument("--cuts", type=int, default=150, help="moments at which the power fails (default 150)")
    parser.add_argument("--seed", type=int, help="chooses the cuts, and what the clients do (default: a random one)")
    parser.add_argument(
        "--seconds", type=float, help="how long the load runs (default 6; with --failed-syncs 1 after the failure)"
    )
    parser.add_argument("--clients", type=int, default=6, help="producers, and as many consumers (default 6)")
    parser.add_argument("--managers", type=int, default=3, help="managers on the file (default 3)")
    parser.add_argument(
        "--restart-every", type=int, default=25, metavar="N", help="start real managers after each Nth cut (default 25)"
    )
    parser.add_argument(
        "--without-sync",
        action="store_true",
        help="have every sync answer success and do nothing: the tool must find losses then, and fails if it does not",
    )
    parser.add_argument(
        "--journal-size", type=int, default=1024, metavar="MIB", help="stop the load there (default 1024)"
    )
    parser.add_argument(
        "--failed-syncs",
        action="store_true",
        help="have one sync fail in each run, for each combination of what can be the case; managers are started "
        "again, and the power fails later",
    )
    parser.add_argument(
        "--rounds", type=int, default=1, help="with --failed-syncs: runs for each combination (default 1)"
    )
    parser.add_argument("--short", action="store_true", help="with --failed-syncs: a few combinations, once each")
    parser.add_argument("--only", metavar="WORDS", help="with --failed-syncs: only combinations whose line has this")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    parser.add_argument("--no-build", action="store_true", help="use the manager as it was built last")
    options = parser.parse_args(arguments)
    if options.seconds is None:
        options.seconds = 1 if options.failed_syncs else 6
    return options


def run(directory: Path, binary: Path, options: argparse.Namespace, seed: int) -> int:
    """Records a run, cuts it, and tells what was found."""
    leftovers = Leftovers(directory / "run" / "tasks.db")
    journal, book = record(directory, binary, options, seed, leftovers)
    replies = Replies(journal.records())
    ledger = Ledger(book.tasks, replies)
    summary = Counter(record.kind for record in journal.records())
    print(
        f"recorded {options.seconds:g} s: {len(book.tasks)} tasks, {ledger.acknowledged} acknowledgements, "
        f"{summary[Kind.WRITE]} writes, {summary[Kind.SYNC]} syncs, {journal.size >> 20} MiB",
        flush=True,
    )
    problems = list(book.problems)
    if ledger.untraced and not journal.full_at:
        problems.append(f"{ledger.untraced} replies were received that no manager is known to have sent")
    findings = cut_all(directory, binary, journal, ledger, leftovers, options, random.Random(seed))
    journal.close()
    return report(findings, problems, options)


def record(
    directory: Path, binary: Path, options: argparse.Namespace, seed: int, leftovers: Leftovers
) -> tuple[Journal, Book]:
    """Runs managers under load; they start together on no file, one is killed, then all leave and start anew."""
    journal = Journal.create(directory / "journal", options.journal_size << 20)
    path = directory / "run" / "tasks.db"
    path.parent.mkdir()
    environment = journal.environment(path, options.without_sync)
    managers = [
        Manager(binary, path, f"m{n}", directory / f"m{n}.log", environment) for n in range(1, options.managers + 1)
    ]
    book = Book(journal, limit=500)
    try:
        start_all(managers)
        addresses = [manager.address for manager in managers]
        clients: list[Client] = [Producer(book, addresses, f"p{n}", str(seed)) for n in range(options.clients)]
        clients += [Consumer(book, addresses, f"c{n}", str(seed)) for n in range(options.clients)]
        for client in clients:
            client.start()
        part = options.seconds / 4
        wait(journal, part)
        managers[0].kill()
        managers[0].start()
        wait(journal, part)
        leftovers.look(journal)
        # The last one to leave takes the log with it, so that the new ones begin with a new one.
        for manager in managers:
            manager.terminate()
        start_all(managers)
        wait(journal, part)
        managers[-1].terminate()
        managers[-1].start()
        wait(journal, part)
        leftovers.look(journal)
        book.stopping.set()
        for client in clients:
            client.join()
        for manager in managers:
            manager.terminate()
    finally:
        book.stopping.set()
        stop_all(managers)
    return journal, book


def wait(journal: Journal, seconds: float) -> None:
    """Lets the load run, unless the journal is full before."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not journal.full_at:
        time.sleep(0.05)


def choose_cuts(journal: Journal, count: int, rng: random.Random) -> list[int]:
    """Moments for cuts: most at the instant when a reply leaves, some while the files are made, the rest anywhere."""
    last = journal.full_at - 1 if journal.full_at else journal.position
    sends, first = [], last
    for record in journal.records():
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
    journal: Journal,
    ledger: Ledger,
    leftovers: Leftovers,
    options: argparse.Namespace,
    rng: random.Random,
) -> Findings:
    """Walks through the journal once, and cuts on the way."""
    findings = Findings(Counter(), [])
    disk = Disk()
    records = journal.records()
    coming: Record | None = next(records, None)
    shown = time.monotonic()
    for index, cut in enumerate(choose_cuts(journal, options.cuts, rng)):
        while coming is not None and coming.number <= cut:
            disk.take(coming)
            coming = next(records, None)
        ledger.advance(cut)
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
            problems += check_managers(managers, ledger, cut, rng)
            shutil.rmtree(copy)
        problems += check_file(place / "tasks.db", ledger, cut)
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
    """Saves the files of the first few cuts that lost something, unless losses are what is expected."""
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
    print(f"{total} cuts, {findings.manager_starts} times managers started after one: {findings.bad_cuts} with losses")
    if options.without_sync:
        print("without sync, losses are expected:", "found" if findings.bad_cuts else "NOT FOUND, the tool is blind")
        return 0 if findings.bad_cuts else 1
    return 1 if findings.bad_cuts or problems else 0

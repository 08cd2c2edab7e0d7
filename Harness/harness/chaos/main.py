"""tools/chaos: managers under load while they are killed, stopped, restarted and lied to."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..lib import bodies
from ..lib.beanstalk import Connection, Disconnected, encode
from .checker import Checker, Violation
from .clients import Client, Consumer, Operator, Producer
from ..lib.database import Away
from .faults import Injector, schedule
from .history import now
from ..lib.managers import Manager, StartFailed, start_all, stop_all
from ..lib.paths import Unavailable, manager_binary, preload_library
from .context import TUBES, Clock, Downtime, Place, World

#: Tasks deleted this long ago are checked and forgotten; longer than any client waits.
SETTLED = 180.0


@dataclass(slots=True)
class Settings:
    """What kind of run it is to be."""

    seconds: float
    seed: int
    managers: int = 3
    producers: int = 6
    consumers: int = 24
    rate: float = 400
    #: Seconds between faults, on average.
    gap: float = 1.5
    #: A manager that is never killed or restarted.
    spared: int | None = None
    log: Callable[[str], None] = print
    #: Called about every second while the load runs, with the seconds since its start.
    watch: Callable[[float, World], None] | None = None


@dataclass(slots=True)
class Outcome:
    """What a run showed."""

    violations: list[Violation]
    counts: Counter[str]
    redeliveries: Counter[str]
    injected: Counter[str]
    seconds: float
    logs: list[str] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    options = parse(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    seconds = options.minutes * 60 if options.minutes else options.seconds
    settings = Settings(seconds, seed, options.managers, rate=options.rate, gap=options.gap)
    print(f"seed {seed}", flush=True)
    if options.quiet:
        settings.log = lambda line: None
    try:
        binary = manager_binary(build=not options.no_build)
        with tempfile.TemporaryDirectory(prefix="beanrow-chaos-", dir=options.directory) as directory:
            outcome = run(Path(directory), binary, settings)
            if options.keep is not None:
                keep(Path(directory), options.keep)
    except Unavailable as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 1
    report(outcome)
    return 1 if outcome.violations else 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="tools/chaos",
        description="Runs producers and consumers on three managers that are killed, stopped, restarted, given a wrong "
        "clock and locked out of their database, and checks the history of what the clients were told.",
    )
    add_options(parser, rate=400, gap=1.5)
    return parser.parse_args(arguments)


def add_options(parser: argparse.ArgumentParser, rate: float, gap: float) -> None:
    """What every run of load and faults can be told; `rate` and `gap` are the defaults."""
    parser.add_argument("--seconds", type=float, default=60, help="how long (default 60)")
    parser.add_argument("--minutes", type=float, help="the same in minutes")
    parser.add_argument("--seed", type=int, help="replays the schedule of another run (default: a random one)")
    parser.add_argument("--managers", type=int, default=3, help="how many managers (default 3)")
    parser.add_argument("--rate", type=float, default=rate, help=f"tasks a second (default {rate:g})")
    parser.add_argument("--gap", type=float, default=gap, help=f"seconds between faults, on average (default {gap:g})")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    parser.add_argument("--keep", type=Path, help="copy the databases and the servers' logs here at the end")
    parser.add_argument("--quiet", action="store_true", help="do not tell of each fault")
    parser.add_argument("--no-build", action="store_true", help="use the manager as it was built last")


def run(directory: Path, binary: Path, settings: Settings) -> Outcome:
    """Runs load and faults, then checks the history against what the database holds."""
    path = directory / "tasks.db"
    clock = Clock(directory / "clock")
    clock.set(0)
    environment = {"LD_PRELOAD": str(preload_library("clock")), "BEANROW_CLOCK": str(clock.path)}
    managers = [
        Manager(binary, path, f"m{n}", directory / f"m{n}.log", environment) for n in range(1, settings.managers + 1)
    ]
    places = [Place(manager) for manager in managers]
    world = World(places, path, clock, settings.rate, settings.seed)
    faults = schedule(settings.seed, settings.seconds, settings.managers, settings.gap, settings.spared)
    return carry_out(
        world, settings, lambda: Injector(world, faults, settings.log), lambda elapsed: elapsed >= settings.seconds
    )


class Faults(Protocol):
    """Whatever does things to managers and databases, in a thread of its own."""

    #: Set when nothing more is to be begun, and what lasts is to end.
    enough: threading.Event

    def start(self) -> None:
        """Begins."""

    def join(self) -> None:
        """Waits for the end."""


def carry_out(
    world: World,
    settings: Settings,
    make_faults: Callable[[], Faults],
    is_over: Callable[[float], bool],
    settling: float = 2,
) -> Outcome:
    """Runs load and faults until it is over after so many seconds, and `settling` seconds of load; then checks."""
    managers = [place.manager for place in world.places]
    checker = Checker()
    checker.outages = world.outages
    faults: Faults | None = None
    try:
        start_all(managers)
        start = now()
        clients = start_clients(world, settings)
        faults = make_faults()
        faults.start()
        supervise(world, checker, settings, start, is_over)
        faults.enough.set()
        faults.join()
        # Some more load without faults: whatever hangs after a fault is found by clients that wait too long.
        threading.Event().wait(settling)
        with world.among_clients():
            check_ways(world)
        world.stopping.set()
        for client in clients:
            client.join()
        rows = final_rows(world)
        with world.among_clients():
            drain(world, rows)
        for manager in managers:
            if (status := manager.terminate()) != 0:
                world.history.find(f"{manager.name} left with status {status}: {manager.tail()}")
        seconds = now() - start
    finally:
        world.stopping.set()
        if faults is not None:
            # It may be about to start a manager.
            faults.enough.set()
            faults.join()
        stop_all(managers)
    checker.clock_doubts = world.clock_doubts
    checker.take(world.history.take())
    checker.finish(rows)
    logs = [f"{manager.name}: {manager.tail()}" for manager in managers]
    return Outcome(checker.violations, checker.counts, checker.redeliveries, world.injected, seconds, logs)


def start_clients(world: World, settings: Settings) -> list[Client]:
    """Starts all clients."""
    clients: list[Client] = [Producer(world, f"p{n}", 1 / settings.producers) for n in range(settings.producers)]
    clients += [Consumer(world, f"c{n}") for n in range(settings.consumers)]
    clients.append(Operator(world, "o"))
    for client in clients:
        client.start()
    return clients


def supervise(
    world: World, checker: Checker, settings: Settings, start: float, is_over: Callable[[float], bool]
) -> None:
    """Lets time pass, watches over the managers, and has the checker forget what is settled."""
    while not is_over(elapsed := now() - start) and not world.stopping.wait(1):
        for place in world.places:
            if not place.lock.acquire(blocking=False):
                continue
            try:
                revive(world, place)
            finally:
                place.lock.release()
        world.count_there()
        checker.clock_doubts = world.clock_doubts
        checker.take(world.history.take())
        checker.retire(now() - SETTLED)
        if settings.watch is not None:
            settings.watch(elapsed, world)


def revive(world: World, place: Place) -> None:
    """A manager that ended by itself is a finding; another one takes its place."""
    manager = place.manager
    if manager.is_running:
        return
    status = manager.process.returncode if manager.process is not None else None
    world.history.find(f"{manager.name} ended by itself with status {status}: {manager.tail()}")
    place.downtimes.append(Downtime(now() - 5))
    try:
        world.start_manager(place)
    except StartFailed as error:
        world.history.find(str(error))


def check_ways(world: World) -> None:
    """After all faults: what is put through each manager must come out of the next one."""
    for index, place in enumerate(world.places):
        other = world.places[(index + 1) % len(world.places)]
        tube = f"way-{index}"
        try:
            with Connection(place.manager.address) as producer, Connection(other.manager.address) as consumer:
                consumer.command("watch", tube)
                consumer.command("ignore", "default")
                producer.command("use", tube)
                put = producer.command("put", 0, 0, 60, body=b"a way through")
                taken = consumer.command("reserve-with-timeout", 10)
                gone = consumer.command("delete", put.id)
        except (Disconnected, ValueError, IndexError) as error:
            world.history.find(f"no way from {place.manager.name} to {other.manager.name}: {error}")
            continue
        if (put.word, taken.word, gone.word) != ("INSERTED", "RESERVED", "DELETED"):
            world.history.find(f"the way from {place.manager.name} to {other.manager.name}: {put} {taken} {gone}")


def final_rows(world: World) -> dict[int, tuple[str, str]]:
    """What the database holds once all connections are closed; it must be sound."""
    rows: dict[int, tuple[str, str]] = {}
    deadline = now() + 10
    try:
        while world.tasks.is_claimed() and now() < deadline:
            threading.Event().wait(0.05)
        unsound, tasks = world.tasks.state()
    except Away as error:
        world.history.find(f"the database cannot be read: {error}")
        return rows
    for line in unsound:
        world.history.find(line)
    for row in tasks:
        key = bodies.key_of(row.body)
        if key is None:
            world.history.find(f"task {row.id} has {bodies.shown(row.body)}")
        else:
            rows[row.id] = (key, row.state)
    return rows


def drain(world: World, rows: dict[int, tuple[str, str]]) -> None:
    """Takes out all that is left: each pending task must come out, once, and nothing else but delayed ones come due."""
    missing = {id for id, (_, state) in rows.items() if state == "pending"}
    taken: set[int] = set()
    deadline = now() + 30
    with Connection(world.places[0].manager.address) as connection:
        connection.send(b"".join(encode("watch", tube) for tube in TUBES))
        for _ in TUBES:
            connection.reply()
        while missing and now() < deadline:
            connection.send(encode("reserve-with-timeout", 1) + encode("reserve-with-timeout", 0) * 31)
            ids = [reply.id for reply in (connection.reply() for _ in range(32)) if reply.word == "RESERVED"]
            for id in ids:
                if id in taken or rows.get(id, ("", ""))[1] not in ("pending", "delayed"):
                    world.history.find(f"task {id} came out at the end, and was {rows.get(id)}")
                taken.add(id)
                missing.discard(id)
            connection.send(b"".join(encode("delete", id) for id in ids))
            for _ in ids:
                connection.reply()
    for id in sorted(missing):
        world.history.find(f"task {id} is pending and does not come out")


def keep(directory: Path, target: Path) -> None:
    """Copies what a run leaves, without the pipes."""
    target.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        if path.is_file():
            shutil.copy(path, target)


def report(outcome: Outcome) -> None:
    """Prints what was done and what was found."""
    for title, table in (
        ("injected", outcome.injected),
        ("clients did", outcome.counts),
        ("handed out again, because", outcome.redeliveries),
    ):
        print(f"\n{title}")
        for name, count in sorted(table.items(), key=lambda item: -item[1]):
            print(f"{count:9}  {name}")
    print()
    kinds = Counter(violation.kind.value for violation in outcome.violations)
    for violation in outcome.violations[:60]:
        print(violation)
    if len(outcome.violations) > 60:
        print(f"and {len(outcome.violations) - 60} more: {dict(kinds)}")
    if outcome.violations:
        print("\n".join(outcome.logs))
    print(f"{outcome.seconds:.0f} s: {len(outcome.violations)} violations")

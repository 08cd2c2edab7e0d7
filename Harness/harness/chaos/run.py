"""Managers under load while faults are injected, and the check of what their clients were told."""

from __future__ import annotations

import argparse
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..lib import bodies
from ..lib.beanstalk import Connection, Disconnected, encode
from ..lib.database import Away
from ..lib.managers import Manager, StartFailed, start_all, stop_all
from ..lib.paths import preload_library
from .checker import Checker
from .clients import Client, Consumer, Operator, Producer
from .context import TUBES, Clock, Downtime, Place, RunContext
from .faults import Injector, schedule
from .history import now
from .violations import Violation

#: Tasks that were deleted this many seconds ago are checked and forgotten. No client waits as long.
SETTLED = 180.0


@dataclass(slots=True)
class Settings:
    """The settings of a run."""

    seconds: float
    seed: int
    managers: int = 3
    producers: int = 6
    consumers: int = 24
    rate: float = 400
    #: Seconds between faults, on average.
    gap: float = 1.5
    #: The number of a manager that is never killed or restarted.
    spared: int | None = None
    log: Callable[[str], None] = print
    #: Called about once per second while the load runs, with the seconds since its start.
    watch: Callable[[float, RunContext], None] | None = None


@dataclass(slots=True)
class Outcome:
    """The result of a run."""

    violations: list[Violation]
    counts: Counter[str]
    redeliveries: Counter[str]
    injected: Counter[str]
    seconds: float
    logs: list[str] = field(default_factory=list)


def add_load_options(parser: argparse.ArgumentParser, rate: float, gap: float) -> None:
    """Adds the options of every run with load and faults; ``rate`` and ``gap`` are the defaults."""
    parser.add_argument("--seconds", type=float, default=60, help="how long the run takes (default 60)")
    parser.add_argument("--minutes", type=float, help="the same in minutes")
    parser.add_argument("--managers", type=int, default=3, help="the number of managers (default 3)")
    parser.add_argument("--rate", type=float, default=rate, help=f"tasks per second (default {rate:g})")
    parser.add_argument("--gap", type=float, default=gap, help=f"seconds between faults, on average (default {gap:g})")
    parser.add_argument("--keep", type=Path, help="copy the databases and the logs of the servers here at the end")
    parser.add_argument("--quiet", action="store_true", help="do not print each fault")


def run_seconds(options: argparse.Namespace) -> float:
    """Returns how long a run takes by its options."""
    return float(options.minutes * 60 if options.minutes else options.seconds)


def run(directory: Path, binary: Path, settings: Settings) -> Outcome:
    """Runs load and faults, then compares the history with the rows of the database."""
    path = directory / "tasks.db"
    clock = Clock(directory / "clock")
    clock.set(0)
    environment = {"LD_PRELOAD": str(preload_library("clock")), "BEANROW_CLOCK": str(clock.path)}
    managers = [
        Manager(binary, path, f"m{n}", directory / f"m{n}.log", environment) for n in range(1, settings.managers + 1)
    ]
    places = [Place(manager) for manager in managers]
    context = RunContext(places, path, clock, settings.rate, settings.seed)
    faults = schedule(settings.seed, settings.seconds, settings.managers, settings.gap, settings.spared)
    return carry_out(
        context, settings, lambda: Injector(context, faults, settings.log), lambda elapsed: elapsed >= settings.seconds
    )


class Faults(Protocol):
    """Injects faults into managers and databases, in a thread of its own."""

    #: Set to end what lasts and to begin nothing more.
    enough: threading.Event

    def start(self) -> None:
        """Starts the thread."""

    def join(self) -> None:
        """Waits for its end."""


def carry_out(
    context: RunContext,
    settings: Settings,
    make_faults: Callable[[], Faults],
    is_over: Callable[[float], bool],
    settling: float = 2,
) -> Outcome:
    """Runs load and faults, and then the load alone for ``settling`` seconds; checks the history.

    ``is_over`` is told the seconds since the start and returns whether the faults end.
    """
    managers = [place.manager for place in context.places]
    checker = Checker()
    checker.outages = context.outages
    faults: Faults | None = None
    try:
        start_all(managers)
        start = now()
        clients = start_clients(context, settings)
        faults = make_faults()
        faults.start()
        supervise(context, checker, settings, start, is_over)
        faults.enough.set()
        faults.join()
        # Some more load without faults: if something hangs after a fault, clients wait too long and report it.
        threading.Event().wait(settling)
        with context.among_clients():
            check_paths(context)
        context.stopping.set()
        for client in clients:
            client.join()
        rows = final_rows(context)
        with context.among_clients():
            drain(context, rows)
        for manager in managers:
            if (status := manager.terminate()) != 0:
                context.history.find(f"{manager.name} left with status {status}: {manager.tail()}")
        seconds = now() - start
    finally:
        context.stopping.set()
        if faults is not None:
            # It may start a manager at this moment.
            faults.enough.set()
            faults.join()
        stop_all(managers)
    checker.clock_doubts = context.clock_doubts
    checker.take(context.history.take())
    checker.finish(rows)
    logs = [f"{manager.name}: {manager.tail()}" for manager in managers]
    return Outcome(checker.violations, checker.counts, checker.redeliveries, context.injected, seconds, logs)


def start_clients(context: RunContext, settings: Settings) -> list[Client]:
    """Starts all clients."""
    clients: list[Client] = [Producer(context, f"p{n}", 1 / settings.producers) for n in range(settings.producers)]
    clients += [Consumer(context, f"c{n}") for n in range(settings.consumers)]
    clients.append(Operator(context, "o"))
    for client in clients:
        client.start()
    return clients


def supervise(
    context: RunContext, checker: Checker, settings: Settings, start: float, is_over: Callable[[float], bool]
) -> None:
    """Restarts managers that have ended and has the checker forget old tasks, until the run is over."""
    while not is_over(elapsed := now() - start) and not context.stopping.wait(1):
        for place in context.places:
            if not place.lock.acquire(blocking=False):
                continue
            try:
                revive(context, place)
            finally:
                place.lock.release()
        context.count_there()
        checker.clock_doubts = context.clock_doubts
        checker.take(context.history.take())
        checker.retire(now() - SETTLED)
        if settings.watch is not None:
            settings.watch(elapsed, context)


def revive(context: RunContext, place: Place) -> None:
    """Reports a manager that ended by itself, and starts it again."""
    manager = place.manager
    if manager.is_running:
        return
    status = manager.process.returncode if manager.process is not None else None
    context.history.find(f"{manager.name} ended by itself with status {status}: {manager.tail()}")
    place.downtimes.append(Downtime(now() - 5))
    try:
        context.start_manager(place)
    except StartFailed as error:
        context.history.find(str(error))


def check_paths(context: RunContext) -> None:
    """Checks, after all faults, that a task put through each manager can be reserved from the next one."""
    for index, place in enumerate(context.places):
        other = context.places[(index + 1) % len(context.places)]
        tube = f"path-{index}"
        try:
            with Connection(place.manager.address) as producer, Connection(other.manager.address) as consumer:
                consumer.command("watch", tube)
                consumer.command("ignore", "default")
                producer.command("use", tube)
                put = producer.command("put", 0, 0, 60, body=b"a path")
                taken = consumer.command("reserve-with-timeout", 10)
                gone = consumer.command("delete", put.id)
        except (Disconnected, ValueError, IndexError) as error:
            context.history.find(f"no path from {place.manager.name} to {other.manager.name}: {error}")
            continue
        if (put.word, taken.word, gone.word) != ("INSERTED", "RESERVED", "DELETED"):
            context.history.find(f"the path from {place.manager.name} to {other.manager.name}: {put} {taken} {gone}")


def final_rows(context: RunContext) -> dict[int, tuple[str, str]]:
    """Returns key and state by id from the database after all connections have closed; reports what is wrong in it."""
    rows: dict[int, tuple[str, str]] = {}
    deadline = now() + 10
    try:
        while context.tasks.is_claimed() and now() < deadline:
            threading.Event().wait(0.05)
        unsound, tasks = context.tasks.state()
    except Away as error:
        context.history.find(f"the database cannot be read: {error}")
        return rows
    for line in unsound:
        context.history.find(line)
    for row in tasks:
        key = bodies.key_of(row.body)
        if key is None:
            context.history.find(f"task {row.id} has {bodies.shown(row.body)}")
        else:
            rows[row.id] = (key, row.state)
    return rows


def drain(context: RunContext, rows: dict[int, tuple[str, str]]) -> None:
    """Reserves all tasks that are left: each pending task must come once, and no other except delayed ones."""
    missing = {id for id, (_, state) in rows.items() if state == "pending"}
    taken: set[int] = set()
    deadline = now() + 30
    with Connection(context.places[0].manager.address) as connection:
        connection.send(b"".join(encode("watch", tube) for tube in TUBES))
        for _ in TUBES:
            connection.reply()
        while missing and now() < deadline:
            connection.send(encode("reserve-with-timeout", 1) + encode("reserve-with-timeout", 0) * 31)
            ids = [reply.id for reply in (connection.reply() for _ in range(32)) if reply.word == "RESERVED"]
            for id in ids:
                if id in taken or rows.get(id, ("", ""))[1] not in ("pending", "delayed"):
                    context.history.find(f"task {id} was reserved at the end, and was {rows.get(id)}")
                taken.add(id)
                missing.discard(id)
            connection.send(b"".join(encode("delete", id) for id in ids))
            for _ in ids:
                connection.reply()
    for id in sorted(missing):
        context.history.find(f"task {id} is pending and cannot be reserved")


def keep(directory: Path, target: Path) -> None:
    """Copies the files of a run, without the pipes."""
    target.mkdir(parents=True, exist_ok=True)
    for path in directory.iterdir():
        if path.is_file():
            shutil.copy(path, target)


def report(outcome: Outcome) -> int:
    """Prints what was done and what was found; returns the exit status."""
    for title, table in (
        ("injected", outcome.injected),
        ("done by clients", outcome.counts),
        ("delivered again, because", outcome.redeliveries),
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
    return 1 if outcome.violations else 0

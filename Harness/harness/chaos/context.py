"""What the clients and the faults of a run share."""

from __future__ import annotations

import itertools
import random
import struct
import threading
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from ..lib.database import Away, File, Tasks
from .history import End, History, Outage, now
from ..lib.managers import Manager, StartFailed

TUBES = ("alpha", "beta", "gamma", "delta")


@dataclass(slots=True)
class Downtime:
    """A time in which a manager may have closed its connections: from before the signal until after its end."""

    start: float
    end: float = float("inf")


@dataclass(slots=True)
class Place:
    """A manager, with what is done to it."""

    manager: Manager
    #: Held by whoever is doing something to it.
    lock: threading.Lock = field(default_factory=threading.Lock)
    downtimes: list[Downtime] = field(default_factory=list)
    #: When it could not reach its database.
    outages: list[Outage] = field(default_factory=list)
    #: When a client was last told that a task is deleted.
    deleted_at: float = 0

    def excuses(self, sent: float, received: float) -> bool:
        """Whether it may have given up a command that was sent and answered then."""
        return any(outage.excuses(sent, received) for outage in self.outages)

    def downtime(self, opened: float) -> float | None:
        """When at the earliest it may have broken a connection that was opened then; none if it had no cause.

        That a client had an answer later says nothing: on a busy machine it may read what came long before.
        """
        for downtime in self.downtimes:
            if downtime.end >= opened:
                return max(downtime.start, opened)
        return None


@dataclass(slots=True)
class Clock:
    """The managers' wall clock: how far it is off, in a file that they have mapped."""

    path: Path
    shift: int = 0

    def set(self, seconds: int) -> None:
        """Steps the clock for all managers at once."""
        self.shift = seconds
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.write(struct.pack("=q", seconds))


class RunContext:
    """One run: its managers, its history, and who may still do something."""

    def __init__(
        self, places: Sequence[Place], database: Path, clock: Clock, rate: float, seed: int, tasks: Tasks | None = None
    ) -> None:
        self.places = places
        self.database = database
        #: The tasks seen past the managers.
        self.tasks: Tasks = File(database) if tasks is None else tasks
        self.clock = clock
        #: Tasks a second that all producers together aim at.
        self.rate = rate
        self.seed = seed
        self.history = History()
        self.stopping = threading.Event()
        #: What was done to managers and by ill-behaved clients, and how often.
        self.injected: Counter[str] = Counter()
        #: When the managers' clock was set forward, and they may not all have noticed yet.
        self.clock_doubts: list[tuple[float, float]] = []
        #: Tasks that were set aside or put for much later, for somebody to kick.
        self.shelved: deque[int] = deque(maxlen=10_000)
        self._connections = itertools.count(1)
        self._finished = itertools.count()
        #: Tasks deleted so far.
        self.finished = 0
        #: Tasks in the database, as of a moment ago.
        self.there = 0

    def rng(self, name: str) -> random.Random:
        """A source of random choices for one actor, the same for the same seed."""
        return random.Random(f"{self.seed}-{name}")

    def next_connection(self) -> int:
        """A number for a new connection."""
        return next(self._connections)

    def count_finished(self) -> None:
        """Another task is deleted."""
        self.finished = next(self._finished) + 1

    def count_there(self) -> None:
        """Looks how many tasks there are."""
        try:
            self.there = self.tasks.count()
        except Away:
            pass  # No manager is there to have made the files; the next look will tell.

    def enter(self, client: str) -> None:
        """A client's thread begins: "Producer", "Consumer" or "Operator"."""

    def among_clients(self) -> AbstractContextManager[None]:
        """Brings the calling thread, for the length of the block, to where managers can be reached from."""
        return nullcontext()

    def may_be_away(self, since: float) -> bool:
        """Whether the database itself may have been out of reach at any time since then."""
        return False

    @property
    def outages(self) -> dict[str, list[Outage]]:
        """When managers could not reach their database, by their names."""
        return {place.manager.name: place.outages for place in self.places}

    @property
    def is_crowded(self) -> bool:
        """Whether so many tasks are there that producers should wait."""
        return self.there > 3000

    def end(self, connection: int, earliest: float) -> None:
        """Notes a connection's end."""
        self.history.add(End(connection, earliest))

    def start_manager(self, place: Place) -> None:
        """Starts a manager; the caller holds the place's lock.

        A manager does not start while another program holds a write transaction for long; whatever starts managers has
        to try again, as this does.
        """
        start = now()
        try:
            while True:
                try:
                    place.manager.start()
                    break
                except StartFailed as error:
                    if "another program holds the database" not in str(error) or now() > start + 30:
                        raise
                    self.injected["starts tried again, another program held the database"] += 1
        finally:
            if place.downtimes:
                place.downtimes[-1].end = now()

    def set_clock(self, seconds: int) -> None:
        """Steps the clock for all managers at once."""
        start, is_forward = now(), seconds > self.clock.shift
        self.clock.set(seconds)
        if is_forward:
            self.clock_doubts.append((start, now() + 2))

    def note_downtime(self, place: Place) -> None:
        """A manager is about to be ended."""
        place.downtimes.append(Downtime(now()))

"""What the clients and the faults of a run share."""

from __future__ import annotations

import itertools
import random
import struct
import threading
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..lib.database import Away, File, Tasks
from ..lib.managers import Manager, StartFailed
from .history import End, History, Outage, now

TUBES = ("alpha", "beta", "gamma", "delta")


@dataclass(slots=True)
class Downtime:
    """A time in which a manager may have closed its connections: from before the signal until it listens again."""

    start: float
    end: float = float("inf")


@dataclass(slots=True)
class Place:
    """A manager, and what was done to it."""

    manager: Manager
    #: Held by the thread that does something to the manager.
    lock: threading.Lock = field(default_factory=threading.Lock)
    downtimes: list[Downtime] = field(default_factory=list)
    #: When the manager could not reach its database.
    outages: list[Outage] = field(default_factory=list)
    #: When a client was last told that its task is deleted.
    deleted_at: float = 0

    def excuses(self, sent: float, received: float) -> bool:
        """Returns whether the manager may have given up a command that was sent and answered at these times."""
        return any(outage.excuses(sent, received) for outage in self.outages)

    def downtime(self, opened: float) -> float | None:
        """Returns the first moment at which the manager may have broken a connection, None if there is none.

        A later reply proves nothing: on a busy machine a client may read it long after it came.
        """
        for downtime in self.downtimes:
            if downtime.end >= opened:
                return max(downtime.start, opened)
        return None


@dataclass(slots=True)
class Clock:
    """The managers' wall clock: its error, in a file that they have mapped."""

    path: Path
    shift: int = 0

    def set(self, seconds: int) -> None:
        """Sets the clock of all managers at once to the real time plus ``seconds``."""
        self.shift = seconds
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.write(struct.pack("=q", seconds))


class RunContext:
    """One run: its managers, its history, and whether it has to end."""

    def __init__(
        self, places: Sequence[Place], database: Path, clock: Clock, rate: float, seed: int, tasks: Tasks | None = None
    ) -> None:
        self.places = places
        self.database = database
        #: The tasks, read without the managers.
        self.tasks: Tasks = File(database) if tasks is None else tasks
        self.clock = clock
        #: Tasks per second of all producers together.
        self.rate = rate
        self.seed = seed
        self.history = History()
        self.stopping = threading.Event()
        #: What was done to managers, and what clients did that behave badly, and how often.
        self.injected: Counter[str] = Counter()
        #: When the managers' clock was set forward, until all managers must have noticed.
        self.clock_doubts: list[tuple[float, float]] = []
        #: Tasks that were buried or put with a long delay, for the operator to kick.
        self.shelved: deque[int] = deque(maxlen=10_000)
        self._connections = itertools.count(1)
        self._finished = itertools.count()
        #: The number of tasks deleted so far.
        self.finished = 0
        #: The number of tasks in the database, a moment ago.
        self.there = 0

    def rng(self, name: str) -> random.Random:
        """Returns the random choices of one actor, the same for the same seed."""
        return random.Random(f"{self.seed}-{name}")

    def next_connection(self) -> int:
        """Returns a number for a new connection."""
        return next(self._connections)

    def count_finished(self) -> None:
        """Counts a deleted task."""
        self.finished = next(self._finished) + 1

    def count_there(self) -> None:
        """Reads the number of tasks."""
        # It may fail before a manager has made the files.
        with suppress(Away):
            self.there = self.tasks.count()

    def enter(self, client: str) -> None:
        """Is called first by each client's thread, with "Producer", "Consumer" or "Operator"."""

    def among_clients(self) -> AbstractContextManager[None]:
        """Moves the calling thread, for the block, to a host that can reach the managers."""
        return nullcontext()

    def may_be_away(self, since: float) -> bool:
        """Returns whether the database itself may have been unreachable at any time since then."""
        return False

    @property
    def outages(self) -> dict[str, list[Outage]]:
        """When managers could not reach their database, by their names."""
        return {place.manager.name: place.outages for place in self.places}

    @property
    def is_crowded(self) -> bool:
        """Whether there are too many tasks, so that producers should wait."""
        return self.there > 3000

    def end(self, connection: int, earliest: float) -> None:
        """Records the end of a connection."""
        self.history.add(End(connection, earliest))

    def start_manager(self, place: Place) -> None:
        """Starts a manager; the caller holds the place's lock.

        A manager does not start while another program holds a long write transaction. A service manager has to try
        again then, as this function does.
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
                    self.injected["starts that were repeated, another program held the database"] += 1
        finally:
            if place.downtimes:
                place.downtimes[-1].end = now()

    def set_clock(self, seconds: int) -> None:
        """Sets the clock of all managers, and records when delays may end early."""
        start, is_forward = now(), seconds > self.clock.shift
        self.clock.set(seconds)
        if is_forward:
            self.clock_doubts.append((start, now() + 2))

    def note_downtime(self, place: Place) -> None:
        """Records that a manager is about to be ended."""
        place.downtimes.append(Downtime(now()))

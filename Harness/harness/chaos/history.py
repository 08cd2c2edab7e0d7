"""What clients of a run did and were told, when, as plain records for the checker."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

#: Answers to commands that end or extend a claim, or free a task, when they succeed.
SUCCESS = {
    "touch": "TOUCHED",
    "release": "RELEASED",
    "bury": "BURIED",
    "delete": "DELETED",
    "kick-job": "KICKED",
}

#: What a manager answers whose database is out of reach: nothing of what was asked has happened.
GAVE_UP = "INTERNAL_ERROR"

now = time.monotonic


@dataclass(frozen=True, slots=True)
class Put:
    """A task that was put, or may have been.

    `received` is none where no answer came: the task may be there or not. `word` is what was answered; a command that
    was cut off before its end has the word "CUT OFF": nothing of it may ever be seen. `id` is none where it was not
    told (SQL).
    """

    key: str
    tube: str
    sent: float
    received: float | None
    word: str | None
    id: int | None
    delay: int = 0
    ttr: int = 60


@dataclass(frozen=True, slots=True)
class Delivery:
    """A task handed to a consumer: claimed at some moment from `sent` to `received`."""

    id: int
    key: str
    tube: str
    connection: int
    sent: float
    received: float
    #: Which manager's.
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A command about one task. `received` and `word` are none where no answer came."""

    verb: str
    id: int
    connection: int
    sent: float
    received: float | None
    word: str | None
    delay: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether it is known to have happened."""
        return self.word == SUCCESS[self.verb]

    @property
    def may_have_happened(self) -> bool:
        """Whether it happened, or nobody knows."""
        return self.word is None or self.succeeded


@dataclass(frozen=True, slots=True)
class Pause:
    """A tube that was paused."""

    tube: str
    sent: float
    received: float
    seconds: int


@dataclass(slots=True)
class Outage:
    """A time in which a manager could not reach its database, or not in time.

    `end` is when it could again. The claims that its clients got before may be lost, from `loses_from` on. Clients may be
    told `GAVE_UP`, or be left without an answer, for what they asked until `grace` seconds after the end.
    """

    start: float
    loses_from: float
    grace: float
    end: float = float("inf")

    def excuses(self, sent: float, received: float) -> bool:
        """Whether a manager may give a command up that was sent and answered then."""
        return self.start <= received and sent <= self.end + self.grace


@dataclass(frozen=True, slots=True)
class End:
    """A connection that is over; `earliest` is the first moment at which the manager may have noticed."""

    connection: int
    earliest: float


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong by itself, whatever else happened."""

    text: str


Event = Put | Delivery | Use | Pause | End | Finding


@dataclass(slots=True)
class History:
    """Where all clients put their events; any thread may."""

    events: deque[Event] = field(default_factory=deque)
    start: float = field(default_factory=now)

    def add(self, event: Event) -> None:
        """Appends an event."""
        self.events.append(event)

    def find(self, text: str) -> None:
        """Notes that something is wrong."""
        self.add(Finding(f"at {now() - self.start:.2f} s: {text}"))

    def take(self) -> list[Event]:
        """All events since the last time, first to last."""
        taken = []
        while self.events:
            taken.append(self.events.popleft())
        return taken

"""What the clients of a run did and were told, and when, as records for the checker."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field

#: The replies to commands about one task when they succeed.
SUCCESS = {
    "touch": "TOUCHED",
    "release": "RELEASED",
    "bury": "BURIED",
    "delete": "DELETED",
    "kick-job": "KICKED",
}

#: The reply of a manager that cannot reach its database: the command was not executed.
GAVE_UP = "INTERNAL_ERROR"

now = time.monotonic


@dataclass(frozen=True, slots=True)
class Put:
    """A task that was put, or may have been.

    ``received`` is None if no reply came: the task may exist or not. ``word`` is the first word of the reply. A command
    that was cut off before its end has the word "CUT OFF": the task must not exist. ``id`` is None if it is unknown
    (SQL).
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
    """A task that a consumer got: it was claimed at some moment from ``sent`` to ``received``."""

    id: int
    key: str
    tube: str
    connection: int
    sent: float
    received: float
    #: The manager that delivered it.
    manager: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """A command about one task. ``received`` and ``word`` are None if no reply came."""

    verb: str
    id: int
    connection: int
    sent: float
    received: float | None
    word: str | None
    delay: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether it is known that the command was executed."""
        return self.word == SUCCESS[self.verb]

    @property
    def may_have_happened(self) -> bool:
        """Whether the command was executed, or may have been."""
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

    ``end`` is when it could again. Claims from before may be lost, from ``loses_from`` on. Commands that are sent until
    ``grace`` seconds after the end may get ``GAVE_UP`` or no reply.
    """

    start: float
    loses_from: float
    grace: float
    end: float = float("inf")

    def excuses(self, sent: float, received: float) -> bool:
        """Returns whether the manager may give up a command that was sent and answered at these times."""
        return self.start <= received and sent <= self.end + self.grace


@dataclass(frozen=True, slots=True)
class End:
    """The end of a connection. ``earliest`` is the first moment at which the manager may have noticed it."""

    connection: int
    earliest: float


@dataclass(frozen=True, slots=True)
class Finding:
    """An error in itself, whatever else happened."""

    text: str


Event = Put | Delivery | Use | Pause | End | Finding


@dataclass(slots=True)
class History:
    """The events of all clients. Any thread may add some."""

    events: deque[Event] = field(default_factory=deque)
    start: float = field(default_factory=now)

    def add(self, event: Event) -> None:
        """Adds an event."""
        self.events.append(event)

    def find(self, text: str) -> None:
        """Reports an error."""
        self.add(Finding(f"at {now() - self.start:.2f} s: {text}"))

    def take(self) -> list[Event]:
        """Returns all events since the last call, in their order."""
        taken = []
        while self.events:
            taken.append(self.events.popleft())
        return taken

"""What the clients and the faults of a run on several hosts share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ..chaos.context import Clock, Place, RunContext
from ..chaos.history import Outage, now
from ..chaos.run import Settings
from .network import Network
from .tasks import PostgresTasks

#: The managers' lease, in seconds.
LEASE = 5.0

#: A manager renews its lease when at most this share of it has passed: one third, and more on a busy machine.
RENEWED = 0.6

#: For how many seconds after an outage a manager may still give up commands: its next attempt to connect is at most two
#: seconds away, and may take two seconds itself.
GRACE = 5.0


class HostsContext(RunContext):
    """A run on several hosts."""

    def __init__(
        self,
        places: Sequence[Place],
        directory: Path,
        settings: Settings,
        postgres: PostgresTasks,
        network: Network,
    ) -> None:
        """See `RunContext`."""
        super().__init__(places, directory, Clock(directory / "clock"), settings.rate, settings.seed, postgres)
        self.network = network
        self.postgres = postgres
        # Delays and pauses follow the server's clock, which is set forward and back.
        self.clock_doubts.append((float("-inf"), float("inf")))
        #: When the database itself could not be reached.
        self.absences: list[Outage] = []

    def enter(self, client: str) -> None:
        """See `RunContext`."""
        self.network["consumers" if client == "Consumer" else "producers"].enter()

    def among_clients(self) -> AbstractContextManager[None]:
        """See `RunContext`."""
        return self.network["consumers"].inside()

    def may_be_away(self, since: float) -> bool:
        """See `RunContext`."""
        return any(absence.excuses(since, now()) for absence in self.absences)


def begun_outage(lease: float = LEASE, grace: float = GRACE) -> Outage:
    """Returns an outage that begins now."""
    return Outage(now(), now() + (1 - RENEWED) * lease, grace)


@contextmanager
def outage(places: Sequence[Place]) -> Iterator[None]:
    """Records that managers cannot reach their database during the block."""
    begun = begun_outage()
    for place in places:
        place.outages.append(begun)
    try:
        yield
    finally:
        begun.end = now()

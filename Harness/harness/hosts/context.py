"""What the clients and the faults of a run on several hosts share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ..chaos.main import Settings
from ..lib.postgres import Cluster
from ..chaos.history import Outage, now
from .network import Network
from ..chaos.context import Clock, Place, World

#: The managers' lease, in seconds.
LEASE = 5.0

#: Before its lease is over a manager renews it: what share of it may have passed since it last did. A third, and what
#: comes on top on a busy machine.
RENEWED = 0.6

#: For how long after an outage commands may still be given up: the next attempt to connect is due within two seconds,
#: and may itself take as long.
GRACE = 5.0

class HostsWorld(World):
    """A run with several hosts."""

    def __init__(
        self, places: Sequence[Place], directory: Path, settings: Settings, cluster: Cluster, network: Network
    ) -> None:
        super().__init__(places, directory, Clock(directory / "clock"), settings.rate, settings.seed, cluster)
        self.network = network
        self.cluster = cluster
        # Delays and pauses follow the server's clock, which is set to and fro.
        self.clock_doubts.append((float("-inf"), float("inf")))
        #: When the database itself was out of reach.
        self.absences: list[Outage] = []

    def enter(self, client: str) -> None:
        """See `World`."""
        self.network["consumers" if client == "Consumer" else "producers"].enter()

    def among_clients(self) -> AbstractContextManager[None]:
        """See `World`."""
        return self.network["consumers"].inside()

    def may_be_away(self, since: float) -> bool:
        """See `World`."""
        return any(absence.excuses(since, now()) for absence in self.absences)


def begun_outage(lease: float = LEASE, grace: float = GRACE) -> Outage:
    """An outage that begins now."""
    return Outage(now(), now() + (1 - RENEWED) * lease, grace)


@contextmanager
def outage(places: Sequence[Place]) -> Iterator[None]:
    """In the block managers are out of their database's reach."""
    begun = begun_outage()
    for place in places:
        place.outages.append(begun)
    try:
        yield
    finally:
        begun.end = now()

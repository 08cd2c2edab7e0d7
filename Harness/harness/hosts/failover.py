"""Losing the primary: it is killed, the standby is promoted, and the old primary becomes the next standby."""

from __future__ import annotations

import subprocess
import threading
from dataclasses import dataclass

from ..chaos.clients import GIVEN_UP, LEFT_UNANSWERED
from ..chaos.history import now
from ..chaos.run import Settings
from ..lib.failures import Failure
from .context import HostsContext, begun_outage

#: How many seconds commands wait for a database: the default of managers.
DATABASE_TIMEOUT = 10.0

#: Within how many seconds after the promotion each manager must serve again.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Loss:
    """What was seen after the primary was lost. Times are seconds since then."""

    server: str
    silently: bool
    promoted: float
    #: When each manager had deleted a task again, by its name.
    served: dict[str, float]
    #: How many commands were given up, and how many connections were closed without a reply.
    given_up: int
    unanswered: int

    def __str__(self) -> str:
        how = "cut off and killed" if self.silently else "killed"
        served = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in self.served.items())
        return (
            f"{self.server} {how}; standby promoted after {self.promoted:.1f} s; tasks deleted again: {served}; "
            f"{self.given_up} commands given up, {self.unanswered} connections closed without a reply"
        )


class PrimaryLosses(threading.Thread):
    """Loses the primary several times.

    In every second round its host is cut off before the primary is killed, so that managers get no error, only silence.
    In every third round the standby is promoted only after commands have waited as long as they can.
    """

    def __init__(
        self,
        context: HostsContext,
        rounds: int,
        settings: Settings,
        losses: list[Loss],
    ) -> None:
        """``losses`` gets what is seen each time."""
        super().__init__(name="primary losses", daemon=True)
        self.enough = threading.Event()
        self._world = context
        self._tasks = context.postgres
        self._network = context.network
        self._rounds = rounds
        self._settings = settings
        self._losses = losses
        self._rng = context.rng("losses")

    def run(self) -> None:
        """Loses the primary as many times as it was told."""
        for number in range(self._rounds):
            if self.enough.wait(self._rng.uniform(4, 8)):
                return
            least, most = (1.1, 1.4) if number % 3 == 2 else (0.02, 0.4)
            try:
                self._lose(number % 2 == 1, self._rng.uniform(least, most) * DATABASE_TIMEOUT)
            except (OSError, Failure, subprocess.SubprocessError) as error:
                self._world.history.find(f"loss of the primary, round {number + 1}: {type(error).__name__}: {error}")
                return

    def _lose(self, silently: bool, until_promotion: float) -> None:
        primary = self._tasks.primary
        standby = next(server for server in self._tasks.servers if server is not primary)
        before = self._world.injected.copy()
        begun = begun_outage(grace=PATIENCE)
        self._world.absences.append(begun)
        for place in self._world.places:
            place.outages.append(begun)
        if silently:
            self._network.cut(self._network[primary.name])
        primary.kill()
        self.enough.wait(until_promotion)
        standby.promote()
        self._tasks.primary = standby
        begun.end = promoted = now()
        standby.forget_standbys()
        served = self._served_again(begun.start, promoted)
        how = "primaries cut off and killed" if silently else "primaries killed"
        self._world.injected[how] += 1
        more = self._world.injected - before
        loss = Loss(primary.name, silently, promoted - begun.start, served, more[GIVEN_UP], more[LEFT_UNANSWERED])
        self._losses.append(loss)
        self._settings.log(str(loss))
        if silently:
            self._network.restore(self._network[primary.name])
        primary.follow(standby)
        self._settings.log(f"{primary.name} is the standby")

    def _served_again(self, lost: float, promoted: float) -> dict[str, float]:
        served: dict[str, float] = {}
        while len(served) < len(self._world.places) and not self.enough.wait(0.01):
            for place in self._world.places:
                if place.deleted_at > promoted:
                    served.setdefault(place.manager.name, place.deleted_at - lost)
            if now() > promoted + PATIENCE:
                missing = [place.manager.name for place in self._world.places if place.manager.name not in served]
                self._world.history.find(f"{', '.join(missing)} did not delete a task in {PATIENCE:g} s")
                break
        return dict(sorted(served.items()))

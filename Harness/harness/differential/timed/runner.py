"""Plays all scenarios at the same time, with beanstalkd, with one manager and with two."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ...lib.failures import Failure
from ..run import MAX_TASK_SIZE, Setup
from ..servers import Beanstalkd, Server, start_manager
from .promises import fair_turns, order_outlives_managers
from .scenarios import SCENARIOS
from .talk import Place, Unexpected

Plays = list[tuple[str, Callable[[], None]]]


def run(setup: Setup) -> int:
    """Plays everything and prints the results; returns the exit status."""
    failures = _play_at("beanstalkd", setup, 0)
    if setup.manager:
        for managers in (1, 2):
            failures += _play_at(f"{managers} manager{'s' * (managers > 1)}", setup, managers)
    print(f"{failures} failed" if failures else "all scenarios are as they have to be")
    return 1 if failures else 0


def _play_at(where: str, setup: Setup, managers: int) -> int:
    with tempfile.TemporaryDirectory(prefix="beanrow-timed-") as directory:
        servers: list[Server] = []
        try:
            for number in range(1, managers + 1):
                database = Path(directory) / "tasks.db"
                servers.append(start_manager(setup.manager or "", database, MAX_TASK_SIZE, number))
            if not managers:
                servers.append(Beanstalkd(setup.beanstalkd, Path(directory), MAX_TASK_SIZE))
            addresses = [server.address for server in servers]
            scenarios = [*SCENARIOS, fair_turns] if managers else SCENARIOS
            plays: Plays = []
            for scenario in scenarios:
                place = Place(addresses, scenario.__name__, forgets_deadlines=not managers)
                plays.append((scenario.__name__, partial(place.play, scenario)))
            if managers == 1:
                lasting = partial(order_outlives_managers, setup.manager or "", Path(directory))
                plays.append((order_outlives_managers.__name__, lasting))
            return _play_all(where, plays)
        finally:
            for server in servers:
                if complaint := server.complaint():
                    print(complaint)
                server.kill()


def _play_all(where: str, plays: Plays) -> int:
    failures = 0
    with ThreadPoolExecutor(len(plays)) as pool:
        futures = [(name, pool.submit(play)) for name, play in plays]
        for name, future in futures:
            try:
                future.result()
                print(f"{where}: {name.replace('_', ' ')}: ok", flush=True)
            except (Unexpected, Failure, OSError) as error:
                failures += 1
                print(f"{where}: {name.replace('_', ' ')}: FAILED: {error}", flush=True)
    return failures

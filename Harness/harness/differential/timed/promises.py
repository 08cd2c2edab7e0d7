"""What only managers promise: fair turns, and orders that outlive a process."""

from __future__ import annotations

from pathlib import Path

from ..servers import Server, start_manager
from .talk import Place, check

_WAITING = 5
_ROUNDS = 4


def fair_turns(place: Place) -> None:
    """Checks that a manager serves the waiting client that has waited longest, wherever the task was put.

    So each client is served once before any is served twice, although a served client asks again at once.
    """
    for server in range(len(place.addresses)):
        consumers = [place.client(server) for _ in range(_WAITING)]
        for number, consumer in enumerate(consumers, 1):
            consumer.say("reserve")
            place.await_waiting(server, number)
        for turn in range(_ROUNDS * _WAITING):
            id = place.client(turn).put(f"turn {turn}")
            consumer = consumers[turn % _WAITING]
            check(f"turn {turn}", consumer.hear(), f"RESERVED turn {turn}")
            consumer.say(f"delete {id}|reserve")
            check("delete", consumer.hear(), "DELETED")
            place.await_waiting(server, _WAITING)
        for consumer in consumers:
            consumer.finish()
            check("at the end", consumer.hear(), "TIMED_OUT")
            consumer.hear_the_end()


def order_outlives_managers(manager: str, directory: Path) -> None:
    """Checks that the order of tasks is the same after all managers were killed and others use the file."""
    database = directory / "restarted.db"
    servers = [start_manager(manager, database, 1000)]
    try:
        before = _fill(servers[0])
        servers[0].kill()
        servers.append(start_manager(manager, database, 1000))
        _look(servers[1], before)
    finally:
        for server in servers:
            server.kill()


def _fill(server: Server) -> dict[str, int]:
    client = Place([server.address], "lasting").client()
    ids = {body: client.put(body) for body in ("a", "b", "c", "d", "e", "f")}
    ids |= {"delayed": client.put("delayed", delay=1000), "sooner": client.put("sooner", delay=900)}
    for _ in range(4):
        client.ask("reserve")
    # "d" stays with a client that dies with the manager.
    for body in ("c", "a", "b"):
        client.expect(f"bury {ids[body]} 7", "BURIED")
    client.expect("pause-tube lasting 0", "PAUSED")
    return ids


def _look(server: Server, ids: dict[str, int]) -> None:
    client = Place([server.address], "lasting").client()
    for body in ("c", "a", "b"):
        client.expect("peek-buried", f"FOUND {body}")
        check("buries", client.figures(f"stats-job {ids[body]}")["buries"], "1")
        client.expect("kick 1", "KICKED 1")
        client.expect("reserve", f"RESERVED {body}")
    for body, reserves in (("d", "2"), ("e", "1"), ("f", "1")):
        client.expect("reserve", f"RESERVED {body}")
        check("reserves", client.figures(f"stats-job {ids[body]}")["reserves"], reserves)
    client.expect("peek-delayed", "FOUND sooner")
    client.expect("kick 1", "KICKED 1")
    client.expect("reserve", "RESERVED sooner")
    if client.put("new") <= max(ids.values()):
        check("the id of a new task", "one given before", "a new one")

"""What must be true of a database after a power cut."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ..lib import bodies, database
from ..lib.beanstalk import Connection, encode
from ..lib.managers import Manager, start_all, stop_all
from .acknowledgements import GONE, Acknowledgements, State, Task


def check_file(path: Path, acknowledgements: Acknowledgements, cut: int) -> list[str]:
    """Opens the file after the cut with SQLite and compares it with what was acknowledged."""
    promised = [task for task in acknowledgements.live if GONE not in task.states(cut)]
    if not path.exists():
        return [f"the database is missing, with {len(promised)} tasks"] if promised or acknowledgements.gone else []
    try:
        with database.opened(path) as db:
            if not database.has_schema(db):
                return (
                    [f"the database is empty, without {len(promised)} tasks"]
                    if promised or acknowledgements.gone
                    else []
                )
            return database.unsoundness(db) + _check_tasks(db, acknowledgements, cut)
    except sqlite3.Error as error:
        return [f"the database cannot be read: {error}"]


def _check_tasks(db: sqlite3.Connection, acknowledgements: Acknowledgements, cut: int) -> list[str]:
    found: list[str] = []
    present: dict[str, database.Row] = {}
    for row in database.tasks(db):
        key = bodies.key_of(row.body)
        task = acknowledgements.tasks.get(key) if key else None
        if key is None or task is None:
            found.append(f"task {row.id} has {bodies.shown(row.body)}")
        elif key in present:
            found.append(f"one put has made two tasks: {present[key].id} and {row.id}")
        elif task.sent > cut:
            found.append(f"task {row.id} was put after the cut")
        elif task.id is not None and task.id != row.id:
            found.append(f"task {row.id} was acknowledged as {task.id}")
        elif acknowledgements.is_gone(row.id):
            found.append(f"task {row.id} exists, but its delete was acknowledged")
        if key is not None:
            present[key] = row
    for task in acknowledgements.live:
        found += _check_task(task, present.get(task.key), cut)
    if database.last_id(db) < acknowledgements.last_acknowledged_id(cut):
        found.append(f"the next id is {database.last_id(db) + 1}, which was used before")
    return found


def _check_task(task: Task, row: database.Row | None, cut: int) -> list[str]:
    allowed = task.states(cut)
    if row is None:
        return [] if GONE in allowed else [f"task {task.id} is lost: {_steps(task, cut)}"]
    name = "live" if row.state in ("pending", "claimed") else row.state
    if State(name, row.priority) in allowed:
        return []
    return [f"task {row.id} is {row.state} with priority {row.priority}: {_steps(task, cut)}"]


def _steps(task: Task, cut: int) -> str:
    steps = [
        f"{operation.verb} {'acknowledged' if operation.acked <= cut else 'sent'}"
        for operation in task.operations
        if operation.sent <= cut
    ]
    return ", ".join(steps)


def check_managers(
    managers: Sequence[Manager], acknowledgements: Acknowledgements, cut: int, rng: random.Random
) -> list[str]:
    """Starts managers on the file after the cut and compares their replies with what was acknowledged.

    Reserves and deletes all tasks that can be reserved, and checks the file again.
    """
    try:
        start_all(managers)
        found = _ask(managers, acknowledgements, cut, rng)
        for manager in managers:
            if (status := manager.terminate()) != 0:
                found.append(f"{manager.name} left with status {status}: {manager.tail()}")
        with database.opened(Path(managers[0].database)) as db:
            found += database.unsoundness(db)
            rest = [row for row in database.tasks(db) if row.state not in ("delayed", "buried")]
            found += [f"task {row.id} is {row.state} after all were reserved" for row in rest]
        return found
    except Exception as error:  # Any error: managers that do not work on this file are a finding.
        return [f"managers on the file after the cut: {type(error).__name__}: {error}; {managers[0].tail()}"]
    finally:
        stop_all(managers)


def _ask(managers: Sequence[Manager], acknowledgements: Acknowledgements, cut: int, rng: random.Random) -> list[str]:
    found: list[str] = []
    promised = {task.id: task for task in acknowledgements.live if task.id is not None and GONE not in task.states(cut)}
    some_gone = rng.sample(acknowledgements.gone, min(50, len(acknowledgements.gone)))
    seen: set[int] = set()
    with Connection(managers[0].address) as client, Connection(managers[-1].address) as other:
        client.send(b"".join(encode("peek", id) for id in [*promised, *some_gone]))
        for id, task in promised.items():
            reply = client.reply()
            if reply.word != "FOUND" or bodies.key_of(reply.body) != task.key:
                found.append(f"the reply to peek {id} is {reply.word}: {_steps(task, cut)}")
        for id in some_gone:
            if client.reply().word != "NOT_FOUND":
                found.append(f"peek {id} finds a task whose delete was acknowledged")
        new = client.command("put", 0, 0, 60, body=bodies.make("after-the-cut", 40))
        if new.word != "INSERTED" or new.id <= acknowledgements.last_acknowledged_id(cut):
            found.append(
                f"a new task got {new.word} {new.arguments}, the last was {acknowledgements.last_acknowledged_id(cut)}"
            )
        while (reply := other.command("reserve-with-timeout", 0)).word == "RESERVED":
            if reply.id in seen:
                found.append(f"task {reply.id} was delivered twice")
            seen.add(reply.id)
            if (answer := other.command("delete", reply.id)).word != "DELETED":
                found.append(f"the reply to delete {reply.id} is {answer.word}")
        if reply.word != "TIMED_OUT":
            found.append(f"the reply to reserve-with-timeout is {reply.word}")
    missing = [id for id, task in promised.items() if id not in seen and {s.name for s in task.states(cut)} == {"live"}]
    return found + [f"task {id} was not delivered" for id in missing]

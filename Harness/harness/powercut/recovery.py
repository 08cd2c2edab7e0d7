"""What must be true of a database after a power cut."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from ..lib import bodies
from ..lib import database
from ..lib.beanstalk import Connection, encode
from .acknowledgements import GONE, Ledger, State, Task
from ..lib.managers import Manager, start_all, stop_all


def check_file(path: Path, ledger: Ledger, cut: int) -> list[str]:
    """Opens what the cut left with SQLite and compares it with what was promised by then."""
    promised = [task for task in ledger.live if GONE not in task.states(cut)]
    if not path.exists():
        return [f"the database is missing, with {len(promised)} tasks"] if promised or ledger.gone else []
    try:
        with database.opened(path) as db:
            if not database.has_schema(db):
                return [f"the database is empty, without {len(promised)} tasks"] if promised or ledger.gone else []
            return database.unsoundness(db) + _check_tasks(db, ledger, cut)
    except sqlite3.Error as error:
        return [f"the database cannot be read: {error}"]


def _check_tasks(db: sqlite3.Connection, ledger: Ledger, cut: int) -> list[str]:
    found: list[str] = []
    present: dict[str, database.Row] = {}
    for row in database.tasks(db):
        key = bodies.key_of(row.body)
        task = ledger.tasks.get(key) if key else None
        if key is None or task is None:
            found.append(f"task {row.id} has {bodies.shown(row.body)}")
        elif key in present:
            found.append(f"one put made two tasks: {present[key].id} and {row.id}")
        elif task.sent > cut:
            found.append(f"task {row.id} was put after the cut")
        elif task.id is not None and task.id != row.id:
            found.append(f"task {row.id} was acknowledged as {task.id}")
        elif ledger.is_gone(row.id):
            found.append(f"task {row.id} is back: its delete was acknowledged")
        if key is not None:
            present[key] = row
    for task in ledger.live:
        found += _check_task(task, present.get(task.key), cut)
    if database.last_id(db) < ledger.last_acknowledged_id(cut):
        found.append(f"the next id would be {database.last_id(db) + 1}, which was given before")
    return found


def _check_task(task: Task, row: database.Row | None, cut: int) -> list[str]:
    allowed = task.states(cut)
    if row is None:
        return [] if GONE in allowed else [f"task {task.id} is lost: {_story(task, cut)}"]
    name = "live" if row.state in ("pending", "claimed") else row.state
    if State(name, row.priority) in allowed:
        return []
    return [f"task {row.id} is {row.state} with priority {row.priority}: {_story(task, cut)}"]


def _story(task: Task, cut: int) -> str:
    steps = [
        f"{operation.verb} {'acknowledged' if operation.acked <= cut else 'sent'}"
        for operation in task.operations
        if operation.sent <= cut
    ]
    return ", ".join(steps)


def check_managers(managers: Sequence[Manager], ledger: Ledger, cut: int, rng: random.Random) -> list[str]:
    """Starts managers on what the cut left and compares what they tell clients with what was promised by then.

    All tasks that can be had are taken and deleted; afterwards the file is looked at again.
    """
    try:
        start_all(managers)
        found = _ask(managers, ledger, cut, rng)
        for manager in managers:
            if (status := manager.terminate()) != 0:
                found.append(f"{manager.name} left with status {status}: {manager.tail()}")
        with database.opened(managers[0].database) as db:
            found += database.unsoundness(db)
            rest = [row for row in database.tasks(db) if row.state not in ("delayed", "buried")]
            found += [f"task {row.id} is {row.state} after all were taken" for row in rest]
        return found
    except Exception as error:  # Whatever it is: managers that do not work on this file are what is looked for.
        return [f"managers on the file after the cut: {type(error).__name__}: {error}; {managers[0].tail()}"]
    finally:
        stop_all(managers)


def _ask(managers: Sequence[Manager], ledger: Ledger, cut: int, rng: random.Random) -> list[str]:
    found: list[str] = []
    promised = {task.id: task for task in ledger.live if task.id is not None and GONE not in task.states(cut)}
    some_gone = rng.sample(ledger.gone, min(50, len(ledger.gone)))
    seen: set[int] = set()
    with Connection(managers[0].address) as client, Connection(managers[-1].address) as other:
        client.send(b"".join(encode("peek", id) for id in [*promised, *some_gone]))
        for id, task in promised.items():
            reply = client.reply()
            if reply.word != "FOUND" or bodies.key_of(reply.body) != task.key:
                found.append(f"peek {id} answers {reply.word}: {_story(task, cut)}")
        for id in some_gone:
            if client.reply().word != "NOT_FOUND":
                found.append(f"peek {id} finds a task whose delete was acknowledged")
        new = client.command("put", 0, 0, 60, body=bodies.make("after-the-cut", 40))
        if new.word != "INSERTED" or new.id <= ledger.last_acknowledged_id(cut):
            found.append(f"a new task got {new.word} {new.arguments}, the last was {ledger.last_acknowledged_id(cut)}")
        while (reply := other.command("reserve-with-timeout", 0)).word == "RESERVED":
            if reply.id in seen:
                found.append(f"task {reply.id} was handed out twice")
            seen.add(reply.id)
            if (answer := other.command("delete", reply.id)).word != "DELETED":
                found.append(f"delete {reply.id} answers {answer.word}")
        if reply.word != "TIMED_OUT":
            found.append(f"reserve-with-timeout answers {reply.word}")
    missing = [id for id, task in promised.items() if id not in seen and {s.name for s in task.states(cut)} == {"live"}]
    return found + [f"task {id} was not handed out" for id in missing]

"""The faults of a run: a schedule that follows from the seed, and injecting them."""

from __future__ import annotations

import fcntl
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import Enum

from ..lib.managers import StartFailed
from .context import Place, RunContext
from .history import Outage, now


class FaultKind(Enum):
    """What can be done to managers and their files."""

    KILL = "managers killed"
    KILL_ALL = "all managers killed at once"
    STOP = "managers stopped and continued"
    LEAVE = "managers terminated and started again"
    CLOCK = "clock steps by an hour"
    READER = "read transactions held by sqlite3"
    WRITER = "write transactions held by sqlite3"
    LOCK = "lock file held by another process"
    CUT = "links cut for longer than the lease, and restored"
    BLINK = "links cut for less than a second"
    DELAY = "2 s of delay between a manager and the database"
    TRANSACTION = "transactions of an application left open"


#: For how many seconds after a stopped manager goes on it may close connections without a reply.
STOP_GRACE = 0.5

#: The weight of each fault for managers on one file.
WEIGHTS = {
    FaultKind.KILL: 6,
    FaultKind.KILL_ALL: 1,
    FaultKind.STOP: 2,
    FaultKind.LEAVE: 4,
    FaultKind.CLOCK: 2,
    FaultKind.READER: 2,
    FaultKind.WRITER: 1,
    FaultKind.LOCK: 1,
}

#: The weight of each fault for managers on several hosts.
HOST_WEIGHTS = {
    FaultKind.KILL: 5,
    FaultKind.KILL_ALL: 1,
    FaultKind.STOP: 1,
    FaultKind.LEAVE: 2,
    FaultKind.CUT: 5,
    FaultKind.BLINK: 3,
    FaultKind.DELAY: 4,
    FaultKind.CLOCK: 2,
    FaultKind.TRANSACTION: 5,
}

#: The least and the most seconds that each fault lasts.
LENGTHS = {
    FaultKind.KILL: (0.0, 3.0),
    FaultKind.KILL_ALL: (0.0, 1.0),
    FaultKind.STOP: (7.0, 10.0),
    FaultKind.LEAVE: (0.0, 2.0),
    FaultKind.CLOCK: (2.0, 6.0),
    FaultKind.READER: (1.0, 6.0),
    FaultKind.WRITER: (1.0, 4.0),
    FaultKind.LOCK: (1.0, 4.0),
    FaultKind.CUT: (7.0, 14.0),
    FaultKind.BLINK: (0.2, 0.9),
    FaultKind.DELAY: (6.0, 12.0),
    FaultKind.TRANSACTION: (1.0, 8.0),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a schedule."""

    at: float
    kind: FaultKind
    target: int
    seconds: float
    step: int = 0

    def __str__(self) -> str:
        step = f" {self.step}" if self.kind is FaultKind.CLOCK else ""
        return f"{self.at:7.2f} s  {self.kind.value}: {self.target + 1}, {self.seconds:.2f} s{step}"


def schedule(
    seed: int,
    seconds: float,
    managers: int,
    gap: float,
    spared: int | None = None,
    weights: Mapping[FaultKind, int] = WEIGHTS,
) -> list[Fault]:
    """Returns the faults of a run, the same for the same arguments: on average one per ``gap`` seconds.

    The manager ``spared`` is not killed and not restarted. ``weights`` says which faults there are, and how often.
    """
    rng = random.Random(f"{seed}-faults")
    faults: list[Fault] = []
    at = rng.uniform(0.5, 1.5) * gap
    while at < seconds:
        kind = rng.choices(list(weights), list(weights.values()))[0]
        length, target = rng.uniform(*LENGTHS[kind]), rng.randrange(managers)
        if spared is not None and kind is FaultKind.KILL_ALL:
            kind = FaultKind.KILL
        if target == spared and kind in (FaultKind.KILL, FaultKind.LEAVE):
            target = (target + 1) % managers
        if kind is FaultKind.DELAY:
            target = managers - 1  # Only the last manager has a proxy.
        faults.append(Fault(at, kind, target, length, rng.choice((-3600, 3600))))
        at += rng.expovariate(1 / gap)
    return faults


class Injector(threading.Thread):
    """Injects the faults of a schedule. Each fault has a thread of its own, so that faults overlap.

    A fault is left out if its manager is still in another one.
    """

    def __init__(self, context: RunContext, faults: Sequence[Fault], log: Callable[[str], None]) -> None:
        super().__init__(name="injector", daemon=True)
        self.context = context
        self.faults = faults
        self.log = log
        self.start_time = now()
        self.enough = threading.Event()
        self._clock = threading.Lock()

    def run(self) -> None:
        """Injects all faults when they are due."""
        threads = []
        for fault in self.faults:
            if self.enough.wait(max(0, self.start_time + fault.at - now())):
                break
            thread = threading.Thread(target=self._carry_out, args=(fault,), daemon=True)
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()

    def _carry_out(self, fault: Fault) -> None:
        try:
            done = self.inject(fault)
        except (StartFailed, subprocess.SubprocessError, OSError) as error:
            self.context.history.find(f"{fault}: {type(error).__name__}: {error}")
            return
        if done:
            self.context.injected[fault.kind.value] += 1
            self.log(str(fault))

    def inject(self, fault: Fault) -> bool:
        """Injects a fault, from its begin to its end; returns whether it was possible."""
        place = self.context.places[fault.target]
        match fault.kind:
            case FaultKind.KILL | FaultKind.LEAVE:
                return self._with((place,), self._end, fault)
            case FaultKind.KILL_ALL:
                return self._with(self.context.places, self._end, fault)
            case FaultKind.STOP:
                return self._with((place,), self.stop, fault)
            case FaultKind.CLOCK:
                return self._step_clock(fault)
            case FaultKind.READER | FaultKind.WRITER:
                return self._hold_transaction(fault)
            case FaultKind.LOCK:
                return self._hold_lock(fault)
            case FaultKind.CUT | FaultKind.BLINK | FaultKind.DELAY | FaultKind.TRANSACTION:
                return False

    def _with(self, places: Sequence[Place], action: Callable[[Sequence[Place], Fault], None], fault: Fault) -> bool:
        """Runs an action on managers; returns False without it if one of them is in another fault."""
        held: list[Place] = []
        try:
            for place in places:
                if not place.lock.acquire(blocking=False):
                    return False
                held.append(place)
            action(places, fault)
            return True
        finally:
            for place in held:
                place.lock.release()

    def stop(self, places: Sequence[Place], fault: Fault) -> None:
        """Stops processes and lets them continue."""
        # A manager that is stopped between two answers closes the connections whose claims have ended since. Claims are
        # not lost before their time: loses_from is never.
        outages = [Outage(now(), loses_from=float("inf"), grace=STOP_GRACE) for _ in places]
        for place, outage in zip(places, outages, strict=True):
            place.outages.append(outage)
            place.manager.signal(signal.SIGSTOP)
        self.enough.wait(fault.seconds)
        for place, outage in zip(places, outages, strict=True):
            place.manager.signal(signal.SIGCONT)
            outage.end = now()

    def _end(self, places: Sequence[Place], fault: Fault) -> None:
        for place in places:
            self.context.note_downtime(place)
            if fault.kind is not FaultKind.LEAVE:
                place.manager.kill()
            elif (status := place.manager.terminate()) != 0:
                self._left(place, status)
        self.enough.wait(fault.seconds)
        for place in places:
            self.context.start_manager(place)

    def _left(self, place: Place, status: int) -> None:
        """Reports a manager that did not exit with 0, unless another program held the database for long."""
        said = place.manager.tail(1)
        if status == 1 and "another program holds the database" in said:
            self.context.injected["exits that could not be recorded, another program held the database"] += 1
        else:
            self.context.history.find(f"{place.manager.name} exited with {status}: {said}")

    def _step_clock(self, fault: Fault) -> bool:
        if not self._clock.acquire(blocking=False):
            return False
        try:
            self.context.set_clock(fault.step)
            self.enough.wait(fault.seconds)
        finally:
            self.context.set_clock(0)
            self._clock.release()
        return True

    def _hold_transaction(self, fault: Fault) -> bool:
        """Holds a transaction with the sqlite3 shell, or in this process if there is none."""
        begin = "BEGIN; SELECT count(*) FROM tube;" if fault.kind is FaultKind.READER else "BEGIN IMMEDIATE;"
        shell = shutil.which("sqlite3")
        if shell is not None:
            script = (
                f".timeout 30000\nPRAGMA wal_autocheckpoint = 0;\n{begin}\n.shell sleep {fault.seconds:.2f}\nCOMMIT;\n"
            )
            result = subprocess.run(
                [shell, "-bail", self.context.database], input=script.encode(), capture_output=True, timeout=60
            )
            if result.returncode != 0:
                self.context.history.find(f"sqlite3: {result.stderr.decode().strip()}")
            return True
        with closing(sqlite3.connect(self.context.database, timeout=30, isolation_level=None)) as db:
            db.execute("PRAGMA wal_autocheckpoint = 0")
            for statement in begin.split(";")[:-1]:
                db.execute(statement).fetchall()
            self.enough.wait(fault.seconds)
            db.execute("COMMIT")
        return True

    def _hold_lock(self, fault: Fault) -> bool:
        descriptor = os.open(f"{self.context.database}-lock", os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self.enough.wait(fault.seconds)
        finally:
            os.close(descriptor)
        return True

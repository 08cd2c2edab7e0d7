"""Starts managers again when they have ended, as a service manager does."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from enum import IntEnum

from ..lib.managers import Manager, StartFailed


class Status(IntEnum):
    """Exit statuses; docs/reliability.md has the table."""

    KILLED = -9
    ERROR = 1
    LATER = 75
    LOST = 78


#: How many times one after the other a manager may end before it listens.
MOST_FAILED_STARTS = 8

#: How many times in all it may end with an error: with more it does not serve.
MOST_ERRORS = 25

#: For how many seconds a manager may answer that it has to be started later.
LONGEST_WAIT = 25.0


class Supervisor(threading.Thread):
    """Keeps one manager running that was started already. No other thread uses the manager while this one runs."""

    def __init__(self, manager: Manager, told_to_wait: Callable[[str], None]) -> None:
        """``told_to_wait`` is called with the message of a manager that has to be started later."""
        super().__init__(name=f"supervisor of {manager.name}", daemon=True)
        self.manager = manager
        self.told_to_wait = told_to_wait
        self.stopping = threading.Event()
        #: Since when it listens; None while it does not.
        self.serving_since: float | None = time.monotonic()
        #: How many times it has ended with each status.
        self.ends: Counter[int] = Counter()
        #: The message with which it refused to serve, because acknowledged tasks are lost.
        self.refusal: str | None = None
        self.problems: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether the manager is not started again."""
        return self.refusal is not None or bool(self.problems)

    def run(self) -> None:
        """Watches the manager until it is over."""
        failed_starts, waits_since = 0, None
        while not self.stopping.is_set() and not self.is_over:
            if self.manager.is_running:
                if self.serving_since is not None:
                    failed_starts, waits_since = 0, None
                self.stopping.wait(0.005)
                continue
            self.serving_since = None
            status = self.manager.wait()
            self.ends[status] += 1
            match status:
                case Status.ERROR | Status.KILLED:
                    failed_starts += 1
                    if failed_starts > MOST_FAILED_STARTS:
                        self._report("does not start")
                    elif self.ends[Status.ERROR] > MOST_ERRORS:
                        self._report("ends too often")
                case Status.LATER:
                    waits_since = waits_since or time.monotonic()
                    if time.monotonic() > waits_since + LONGEST_WAIT:
                        self._report("has to be started later for too long")
                    self.told_to_wait(self.manager.tail(1))
                    self.stopping.wait(0.2)
                case Status.LOST:
                    self.refusal = self.manager.tail(1)
                case _:
                    self._report(f"ended with {status}")
            if self.is_over or self.stopping.wait(0.05):
                return
            self._start()

    def stop(self) -> None:
        """Ends the thread. The manager may run, and the caller may use it again."""
        self.stopping.set()
        self.join()

    def _start(self) -> None:
        try:
            self.manager.start(timeout=40)
            self.serving_since = time.monotonic()
        except StartFailed as error:
            try:
                self.manager.wait(10)
            except subprocess.TimeoutExpired:
                self._report(str(error))

    def _report(self, what: str) -> None:
        self.problems.append(f"{self.manager.name} {what}: {self.manager.tail(2)}")

"""Manager processes: starting them, doing to them what an operator or a kernel may do, and seeing how they end."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from . import processes
from .beanstalk import Address
from .failures import Failure
from .ports import ReservedPort

_LISTENING = re.compile(rb"listening on (\S+):(\d+)")


class StartFailed(Failure):
    """A manager did not start to listen; the message has the end of its log."""


class Manager:
    """One manager that can be started more than once: its name and its address stay the same.

    Its standard error goes to a file. Use it from one thread at a time.
    """

    def __init__(
        self,
        binary: Path,
        database: Path | str,
        name: str,
        log: Path,
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        address: Address | None = None,
        within: Callable[[], AbstractContextManager[None]] = nullcontext,
        *,
        is_measured: bool = False,
    ) -> None:
        """Prepares a manager without starting it.

        - ``address``: the address to listen on; None reserves a port of 127.0.0.1.
        - ``within``: moves the calling thread to the host on which the process is started.
        - ``is_measured``: the manager is a benchmark's; see ``dies_with_parent`` and ``in_own_session`` of
          `processes.start`.
        """
        self.binary = binary
        self.database = database
        self.name = name
        self.log = log
        self.environment = {**os.environ, "SWIFT_BACKTRACE": "enable=no", **(environment or {})}
        self.options = list(options)
        if address is None:
            self._port = ReservedPort()
            address = ("127.0.0.1", self._port.number)
        self.address: Address = address
        self._within = within
        self._is_measured = is_measured
        self.process: subprocess.Popen[bytes] | None = None
        #: Whether its end was asked for; any other end is an error.
        self.is_expected_to_end = False

    @property
    def pid(self) -> int:
        """The id of the process that runs or ran last."""
        assert self.process is not None, "not started"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process exists, stopped or not."""
        return self.process is not None and self.process.poll() is None

    def launch(self) -> None:
        """Starts the process without waiting until it listens."""
        self.is_expected_to_end = False
        host, port = self.address
        arguments = [self.binary, "--database", self.database, "--listen", f"{host}:{port}", "--name", self.name]
        with self._within():
            self.process = processes.start(
                [*arguments, *self.options],
                log=self.log,
                environment=self.environment,
                output=subprocess.PIPE,
                dies_with_parent=self._is_measured,
                in_own_session=self._is_measured,
            )

    def wait_until_listening(self, timeout: float = 30) -> None:
        """Waits for the line that says where the manager listens."""
        assert self.process is not None, "not started"
        assert self.process.stdout is not None
        deadline = time.monotonic() + timeout
        line = b""
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, left))
            chunk = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not chunk:
                what = "ended" if ready else f"did not listen within {timeout:.0f} s"
                raise StartFailed(f"{self.name} {what}: {self.tail()}")
            line += chunk
        found = _LISTENING.search(line)
        if found is None:
            raise StartFailed(f"{self.name} printed {line!r}")
        self.address = (found[1].decode(), int(found[2]))

    def start(self, timeout: float = 30) -> None:
        """Starts the process and waits until it listens."""
        self.launch()
        self.wait_until_listening(timeout)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal if the process runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def drain(self) -> None:
        """Starts drain mode, in which the manager refuses new tasks."""
        self.signal(signal.SIGUSR1)

    def kill(self) -> None:
        """Kills the process, as a crash does, and waits for its end."""
        self.is_expected_to_end = True
        self.signal(signal.SIGKILL)
        self.wait(10)

    def terminate(self, timeout: float = 30) -> int:
        """Asks the process to end and waits; returns its exit status.

        Raises:
            subprocess.TimeoutExpired: if it does not end in time; it is killed then.

        """
        self.is_expected_to_end = True
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end; returns its exit status, or the negative number of the signal that killed it."""
        if self.process is None:
            return 0
        status = self.process.wait(timeout)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def tail(self, lines: int = 5) -> str:
        """Returns the end of its standard error."""
        return processes.tail(self.log, lines)

    def complaint(self) -> str | None:
        """Returns the end of its log if it has ended without being asked to, otherwise None."""
        if self.is_expected_to_end or self.process is None or self.process.poll() is None:
            return None
        return f"{self.name} ended with {self.process.returncode}; the end of its log:\n{processes.tail(self.log, 20)}"


def start_all(managers: Sequence[Manager], timeout: float = 30) -> None:
    """Starts managers at the same time."""
    for manager in managers:
        manager.launch()
    for manager in managers:
        manager.wait_until_listening(timeout)


def stop_all(managers: Sequence[Manager]) -> None:
    """Kills all managers that run, also those that are stopped."""
    for manager in managers:
        manager.signal(signal.SIGCONT)
    for manager in managers:
        if manager.is_running:
            manager.kill()

"""Manager processes: starting them, doing to them what an operator or a kernel might, and seeing how they end."""

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

from .beanstalk import Address
from .ports import ReservedPort

_LISTENING = re.compile(rb"listening on (\S+):(\d+)")


class StartFailed(Exception):
    """A manager did not come to listen; the message has what it said."""


class Manager:
    """One place for a manager: a name, and an address that restarts keep.

    Its standard error goes to a file. Used from one thread at a time.
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
    ) -> None:
        """`within` brings the calling thread to where the process is to be started."""
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
        self.process: subprocess.Popen[bytes] | None = None
        #: How often it was started.
        self.starts = 0
        #: Whether its end was asked for; an end that was not is an error.
        self.is_expected_to_end = False

    @property
    def pid(self) -> int:
        """The process that is, or was last, in this place."""
        assert self.process is not None, "not started"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there, stopped or not."""
        return self.process is not None and self.process.poll() is None

    def launch(self) -> None:
        """Starts the process without waiting for it to listen."""
        self.is_expected_to_end = False
        self.starts += 1
        host, port = self.address
        with self.log.open("ab") as log, self._within():
            self.process = subprocess.Popen(
                [
                    self.binary,
                    *("--database", self.database),
                    *("--listen", f"{host}:{port}"),
                    *("--name", self.name),
                    *self.options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
            )

    def wait_until_listening(self, timeout: float = 30) -> None:
        """Waits for the line that says where it listens."""
        assert self.process is not None and self.process.stdout is not None, "not started"
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
        """Sends a signal, if there is a process to get it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kills it, as a crash would, and waits for its end."""
        self.is_expected_to_end = True
        self.signal(signal.SIGKILL)
        self.wait(10)

    def terminate(self, timeout: float = 30) -> int:
        """Asks it to leave and waits; returns its exit status, and kills it where it does not leave in time."""
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
        """The end of what it has said on standard error."""
        try:
            return " | ".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""


def start_all(managers: Sequence[Manager], timeout: float = 30) -> None:
    """Starts managers at the same instant."""
    for manager in managers:
        manager.launch()
    for manager in managers:
        manager.wait_until_listening(timeout)


def stop_all(managers: Sequence[Manager]) -> None:
    """Ends whatever still runs, whatever state it is in."""
    for manager in managers:
        manager.signal(signal.SIGCONT)
    for manager in managers:
        if manager.is_running:
            manager.kill()

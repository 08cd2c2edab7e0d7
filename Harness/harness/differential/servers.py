"""Starts and ends the servers of both sides."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

from ..lib import processes
from ..lib.beanstalk import Address
from ..lib.failures import Failure
from ..lib.managers import Manager, StartFailed


class Beanstalkd:
    """A beanstalkd that writes nothing to disk."""

    def __init__(self, program: str, directory: Path, max_task_size: int) -> None:
        """Starts it.

        It gets a socket that listens already, as from systemd. So the port is certainly free, no connection is refused,
        and none is needed to find out whether it listens, which would be counted.
        """
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(1024)
            port = int(listener.getsockname()[1])
            self.address: Address = ("127.0.0.1", port)
            self._log = directory / f"beanstalkd-{port}.log"
            inherited = listener.fileno()
            script = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" -z {max_task_size} 3<&{inherited}'
            try:
                self._process = processes.start(
                    ["/bin/sh", "-c", script, program],
                    log=self._log,
                    output=subprocess.DEVNULL,
                    inherited=[inherited],
                )
            except OSError as error:
                raise Failure(f"cannot start {program}: {error.strerror}") from None

    def drain(self) -> None:
        """Starts drain mode."""
        self._process.send_signal(signal.SIGUSR1)

    def kill(self) -> None:
        """Kills it."""
        self._process.kill()
        self._process.wait()

    def complaint(self) -> str | None:
        """Returns the end of its log if it has ended by itself, otherwise None."""
        code = self._process.poll()
        if code is None:
            return None
        return f"beanstalkd ended with {code}; the end of its log:\n{processes.tail(self._log, 20)}"


#: A server of either side: ``address``, ``drain``, ``kill`` and ``complaint`` are the same in both.
Server = Beanstalkd | Manager


def start_manager(program: str, database: Path, max_task_size: int, number: int = 1) -> Manager:
    """Starts a manager and waits until it listens. Each manager of a file has a number of its own."""
    options = ("--max-task-size", str(max_task_size), "--log-level", "warning")
    log = database.with_name(f"{database.stem}-manager-{number}.log")
    manager = Manager(Path(program), database, f"m{number}", log, options=options, address=("127.0.0.1", 0))
    try:
        manager.start()
    except OSError as error:
        raise Failure(f"cannot start {program}: {error.strerror}") from None
    except StartFailed:
        manager.kill()
        raise
    return manager

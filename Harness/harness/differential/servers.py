"""Starts and ends the servers of both sides."""

import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from .links import Address


class ServerFailed(Exception):
    """A server did not start, or ended by itself."""


class Server:
    """A process that speaks the protocol at ``address``."""

    def __init__(self, process: subprocess.Popen[str], address: Address, log: Path) -> None:
        self.process = process
        self.address = address
        self._log = log

    def drain(self) -> None:
        """Sends it into drain mode."""
        self.process.send_signal(signal.SIGUSR1)

    def kill(self) -> None:
        """Ends it without letting it do anything more."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def complaint(self) -> str | None:
        """The end of its log if it has ended by itself."""
        code = self.process.poll()
        if code is None:
            return None
        return f"{self.process.args!r} ended with {code}; the end of its log:\n{tail(self._log)}"


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a file."""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])


def start_beanstalkd(command: str, directory: Path, max_task_size: int) -> Server:
    """Starts beanstalkd, nothing written to disk.

    It takes over a socket that listens already, as it would from systemd: so the port is free for certain, and there is
    no moment at which connections are refused and no need of a first one that would be counted.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        port = int(listener.getsockname()[1])
        log = directory / f"beanstalkd-{port}.log"
        inherited = listener.fileno()
        script = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" -z {max_task_size} 3<&{inherited}'
        process = _start(["/bin/sh", "-c", script, command], log, subprocess.DEVNULL, inherited)
    return Server(process, ("127.0.0.1", port), log)


def start_manager(command: str, database: Path, max_task_size: int) -> Server:
    """Starts a manager on a port of its own choice and waits until it accepts connections."""
    descriptor, log = tempfile.mkstemp(prefix="manager-", suffix=".log", dir=database.parent)
    os.close(descriptor)
    arguments = [command, "--database", str(database), "--listen", "127.0.0.1:0"]
    arguments += ["--max-task-size", str(max_task_size), "--log-level", "warning"]
    process = _start(arguments, Path(log), subprocess.PIPE)
    assert process.stdout
    line = process.stdout.readline()
    if not line.startswith("listening on "):
        process.kill()
        process.wait()
        raise ServerFailed(f"{command} does not start, it said {line!r} and\n{tail(Path(log))}")
    host, port = line.removeprefix("listening on ").strip().rsplit(":", 1)
    return Server(process, (host, int(port)), Path(log))


def _start(arguments: list[str], log: Path, stdout: int, *inherited: int) -> subprocess.Popen[str]:
    with log.open("w") as stderr:
        try:
            return subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, text=True, pass_fds=inherited
            )
        except OSError as error:
            raise ServerFailed(f"cannot start {arguments[0]}: {error.strerror}") from None

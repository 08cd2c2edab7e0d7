"""Server processes: starting them so that none is left behind, ending them, and what they have cost."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from .failures import Failure

_TICKS = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class User:
    """The user and the group that a process runs as."""

    uid: int
    gid: int


def start(
    arguments: Sequence[object],
    *,
    log: Path,
    directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    user: User | None = None,
    output: int | IO[bytes] | None = None,
    inherited: Sequence[int] = (),
    dies_with_parent: bool = False,
    in_own_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Starts a server process; its output is appended to ``log``.

    - ``output``: where its standard output goes instead.
    - ``inherited``: descriptors that it gets.
    - ``dies_with_parent``: the kernel kills it when the calling *thread* ends. Use it in the main thread only.
    - ``in_own_session``: it leads a session and a process group of its own.
    """
    with log.open("ab") as file:
        return subprocess.Popen(
            [argument if isinstance(argument, os.PathLike) else str(argument) for argument in arguments],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file if output is None else output,
            stderr=file,
            pass_fds=inherited,
            start_new_session=in_own_session,
            preexec_fn=_die_with_parent if dies_with_parent else None,
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
        )


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, patience: float = 15) -> None:
    """Ends a process that leads a process group, and all others in the group."""
    if process.poll() is None:
        process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def tail(log: Path, lines: int = 5, separator: str = " | ") -> str:
    """Returns the last lines of a log, nothing if it cannot be read."""
    try:
        return separator.join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def await_port(port: int, process: subprocess.Popen[bytes], patience: float = 30) -> None:
    """Returns when a server accepts connections on the port."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failure(f"it ended at once with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise Failure(f"no server listens on port {port} after {patience} s")


@dataclass(slots=True)
class Usage:
    """What processes have cost since they began."""

    #: Seconds of processor time, user and system.
    cpu: float
    #: Bytes sent to the disk.
    written: int

    def __sub__(self, other: Usage) -> Usage:
        return Usage(self.cpu - other.cpu, self.written - other.written)


def family(root: int) -> list[int]:
    """Returns the process and all that descend from it."""
    pids, found = [root], []
    while pids:
        pid = pids.pop()
        found.append(pid)
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                pids += [int(child) for child in (task / "children").read_text().split()]
    return found


def usage(roots: Iterable[int]) -> Usage:
    """Returns what these processes and their children have cost. Children that have ended count with their parent."""
    total = Usage(0.0, 0)
    for root in roots:
        for pid in family(root):
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total.cpu += sum(int(field) for field in fields[11:15]) / _TICKS
                for line in Path(f"/proc/{pid}/io").read_text().splitlines():
                    if line.startswith("write_bytes:"):
                        total.written += int(line.split()[1])
    return total


def peak_memory(roots: Iterable[int]) -> int:
    """Returns the largest resident size that any of the processes has had, in bytes."""
    return _largest(roots, "VmHWM:")


def present_memory(roots: Iterable[int]) -> int:
    """Returns the largest resident size that any of the processes has now, in bytes."""
    return _largest(roots, "VmRSS:")


def _largest(roots: Iterable[int], name: str) -> int:
    largest = 0
    for root in roots:
        for pid in family(root):
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith(name):
                        largest = max(largest, int(line.split()[1]) * 1024)
    return largest

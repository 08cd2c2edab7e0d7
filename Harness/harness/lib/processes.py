"""Servers as processes: started so that they cannot be left behind, stopped, and asked what they cost."""

import ctypes
import os
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Failure(Exception):
    """Something that is told to the user in one line."""


def _die_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def start(arguments, *, directory, log, user=None, output=None):
    """Starts a server in a process group of its own, its words appended to the file `log`."""
    with open(log, "ab") as words:
        return subprocess.Popen(
            [str(argument) for argument in arguments],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output or words,
            stderr=words,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )


def stop(process, how=signal.SIGTERM, patience=15):
    """Ends a server that `start` started, and all its group."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    if process.stdout:
        process.stdout.close()


def free_port():
    """A port nobody listens on just now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def await_port(port, process, patience=30):
    """Returns once somebody accepts connections on the port."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failure(f"it ended at once with status {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.01)
    raise Failure(f"nobody listens on port {port} after {patience} s")


@dataclass
class Usage:
    """What processes have cost since they began."""

    cpu: float
    """Seconds of processor time, user and system."""
    written: int
    """Bytes sent towards the disk."""

    def __sub__(self, other):
        return Usage(self.cpu - other.cpu, self.written - other.written)


def family(root):
    """The process and all that descend from it."""
    pids, found = [root], []
    while pids:
        pid = pids.pop()
        found.append(pid)
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                pids += [int(child) for child in (task / "children").read_text().split()]
        except OSError:
            pass
    return found


def usage(roots):
    """What these processes and their children have cost; those that ended count with their parent."""
    total = Usage(0.0, 0)
    for root in roots:
        for pid in family(root):
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                total.cpu += sum(int(field) for field in fields[11:15]) / _TICKS
                for line in Path(f"/proc/{pid}/io").read_text().splitlines():
                    if line.startswith("write_bytes:"):
                        total.written += int(line.split()[1])
            except OSError:
                pass
    return total


def peak_memory(roots):
    """The largest resident size any one of the processes has had, in bytes."""
    return _largest(roots, "VmHWM:")


def present_memory(roots):
    """The largest resident size any one of the processes has now, in bytes."""
    return _largest(roots, "VmRSS:")


def _largest(roots, name):
    largest = 0
    for root in roots:
        for pid in family(root):
            try:
                for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                    if line.startswith(name):
                        largest = max(largest, int(line.split()[1]) * 1024)
            except OSError:
                pass
    return largest

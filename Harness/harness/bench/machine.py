"""The machine that the measurements were made on."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from ..lib.paths import ROOT

_MEMORY_FILE_SYSTEMS = {"tmpfs", "ramfs", "overlay"}


def file_system(path: Path) -> str:
    """Returns the type of the file system that holds the path."""
    resolved, best = str(path.resolve()), ("", "unknown")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, where, kind = line.split()[:3]
        inside = resolved == where or resolved.startswith(where.rstrip("/") + "/")
        if inside and len(where) >= len(best[0]):
            best = (where, kind)
    return best[1]


def working_directory(chosen: Path | None) -> Path:
    """Makes a directory for the servers' files: where the user wants it, otherwise on a real disk."""
    if chosen:
        return Path(tempfile.mkdtemp(prefix="beanrow-bench-", dir=chosen))
    candidates = [Path("/var/tmp"), Path(tempfile.gettempdir()), ROOT / ".build"]
    for candidate in candidates:
        if os.access(candidate, os.W_OK) and file_system(candidate) not in _MEMORY_FILE_SYSTEMS:
            return Path(tempfile.mkdtemp(prefix="beanrow-bench-", dir=candidate))
    return Path(tempfile.mkdtemp(prefix="beanrow-bench-"))


def sync_latency(directory: Path, times: int = 200) -> tuple[int, int]:
    """Returns how long a sync of a page of an existing file takes: median and 99th percentile, in microseconds."""
    taken = []
    with tempfile.TemporaryFile(dir=directory) as file:
        page = bytes(4096)
        for _ in range(64):
            file.write(page)
        file.flush()
        os.fsync(file.fileno())
        for turn in range(times):
            os.pwrite(file.fileno(), os.urandom(4096), turn % 64 * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            taken.append((time.perf_counter() - began) * 1e6)
    return round(statistics.median(taken)), round(statistics.quantiles(taken, n=100)[98])


def _first_line(*command: str) -> str:
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30)
        return (result.stdout or result.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "not found"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def _distribution() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.split("=", 1)[1].strip('"')
    return platform.system()


def describe(directory: Path) -> dict[str, str]:
    """Returns a table of the machine."""
    median, worst = sync_latency(directory)
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024 / 1024
    commit = _first_line("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=10")
    return {
        "processor": f"{os.cpu_count()} × {_processor()}, shared by servers and load generator",
        "memory": f"{memory:.0f} GiB",
        "system": f"{_distribution()}, Linux {platform.release()}",
        "file system": file_system(directory),
        "fdatasync of 4 KiB": f"{median} µs median, {worst} µs 99th percentile",
        "commit": commit,
        "Swift": _first_line("swift", "--version"),
        "C compiler": _first_line("cc", "--version"),
    }

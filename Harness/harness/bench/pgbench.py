"""Runs of pgbench: a script run by a number of clients, and what it cost."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ..lib import processes
from ..lib.failures import Failure
from ..lib.postgres import PostgresServer, programs
from .load import Measurement


def run(
    server: PostgresServer,
    database: str,
    script: str,
    *,
    clients: int,
    runs: int,
    directory: Path,
    time_limit: int,
) -> Measurement:
    """Lets each client run the script ``runs`` times. A latency is that of the whole script.

    The caller sets the number of tasks.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    (directory / "script.sql").write_text(script)
    command = [str(programs() / "pgbench"), *server.arguments(), "-n", "-M", "prepared", "-c", str(clients), "-j", "1"]
    command += ["-t", str(runs), "-f", "script.sql", "--log", "--log-prefix=run", database]
    before = processes.usage(server.roots)
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=time_limit)
    except subprocess.TimeoutExpired:
        raise Failure(f"pgbench did not end within {time_limit} s") from None
    cost = processes.usage(server.roots) - before
    if done.returncode != 0:
        raise Failure("pgbench: " + done.stderr.strip()[-300:])
    taken, ends = [], []
    for log in directory.glob("run*"):
        for line in log.read_text().splitlines():
            fields = line.split()
            if fields[2].isdigit():
                taken.append(int(fields[2]))
                ends.append(int(fields[4]) * 1_000_000 + int(fields[5]))
    if not taken:
        raise Failure("pgbench logged nothing: " + done.stderr.strip()[-300:])
    began = min(end - one for end, one in zip(ends, taken, strict=True))
    taken.sort()
    return Measurement(
        tasks=0,
        seconds=(max(ends) - began) / 1e6,
        rate=0,
        latencies={"p50": taken[len(taken) // 2], "p99": taken[len(taken) * 99 // 100], "max": taken[-1]},
        share=[1.0],
        cpu=cost.cpu,
        database_cpu=cost.cpu,
        written=cost.written,
    )

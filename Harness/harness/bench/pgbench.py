"""Runs of pgbench: a script at so many clients, and what it took."""

import shutil
import subprocess

from ..lib import processes
from .load import Measurement
from ..lib.processes import Failure


def run(cluster, database, script, *, clients, runs, folder, time_limit):
    """Runs the script `runs` times at each client; a latency is that of the whole script. The number of tasks is for the
    caller to say."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "script.sql").write_text(script)
    command = [
        f"{cluster.folder}/pgbench", *cluster.connection(database)[:-2], "-n", "-M", "prepared", "-c", str(clients), "-j", "1",
        "-t", str(runs), "-f", "script.sql", "--log", "--log-prefix=run", database,
    ]  # fmt: skip
    before = processes.usage(cluster.roots)
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=time_limit)
    except subprocess.TimeoutExpired:
        raise Failure(f"pgbench was not done within {time_limit} s") from None
    cost = processes.usage(cluster.roots) - before
    if done.returncode != 0:
        raise Failure("pgbench: " + done.stderr.strip()[-300:])
    taken, ends = [], []
    for log in folder.glob("run*"):
        for line in log.read_text().splitlines():
            fields = line.split()
            if fields[2].isdigit():
                taken.append(int(fields[2]))
                ends.append(int(fields[4]) * 1_000_000 + int(fields[5]))
    if not taken:
        raise Failure("pgbench logged nothing: " + done.stderr.strip()[-300:])
    began = min(end - one for end, one in zip(ends, taken))
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

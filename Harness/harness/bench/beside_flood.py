"""W14: what clients that read their answers notice of others that send without end and never read."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..lib import processes
from ..lib.beanstalk import Connection
from ..lib.failures import Failure
from ..lib.paths import ROOT
from .load import Generator
from .options import Say
from .results import Entry
from .systems import System

#: The clients that read their answers, and the connections that do not.
POLITE = 16
FLOODING = 200

#: The bytes of the body for which the flood asks.
_LARGE = 65_535


@contextmanager
def flood(port: int) -> Iterator[None]:
    """Floods a server with connections that never read."""
    with Connection(("127.0.0.1", port), patience=60) as client:
        client.ask("use flood")
        task = client.command("put", 0, 0, 60, body=b"x" * _LARGE).id
    command = [sys.executable, "-m", "harness.bench.flood", "--port", str(port), "--task", str(task)]
    command += ["--connections", str(FLOODING)]
    process = subprocess.Popen(command, cwd=ROOT / "Harness", stdout=subprocess.DEVNULL)
    try:
        # Long enough for all connections to be full.
        time.sleep(2)
        yield
        if process.poll() is not None:
            raise Failure("the flood has ended")
    finally:
        process.kill()
        process.wait()


def beside_flood(system: System, generator: Generator, directory: Path, tasks: int, say: Say) -> Entry:
    """Returns the latencies of polite clients, alone and beside the flood, in microseconds, and the peak memory."""
    system.start(directory)
    try:
        found: Entry = {"alone": _polite(system, generator, tasks)}
        with flood(system.ports[0]):
            found["beside"] = _polite(system, generator, tasks)
        found["peak_memory"] = processes.peak_memory(system.roots)
        words = ", ".join(
            f"{name} {found['alone'][name] / 1000:.1f} → {found['beside'][name] / 1000:.1f} ms"
            for name in found["alone"]
        )
        say(f"  {system.title:34} {words}")
        return found
    finally:
        system.dispose()


def _polite(system: System, generator: Generator, tasks: int) -> dict[str, float]:
    """Returns the latencies of a put, and of a reserve and a delete together."""
    run = generator.run(system, "life", connections=POLITE, tasks=tasks, queue="polite", time_limit=120)
    return {
        f"{name}_{rank}": float(sum(run.latencies[f"{part}_{rank}"] for part in parts))
        for rank in ("p50", "p99")
        for name, parts in (("put", ["put"]), ("reserve_and_delete", ["reserve", "delete"]))
    }

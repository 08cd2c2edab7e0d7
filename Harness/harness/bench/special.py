"""The measurements that are not a rate: what idling costs, and how fast a system is back."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ..lib import processes
from ..lib.beanstalk import BadReply, Connection, Disconnected, parse_statistics
from ..lib.failures import Failure
from .backlog import TUBE, prepare
from .load import Generator
from .options import Say
from .results import Entry
from .systems import Beanrow, Beanstalkd, System

IDLE_CONSUMERS = 100
CLAIMS = 1000


def idle(system: System, generator: Generator, directory: Path, seconds: float, say: Say) -> Entry:
    """Returns the processor time of a system while consumers wait for tasks that do not come, in percent of a core."""
    system.start(directory)
    try:
        command = generator.command(
            system, "idle", connections=IDLE_CONSUMERS, queue="idle", time_limit=int(seconds + 10)
        )
        consumers = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(2)
            before, began = processes.usage(system.roots), time.monotonic()
            time.sleep(seconds)
            cost, taken = processes.usage(system.roots) - before, time.monotonic() - began
            if consumers.poll() is not None:
                raise Failure("the consumers have ended")
        finally:
            consumers.kill()
            consumers.wait()
        percent = cost.cpu / taken * 100
        say(f"  {system.title:34} {percent:.2f} % of a core")
        return {
            "cpu_percent": percent,
            "written_per_second": cost.written / taken,
            "peak_memory": processes.peak_memory(system.roots),
        }
    finally:
        system.dispose()


def recovery(system: System, generator: Generator, directory: Path, tasks: int, say: Say) -> Entry:
    """Returns the seconds until a system with a backlog answers: after a start, and after SIGKILL."""
    try:
        if isinstance(system, Beanrow):
            found = _recovery_of_managers(system, directory, tasks)
        elif isinstance(system, Beanstalkd):
            found = _restart_of_beanstalkd(system, generator, directory, tasks)
        else:
            found = _restart_of_redis(system, generator, directory, tasks)
        words = ", ".join(f"{name.replace('_', ' ')} {value:.3f} s" for name, value in found.items())
        say(f"  {system.title:34} {words}")
        return dict(found)
    finally:
        system.dispose()


def _await_answer(port: int, question: str, expected: str) -> None:
    """Waits until the server gives the expected answer."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            with _connection(port) as client:
                if client.ask(question).line.decode("latin-1").startswith(expected):
                    return
        except (Disconnected, BadReply):
            pass
        time.sleep(0.002)
    raise Failure("it does not answer after 120 s")


def _connection(port: int) -> Connection:
    return Connection(("127.0.0.1", port), patience=60)


def _timed(launch: Callable[[], None], system: System, question: str, expected: str) -> float:
    began = time.monotonic()
    system.ports = []
    launch()
    _await_answer(system.ports[0], question, expected)
    return time.monotonic() - began


def _restart_of_redis(system: System, generator: Generator, directory: Path, tasks: int) -> dict[str, float]:
    system.start(directory)
    generator.run(system, "put", connections=64, depth=128, tasks=tasks, queue=TUBE)
    system.kill()
    return {"start_after_kill": _timed(system.launch, system, f"LLEN {TUBE}", f":{tasks}")}


def _restart_of_beanstalkd(system: Beanstalkd, generator: Generator, directory: Path, tasks: int) -> dict[str, float]:
    durable, system.sync = system.sync, "-F"  # Syncing is not measured here.
    system.start(directory)
    generator.run(system, "put", connections=64, depth=128, tasks=tasks, queue=TUBE)
    system.kill()
    system.sync = durable
    return {"start_after_kill": _timed(system.launch, system, f"stats-tube {TUBE}", "OK")}


def _recovery_of_managers(system: Beanrow, directory: Path, tasks: int) -> dict[str, float]:
    question = f"stats-tube {TUBE}"
    system.prepare = prepare(pending=tasks)
    system.start(directory)
    system.stop()
    found = {"start": _timed(system.add_manager, system, question, "OK")}
    for _ in range(system.managers - 1):
        system.add_manager()
    if system.managers > 1:
        holder = _claim(system.ports.pop(0))
        began = time.monotonic()
        processes.stop(system.running.pop(0), signal.SIGKILL)
        _await_claims_back(system.ports[0])
        found["claims_back_by_a_peer"] = time.monotonic() - began
        holder.close()
    holder = _claim(system.ports[0])
    system.kill()
    began = time.monotonic()
    found["start_after_kill"] = _timed(system.add_manager, system, question, "OK")
    _await_claims_back(system.ports[0])
    found["claims_back_after_kill"] = time.monotonic() - began
    holder.close()
    return found


def _claim(port: int) -> Connection:
    """Claims tasks; returns the connection, which holds them until its manager dies."""
    client = _connection(port)
    client.ask(f"watch {TUBE}")
    client.send(b"reserve-with-timeout 0\r\n" * CLAIMS)
    for _ in range(CLAIMS):
        if client.reply().word != "RESERVED":
            raise Failure("the backlog cannot be reserved")
    if _claimed(client) != CLAIMS:
        raise Failure("the claims are not counted")
    return client


def _claimed(client: Connection) -> int:
    """Returns how many tasks of the tube are claimed."""
    return int(parse_statistics(client.ask(f"stats-tube {TUBE}").body)["current-jobs-reserved"])


def _await_claims_back(port: int) -> None:
    deadline = time.monotonic() + 60
    with _connection(port) as client:
        while _claimed(client) > 0:
            if time.monotonic() > deadline:
                raise Failure("claims of a dead manager are still held after 60 s")
            time.sleep(0.005)

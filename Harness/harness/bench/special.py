"""The measurements that are no rate: what idling costs, and how fast a system is back."""

import signal
import socket
import subprocess
import time

from ..lib import processes
from .backlog import TUBE, prepare
from ..lib.processes import Failure

IDLE_CONSUMERS = 100
CLAIMS = 1000


class Client:
    """A beanstalk client for a few questions."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.file = self.socket.makefile("rb")

    def ask(self, command):
        """Sends a line and returns the first line of the answer; a body that follows is put into `body`."""
        self.socket.sendall(command.encode() + b"\r\n")
        return self.read()

    def read(self):
        line = self.file.readline().decode().strip()
        if line.startswith(("OK ", "RESERVED ")):
            self.body = self.file.read(int(line.split()[-1]) + 2)
        return line

    def claimed(self, tube):
        """How many of the tube's tasks are claimed."""
        self.ask(f"stats-tube {tube}")
        for line in self.body.decode().splitlines():
            if line.startswith("current-jobs-reserved:"):
                return int(line.split()[1])
        raise Failure("stats-tube does not tell how many jobs are reserved")

    def close(self):
        self.file.close()
        self.socket.close()


def idle(system, generator, directory, seconds, say):
    """Processor time of a system while consumers wait for tasks that do not come, in percent of one core."""
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
                raise Failure("the consumers did not stay")
        finally:
            consumers.kill()
            consumers.wait()
        percent = cost.cpu / taken * 100
        say(f"  {system.title:34} {percent:.2f} % of a core")
        return {"cpu_percent": percent, "written_per_second": cost.written / taken,
                "peak_memory": processes.peak_memory(system.roots)}  # fmt: skip
    finally:
        system.dispose()


def recovery(system, generator, directory, tasks, say):
    """Seconds until a system with so many tasks answers: after a start, and after SIGKILL."""
    try:
        if system.key == "redis":
            found = _restart_of_redis(system, generator, directory, tasks)
        elif system.key == "beanstalkd-f0":
            found = _restart_of_beanstalkd(system, generator, directory, tasks)
        else:
            found = _recovery_of_managers(system, directory, tasks)
        words = ", ".join(f"{name.replace('_', ' ')} {value:.3f} s" for name, value in found.items())
        say(f"  {system.title:34} {words}")
        return found
    finally:
        system.dispose()


def _first_answer(port, question, expected):
    """Waits until the server answers as expected."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            client = Client(port)
            answer = client.ask(question)
            client.close()
            if answer.startswith(expected):
                return
        except OSError:
            pass
        time.sleep(0.002)
    raise Failure("it does not answer after 120 s")


def _timed(launch, system, question, expected):
    began = time.monotonic()
    system.ports = []
    launch()
    _first_answer(system.ports[0], question, expected)
    return time.monotonic() - began


def _restart_of_redis(system, generator, directory, tasks):
    system.start(directory)
    generator.run(system, "put", connections=64, depth=128, tasks=tasks, queue=TUBE)
    system.kill()
    return {"start_after_kill": _timed(system.launch, system, f"LLEN {TUBE}", f":{tasks}")}


def _restart_of_beanstalkd(system, generator, directory, tasks):
    durable, system.sync = system.sync, "-F"  # syncing is not what is measured here
    system.start(directory)
    generator.run(system, "put", connections=64, depth=128, tasks=tasks, queue=TUBE)
    system.kill()
    system.sync = durable
    return {"start_after_kill": _timed(system.launch, system, f"stats-tube {TUBE}", "OK")}


def _recovery_of_managers(system, directory, tasks):
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


def _claim(port):
    """Claims tasks; returns the connection, which holds them until its manager dies."""
    client = Client(port)
    client.ask(f"watch {TUBE}")
    client.socket.sendall(b"reserve-with-timeout 0\r\n" * CLAIMS)
    for _ in range(CLAIMS):
        if not client.read().startswith("RESERVED"):
            raise Failure("the backlog cannot be reserved")
    if client.claimed(TUBE) != CLAIMS:
        raise Failure("the claims are not counted")
    return client


def _await_claims_back(port):
    client, deadline = Client(port), time.monotonic() + 60
    while client.claimed(TUBE) > 0:
        if time.monotonic() > deadline:
            raise Failure("claims of a dead manager are still held after 60 s")
        time.sleep(0.005)
    client.close()

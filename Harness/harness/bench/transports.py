"""What a transport costs a manager: TCP, a unix socket and TLS, each with the same commands.

The clients are in Python, so the rates say little about managers. The processor time of the managers per command does.
"""

from __future__ import annotations

import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..lib import processes
from ..lib.failures import Failure
from ..lib.managers import Manager, start_all, stop_all
from ..lib.ports import ReservedPort
from .options import Say

TRANSPORTS = ["tcp", "unix", "tls"]
WORKLOADS = ["put", "life", "pipelined put"]
CONNECTIONS = 16
AHEAD = 64
BODY = b"x" * 100
PUT = b"put 0 0 600 %d\r\n%s\r\n" % (len(BODY), BODY)


@dataclass(slots=True)
class Place:
    """A manager, and its listeners."""

    manager: Manager
    socket: Path
    tls: ReservedPort


class Client:
    """A connection that counts lines."""

    def __init__(self, connection: socket.socket) -> None:
        """Takes a connected socket."""
        self.connection = connection
        self.rest = b""

    def lines(self, count: int) -> list[bytes]:
        """Returns the next lines."""
        while self.rest.count(b"\n") < count:
            received = self.connection.recv(1 << 16)
            if not received:
                raise Failure("a manager closed a connection")
            self.rest += received
        *lines, self.rest = self.rest.split(b"\r\n", count)
        return lines


def measure(binary: Path, rounds: int, say: Say) -> str:
    """Measures all transports; returns a table in Markdown."""
    found: dict[tuple[int, str, str], list[float]] = {}
    for count in (1, 3):
        with tempfile.TemporaryDirectory(prefix="beanrow-transports-") as name:
            directory = Path(name)
            _certificates(directory)
            with _managers(binary, count, directory) as places:
                for _ in range(rounds):
                    for transport in TRANSPORTS:
                        for workload in WORKLOADS:
                            cost = _cost(places, transport, workload, directory)
                            found.setdefault((count, workload, transport), []).append(cost)
                            say(f"  {count} managers, {workload} over {transport}: {cost:.1f} µs per command")
    return _table(found)


def _table(found: dict[tuple[int, str, str], list[float]]) -> str:
    lines = ["| managers | workload | TCP | unix socket | TLS |", "|--:|---|--:|--:|--:|"]
    for count in (1, 3):
        for workload in WORKLOADS:
            costs = [sorted(found[count, workload, transport]) for transport in TRANSPORTS]
            middle = [values[len(values) // 2] for values in costs]
            cells = [f"{value:.1f} µs ({value / middle[0]:.2f}×)" for value in middle]
            lines.append(f"| {count} | {workload} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cost(places: list[Place], transport: str, workload: str, directory: Path) -> float:
    clients = [Client(_connect(places[number % len(places)], transport, directory)) for number in range(CONNECTIONS)]
    run = {"put": _put, "life": _life, "pipelined put": _pipelined}[workload]
    roots = [place.manager.pid for place in places]
    try:
        run(clients, 20)
        before = processes.usage(roots)
        commands = run(clients, 400)
        return (processes.usage(roots).cpu - before.cpu) * 1e6 / commands
    finally:
        for client in clients:
            client.connection.close()


def _put(clients: list[Client], times: int) -> int:
    for _ in range(times):
        _exchange(clients, PUT, 1)
    return times * len(clients)


def _pipelined(clients: list[Client], times: int) -> int:
    for _ in range(max(1, times // 8)):
        _exchange(clients, PUT * AHEAD, AHEAD)
    return max(1, times // 8) * len(clients) * AHEAD


def _life(clients: list[Client], times: int) -> int:
    for _ in range(times):
        _exchange(clients, PUT, 1)
        reserved = _exchange(clients, b"reserve\r\n", 2)
        ids = [lines[0].split()[1] for lines in reserved]
        for client, task in zip(clients, ids, strict=True):
            client.connection.sendall(b"delete %s\r\n" % task)
        for client in clients:
            client.lines(1)
    return times * len(clients) * 3


def _exchange(clients: list[Client], command: bytes, lines: int) -> list[list[bytes]]:
    for client in clients:
        client.connection.sendall(command)
    return [client.lines(lines) for client in clients]


def _connect(place: Place, transport: str, directory: Path) -> socket.socket:
    if transport == "unix":
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(place.socket))
        return connection
    port = place.tls.number if transport == "tls" else place.manager.address[1]
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if transport == "tcp":
        return connection
    context = ssl.create_default_context(cafile=directory / "manager.crt")
    return context.wrap_socket(connection, server_hostname="localhost")


@contextmanager
def _managers(binary: Path, count: int, directory: Path) -> Iterator[list[Place]]:
    places = []
    for number in range(count):
        path, port = directory / f"m{number}.sock", ReservedPort()
        options = ["--listen", f"unix:{path}", "--listen-tls", f"127.0.0.1:{port.number}"]
        options += ["--tls-certificate", str(directory / "manager.crt"), "--tls-key", str(directory / "manager.key")]
        log = directory / f"m{number}.log"
        manager = Manager(binary, directory / f"tasks-{count}.db", f"m{number}", log, options=options)
        places.append(Place(manager, path, port))
    managers = [place.manager for place in places]
    try:
        start_all(managers)
        yield places
    finally:
        stop_all(managers)


def _certificates(directory: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(directory / "manager.key"), "-out", str(directory / "manager.crt")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise Failure(f"openssl failed: {result.stderr}")

"""All connections to one of the two sides."""

from __future__ import annotations

import contextlib
import selectors
import time

from ..lib.beanstalk import Address, Connection, Disconnected, parse_statistics


class Side:
    """All connections to one side: to beanstalkd, or to one or several managers that share a file.

    Besides the connections of the stream, which have numbers, there is one probe per server of the side with more
    servers, so that both sides have the same number of connections.
    """

    def __init__(self, name: str, addresses: list[Address], probes: int, patience: float) -> None:
        """Connects the probes."""
        self.name = name
        self.patience = patience
        self.addresses = addresses
        self.links: dict[int, Connection] = {}
        self._selector = selectors.DefaultSelector()
        self._probes = [Connection(addresses[index % len(addresses)]) for index in range(probes)]
        #: How many ``stats`` each server got besides those of the stream.
        self.probings = [0] * len(addresses)
        for probe in self._probes:
            probe.ask("list-tube-used")

    def open(self, number: int, server: int) -> None:
        """Opens a connection of the stream."""
        link = Connection(self.addresses[server % len(self.addresses)])
        self.links[number] = link
        self._selector.register(link.socket, selectors.EVENT_READ, link)

    def send(self, number: int, data: bytes) -> None:
        """Sends bytes on a connection of the stream; its end is found when it is read."""
        with contextlib.suppress(Disconnected):
            self.links[number].send(data)

    def forget(self, number: int) -> None:
        """Closes the client's end of a connection."""
        link = self.links.pop(number)
        self._silence(link)
        link.close()

    def pump(self, timeout: float) -> bool:
        """Reads what has come, after waiting for it up to ``timeout`` seconds; returns whether anything came."""
        events = self._selector.select(timeout)
        for key, _ in events:
            link: Connection = key.data
            link.read()
            if link.ended:
                self._silence(link)
        return bool(events)

    def probe(self, server: int) -> dict[str, str]:
        """Returns what ``stats`` of a server says now. It is counted in ``probings``."""
        self.probings[server] += 1
        return parse_statistics(self._probes[server].ask("stats").body)

    def wait_until_waiting(self, server: int, count: int) -> bool:
        """Asks a server until exactly ``count`` connections wait for a task there; returns whether they do."""
        deadline = time.monotonic() + self.patience
        while int(self.probe(server)["current-waiting"]) != count:
            if time.monotonic() > deadline:
                return False
        return True

    def close(self) -> None:
        """Closes all connections."""
        for link in [*self.links.values(), *self._probes]:
            link.close()
        self._selector.close()

    def _silence(self, link: Connection) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(link.socket)

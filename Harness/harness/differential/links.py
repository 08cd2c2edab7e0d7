"""Connections to one of the two sides."""

import selectors
import socket
import time

from .replies import Reply, ReplyReader

Address = tuple[str, int]

#: Seconds after which a reply that has not come is taken never to come. Nothing is expected to be quick.
PATIENCE = 30.0


class NoReply(Exception):
    """A server did not do in a long time what it had to do."""


class Link:
    """One connection of a client."""

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        self.socket = socket.create_connection(address, timeout=patience)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = ReplyReader()
        self.ended = False
        """The server has closed the connection."""
        self.received = 0
        """Replies that have come so far."""

    def send(self, data: bytes) -> None:
        """Sends bytes as one packet, as far as that is in a client's power."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # That the server is gone is seen when reading.

    def finish(self) -> None:
        """Says that no more will be sent; replies can still be read."""
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def read(self) -> None:
        """Reads once what is there."""
        try:
            data = self.socket.recv(1 << 16)
            # beanstalkd holds a small reply back until the one before it is acknowledged; Linux forgets this setting.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except ConnectionResetError:
            data = b""
        if not data:
            self.ended = True
            return
        before = len(self._reader.replies)
        self._reader.feed(data)
        self.received += len(self._reader.replies) - before

    def take(self) -> Reply | None:
        """Takes the oldest reply not taken yet."""
        return self._reader.replies.popleft() if self._reader.replies else None

    @property
    def rest(self) -> bytes:
        """Bytes received that are no whole reply."""
        return self._reader.rest

    def ask(self, command: bytes) -> Reply:
        """Sends one command that does not wait, and waits for its reply."""
        self.send(command)
        while (reply := self.take()) is None:
            if self.ended:
                raise NoReply(f"the server closed the connection on {command!r}")
            try:
                self.read()
            except TimeoutError:
                raise NoReply(f"no reply to {command!r} in a long time") from None
        return reply

    def close(self) -> None:
        """Closes the client's end."""
        self.socket.close()


class Side:
    """All connections to one side: to beanstalkd, or to one or several managers that share a file.

    Besides the connections of the stream, which have numbers, there is one probe for each server of the side with
    more of them, so that both sides have the same number of connections.
    """

    def __init__(self, name: str, addresses: list[Address], probes: int, patience: float) -> None:
        self.name = name
        self.patience = patience
        self.addresses = addresses
        self.links: dict[int, Link] = {}
        self._selector = selectors.DefaultSelector()
        self._probes = [Link(addresses[index % len(addresses)]) for index in range(probes)]
        self.probings = [0] * len(addresses)
        """How many ``stats`` each server was asked beyond the stream."""
        for probe in self._probes:
            probe.ask(b"list-tube-used\r\n")

    def open(self, number: int, server: int) -> None:
        """Opens a connection of the stream."""
        link = Link(self.addresses[server % len(self.addresses)])
        self.links[number] = link
        self._selector.register(link.socket, selectors.EVENT_READ, link)

    def forget(self, number: int) -> None:
        """Closes the client's end of a connection."""
        link = self.links.pop(number)
        self._silence(link)
        link.close()

    def pump(self, timeout: float) -> bool:
        """Reads what has come; waits up to ``timeout`` seconds for something.

        Returns whether something came.
        """
        events = self._selector.select(timeout)
        for key, _ in events:
            link: Link = key.data
            link.read()
            if link.ended:
                self._silence(link)
        return bool(events)

    def probe(self, server: int) -> dict[str, str]:
        """What ``stats`` of a server says now; counted in ``probings``."""
        self.probings[server] += 1
        reply = self._probes[server].ask(b"stats\r\n")
        return dict(line.split(": ", 1) for line in (reply.body or b"").decode("latin-1").splitlines()[1:])

    def wait_until_waiting(self, server: int, count: int) -> bool:
        """Asks a server until exactly ``count`` connections wait for a task there; whether that came to be."""
        deadline = time.monotonic() + self.patience
        while int(self.probe(server)["current-waiting"]) != count:
            if time.monotonic() > deadline:
                return False
        return True

    def close(self) -> None:
        """Closes everything."""
        for link in [*self.links.values(), *self._probes]:
            link.close()
        self._selector.close()

    def _silence(self, link: Link) -> None:
        try:
            self._selector.unregister(link.socket)
        except (KeyError, ValueError):
            pass

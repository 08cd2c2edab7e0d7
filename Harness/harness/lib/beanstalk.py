"""A blocking client of the beanstalk protocol, for tools that must know when each byte was sent and received."""

from __future__ import annotations

import contextlib
import socket
from collections import deque
from dataclasses import dataclass
from types import TracebackType

from .failures import Failure

Address = tuple[str, int]

#: The seconds after which a reply counts as missing. No reply is expected to be quick.
PATIENCE = 30.0

#: The replies that a body follows, with the number of their words.
_WITH_BODY = {b"RESERVED": 3, b"FOUND": 3, b"OK": 2}


class Disconnected(Failure):
    """The connection is lost. It is unknown whether the server has executed what was sent."""


class Stalled(Disconnected):
    """No reply came within the connection's patience; the connection is given up."""


class BadReply(Failure):
    """The received bytes are not a reply of the protocol."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's reply: its line without the line end, and its body if it has one."""

    line: bytes
    body: bytes | None = None

    @property
    def words(self) -> list[bytes]:
        """The words of the line."""
        return self.line.split(b" ")

    @property
    def word(self) -> str:
        """The first word, which says what kind of reply it is."""
        return self.words[0].decode("latin-1")

    @property
    def arguments(self) -> tuple[str, ...]:
        """The other words."""
        return tuple(word.decode("latin-1") for word in self.words[1:])

    @property
    def id(self) -> int:
        """The first argument, for replies that name a task.

        Raises:
            IndexError: if there is none.
            ValueError: if it is not a number.

        """
        return int(self.words[1])

    @property
    def task(self) -> int | None:
        """The id of the task that the reply is about, None if it names no task."""
        if self.words[0] in (b"RESERVED", b"FOUND", b"INSERTED") or (len(self.words) == 2 and self.word == "BURIED"):
            return self.id
        return None

    @property
    def size(self) -> int:
        """The number of its bytes on the wire."""
        return len(self.line) + 2 + (0 if self.body is None else len(self.body) + 2)

    def abbreviated(self, most: int = 100) -> str:
        """Returns the reply as text, with at most ``most`` characters of the body."""
        text = self.line.decode("latin-1")
        if self.body is None:
            return text
        body = repr(self.body)[1:]
        return f"{text} {body}" if len(body) <= most else f"{text} {body[:most]}…"

    def __str__(self) -> str:
        return self.abbreviated(10_000)


class ReplyReader:
    """Splits a stream of bytes into replies."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.replies: deque[Reply] = deque()
        #: How many replies were complete so far, taken or not.
        self.count = 0

    def feed(self, data: bytes) -> None:
        """Adds received bytes; appends complete replies to ``replies``."""
        self._bytes += data
        while (reply := self._next()) is not None:
            self.replies.append(reply)
            self.count += 1

    @property
    def rest(self) -> bytes:
        """The bytes behind the last complete reply."""
        return bytes(self._bytes)

    def _next(self) -> Reply | None:
        end = self._bytes.find(b"\r\n")
        if end < 0:
            return None
        line = bytes(self._bytes[:end])
        words = line.split(b" ")
        if words[0] not in _WITH_BODY:
            del self._bytes[: end + 2]
            return Reply(line)
        if not words[-1].isdigit() or len(words) != _WITH_BODY[words[0]]:
            raise BadReply(f"no such reply: {line!r}")
        start, size = end + 2, int(words[-1])
        if len(self._bytes) < start + size + 2:
            return None
        body = bytes(self._bytes[start : start + size])
        if self._bytes[start + size : start + size + 2] != b"\r\n":
            raise BadReply(f"no line end after the {size} bytes of {line!r}: {bytes(self._bytes[start:])!r}")
        del self._bytes[: start + size + 2]
        return Reply(line, body)


class Connection:
    """One connection to a server.

    Every error of the socket becomes `Disconnected`, after which the connection is of no use.
    """

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        """Connects; ``patience`` is how many seconds to wait for each reply."""
        self.address = address
        self.patience = patience
        #: The bytes of the replies taken so far.
        self.bytes_taken = 0
        #: Whether the server has closed the connection.
        self.ended = False
        self._end = "closed by the server"
        self._reader = ReplyReader()
        try:
            self.socket = socket.create_connection(address, timeout=patience)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A client whose manager ended while the link was cut would otherwise wait without end. The link itself may
            # be cut for a minute.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 60)):
                self.socket.setsockopt(socket.IPPROTO_TCP, option, value)
        except OSError as error:
            raise Disconnected(str(error)) from error

    def __enter__(self) -> Connection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def local_port(self) -> int:
        """The client's port, by which a server knows the connection."""
        return int(self.socket.getsockname()[1])

    @property
    def replies_received(self) -> int:
        """How many complete replies have come, taken or not."""
        return self._reader.count

    @property
    def rest(self) -> bytes:
        """The received bytes that are not a complete reply."""
        return self._reader.rest

    def send(self, data: bytes) -> None:
        """Hands bytes to the kernel, as one packet if possible."""
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Disconnected(str(error)) from error

    def finish(self) -> None:
        """Closes the sending half; replies can still be read."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def read(self) -> None:
        """Waits until bytes come and reads them once; sets ``ended`` if the connection has ended."""
        try:
            data = self.socket.recv(1 << 16)
            # beanstalkd holds back a small reply until the one before it is acknowledged. Linux forgets this option.
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        except TimeoutError as error:
            raise Stalled(f"no reply within {self.socket.gettimeout():g} s") from error
        except OSError as error:
            data, self._end = b"", str(error) or type(error).__name__
        if data:
            self._reader.feed(data)
        else:
            self.ended = True

    def take(self) -> Reply | None:
        """Takes the oldest reply that was not taken yet, None if there is none."""
        if not self._reader.replies:
            return None
        reply = self._reader.replies.popleft()
        self.bytes_taken += reply.size
        return reply

    def reply(self) -> Reply:
        """Waits for the next reply."""
        while (reply := self.take()) is None:
            if self.ended:
                raise Disconnected(self._end)
            self.read()
        return reply

    def command(self, *words: object, body: bytes | None = None) -> Reply:
        """Sends one command and waits for its reply."""
        self.send(encode(*words, body=body))
        return self.reply()

    def ask(self, line: str) -> Reply:
        """Sends one line and waits for its reply."""
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def close(self) -> None:
        """Closes the connection; the server releases its tasks."""
        self.socket.close()

    def reset(self) -> None:
        """Closes the connection with a reset, as a crashed machine answers the next packet."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()


def encode(*words: object, body: bytes | None = None) -> bytes:
    """Returns a command as it is sent; the length of a body is added."""
    line = " ".join(str(word) for word in words)
    if body is None:
        return f"{line}\r\n".encode()
    return f"{line} {len(body)}\r\n".encode() + body + b"\r\n"


def parse_statistics(body: bytes | None) -> dict[str, str]:
    """Returns the flat dictionary in the YAML of a ``stats`` command."""
    lines = (body or b"").decode("latin-1").splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)

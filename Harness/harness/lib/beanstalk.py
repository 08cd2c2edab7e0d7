"""A plain blocking client of the beanstalk protocol, for tests that must know when each byte was sent and received."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from types import TracebackType

Address = tuple[str, int]

#: Replies that are followed by a body, and which of their words says how long it is.
_WITH_BODY = {b"RESERVED": 2, b"FOUND": 2, b"OK": 1}


class Disconnected(Exception):
    """The connection is gone; whether what was asked has happened is not known."""


class Stalled(Disconnected):
    """No answer came for as long as the caller was ready to wait; the connection is given up."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer: its words, and its body where it has one."""

    word: str
    arguments: tuple[str, ...] = ()
    body: bytes = b""

    @property
    def id(self) -> int:
        """The task that the answer names."""
        return int(self.arguments[0])


@dataclass(slots=True)
class Connection:
    """One connection to a manager.

    Every failure of the socket becomes `Disconnected`, after which the connection is of no use.
    """

    address: Address
    timeout: float = 30.0
    #: Bytes of replies taken so far.
    received: int = 0
    _socket: socket.socket = field(init=False, repr=False)
    _buffer: bytearray = field(default_factory=bytearray, repr=False)

    def __post_init__(self) -> None:
        try:
            self._socket = socket.create_connection(self.address, timeout=self.timeout)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Who waits for a manager that ended while the way to it was cut would never hear of it. The way itself may be
            # cut for a minute.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1), (socket.TCP_KEEPCNT, 60)):
                self._socket.setsockopt(socket.IPPROTO_TCP, option, value)
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
        """The client's end: by this a server knows the connection."""
        return int(self._socket.getsockname()[1])

    def send(self, data: bytes) -> None:
        """Hands bytes to the kernel."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Disconnected(str(error)) from error

    def command(self, *words: object, body: bytes | None = None) -> Reply:
        """Sends one command and waits for its answer."""
        self.send(encode(*words, body=body))
        return self.reply()

    def reply(self, timeout: float | None = None) -> Reply:
        """Waits for the next answer."""
        self._socket.settimeout(self.timeout if timeout is None else timeout)
        line = self._take_line()
        words = line.split(b" ")
        body = b""
        if words[0] in _WITH_BODY:
            length = int(words[_WITH_BODY[words[0]]])
            body = self._take(length + 2)[:-2]
        return Reply(words[0].decode(), tuple(word.decode() for word in words[1:]), body)

    def close(self) -> None:
        """Closes the connection; the server gives its tasks back."""
        self._socket.close()

    def break_off(self) -> None:
        """Closes the connection with a reset, as a crashed machine's answer to the next packet would."""
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        except OSError:
            pass
        self._socket.close()

    def _take_line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        self.received += end + 2
        return line

    def _take(self, length: int) -> bytes:
        while len(self._buffer) < length:
            self._fill()
        data = bytes(self._buffer[:length])
        del self._buffer[:length]
        self.received += length
        return data

    def _fill(self) -> None:
        try:
            data = self._socket.recv(65536)
        except TimeoutError as error:
            raise Stalled(f"no answer within {self._socket.gettimeout():g} s") from error
        except OSError as error:
            raise Disconnected(str(error) or type(error).__name__) from error
        if not data:
            raise Disconnected("closed by the manager")
        self._buffer += data


def encode(*words: object, body: bytes | None = None) -> bytes:
    """A command as it stands on the wire; the body's length is added where there is one."""
    line = " ".join(str(word) for word in words)
    if body is None:
        return f"{line}\r\n".encode()
    return f"{line} {len(body)}\r\n".encode() + body + b"\r\n"


def parse_yaml(body: bytes) -> dict[str, str]:
    """The flat dictionary of a `stats` command."""
    lines = body.decode().splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)

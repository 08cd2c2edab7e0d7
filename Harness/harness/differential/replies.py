"""Replies of a beanstalk server, taken out of the bytes as they come."""

from collections import deque
from dataclasses import dataclass

_WITH_BODY = {b"RESERVED", b"FOUND", b"OK"}


class BadReply(Exception):
    """The bytes are no reply of the protocol."""


@dataclass(frozen=True)
class Reply:
    """One reply: its line without the line end and, for some, the chunk that follows it."""

    line: bytes
    body: bytes | None = None

    @property
    def words(self) -> list[bytes]:
        """The words of the line."""
        return self.line.split(b" ")

    @property
    def word(self) -> str:
        """What kind of reply it is."""
        return self.words[0].decode("latin-1")

    @property
    def task(self) -> int | None:
        """The id of the task that the reply is about, where it names one."""
        if self.words[0] in (b"RESERVED", b"FOUND", b"INSERTED") or len(self.words) == 2 and self.word == "BURIED":
            return int(self.words[1])
        return None

    def abbreviated(self, most: int = 100) -> str:
        """The reply for a person, the chunk only in part."""
        text = self.line.decode("latin-1")
        if self.body is None:
            return text
        body = repr(self.body)[1:]
        return f"{text} {body}" if len(body) <= most else f"{text} {body[:most]}…"

    def __str__(self) -> str:
        return self.abbreviated(10_000)


class ReplyReader:
    """Cuts a stream of bytes into replies."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self.replies: deque[Reply] = deque()

    def feed(self, data: bytes) -> None:
        """Takes some bytes; whole replies are appended to ``replies``."""
        self._bytes += data
        while (reply := self._next()) is not None:
            self.replies.append(reply)

    @property
    def rest(self) -> bytes:
        """Bytes that are no whole reply yet."""
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
        if not words[-1].isdigit() or len(words) != (2 if words[0] == b"OK" else 3):
            raise BadReply(f"no such reply: {line!r}")
        start, size = end + 2, int(words[-1])
        if len(self._bytes) < start + size + 2:
            return None
        body = bytes(self._bytes[start : start + size])
        if self._bytes[start + size : start + size + 2] != b"\r\n":
            raise BadReply(f"no line end after the {size} bytes of {line!r}: {bytes(self._bytes[start:])!r}")
        del self._bytes[: start + size + 2]
        return Reply(line, body)

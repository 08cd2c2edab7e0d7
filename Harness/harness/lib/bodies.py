"""Task bodies that tell who put them and whether they are whole."""

from __future__ import annotations

import random
import zlib


def make(key: str, size: int) -> bytes:
    """A body for this key, which has no spaces and is used once; `size` is the least length."""
    head = f"{key} {size} ".encode()
    missing = size - len(head)
    if missing <= 0:
        return head
    pattern = f"{zlib.crc32(head):08x}".encode()
    return head + (pattern * (missing // len(pattern) + 1))[:missing]


def key_of(body: bytes | None) -> str | None:
    """The key of a body; none if there is none or it is not exactly what `make` made."""
    if body is None:
        return None
    try:
        key, size, _ = body.split(b" ", 2)
        text = key.decode("ascii")
        return text if make(text, int(size)) == body else None
    except (ValueError, UnicodeDecodeError):
        return None


def shown(body: bytes | None) -> str:
    """The start of a body that is not as it was put, for a report."""
    return "no body" if body is None else f"a body that nobody put: {body[:60]!r}"


def some_size(rng: random.Random) -> int:
    """A size: mostly small, at times several pages, seldom near the limit."""
    dice = rng.random()
    if dice < 0.9:
        return rng.randint(10, 300)
    if dice < 0.98:
        return rng.randint(300, 9000)
    return rng.randint(9000, 65000)

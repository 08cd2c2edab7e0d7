"""Task bodies that name the put that they come from and show any damage."""

from __future__ import annotations

import random
import zlib


def make(key: str, size: int) -> bytes:
    """Returns a body of at least ``size`` bytes for a key, which has no spaces and is used once."""
    head = f"{key} {size} ".encode()
    missing = size - len(head)
    if missing <= 0:
        return head
    pattern = f"{zlib.crc32(head):08x}".encode()
    return head + (pattern * (missing // len(pattern) + 1))[:missing]


def key_of(body: bytes | None) -> str | None:
    """Returns the key of a body, None if the body is missing or differs from what `make` returned."""
    if body is None:
        return None
    try:
        key, size, _ = body.split(b" ", 2)
        text = key.decode("ascii")
        return text if make(text, int(size)) == body else None
    except (ValueError, UnicodeDecodeError):
        return None


def shown(body: bytes | None) -> str:
    """Returns the start of a damaged body, for a report."""
    return "no body" if body is None else f"a body that no client put: {body[:60]!r}"


def some_size(rng: random.Random) -> int:
    """Returns a size: mostly small, sometimes several pages, rarely near the limit."""
    dice = rng.random()
    if dice < 0.9:
        return rng.randint(10, 300)
    if dice < 0.98:
        return rng.randint(300, 9000)
    return rng.randint(9000, 65000)

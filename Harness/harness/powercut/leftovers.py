"""The files beside a database that managers use while they run, as a power cut leaves them."""

from __future__ import annotations

import os
import random
import uuid
from pathlib import Path

from .disk import SECTOR
from .trace import Trace


class Leftovers:
    """The -lock file and the -wake pipes during a run.

    They are never synced, and managers must not need them after a power cut: they must start and work whatever part of
    the content has reached the disk.
    """

    def __init__(self, database: Path) -> None:
        """Takes the path of the database."""
        self.database = database
        #: The contents of the -lock file, each with the position in the trace directly after it was read.
        self.locks: list[tuple[int, bytes]] = []
        self.pipes: set[str] = set()

    def look(self, trace: Trace) -> None:
        """Records the files as they are now."""
        for path in self.database.parent.glob(f"{self.database.name}-*"):
            suffix = path.name.removeprefix(self.database.name)
            if suffix == "-lock":
                content = path.read_bytes()
                self.locks.append((trace.position, content))
            elif path.is_fifo():
                self.pipes.add(suffix)

    def write(self, database: Path, cut: int, rng: random.Random) -> None:
        """Writes them beside a database as they were at a time before the cut: whole, in part, empty, or not at all."""
        for suffix in sorted(self.pipes):
            if rng.random() < 0.5:
                os.mkfifo(database.with_name(database.name + suffix), 0o600)
        locks = [content for position, content in self.locks if position <= cut]
        if not locks or rng.random() < 0.2:
            return
        content = bytearray(rng.choice(locks)[: rng.choice((0, None, None, None))])
        share = rng.random() + 0.1
        for start in range(0, len(content), SECTOR):
            if rng.random() > share:
                content[start : start + SECTOR] = bytes(len(content[start : start + SECTOR]))
        database.with_name(database.name + "-lock").write_bytes(of_another_boot(bytes(content), rng))


def of_another_boot(content: bytes, rng: random.Random) -> bytes:
    """Returns the content as an earlier boot of the machine has left it: with another boot id."""
    now = uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text().strip()).bytes
    before = rng.randbytes(len(now))
    for half in (slice(0, 8), slice(8, 16)):
        # The id read as a number, or its bytes as they are.
        content = content.replace(now[half][::-1], before[half]).replace(now[half], before[half])
    return content

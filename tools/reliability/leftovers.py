"""The files beside a database that managers use while they live, as a power cut leaves them."""

from __future__ import annotations

import os
import random
from pathlib import Path

from .disk import SECTOR


class Leftovers:
    """What was seen of the -lock file and the -wake pipes during a run.

    They are never synced, and nothing in them may be needed after a power cut: whatever part of their content reached
    the disk, managers must start beside them and work.
    """

    def __init__(self, database: Path) -> None:
        self.database = database
        self.locks: list[bytes] = []
        self.pipes: set[str] = set()

    def look(self) -> None:
        """Notes how the files are now."""
        for path in self.database.parent.glob(f"{self.database.name}-*"):
            suffix = path.name.removeprefix(self.database.name)
            if suffix == "-lock":
                self.locks.append(path.read_bytes())
            elif path.is_fifo():
                self.pipes.add(suffix)

    def write(self, database: Path, rng: random.Random) -> None:
        """Puts them beside a database: whole, in part, empty, or not at all."""
        for suffix in sorted(self.pipes):
            if rng.random() < 0.5:
                os.mkfifo(database.with_name(database.name + suffix), 0o600)
        if not self.locks or rng.random() < 0.2:
            return
        content = bytearray(rng.choice(self.locks)[: rng.choice((0, None, None, None))])
        share = rng.random() + 0.1
        for start in range(0, len(content), SECTOR):
            if rng.random() > share:
                content[start : start + SECTOR] = bytes(len(content[start : start + SECTOR]))
        database.with_name(database.name + "-lock").write_bytes(content)

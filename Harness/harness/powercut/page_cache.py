"""Orders to preload/cache: which sync fails, how, and when dropped pages are evicted."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path

from ..lib.paths import preload_library

_BYTES = 4096


class Role(IntEnum):
    """One of the database's files."""

    DATABASE = 1
    LOG = 2


class Failure(IntEnum):
    """What fails in a sync; see cache.h."""

    WRITE_BACK = 1
    FLUSH = 2


class Ending(IntEnum):
    """How the call of the failing sync ends."""

    RETURNS = 0
    #: Its process is killed within the call, after it has seen the error, or before.
    KILLED = 1
    KILLED_UNSEEN = 2


class PageCache:
    """The control file that processes with preload/cache share. The order of its words is in cache.h."""

    def __init__(self, path: Path) -> None:
        """Makes the file."""
        self.path = path
        with path.open("x+b") as file:
            file.truncate(_BYTES)
            self._memory = mmap.mmap(file.fileno(), _BYTES)
        self._words = memoryview(self._memory).cast("q")

    def environment(self, database: Path, trace: Mapping[str, str]) -> dict[str, str]:
        """Returns what a process needs in its environment to use this disk, with what it needs for the trace."""
        return {
            **trace,
            "LD_PRELOAD": f"{os.fspath(preload_library('cache'))}:{trace['LD_PRELOAD']}",
            "BEANROW_CACHE": os.fspath(self.path),
            "BEANROW_CACHE_DATABASE": os.fspath(database.parent.resolve() / database.name),
        }

    def fail(
        self,
        failure: Failure,
        role: Role,
        *,
        after: int = 0,
        process: int = 0,
        ending: Ending = Ending.RETURNS,
        share: int = 100,
        evicts: bool = False,
        seed: int = 0,
    ) -> None:
        """Orders that one sync fails; see ``struct orders``."""
        for index, value in ((1, role), (2, after), (3, process), (4, ending), (5, share), (6, evicts), (8, 0)):
            self._words[index] = int(value)
        if seed:
            self._words[13] = seed
        self._words[0] = failure

    def evict(self) -> None:
        """Orders that all dropped pages are evicted before any process uses its files again."""
        self._words[7] = 1

    @property
    def failed(self) -> int:
        """The process whose sync has failed; 0 if none has."""
        return self._words[8]

    @property
    def dropped(self) -> int:
        """The number of dropped pages."""
        return self._words[9]

    @property
    def evicted(self) -> int:
        """The number of evicted pages."""
        return self._words[10]

    @property
    def told(self) -> int:
        """The number of syncs that have returned an error."""
        return self._words[11]

    @property
    def refused(self) -> bool:
        """Whether something happened that is not modelled."""
        return self._words[12] != 0

    def close(self) -> None:
        """Releases the memory."""
        self._words.release()
        self._memory.close()

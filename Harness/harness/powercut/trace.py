"""Reading the trace that preload/trace writes."""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from ..lib.paths import preload_library

_HEADER = struct.Struct("=QQQQQ")
_HEADER_SIZE = 4096
_RECORD = struct.Struct("=IIQQQQQqII")


class Kind(IntEnum):
    """What a record tells of."""

    OPEN = 1
    WRITE = 2
    TRUNCATE = 3
    ALLOCATE = 4
    SYNC = 5
    UNLINK = 6
    RENAME = 7
    MAP = 8
    SEND = 9
    DROP = 10
    EVICT = 11


@dataclass(frozen=True, slots=True)
class Record:
    """One call, as the trace has it; the fields' meaning by kind stands in trace.h."""

    kind: Kind
    begin: int
    end: int
    handle: int
    offset: int
    length: int
    result: int
    data: bytes

    @property
    def number(self) -> int:
        """The record's place in the order of everything: a sync counts when it returns, all else when it begins."""
        return self.end if self.kind is Kind.SYNC else self.begin

    @property
    def returned(self) -> bool:
        """Whether the call is known to have returned: not where the process was killed first."""
        return self.end > 0


class Trace:
    """A trace being written by other processes, or complete."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._words = memoryview(self._memory)[:_HEADER_SIZE].cast("Q")

    @classmethod
    def create(cls, path: Path, capacity: int) -> Trace:
        """Makes an empty trace; the file is sparse, so a large capacity costs nothing by itself."""
        library = ctypes.CDLL(os.fspath(preload_library("trace")))
        library.trace_create.argtypes = [ctypes.c_char_p, ctypes.c_uint64]
        error = library.trace_create(os.fsencode(path), capacity)
        if error != 0:
            raise OSError(error, os.strerror(error), os.fspath(path))
        return cls(path)

    def environment(self, database: Path, without_sync: bool = False) -> dict[str, str]:
        """What a process needs in its environment to write here."""
        variables = {
            "LD_PRELOAD": os.fspath(preload_library("trace")),
            "BEANROW_TRACE": os.fspath(self.path),
            "BEANROW_TRACE_DATABASE": os.fspath(database),
        }
        if without_sync:
            variables["BEANROW_TRACE_NO_SYNC"] = "1"
        return variables

    @property
    def position(self) -> int:
        """The number taken last: everything numbered higher has not begun yet."""
        return self._words[1]

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._words[2]

    @property
    def full_at(self) -> int:
        """The number at which the trace had no more room; 0 while it has."""
        return self._words[4]

    def records(self) -> Iterator[Record]:
        """All records, in the order of their numbers."""
        place, tail = _HEADER_SIZE, self.size
        while place < tail:
            size, kind, begin, end, handle, offset, length, result, _, payload = _RECORD.unpack_from(
                self._memory, place
            )
            start = place + _RECORD.size
            data = self._memory[start : start + payload]
            yield Record(Kind(kind), begin, end, handle, offset, length, result, data)
            place += size

    def close(self) -> None:
        """Lets go of the memory."""
        self._words.release()
        self._memory.close()

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
    """The kind of a call."""

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
    """One call. The meaning of the fields for each kind is in trace.h."""

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
        """Its position in the order of all events: a sync counts when it returns, any other call when it begins."""
        return self.end if self.kind is Kind.SYNC else self.begin

    @property
    def returned(self) -> bool:
        """Whether it is known that the call has returned; it is not if the process was killed."""
        return self.end > 0


class Trace:
    """A trace that other processes write, or have written."""

    def __init__(self, path: Path) -> None:
        """Maps a trace that exists."""
        self.path = path
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._words = memoryview(self._memory)[:_HEADER_SIZE].cast("Q")

    @classmethod
    def create(cls, path: Path, capacity: int) -> Trace:
        """Makes an empty trace. The file is sparse, so a large capacity costs nothing."""
        library = ctypes.CDLL(os.fspath(preload_library("trace")))
        library.trace_create.argtypes = [ctypes.c_char_p, ctypes.c_uint64]
        error = library.trace_create(os.fsencode(path), capacity)
        if error != 0:
            raise OSError(error, os.strerror(error), os.fspath(path))
        return cls(path)

    def environment(self, database: Path, without_sync: bool = False) -> dict[str, str]:
        """Returns what a process needs in its environment to write to this trace."""
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
        """The last number that was taken: every event with a higher number has not begun yet."""
        return self._words[1]

    @property
    def size(self) -> int:
        """The number of bytes written so far."""
        return self._words[2]

    @property
    def full_at(self) -> int:
        """The number at which the trace was full; 0 if it is not."""
        return self._words[4]

    def records(self) -> Iterator[Record]:
        """Yields all records, in the order of their numbers."""
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
        """Releases the memory."""
        self._words.release()
        self._memory.close()

"""What a disk may hold after a power cut, rebuilt from a trace of system calls.

The model, for one directory:

- The disk has everything that a sync has covered: the content of the synced file, with all writes that had returned
  before the sync began. Only a sync of the directory covers the *name* of a file.
- The disk may have any part of the rest. A write is cut at the borders of 512-byte sectors; the disk has each piece or
  not, independently. It has a truncation or not. The file may have the length that a write gives it, without the
  written bytes, which are zeros then.
- A sector never holds garbage, and a later write to another sector never damages a synced one.
- A failed sync covers nothing. The pages that it *drops* become clean without being on the disk. No later sync covers
  what was written to them, until any byte of the page is written again. Then the next sync covers the whole page, as
  the cache has it. If a sync of another process began before the drop, it covers what it would have covered. When the
  page is *evicted*, the cache has what the disk has, and the dropped writes are lost.

Names: each name has a series of meanings (no file, this file, another file). After a cut it has any of them, from the
last one that a sync of the directory has covered.
"""

from __future__ import annotations

import array
import random
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path

from .trace import Kind, Record

SECTOR = 512

#: The unit in which the page cache holds and drops bytes.
PAGE = 4096

#: An offset behind the end of every file.
NO_END = 1 << 62


class Unmodelled(Exception):
    """The trace has something that the model does not cover, so nothing follows from it."""


class Flavour(Enum):
    """How the unsynced calls that have reached the disk are chosen."""

    NOTHING = "nothing unsynced"
    EVERYTHING = "everything"
    FIRST = "the first of them"
    LAST = "the last of them"
    SOME = "any of them, whole"
    TORN = "any sectors of any of them"


@dataclass(slots=True)
class Change:
    """A change of a file's content by a call, or a part of it."""

    kind: Kind
    offset: int
    #: WRITE: the bytes. A write that failed or never returned may have written any of them.
    data: bytes = b""
    #: ALLOCATE: the number of bytes.
    length: int = 0
    #: When it was complete, for a sync that begins later; 0 if that is unknown.
    end: int = 0
    #: When it was dropped, for a sync that began before and returns later; 0 if it was not.
    dropped: int = 0
    #: When its page was written again after that; 0 if it was not.
    again: int = 0
    #: Whether it was evicted. Then it reaches the disk only if a sync that began before the drop returns.
    is_evicted: bool = False

    @classmethod
    def of(cls, record: Record) -> Change:
        """Returns what a call did."""
        if record.kind not in (Kind.WRITE, Kind.TRUNCATE, Kind.ALLOCATE):
            raise Unmodelled(f"a {record.kind.name} of a file's content")
        data = record.data if record.result <= 0 else record.data[: record.result]
        return cls(record.kind, record.offset, data, record.length, record.end if record.result >= 0 else 0)

    def is_covered(self, begin: int) -> bool:
        """Returns whether a sync that began at this number covers it."""
        return 0 < self.again < begin or (0 < self.end < begin and not 0 < self.dropped < begin)

    @property
    def is_lost(self) -> bool:
        """Whether it happened, but no later sync covers it."""
        return self.dropped > 0 and self.again == 0

    @property
    def pages(self) -> range:
        """The pages of a write, or the page that a truncation cuts."""
        match self.kind:
            case Kind.WRITE if self.data:
                return range(self.offset // PAGE, (self.offset + len(self.data) - 1) // PAGE + 1)
            case Kind.TRUNCATE if self.offset % PAGE:
                return range(self.offset // PAGE, self.offset // PAGE + 1)
            case _:
                return range(0)

    def pieces(self, size: int) -> Iterator[Change]:
        """Yields a write, cut at multiples of this size."""
        for start, data in pieces(self.offset, self.data, size):
            yield replace(self, offset=start, data=data)

    def without(self, start: int, end: int) -> Iterator[Change]:
        """Yields what is left of a write when the bytes from ``start`` up to ``end`` were overwritten or cut off."""
        if self.kind is not Kind.WRITE or start >= self.offset + len(self.data) or end <= self.offset:
            yield self
            return
        for first, data in (
            (self.offset, self.data[: max(0, start - self.offset)]),
            (end, self.data[end - self.offset :]),
        ):
            if data:
                yield replace(self, offset=first, data=data)

    def apply(self, content: bytearray) -> None:
        """Applies all of it to the content."""
        match self.kind:
            case Kind.WRITE:
                _put(content, self.offset, self.data)
            case Kind.TRUNCATE if self.offset < len(content):
                del content[self.offset :]
            case Kind.TRUNCATE:
                _grow(content, self.offset)
            case _:
                _grow(content, self.offset + self.length)

    def apply_torn(self, content: bytearray, reached: Callable[[], bool]) -> None:
        """Applies some of its sectors to the content."""
        if self.kind is not Kind.WRITE:
            if reached():
                self.apply(content)
            return
        for piece in self.pieces(SECTOR):
            if reached():
                piece.apply(content)
        if reached():
            _grow(content, self.offset + len(self.data))


@dataclass(slots=True)
class File:
    """The safe content of a file, and all later changes."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)
    #: The pages with dropped writes that were not written again.
    dropped: set[int] = field(default_factory=set)

    def take(self, record: Record) -> None:
        """Adds a call that changes the content."""
        change = Change.of(record)
        # Its whole pages are dirty again. If it never returned, that is unknown.
        if change.end and not self.dropped.isdisjoint(change.pages):
            for earlier in self.pending:
                if earlier.is_lost and not earlier.is_evicted and earlier.pages.start in change.pages:
                    earlier.again = change.end
            self.dropped.difference_update(change.pages)
        self.pending.append(change)

    def sync(self, begin: int) -> None:
        """Records that a sync that began at this number has returned."""
        rest: list[Change] = []
        for change in self.pending:
            if not change.is_covered(begin):
                rest.append(change)
                continue
            change.apply(self.content)
            # These bytes of earlier changes, which may not be covered, are certainly gone.
            match change.kind:
                case Kind.WRITE:
                    start, end = change.offset, change.offset + len(change.data)
                case Kind.TRUNCATE:
                    start, end = change.offset, NO_END
                case _:
                    continue
            rest = [left for earlier in rest for left in earlier.without(start, end)]
        self.pending = rest

    def drop(self, number: int, pages: Set[int]) -> None:
        """Records that a sync has failed at this number and has dropped these pages."""
        kept: list[Change] = []
        for change in self.pending:
            is_sure = change.kind is Kind.WRITE and 0 < max(change.end, change.again) < number
            if not is_sure or change.is_lost or pages.isdisjoint(change.pages):
                kept.append(change)
                continue
            for piece in change.pieces(PAGE):
                if piece.pages.start in pages:
                    piece.end, piece.again, piece.dropped = piece.again or piece.end, 0, number
                kept.append(piece)
        self.pending = kept
        self.dropped |= pages

    def evict(self, pages: Set[int]) -> None:
        """Records that these pages were evicted, so that the cache has what the disk has."""
        for change in self.pending:
            change.is_evicted |= change.is_lost and change.pages.start in pages
        self.dropped -= pages

    def after_cut(self, flavour: Flavour, rng: random.Random) -> bytearray:
        """Returns one of the contents that the disk may have."""
        content = bytearray(self.content)
        pending = [change for change in self.pending if not change.is_evicted]
        count = len(pending)
        match flavour:
            case Flavour.NOTHING:
                chosen: Iterable[Change] = ()
            case Flavour.EVERYTHING:
                chosen = pending
            case Flavour.FIRST:
                chosen = pending[: rng.randint(0, count)]
            case Flavour.LAST:
                chosen = pending[rng.randint(0, count) :]
            case Flavour.SOME:
                share = rng.random()
                chosen = (change for change in pending if rng.random() < share)
            case Flavour.TORN:
                share = rng.random()
                for change in pending:
                    change.apply_torn(content, lambda: rng.random() < share)
                return content
        for change in chosen:
            change.apply(content)
        return content


def pieces(offset: int, data: bytes, size: int) -> Iterator[tuple[int, bytes]]:
    """Yields the pieces of a write, cut at multiples of a size."""
    place = 0
    while place < len(data):
        start = offset + place
        length = min(size - start % size, len(data) - place)
        yield start, data[place : place + length]
        place += length


def _grow(content: bytearray, size: int) -> None:
    if size > len(content):
        content.extend(bytes(size - len(content)))


def _put(content: bytearray, offset: int, data: bytes) -> None:
    _grow(content, offset)
    content[offset : offset + len(data)] = data


@dataclass(slots=True)
class Name:
    """The meanings that a name has had, from the safe one to the current one."""

    meanings: list[tuple[int, File | None]] = field(default_factory=lambda: [(0, None)])

    @property
    def file(self) -> File | None:
        """What it means to the running processes."""
        return self.meanings[-1][1]

    def sync(self, begin: int) -> None:
        """Records that a sync of the directory that began at this number has returned."""
        covered = [index for index, (number, _) in enumerate(self.meanings) if number < begin]
        del self.meanings[: covered[-1]]

    def after_cut(self, flavour: Flavour, rng: random.Random) -> File | None:
        """Returns one of the meanings that it may have on the disk."""
        match flavour:
            case Flavour.NOTHING:
                return self.meanings[0][1]
            case Flavour.EVERYTHING:
                return self.meanings[-1][1]
            case _:
                return rng.choice(self.meanings)[1]


class Disk:
    """The directory of a database, rebuilt from the trace up to the last record that was taken."""

    def __init__(self) -> None:
        """Begins with an empty directory."""
        self.names: dict[str, Name] = {}
        self._inodes: dict[int, File] = {}
        self._handles: dict[int, File | None] = {}

    def take(self, record: Record) -> None:
        """Adds the next record; records must come in their order."""
        match record.kind:
            case Kind.OPEN:
                self._open(record)
            case Kind.WRITE | Kind.TRUNCATE | Kind.ALLOCATE:
                self._file(record).take(record)
            case Kind.SYNC:
                self._sync(record)
            case Kind.UNLINK:
                self._unlink(record.data.decode(), record.begin)
            case Kind.RENAME:
                old, new = record.data.decode().split("\0")
                self._rename(old, new, record.begin)
            case Kind.MAP:
                raise Unmodelled("a file of the database is written through a mapping")
            case Kind.DROP if (file := self._inodes.get(record.offset)) is not None:
                file.drop(record.begin, set(array.array("I", record.data)))
            case Kind.EVICT if (file := self._inodes.get(record.offset)) is not None:
                file.evict(set(array.array("I", record.data)))
            case Kind.SEND | Kind.DROP | Kind.EVICT:
                pass

    def _open(self, record: Record) -> None:
        suffix = record.data.decode()
        if suffix == "/":
            self._handles[record.handle] = None
            return
        name = self.names.setdefault(suffix, Name())
        file = self._inodes.get(record.offset)
        if file is None:
            if record.length != 0:
                raise Unmodelled(f"the file {suffix!r} had content when it was first opened")
            file = self._inodes[record.offset] = File()
        if name.file is not file:
            name.meanings.append((record.begin, file))
        self._handles[record.handle] = file

    def _file(self, record: Record) -> File:
        file = self._handles[record.handle]
        if file is None:
            raise Unmodelled("a write to a directory")
        return file

    def _sync(self, record: Record) -> None:
        file = self._handles[record.handle]
        if file is None:
            for name in self.names.values():
                name.sync(record.begin)
        else:
            file.sync(record.begin)

    def _unlink(self, suffix: str, number: int) -> None:
        name = self.names.setdefault(suffix, Name())
        # The inode's number may be given to a new file at once.
        self._inodes = {inode: file for inode, file in self._inodes.items() if file is not name.file}
        name.meanings.append((number, None))

    def _rename(self, old: str, new: str, number: int) -> None:
        if "?" in (old, new):
            raise Unmodelled("a file of the database is renamed to or from a name that is not recorded")
        file = self.names.setdefault(old, Name()).file
        self._unlink(new, number)
        self.names[new].meanings.append((number, file))
        self.names[old].meanings.append((number, None))

    def write_cut(self, database: Path, flavour: Flavour, rng: random.Random) -> None:
        """Writes one of the states that the disk may have to ``database`` and the files beside it."""
        for suffix, name in self.names.items():
            file = name.after_cut(flavour, rng)
            if file is not None:
                database.with_name(database.name + suffix).write_bytes(file.after_cut(flavour, rng))

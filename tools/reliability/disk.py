"""What a disk could hold after a power cut, rebuilt from a journal of file calls.

The model, for one directory:

- What a sync has covered is there: the content of the file synced, up to the writes that had returned before the sync
  began. A file's *name* is covered by a sync of the directory and by nothing else.
- Of the rest any part may be there. A write is cut into the pieces that fall into different 512-byte sectors; each
  piece is there or not, alone. A truncation is there or not. The file may have grown to where a write would have ended
  without the written bytes, which then read as zeros.
- A sector never holds garbage, and a synced sector is never harmed by a later write to another one.

Names: each name has had a series of meanings (no file, this file, another file); after a cut it has any of them from
the last one covered by a sync of the directory on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from .journal import Kind, Record

SECTOR = 512


class Unmodelled(Exception):
    """The journal holds something that the model does not cover, so nothing can be concluded from it."""


class Flavour(Enum):
    """How the part of the unsynced calls that reached the disk is chosen."""

    NOTHING = "nothing unsynced"
    EVERYTHING = "everything"
    FIRST = "the first so many"
    LAST = "the last so many"
    SOME = "any of them, whole"
    TORN = "any sectors of any of them"


@dataclass(slots=True)
class File:
    """One file's content as far as it is safe, and what has been done to it since."""

    content: bytearray = field(default_factory=bytearray)
    pending: list[Record] = field(default_factory=list)

    def sync(self, begin: int) -> None:
        """A sync that began at this number has returned."""
        rest: list[Record] = []
        for record in self.pending:
            if record.returned and record.end < begin and record.result >= 0:
                apply(record, self.content)
            else:
                rest.append(record)
        self.pending = rest

    def after_cut(self, flavour: Flavour, rng: random.Random) -> bytearray:
        """One of the contents that the disk could have."""
        content = bytearray(self.content)
        count = len(self.pending)
        match flavour:
            case Flavour.NOTHING:
                chosen: Iterable[Record] = ()
            case Flavour.EVERYTHING:
                chosen = self.pending
            case Flavour.FIRST:
                chosen = self.pending[: rng.randint(0, count)]
            case Flavour.LAST:
                chosen = self.pending[rng.randint(0, count) :]
            case Flavour.SOME:
                share = rng.random()
                chosen = (record for record in self.pending if rng.random() < share)
            case Flavour.TORN:
                share = rng.random()
                for record in self.pending:
                    apply_torn(record, content, lambda: rng.random() < share)
                return content
        for record in chosen:
            apply(record, content)
        return content


def apply(record: Record, content: bytearray) -> None:
    """Does to the content what the call did."""
    match record.kind:
        case Kind.WRITE:
            written = record.data if record.result < 0 else record.data[: record.result or len(record.data)]
            _put(content, record.offset, written)
        case Kind.TRUNCATE:
            if record.offset < len(content):
                del content[record.offset :]
            else:
                content.extend(bytes(record.offset - len(content)))
        case Kind.ALLOCATE:
            _grow(content, record.offset + record.length)
        case _:
            raise Unmodelled(f"a {record.kind.name} of a file's content")


def apply_torn(record: Record, content: bytearray, reached: Callable[[], bool]) -> None:
    """Does some sectors of what the call did."""
    if record.kind is not Kind.WRITE:
        if reached():
            apply(record, content)
        return
    for start, piece in sectors(record.offset, record.data):
        if reached():
            _put(content, start, piece)
    if reached():
        _grow(content, record.offset + len(record.data))


def sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Cuts a write at the sectors' borders."""
    place = 0
    while place < len(data):
        start = offset + place
        length = min(SECTOR - start % SECTOR, len(data) - place)
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
    """The meanings that a name has had: from the safe one to the present one."""

    meanings: list[tuple[int, File | None]] = field(default_factory=lambda: [(0, None)])

    @property
    def file(self) -> File | None:
        """What it means to the running processes."""
        return self.meanings[-1][1]

    def sync(self, begin: int) -> None:
        """A sync of the directory that began at this number has returned."""
        covered = [index for index, (number, _) in enumerate(self.meanings) if number < begin]
        del self.meanings[: covered[-1]]

    def after_cut(self, flavour: Flavour, rng: random.Random) -> File | None:
        """One of the meanings that it could have on the disk."""
        match flavour:
            case Flavour.NOTHING:
                return self.meanings[0][1]
            case Flavour.EVERYTHING:
                return self.meanings[-1][1]
            case _:
                return rng.choice(self.meanings)[1]


class Disk:
    """The directory of a database, as the journal tells it, up to the record taken last."""

    def __init__(self) -> None:
        self.names: dict[str, Name] = {}
        self._inodes: dict[int, File] = {}
        self._handles: dict[int, File | None] = {}

    def take(self, record: Record) -> None:
        """Goes on by one record; they must come in their order."""
        match record.kind:
            case Kind.OPEN:
                self._open(record)
            case Kind.WRITE | Kind.TRUNCATE | Kind.ALLOCATE:
                self._file(record).pending.append(record)
            case Kind.SYNC:
                self._sync(record)
            case Kind.UNLINK:
                self._unlink(record.data.decode(), record.begin)
            case Kind.RENAME:
                old, new = record.data.decode().split("\0")
                self._rename(old, new, record.begin)
            case Kind.MAP:
                raise Unmodelled("a file of the database is written through a mapping")
            case Kind.SEND:
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
            raise Unmodelled("a file of the database is renamed to or from a name that is not watched")
        file = self.names.setdefault(old, Name()).file
        self._unlink(new, number)
        self.names[new].meanings.append((number, file))
        self.names[old].meanings.append((number, None))

    def write_cut(self, database: Path, flavour: Flavour, rng: random.Random) -> None:
        """Writes one of the states that the disk could have into files beside `database`, as a restart finds them."""
        for suffix, name in self.names.items():
            file = name.after_cut(flavour, rng)
            if file is not None:
                database.with_name(database.name + suffix).write_bytes(file.after_cut(flavour, rng))

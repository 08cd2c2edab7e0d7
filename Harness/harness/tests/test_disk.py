"""The model of a disk: what it must keep, what it may lose, and that it does lose it."""

from __future__ import annotations

import random
import unittest
from array import array
from pathlib import Path
from tempfile import TemporaryDirectory

from ..powercut.disk import PAGE, SECTOR, Disk, Flavour
from ..powercut.trace import Kind, Record

DATABASE, DIRECTORY = 1, 2


class Recorder:
    """Makes records in their order."""

    def __init__(self) -> None:
        self.disk = Disk()
        self.number = 10

    def take(
        self,
        kind: Kind,
        handle: int = DATABASE,
        *,
        begin: int | None = None,
        end: int | None = None,
        offset: int = 0,
        length: int = 0,
        data: bytes = b"",
    ) -> int:
        """Adds a record; returns its number. A call is over at once unless ``end`` says otherwise."""
        self.number += 10
        begin = self.number if begin is None else begin
        end = self.number + 1 if end is None else end
        self.disk.take(Record(kind, begin, end, handle, offset, length, len(data), data))
        return self.number

    def open(self, handle: int, suffix: str, inode: int) -> None:
        self.take(Kind.OPEN, handle, offset=inode, data=suffix.encode())

    def write(self, data: bytes, offset: int = 0, *, handle: int = DATABASE, end: int | None = None) -> None:
        self.take(Kind.WRITE, handle, offset=offset, data=data, end=end)

    def sync(self, handle: int = DATABASE, *, begin: int | None = None) -> None:
        self.take(Kind.SYNC, handle, begin=self.number + 5 if begin is None else begin)

    def drop(self, *pages: int, inode: int = 2) -> None:
        self.take(Kind.DROP, 0, end=0, offset=inode, data=array("I", pages).tobytes())

    def evict(self, *pages: int, inode: int = 2) -> None:
        self.take(Kind.EVICT, 0, end=0, offset=inode, data=array("I", pages).tobytes())

    def contents(self, flavour: Flavour, suffix: str = "", times: int = 1) -> set[bytes | None]:
        """Returns what the file holds after cuts of this flavour, None for a missing file."""
        found: set[bytes | None] = set()
        for seed in range(times):
            with TemporaryDirectory() as name:
                path = Path(name) / "db"
                self.disk.write_cut(path, flavour, random.Random(seed))
                file = path.with_name("db" + suffix)
                found.add(file.read_bytes() if file.exists() else None)
        return found


def made() -> Recorder:
    """Returns a database whose name is safe."""
    recorder = Recorder()
    recorder.open(DIRECTORY, "/", 1)
    recorder.open(DATABASE, "", 2)
    recorder.sync(DIRECTORY)
    return recorder


class DiskTests(unittest.TestCase):
    """Each flavour after each kind of call."""

    def test_synced_write_is_on_the_disk_in_every_flavour(self) -> None:
        recorder = made()
        recorder.write(b"abc")
        recorder.sync()
        for flavour in Flavour:
            self.assertEqual(recorder.contents(flavour, times=20), {b"abc"})

    def test_unsynced_write_is_on_the_disk_or_not(self) -> None:
        recorder = made()
        recorder.write(b"abc")
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b""})
        self.assertEqual(recorder.contents(Flavour.EVERYTHING), {b"abc"})
        self.assertEqual(recorder.contents(Flavour.SOME, times=50), {b"", b"abc"})

    def test_write_that_had_not_returned_when_the_sync_began_is_not_covered(self) -> None:
        recorder = made()
        recorder.write(b"abc", end=1000)
        recorder.sync(begin=999)
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b""})

    def test_write_that_never_returned_is_not_covered(self) -> None:
        recorder = made()
        recorder.write(b"abc", end=0)
        recorder.sync()
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b""})

    def test_sync_of_another_file_covers_nothing(self) -> None:
        recorder = made()
        recorder.open(3, "-wal", 3)
        recorder.write(b"abc")
        recorder.sync(3)
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b""})

    def test_write_is_torn_at_sectors_only(self) -> None:
        recorder = made()
        recorder.write(b"a" * SECTOR + b"b" * SECTOR, offset=SECTOR // 2)
        contents = recorder.contents(Flavour.TORN, times=300)
        first, second, third = b"a" * (SECTOR // 2), b"a" * (SECTOR // 2) + b"b" * (SECTOR // 2), b"b" * (SECTOR // 2)
        pieces = {content[SECTOR // 2 :][: SECTOR // 2] for content in contents if content is not None}
        self.assertEqual(pieces, {b"", bytes(SECTOR // 2), first})
        pieces = {content[SECTOR : 2 * SECTOR] for content in contents if content is not None}
        self.assertEqual(pieces, {b"", bytes(SECTOR), second})
        pieces = {content[2 * SECTOR :] for content in contents if content is not None}
        self.assertEqual(pieces, {b"", bytes(SECTOR // 2), third})

    def test_later_write_may_be_on_the_disk_without_the_earlier_one(self) -> None:
        recorder = made()
        recorder.write(b"a")
        recorder.write(b"b", offset=1)
        self.assertEqual(recorder.contents(Flavour.SOME, times=100), {b"", b"a", b"\0b", b"ab"})
        self.assertEqual(recorder.contents(Flavour.LAST, times=100), {b"", b"\0b", b"ab"})
        self.assertEqual(recorder.contents(Flavour.FIRST, times=100), {b"", b"a", b"ab"})

    def test_truncation(self) -> None:
        recorder = made()
        recorder.write(b"abcdef")
        recorder.sync()
        recorder.take(Kind.TRUNCATE, offset=2)
        self.assertEqual(recorder.contents(Flavour.SOME, times=50), {b"ab", b"abcdef"})
        recorder.sync()
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b"ab"})

    def test_write_that_never_returned_does_not_replace_what_was_synced_later(self) -> None:
        recorder = made()
        recorder.write(b"abcdef", end=0)
        recorder.write(b"XY", offset=2)
        recorder.sync()
        contents = recorder.contents(Flavour.SOME, times=100)
        self.assertTrue(all(content is not None and content[2:4] == b"XY" for content in contents))
        self.assertIn(b"abXYef", contents)

    def test_write_that_never_returned_is_not_behind_a_synced_end(self) -> None:
        recorder = made()
        recorder.write(b"abcdef", end=0)
        recorder.take(Kind.TRUNCATE, offset=2)
        recorder.sync()
        self.assertLessEqual(recorder.contents(Flavour.SOME, times=100), {b"\0\0", b"ab"})


class FailedSyncTests(unittest.TestCase):
    """What a failed sync has dropped is safe only after its page was written and synced again."""

    def written(self) -> Recorder:
        """Returns two pages that are safe, and both written again without a sync."""
        recorder = made()
        recorder.write(b"a" * 2 * PAGE)
        recorder.sync()
        recorder.write(b"b" * 2 * PAGE)
        return recorder

    def pages(self, recorder: Recorder, flavour: Flavour, times: int = 1) -> set[str]:
        """Returns the first byte of each page, for each content that the disk may have."""
        contents = recorder.contents(flavour, times=times)
        return {"".join(chr(content[page]) for page in range(0, len(content), PAGE)) for content in contents if content}

    def test_later_sync_covers_nothing_that_was_dropped(self) -> None:
        recorder = self.written()
        recorder.drop(0)
        recorder.sync()
        self.assertEqual(self.pages(recorder, Flavour.NOTHING), {"ab"})
        self.assertEqual(self.pages(recorder, Flavour.SOME, times=50), {"ab", "bb"})

    def test_all_that_was_written_to_a_dropped_page_is_dropped(self) -> None:
        recorder = self.written()
        recorder.write(b"c" * 10, offset=100)
        recorder.drop(0, 1)
        recorder.sync()
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b"a" * 2 * PAGE})

    def test_writing_any_byte_of_the_page_makes_all_of_it_dirty_again(self) -> None:
        recorder = self.written()
        recorder.drop(0, 1)
        recorder.write(b"c", offset=PAGE + 7)
        self.assertEqual(self.pages(recorder, Flavour.NOTHING), {"aa"})
        recorder.sync()
        self.assertEqual(self.pages(recorder, Flavour.NOTHING), {"ab"})
        content = recorder.contents(Flavour.NOTHING).pop()
        self.assertEqual(content, b"a" * PAGE + b"b" * 7 + b"c" + b"b" * (PAGE - 8))

    def test_sync_that_began_before_the_page_was_written_again_does_not_cover_it(self) -> None:
        recorder = self.written()
        recorder.drop(0, 1)
        begin = recorder.number + 5
        recorder.write(b"b" * 2 * PAGE)
        recorder.sync(begin=begin)
        self.assertEqual(self.pages(recorder, Flavour.NOTHING), {"aa"})

    def test_write_that_never_returned_makes_nothing_dirty(self) -> None:
        recorder = self.written()
        recorder.drop(0, 1)
        recorder.write(b"c", end=0)
        recorder.sync()
        self.assertEqual(self.pages(recorder, Flavour.NOTHING), {"aa"})

    def test_write_after_the_failure_is_covered(self) -> None:
        recorder = self.written()
        recorder.drop(0)
        recorder.write(b"c", offset=2 * PAGE)
        recorder.sync()
        self.assertEqual(self.pages(recorder, Flavour.NOTHING), {"abc"})

    def test_evicted_page_is_what_the_disk_has(self) -> None:
        recorder = self.written()
        recorder.drop(0, 1)
        recorder.evict(0)
        recorder.write(b"c")
        recorder.write(b"c", offset=2 * PAGE - 1)
        recorder.sync()
        content = recorder.contents(Flavour.EVERYTHING).pop()
        self.assertEqual(content, b"c" + b"a" * (PAGE - 1) + b"b" * (PAGE - 1) + b"c")

    def test_what_was_written_again_before_the_eviction_stays(self) -> None:
        recorder = self.written()
        recorder.drop(0, 1)
        recorder.write(b"c")
        recorder.evict(1)
        recorder.sync()
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b"c" + b"b" * (PAGE - 1) + b"a" * PAGE})

    def test_dropped_page_that_was_cut_off_does_not_come_back(self) -> None:
        recorder = self.written()
        recorder.drop(0, 1)
        recorder.take(Kind.TRUNCATE, offset=0)
        recorder.sync()
        for flavour in Flavour:
            self.assertEqual(recorder.contents(flavour, times=20), {b""})

    def test_sync_that_began_before_the_drop_covers_what_it_would_have(self) -> None:
        for events in ("", "evict", "again", "evict again"):
            with self.subTest(events):
                recorder = self.written()
                begin = recorder.number + 5
                recorder.write(b"c", offset=PAGE)
                recorder.drop(1)
                if "evict" in events:
                    recorder.evict(1)
                if "again" in events:
                    recorder.write(b"d", offset=2 * PAGE - 1)
                self.assertEqual(self.pages(recorder, Flavour.NOTHING), {"aa"})
                recorder.sync(begin=begin)
                self.assertEqual(recorder.contents(Flavour.NOTHING), {b"b" * 2 * PAGE})
                recorder.sync()
                self.assertEqual(self.pages(recorder, Flavour.NOTHING), {"bc" if events == "again" else "bb"})

    def test_page_can_be_dropped_twice(self) -> None:
        recorder = self.written()
        recorder.drop(0, 1)
        recorder.write(b"c", offset=5)
        recorder.drop(0)
        recorder.sync()
        self.assertEqual(self.pages(recorder, Flavour.NOTHING), {"aa"})
        recorder.write(b"d", offset=6)
        recorder.sync()
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b"b" * 5 + b"cd" + b"b" * (PAGE - 7) + b"a" * PAGE})

    def test_other_files_are_not_touched(self) -> None:
        recorder = self.written()
        recorder.open(3, "-wal", 3)
        recorder.sync(DIRECTORY)
        recorder.write(b"log", handle=3)
        recorder.drop(0, 1)
        recorder.sync(3)
        self.assertEqual(recorder.contents(Flavour.NOTHING, "-wal"), {b"log"})


class NameTests(unittest.TestCase):
    """A file's name is safe only after a sync of the directory."""

    def test_new_file_is_lost_without_a_sync_of_the_directory(self) -> None:
        recorder = made()
        recorder.open(3, "-wal", 3)
        recorder.write(b"abc", handle=3)
        recorder.sync(3)
        self.assertEqual(recorder.contents(Flavour.NOTHING, "-wal"), {None})
        recorder.sync(DIRECTORY)
        self.assertEqual(recorder.contents(Flavour.NOTHING, "-wal"), {b"abc"})

    def test_unlinked_file_is_back_without_a_sync_of_the_directory(self) -> None:
        recorder = made()
        recorder.write(b"abc")
        recorder.sync()
        recorder.take(Kind.UNLINK, data=b"")
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b"abc"})
        recorder.sync(DIRECTORY)
        self.assertEqual(recorder.contents(Flavour.NOTHING), {None})

    def test_new_file_with_the_old_ones_number_is_another_file(self) -> None:
        recorder = made()
        recorder.write(b"old")
        recorder.sync()
        recorder.take(Kind.UNLINK, data=b"")
        recorder.open(3, "", 2)
        recorder.write(b"new", handle=3)
        recorder.sync(3)
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b"old"})
        self.assertEqual(recorder.contents(Flavour.EVERYTHING), {b"new"})

    def test_write_through_a_descriptor_of_the_old_file_goes_there(self) -> None:
        recorder = made()
        recorder.take(Kind.UNLINK, data=b"")
        recorder.open(3, "", 3)
        recorder.write(b"old")
        self.assertEqual(recorder.contents(Flavour.EVERYTHING), {b""})

    def test_rename(self) -> None:
        recorder = made()
        recorder.open(3, "-new", 3)
        recorder.write(b"abc", handle=3)
        recorder.sync(3)
        recorder.sync(DIRECTORY)
        recorder.take(Kind.RENAME, data=b"-new\0")
        self.assertEqual(recorder.contents(Flavour.NOTHING), {b""})
        self.assertEqual(recorder.contents(Flavour.EVERYTHING), {b"abc"})
        self.assertEqual(recorder.contents(Flavour.EVERYTHING, "-new"), {None})


if __name__ == "__main__":
    unittest.main()

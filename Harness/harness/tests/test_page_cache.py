"""The page cache over a failing disk: which errors processes get, and what the disk holds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..powercut.disk import PAGE, Disk
from ..powercut.page_cache import Ending, Failure, PageCache, Role
from ..powercut.trace import Kind, Trace
from .test_disk import Recorder

#: Executes commands on descriptors, one per line, and prints the results.
PROGRAM = """
import os, sys, threading
descriptors = {}
for line in sys.stdin:
    words = line.split()
    try:
        match words:
            case ["open", name, path]:
                descriptors[name] = os.open(path, os.O_RDWR | os.O_CREAT)
                answer = "ok"
            case ["write", name, byte, first, count]:
                os.pwrite(descriptors[name], byte.encode() * int(count), int(first))
                answer = "ok"
            case ["cut", name, size]:
                os.ftruncate(descriptors[name], int(size))
                answer = "ok"
            case ["sync", name]:
                os.fdatasync(descriptors[name])
                answer = "ok"
            case ["read", name]:
                data = os.pread(descriptors[name], 1 << 20, 0)
                answer = "=" + "".join(chr(data[i] or 48) for i in range(0, len(data), 4096))
            case ["close", name]:
                os.close(descriptors.pop(name))
                answer = "ok"
            case ["sync-all", count, path]:
                # Many threads sync; each says so on its own.
                def sync(name):
                    os.fdatasync(descriptors[name])
                    os.close(os.open(path, os.O_CREAT))
                threads = [threading.Thread(target=sync, args=(name,)) for name in list(descriptors) * int(count)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                answer = "ok"
    except OSError as error:
        answer = str(error.errno)
    print(answer, flush=True)
"""

EIO = "5"


class Process:
    """A process on the disk."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, line: str) -> str:
        """Sends a command; returns the result, nothing if the process was killed."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def end(self) -> int:
        """Ends it; returns its exit status."""
        self.process.communicate()
        return self.process.returncode


class PageCacheTests(unittest.TestCase):
    """Each rule of cache.h. The tests name a page by its first byte, 0 for a zero."""

    @contextmanager
    def disk(self) -> Iterator[None]:
        with TemporaryDirectory() as name:
            directory = Path(name).resolve()
            (directory / "run").mkdir()
            self.path = directory / "run" / "tasks.db"
            self.trace = Trace.create(directory / "trace", 16 << 20)
            self.cache = PageCache(directory / "cache")
            self.environment = self.cache.environment(self.path, self.trace.environment(self.path))
            self.processes: list[Process] = []
            try:
                yield
                self.assertFalse(self.cache.refused)
                self.assert_trace_agrees()
            finally:
                for process in self.processes:
                    process.end()
                self.cache.close()
                self.trace.close()

    def process(self) -> Process:
        self.processes.append(Process(self.environment))
        return self.processes[-1]

    def safe(self, suffix: str = "") -> str:
        """Returns what the disk holds."""
        inode = Path(f"{self.path}{suffix}").stat().st_ino
        data = Path(f"{self.cache.path}.{inode}").read_bytes()
        return "".join(chr(data[page] or 48) for page in range(0, len(data), PAGE))

    def assert_trace_agrees(self) -> None:
        """Checks that the disk that is rebuilt from the trace holds the same; names are safe here."""
        recorder = Recorder()
        recorder.disk = Disk()
        for record in self.trace.records():
            recorder.disk.take(record)
        for suffix, name in recorder.disk.names.items():
            if name.file is not None:
                data = name.file.content
                found = "".join(chr(data[page] or 48) for page in range(0, len(data), PAGE))
                # It is unknown whether dropped writes have made the file longer: it has zeros there, or ends before.
                self.assertEqual(found.rstrip("0"), self.safe(suffix).rstrip("0"))

    def written(self, process: Process, name: str = "a", suffix: str = "") -> None:
        """Writes and syncs two pages, and writes both again."""
        self.assertEqual(process(f"open {name} {self.path}{suffix}"), "ok")
        process(f"write {name} a 0 {2 * PAGE}")
        self.assertEqual(process(f"sync {name}"), "ok")
        process(f"write {name} b 0 {2 * PAGE}")

    def test_sync_brings_pages_to_the_disk(self) -> None:
        with self.disk():
            process = self.process()
            self.written(process)
            self.assertEqual(self.safe(), "aa")
            self.assertEqual(process("sync a"), "ok")
            self.assertEqual(self.safe(), "bb")
            process(f"cut a {PAGE}")
            self.assertEqual(self.safe(), "bb")
            process("sync a")
            self.assertEqual(self.safe(), "b")

    def test_write_back_error_is_told_once_to_each_descriptor(self) -> None:
        with self.disk():
            one, two = self.process(), self.process()
            self.written(one)
            two(f"open a {self.path}")
            self.cache.fail(Failure.WRITE_BACK, Role.DATABASE)
            self.assertEqual(one("sync a"), EIO)
            two(f"open late {self.path}")
            self.assertEqual([one("sync a"), two("sync a"), two("sync a"), two("sync late")], ["ok", EIO, "ok", "ok"])
            self.assertEqual((self.safe(), one("read a")), ("aa", "=bb"))
            self.assertEqual((self.cache.failed, self.cache.dropped, self.cache.told), (one.process.pid, 2, 2))

    def test_error_that_no_process_has_seen_is_told_to_a_later_descriptor(self) -> None:
        for ending, told in ((Ending.KILLED, "ok"), (Ending.KILLED_UNSEEN, EIO)):
            with self.subTest(ending), self.disk():
                one, two = self.process(), self.process()
                self.written(one)
                two(f"open a {self.path}")
                self.cache.fail(Failure.WRITE_BACK, Role.DATABASE, ending=ending)
                self.assertEqual((one("sync a"), one.end()), ("", -signal.SIGKILL))
                two(f"open late {self.path}")
                self.assertEqual([two("sync late"), two("sync a"), two("sync late")], [told, EIO, "ok"])
                self.assertEqual(self.safe(), "aa")

    def test_no_thread_of_a_killed_process_syncs_after_the_failure(self) -> None:
        for number in range(20):
            with self.subTest(number), self.disk():
                process = self.process()
                self.written(process)
                told = self.path.parent / "told"
                self.cache.fail(Failure.FLUSH, Role.DATABASE, ending=Ending.KILLED)
                self.assertEqual(process(f"sync-all 8 {told}"), "")
                self.assertEqual(process.end(), -signal.SIGKILL)
                self.assertFalse(told.exists())

    def test_page_written_again_is_dirty_as_a_whole(self) -> None:
        with self.disk():
            process = self.process()
            self.written(process)
            self.cache.fail(Failure.WRITE_BACK, Role.DATABASE)
            process("sync a")
            process(f"write a c {PAGE + 5} 1")
            self.assertEqual(process("sync a"), "ok")
            self.assertEqual(self.safe(), "ab")

    def test_evicted_page_shows_what_the_disk_has(self) -> None:
        with self.disk():
            process = self.process()
            self.written(process)
            process(f"write a b {2 * PAGE} 1")
            self.cache.fail(Failure.WRITE_BACK, Role.DATABASE)
            process("sync a")
            process("write a c 0 1")
            self.assertEqual(process("read a"), "=cbb")
            self.cache.evict()
            self.assertEqual(process("read a"), "=ca0")
            self.assertEqual(self.cache.evicted, 2)
            process("sync a")
            self.assertEqual(self.safe(), "ca0")

    def test_page_can_be_evicted_inside_the_call(self) -> None:
        with self.disk():
            one, two = self.process(), self.process()
            self.written(one)
            two(f"open a {self.path}")
            self.cache.fail(Failure.WRITE_BACK, Role.DATABASE, ending=Ending.KILLED, evicts=True)
            one("sync a")
            self.assertEqual(two("read a"), "=aa")

    def test_flush_error_is_told_to_its_caller_and_takes_from_all_files(self) -> None:
        with self.disk():
            one, two = self.process(), self.process()
            self.written(one)
            self.written(two, suffix="-wal")
            self.cache.fail(Failure.FLUSH, Role.LOG)
            self.assertEqual(one("sync a"), "ok")
            one(f"write a c 0 {PAGE}")
            self.assertEqual(two("sync a"), EIO)
            two(f"write a d {2 * PAGE} 1")
            self.assertEqual((one("sync a"), two("sync a")), ("ok", "ok"))
            self.assertEqual((self.safe(), self.safe("-wal")), ("bb", "aad"))

    def test_chosen_sync_is_the_one_that_fails(self) -> None:
        with self.disk():
            one, two = self.process(), self.process()
            for process, suffix in ((one, ""), (two, "-wal")):
                process(f"open a {self.path}{suffix}")
            two(f"open db {self.path}")
            self.cache.fail(Failure.WRITE_BACK, Role.DATABASE, after=1, process=two.process.pid)

            def sync(process: Process, name: str) -> str:
                process(f"write {name} x 0 1")
                return process(f"sync {name}")

            told = [sync(one, "a"), sync(two, "a"), sync(two, "db"), two("sync db"), sync(one, "a"), sync(two, "db")]
            self.assertEqual(told, ["ok", "ok", "ok", "ok", "ok", EIO])

    def test_some_of_the_pages_can_be_dropped(self) -> None:
        with self.disk():
            process = self.process()
            process(f"open a {self.path}")
            process(f"write a x 0 {100 * PAGE}")
            self.cache.fail(Failure.WRITE_BACK, Role.DATABASE, share=50, seed=1234567)
            process("sync a")
            self.assertTrue(20 < self.cache.dropped < 80, self.cache.dropped)
            self.assertEqual(process("sync a"), "ok")
            self.assertEqual(self.safe().count("x"), 100 - self.cache.dropped)

    def test_new_file_of_the_same_name_is_another_one(self) -> None:
        with self.disk():
            process = self.process()
            self.written(process, suffix="-wal")
            self.cache.fail(Failure.WRITE_BACK, Role.LOG)
            process("sync a")
            subprocess.run(
                [sys.executable, "-c", "import os, sys; os.unlink(sys.argv[1])", f"{self.path}-wal"],
                env={**os.environ, **self.environment},
                check=True,
            )
            process(f"open b {self.path}-wal")
            process(f"write b c 0 {PAGE}")
            self.assertEqual([process("sync b"), process("sync a")], ["ok", "ok"])
            self.assertEqual(self.safe("-wal"), "c")
            self.cache.evict()
            self.assertEqual(process("read b"), "=c")

    def test_trace_has_what_was_dropped_and_evicted(self) -> None:
        with self.disk():
            process = self.process()
            self.written(process)
            self.cache.fail(Failure.WRITE_BACK, Role.DATABASE)
            process("sync a")
            self.cache.evict()
            process("read a")
            kinds = [record.kind for record in self.trace.records()]
            self.assertEqual(kinds, [Kind.OPEN, Kind.WRITE, Kind.SYNC, Kind.WRITE, Kind.DROP, Kind.EVICT])


if __name__ == "__main__":
    unittest.main()

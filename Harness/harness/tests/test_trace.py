"""The preloaded library, under a process that makes known calls."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

from ..powercut.trace import Kind, Record, Trace

CALLS = """
import os, socket, sys
path = sys.argv[1]
fd = os.open(path, os.O_RDWR | os.O_CREAT)
os.pwrite(fd, b"first", 0)
os.write(fd, b"second")
os.pwritev(fd, [b"th", b"ird"], 100)
os.ftruncate(fd, 50)
os.fdatasync(fd)
directory = os.open(os.path.dirname(path), os.O_RDONLY)
os.fsync(directory)
os.rename(path, path + "-old")
os.unlink(path + "-old")
os.close(fd)
other = os.open(path + "-shm", os.O_RDWR | os.O_CREAT)
os.write(other, b"not recorded")
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
connection, _ = server.accept()
connection.sendall(b"hello")
print(client.getsockname()[1], server.getsockname()[1])
"""


class TraceTests(unittest.TestCase):
    """Each call has its record, in order."""

    def record(self, *, without_sync: bool = False) -> tuple[list[Record], str]:
        with TemporaryDirectory() as name:
            path = Path(name).resolve() / "tasks.db"
            trace = Trace.create(Path(name) / "trace", 1 << 20)
            environment = {**os.environ, **trace.environment(path, without_sync)}
            output = subprocess.run(
                [sys.executable, "-c", CALLS, path], env=environment, check=True, capture_output=True, text=True
            ).stdout
            records = list(trace.records())
            self.assertEqual(trace.position, max(max(record.begin, record.end) for record in records))
            trace.close()
            return records, output

    def test_calls_in_their_order(self) -> None:
        records, output = self.record()
        told = [(record.kind, record.offset, record.data) for record in records if record.kind is not Kind.OPEN]
        client, server = map(int, output.split())
        self.assertEqual(
            told,
            [
                (Kind.WRITE, 0, b"first"),
                (Kind.WRITE, 0, b"second"),
                (Kind.WRITE, 100, b"third"),
                (Kind.TRUNCATE, 50, b""),
                (Kind.SYNC, 0, b""),
                (Kind.SYNC, 0, b""),
                (Kind.RENAME, 0, b"\0-old"),
                (Kind.UNLINK, 0, b"-old"),
                (Kind.SEND, client, b""),
            ],
        )
        self.assertEqual((records[-1].length, records[-1].result), (server, 5))
        self.assertEqual([record.data for record in records if record.kind is Kind.OPEN], [b"", b"/"])
        self.assertEqual(sorted(records, key=lambda record: record.number), records)

    def test_sync_carries_the_number_at_which_it_began(self) -> None:
        records, _ = self.record()
        for before, sync in itertools.pairwise(records):
            if sync.kind is Kind.SYNC:
                self.assertGreater(sync.begin, before.end)
                self.assertGreater(sync.end, sync.begin)

    def test_no_sync(self) -> None:
        records, _ = self.record(without_sync=True)
        self.assertNotIn(Kind.SYNC, {record.kind for record in records})


if __name__ == "__main__":
    unittest.main()

"""Another program that has the database open."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_PROGRAM = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
db.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
db.execute("SELECT count(*) FROM tube").fetchall()
print("open", flush=True)
sys.stdin.read()
db.close()
"""


class OtherProgram:
    """A program with an idle connection: it neither reads nor writes, but it uses SQLite's files."""

    def __init__(self, database: Path, environment: Mapping[str, str]) -> None:
        """Starts it and waits until it has opened the database."""
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, database],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline() != b"open\n":
            _, errors = self.process.communicate()
            raise RuntimeError(f"the other program did not open the database: {errors.decode()}")

    def is_named_in(self, text: str) -> bool:
        """Returns whether a manager's message names this program."""
        return str(self.process.pid) in text

    def close(self) -> None:
        """Lets it close its connection in order. If it is the last one, SQLite copies the rest of the log."""
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        """Kills it."""
        self.process.kill()
        self.process.communicate()

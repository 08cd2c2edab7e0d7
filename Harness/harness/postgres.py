"""A temporary PostgreSQL server for tools/test and tools/demo; see ``start_postgres`` in common.sh.

Prints the server's URI, and stops it when its standard input ends or a signal comes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .lib.command import exit_on_signals, run_tool
from .lib.postgres import PostgresServer

#: Enough connections for all tests at the same time.
SETTINGS = {"max_connections": "600"}


def main() -> int:
    """Runs the server; returns the exit status."""
    exit_on_signals()
    return run_tool("postgres", _run)


def _run() -> int:
    with tempfile.TemporaryDirectory(prefix="beanrow-postgres-") as directory:
        server = PostgresServer("server", Path(directory), settings=SETTINGS)
        try:
            server.create()
            server.start()
            print(server.socket_uri("postgres"), flush=True)
            sys.stdin.read()
        finally:
            server.stop()
    return 0

"""Connections that send as much as a server accepts and never read: the flood of W14, a process of its own."""

from __future__ import annotations

import argparse
import contextlib
import errno
import selectors
import socket
import time
from collections.abc import Sequence

#: The seconds after which a connection that accepts no bytes is replaced by a new one.
_PATIENCE = 0.5


class Flooder:
    """One connection of the flood."""

    def __init__(self, port: int, commands: bytes, selector: selectors.BaseSelector) -> None:
        """Connects without waiting."""
        self.port, self.commands, self.selector = port, commands, selector
        self.socket: socket.socket
        self.rest = memoryview(b"")
        self.last = 0.0
        self.connect()

    def connect(self) -> None:
        """Connects again."""
        self.socket = socket.socket()
        self.socket.setblocking(False)
        # Few unread bytes fit into the kernel, so that the server has to keep the others.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
        if self.socket.connect_ex(("127.0.0.1", self.port)) not in (0, errno.EINPROGRESS):
            raise OSError("cannot connect")
        self.rest = memoryview(self.commands)
        self.last = time.monotonic()
        self.selector.register(self.socket, selectors.EVENT_WRITE, self)

    def send(self) -> bool:
        """Sends a part of the commands; returns whether the connection still works."""
        try:
            count = self.socket.send(self.rest)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.rest = self.rest[count:] if count < len(self.rest) else memoryview(self.commands)
        self.last = time.monotonic()
        return True

    def replace(self) -> None:
        """Gives the connection up and makes another one."""
        with contextlib.suppress(KeyError):
            self.selector.unregister(self.socket)
        self.socket.close()
        self.connect()


def main(arguments: Sequence[str] | None = None) -> int:
    """Floods until the process is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, required=True)
    parser.add_argument("--task", type=int, required=True, help="a task with a large body")
    given = parser.parse_args(arguments)
    selector = selectors.DefaultSelector()
    put = b"put 0 0 60 100\r\n" + b"f" * 100 + b"\r\n"
    commands = (b"use flood\r\n" + b"peek %d\r\n" % given.task * 16 + put + b"stats\r\n" * 4) * 8
    flooders = [Flooder(given.port, commands, selector) for _ in range(given.connections)]
    while True:
        for key, _ in selector.select(0.1):
            flooder: Flooder = key.data
            if not flooder.send():
                flooder.replace()
        now = time.monotonic()
        for flooder in flooders:
            if now - flooder.last > _PATIENCE:
                flooder.replace()


if __name__ == "__main__":
    main()

"""Ports for servers that are stopped and started again."""

from __future__ import annotations

import os
import random
import socket
import weakref


class ReservedPort:
    """A port of 127.0.0.1 on which only servers that set SO_REUSEADDR can listen, for as long as this object lives.

    A socket bound to it that listens to nobody keeps it from being reserved again, in this process or another. It lies
    below those which the kernel gives to clients, so that nobody else comes to have it while its server is down.
    """

    def __init__(self) -> None:
        while True:
            holder = socket.socket()
            self.number = random.randint(12_000, 32_000)
            try:
                holder.bind(("127.0.0.1", self.number))
            except OSError:
                holder.close()
                continue
            # Only now: set before, it would let two of them have one port.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            weakref.finalize(self, os.close, holder.detach())
            return

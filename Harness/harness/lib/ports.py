"""Ports for servers, also for servers that are stopped and started again."""

from __future__ import annotations

import os
import random
import socket
import weakref


class ReservedPort:
    """A port of 127.0.0.1 on which only servers that set SO_REUSEADDR can listen, as long as this object exists.

    A bound socket that does not listen keeps the port from being reserved again, in this process or another. The port
    is below those that the kernel gives to clients, so that no client gets it while its server is down.
    """

    def __init__(self) -> None:
        """Reserves a port."""
        while True:
            holder = socket.socket()
            self.number = random.randint(12_000, 32_000)
            try:
                holder.bind(("127.0.0.1", self.number))
            except OSError:
                holder.close()
                continue
            # Not earlier: with the option set before binding, two objects could get one port.
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            weakref.finalize(self, os.close, holder.detach())
            return

"""A port that stays reserved while no server listens on it."""

from __future__ import annotations

import socket
import unittest

from ..lib.ports import ReservedPort


def bound(port: int, reuse: bool) -> socket.socket:
    """Returns another socket that is bound to the port."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    try:
        made.bind(("127.0.0.1", port))
    except OSError:
        made.close()
        raise
    return made


class ReservedPortTests(unittest.TestCase):
    """Servers may start and stop on it; no other program may get it."""

    def test_server_starts_and_stops(self) -> None:
        port = ReservedPort()
        for _ in range(2):
            self.assertRaises(ConnectionRefusedError, socket.create_connection, ("127.0.0.1", port.number))
            with bound(port.number, reuse=True) as server:
                server.listen()
                socket.create_connection(("127.0.0.1", port.number)).close()

    def test_no_other_program_gets_it(self) -> None:
        port = ReservedPort()
        self.assertRaises(OSError, bound, port.number, reuse=False)

    def test_free_again_when_released(self) -> None:
        port = ReservedPort()
        number = port.number
        del port
        bound(number, reuse=False).close()


if __name__ == "__main__":
    unittest.main()

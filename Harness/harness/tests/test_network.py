"""Hosts, their links, and the slow proxy: they do what they should, and leave nothing behind."""

from __future__ import annotations

import os
import socket
import threading
import time
import unittest
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..hosts.network import Network
from ..lib.failures import Unavailable
from ..lib.proxy import Delay, DelayingProxy


class Echo:
    """A server that sends back what it gets, on one connection after the other."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = socket.create_server((address, port))
        self.address = self._listener.getsockname()
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    while data := connection.recv(4096):
                        connection.sendall(data)

    def close(self) -> None:
        """Accepts no further connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class ProxyTests(unittest.TestCase):
    """Tests can only check that nothing comes too early; on a busy machine everything may be late."""

    def setUp(self) -> None:
        self.echo = Echo()
        self.proxy = DelayingProxy(self.echo.address)
        self.proxy.open()
        self.connection = socket.create_connection(self.proxy.address, timeout=30)

    def tearDown(self) -> None:
        self.connection.close()
        self.proxy.close()
        self.echo.close()

    def seconds(self, data: bytes) -> float:
        """Returns how long an echo takes."""
        start = time.monotonic()
        self.connection.sendall(data)
        self.assertEqual(self.receive(len(data)), data)
        return time.monotonic() - start

    def receive(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            data += self.connection.recv(length - len(data))
        return data

    def test_both_directions_can_be_slow(self) -> None:
        self.seconds(b"fast")
        self.proxy.delay = Delay(there=0.3)
        self.assertGreaterEqual(self.seconds(b"there"), 0.3)
        self.proxy.delay = Delay(back=0.3)
        self.assertGreaterEqual(self.seconds(b"back"), 0.3)
        self.proxy.delay = Delay(there=0.2, back=0.2)
        self.assertGreaterEqual(self.seconds(b"both"), 0.4)

    def test_later_bytes_do_not_overtake_earlier_ones(self) -> None:
        self.proxy.delay = Delay(there=0.3)
        self.connection.sendall(b"late ")
        time.sleep(0.1)  # Not for order: so that it is read separately from the next bytes.
        self.proxy.delay = Delay()
        self.connection.sendall(b"and soon")
        self.assertEqual(self.receive(13), b"late and soon")

    def test_many_bytes_pass(self) -> None:
        data = os.urandom(300_000)
        sender = threading.Thread(target=self.connection.sendall, args=(data,))
        sender.start()
        self.assertEqual(self.receive(len(data)), data)
        sender.join()

    def test_the_end_of_a_connection_is_as_late_as_its_last_bytes(self) -> None:
        self.proxy.delay = Delay(back=0.3)
        start = time.monotonic()
        self.connection.sendall(b"bye")
        self.connection.shutdown(socket.SHUT_WR)
        self.assertEqual(self.receive(3), b"bye")
        self.assertEqual(self.connection.recv(10), b"")
        self.assertGreaterEqual(time.monotonic() - start, 0.3)

    def test_a_server_that_does_not_listen(self) -> None:
        self.echo.close()
        with socket.create_connection(self.proxy.address, timeout=30) as connection, suppress(ConnectionResetError):
            self.assertEqual(connection.recv(10), b"")
        self.echo = Echo()


class NetworkTests(unittest.TestCase):
    """Two hosts; skipped if there can be none."""

    def setUp(self) -> None:
        try:
            self.network = Network("one", "two")
        except Unavailable as error:
            self.skipTest(str(error))

    def tearDown(self) -> None:
        self.network.close()

    def within(self, host: str, action: Callable[[], object]) -> object:
        with self.network[host].inside():
            return action()

    def test_a_cut_link_is_silent_and_connections_outlive_it(self) -> None:
        home = Path("/proc/thread-self/ns/net").readlink()
        echo = self.within("one", lambda: Echo(self.network["one"].address, 7))
        self.assertIsInstance(echo, Echo)
        connection = self.within("two", lambda: socket.create_connection((self.network["one"].address, 7), timeout=30))
        assert isinstance(connection, socket.socket) and isinstance(echo, Echo)
        self.assertEqual(Path("/proc/thread-self/ns/net").readlink(), home)
        with connection:
            connection.sendall(b"before")
            self.assertEqual(connection.recv(10), b"before")
            self.network.cut(self.network["one"])
            connection.sendall(b"in between")
            connection.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                connection.recv(10)
            self.network.restore(self.network["one"])
            connection.settimeout(30)
            self.assertEqual(connection.recv(10), b"in between")
        echo.close()

    def test_hosts_do_not_reach_the_machine(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, self.assertRaises(ConnectionRefusedError):
            self.within("one", lambda: socket.create_connection(listener.getsockname(), timeout=30))


if __name__ == "__main__":
    unittest.main()

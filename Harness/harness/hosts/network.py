"""Hosts on a network, made of Linux network namespaces. Each host has one link, which can be cut.

The namespaces have no names. They belong to this process and to what it starts in them, and end with the last of these
processes, in whatever way it ends. The machine's own network is not changed.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from ..lib.failures import Unavailable

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_LIBC = ctypes.CDLL(None, use_errno=True)


class Host:
    """A namespace, and its address on the network."""

    def __init__(self, name: str, address: str) -> None:
        """Makes the namespace."""
        self.name = name
        self.address = address
        with _home():
            _check(_LIBC.unshare(_NEW_NETWORK), "unshare")
            self._descriptor = _own_namespace()

    @property
    def path(self) -> str:
        """The file by which other programs find the namespace."""
        return f"/proc/{os.getpid()}/fd/{self._descriptor}"

    def enter(self) -> None:
        """Moves the calling thread here: its new sockets, and the programs that it starts."""
        _check(_LIBC.setns(self._descriptor, _NEW_NETWORK), "setns")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Moves the calling thread here for the block."""
        with _home():
            self.enter()
            yield

    def run(self, *words: str) -> None:
        """Runs a program here until its end."""
        with self.inside():
            result = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True)
        if result.returncode != 0:
            raise OSError(f"{' '.join(words)}: {result.stderr.decode().strip()}")

    def close(self) -> None:
        """Closes the namespace; it exists until the last process in it has ended."""
        os.close(self._descriptor)


class Network:
    """Hosts, each with a link to one switch."""

    def __init__(self, *names: str) -> None:
        """Makes the hosts, in order.

        Raises:
            Unavailable: if namespaces cannot be made on this machine.

        """
        self.hosts: dict[str, Host] = {}
        try:
            if shutil.which("ip") is None:
                raise Unavailable("there is no ip program (Debian package iproute2)")
            self._switch = Host("switch", "")
            self._switch.run("ip", "link", "add", "name", "bridge", "type", "bridge")
            self._switch.run("ip", "link", "set", "bridge", "up")
            for number, name in enumerate(names):
                self.hosts[name] = self._plug_in(Host(name, f"10.20.30.{number + 1}"))
        except OSError as error:
            self.close()
            raise Unavailable(f"network namespaces cannot be made here: {error}") from error

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    @property
    def addresses(self) -> str:
        """All addresses of the network, as PostgreSQL's access file names them."""
        return "10.20.30.0/24"

    def _plug_in(self, host: Host) -> Host:
        peer = ("peer", "name", "eth0", "netns", host.path)
        self._switch.run("ip", "link", "add", "name", host.name, "type", "veth", *peer)
        self._switch.run("ip", "link", "set", host.name, "master", "bridge", "up")
        host.run("ip", "address", "add", f"{host.address}/24", "dev", "eth0")
        host.run("ip", "link", "set", "lo", "up")
        host.run("ip", "link", "set", "eth0", "up")
        return host

    def cut(self, host: Host) -> None:
        """Cuts a host's link at the switch: packets are lost, and no process gets an error."""
        self._switch.run("ip", "link", "set", host.name, "down")

    def restore(self, host: Host) -> None:
        """Restores the link; connections continue unless one end has given them up."""
        self._switch.run("ip", "link", "set", host.name, "up")

    def close(self) -> None:
        """Closes all namespaces."""
        for host in (*self.hosts.values(), *([self._switch] if hasattr(self, "_switch") else [])):
            host.close()
        self.hosts.clear()


@contextmanager
def _home() -> Iterator[None]:
    """Moves the calling thread back after the block."""
    home = _own_namespace()
    try:
        yield
    finally:
        try:
            _check(_LIBC.setns(home, _NEW_NETWORK), "setns")
        finally:
            os.close(home)


def _own_namespace() -> int:
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _check(result: int, call: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{call}: {os.strerror(code)}")

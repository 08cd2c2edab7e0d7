"""The language of scenarios."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from ...lib.beanstalk import PATIENCE, Address, Connection, Disconnected, Reply, Stalled, parse_statistics


class Unexpected(Exception):
    """A server did something else than the scenario expects."""


class Late(Exception):
    """So much time has passed that the scenario proves nothing; it is played again."""


class Stopwatch:
    """Measures time."""

    #: Servers count milliseconds.
    GRAIN = 0.005

    def __init__(self) -> None:
        self._began = time.monotonic()

    def must_have_run(self, seconds: float, what: str) -> None:
        """Fails if less time has passed."""
        passed = time.monotonic() - self._began
        if passed < seconds - self.GRAIN:
            raise Unexpected(f"{what} after {passed:.3f} s, before its time of {seconds} s")

    def is_pointless_after(self, seconds: float) -> None:
        """Gives up this attempt if more time has passed."""
        if time.monotonic() - self._began > seconds:
            raise Late


class Talker:
    """A client that sends lines and checks replies."""

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        self._link = Connection(address, patience)

    def put(self, body: str, priority: int = 10, delay: int = 0, ttr: int = 1000) -> int:
        """Puts a task and returns its id."""
        reply = self._link.command("put", priority, delay, ttr, body=body.encode())
        if reply.word != "INSERTED" or reply.task is None:
            raise Unexpected(f"put: {reply}")
        return reply.task

    def ask(self, line: str) -> str:
        """Sends a command and returns the reply; with a task it is ``RESERVED body`` or ``FOUND body``."""
        return _text(self._link.ask(line))

    def figures(self, line: str) -> dict[str, str]:
        """Returns statistics."""
        reply = self._link.ask(line)
        if reply.body is None:
            raise Unexpected(f"{line}: {reply}")
        return parse_statistics(reply.body)

    def say(self, text: str) -> None:
        """Sends lines, separated by ``|``, and does not wait."""
        # The end of the connection is found when a reply is read.
        with contextlib.suppress(Disconnected):
            self._link.send("".join(line + "\r\n" for line in text.split("|")).encode())

    def hear(self) -> str:
        """Waits for one reply and returns it."""
        return _text(self._link.reply())

    def hear_the_end(self) -> None:
        """Waits until the server closes the connection."""
        while not self._link.ended:
            self._link.read()
        if (reply := self._link.take()) is not None:
            raise Unexpected(f"before the end came: {reply}")

    def finish(self) -> None:
        """Closes the sending half."""
        self._link.finish()

    def expect(self, line: str, reply: str) -> None:
        """Sends a command and checks the reply."""
        check(line, self.ask(line), reply)

    def close(self) -> None:
        """Closes the connection."""
        self._link.close()


class Place:
    """The place of a scenario: servers that are one queue, and a tube of its own."""

    def __init__(self, addresses: Sequence[Address], tube: str, forgets_deadlines: bool = False) -> None:
        """Begins without clients.

        - ``forgets_deadlines``: beanstalkd 1.12 and 1.13 check a connection's deadlines once, when the first is
          reached. If they do so within the same microsecond, it is not over for them, and they check again only when
          the connection does something (``conn_timeout`` in prot.c). So a scenario without a reply is played again.
        """
        self.addresses = addresses
        self.tube = tube
        self._forgets_deadlines = forgets_deadlines
        self._talkers: list[Talker] = []
        self._attempts = 0

    def client(self, server: int | None = None) -> Talker:
        """Returns a client that uses and watches only the scenario's tube, at the next server if none is given."""
        number = len(self._talkers) if server is None else server
        patience = 6 if self._forgets_deadlines else PATIENCE
        talker = Talker(self.addresses[number % len(self.addresses)], patience)
        self._talkers.append(talker)
        talker.expect(f"use {self.tube}", f"USING {self.tube}")
        talker.expect(f"watch {self.tube}", "WATCHING 2")
        talker.expect("ignore default", "WATCHING 1")
        return talker

    def await_waiting(self, server: int, count: int) -> None:
        """Waits until this number of clients waits at a server for a task of the tube."""
        observer = self.client(server)
        deadline = time.monotonic() + PATIENCE
        while (waiting := int(observer.figures(f"stats-tube {self.tube}")["current-waiting"])) != count:
            if time.monotonic() > deadline:
                raise Unexpected(f"{waiting} clients wait instead of {count}")

    def play(self, scenario: Callable[[Place], None]) -> None:
        """Plays a scenario, again if the machine was too slow for it."""
        name = self.tube
        for attempt in range(20):
            self.tube = f"{name}-{attempt}"
            try:
                return scenario(self)
            except Late:
                continue
            except Stalled:
                if not self._forgets_deadlines:
                    raise
            finally:
                for talker in self._talkers:
                    talker.close()
                self._talkers.clear()
        raise Unexpected("the machine is too slow for this")


def check(what: str, actual: object, expected: object) -> None:
    """Fails if a value is not the expected one."""
    if actual != expected:
        raise Unexpected(f"{what}: {actual!r} instead of {expected!r}")


def _text(reply: Reply) -> str:
    if reply.word in ("RESERVED", "FOUND"):
        return f"{reply.word} {(reply.body or b'').decode('latin-1')}"
    return reply.line.decode("latin-1")

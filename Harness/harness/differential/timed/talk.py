"""What scenarios are written with."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence

from ...lib.beanstalk import PATIENCE, Address, Connection, Disconnected, Reply, Stalled, parse_statistics


class Unexpected(Exception):
    """A server did something else than the scenario says."""


class Late(Exception):
    """So much time has passed unnoticed that the scenario proves nothing; it is played again."""


class Stopwatch:
    """Tells how long ago something was."""

    #: Servers keep time in milliseconds.
    GRAIN = 0.005

    def __init__(self) -> None:
        self._began = time.monotonic()

    def must_have_run(self, seconds: float, what: str) -> None:
        """Fails where less time has passed."""
        passed = time.monotonic() - self._began
        if passed < seconds - self.GRAIN:
            raise Unexpected(f"{what} after {passed:.3f} s, before its time of {seconds} s")

    def is_pointless_after(self, seconds: float) -> None:
        """Gives this attempt up where more time has passed."""
        if time.monotonic() - self._began > seconds:
            raise Late


class Talker:
    """A client that says one thing at a time."""

    def __init__(self, address: Address, patience: float = PATIENCE) -> None:
        self._link = Connection(address, patience)

    def put(self, body: str, priority: int = 10, delay: int = 0, ttr: int = 1000) -> int:
        """Puts a task and returns its id."""
        reply = self._link.command("put", priority, delay, ttr, body=body.encode())
        if reply.word != "INSERTED" or reply.task is None:
            raise Unexpected(f"put: {reply}")
        return reply.task

    def ask(self, line: str) -> str:
        """Sends a command and waits for the reply; of a task it is ``RESERVED body`` or ``FOUND body``."""
        return _text(self._link.ask(line))

    def figures(self, line: str) -> dict[str, str]:
        """Asks for statistics."""
        reply = self._link.ask(line)
        if reply.body is None:
            raise Unexpected(f"{line}: {reply}")
        return parse_statistics(reply.body)

    def say(self, text: str) -> None:
        """Sends lines, given with ``|`` between them, and waits for nothing."""
        # The end of the connection is found when a reply is read.
        with contextlib.suppress(Disconnected):
            self._link.send("".join(line + "\r\n" for line in text.split("|")).encode())

    def hear(self) -> str:
        """Waits for one reply."""
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
    """Where a scenario is played: some servers that are one queue, and a tube of its own."""

    def __init__(self, addresses: Sequence[Address], tube: str, forgets_deadlines: bool = False) -> None:
        """Begins with nobody there.

        - ``forgets_deadlines``: beanstalkd 1.12 and 1.13 look at a connection's deadlines once when the first of them
          is reached. If they do so in the very microsecond, it is not yet over for them, and they look again only when
          the connection does something (``conn_timeout`` in prot.c). So where nothing comes a scenario is played again.
        """
        self.addresses = addresses
        self.tube = tube
        self._forgets_deadlines = forgets_deadlines
        self._talkers: list[Talker] = []
        self._attempts = 0

    def client(self, server: int | None = None) -> Talker:
        """A client that uses and watches the scenario's tube only; each at the next server unless one is given."""
        number = len(self._talkers) if server is None else server
        patience = 6 if self._forgets_deadlines else PATIENCE
        talker = Talker(self.addresses[number % len(self.addresses)], patience)
        self._talkers.append(talker)
        talker.expect(f"use {self.tube}", f"USING {self.tube}")
        talker.expect(f"watch {self.tube}", "WATCHING 2")
        talker.expect("ignore default", "WATCHING 1")
        return talker

    def await_waiting(self, server: int, count: int) -> None:
        """Waits until so many clients wait at a server for a task of the tube."""
        observer = self.client(server)
        deadline = time.monotonic() + PATIENCE
        while (waiting := int(observer.figures(f"stats-tube {self.tube}")["current-waiting"])) != count:
            if time.monotonic() > deadline:
                raise Unexpected(f"{waiting} clients wait instead of {count}")

    def play(self, scenario: Callable[["Place"], None]) -> None:
        """Plays a scenario, again where the machine was too slow for it."""
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
    """Fails where something is not as expected."""
    if actual != expected:
        raise Unexpected(f"{what}: {actual!r} instead of {expected!r}")


def _text(reply: Reply) -> str:
    if reply.word in ("RESERVED", "FOUND"):
        return f"{reply.word} {(reply.body or b'').decode('latin-1')}"
    return reply.line.decode("latin-1")

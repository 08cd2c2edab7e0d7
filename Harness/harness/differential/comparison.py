"""Compares a reply of beanstalkd with one of the subject."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..lib.beanstalk import Reply
from . import figures
from .links import Side
from .numbering import Numbering
from .state import Client, State
from .steps import Command


class Difference(Exception):
    """The subject did something else than beanstalkd."""

    def __init__(
        self, what: str, command: Command | None = None, expected: object = None, actual: object = None
    ) -> None:
        super().__init__(what)
        self.command = command
        self.expected = expected
        self.actual = actual


class Comparison:
    """What must be known to compare replies."""

    def __init__(self, state: State, oracle: Side, subject: Side, counts_announced: bool) -> None:
        """Begins without any task.

        - ``counts_announced``: the subject counts a put when its line has come, as beanstalkd does. Managers count it
          when its body has come.
        """
        self._counts_announced = counts_announced
        self.numbering = Numbering()
        self._state, self._oracle, self._subject = state, oracle, subject
        self._began = time.monotonic()
        self.mark()

    def mark(self) -> None:
        """Records, before commands are sent, how often the servers were probed: ``stats`` counts probes."""
        self._probings = (self._oracle.probings[0], list(self._subject.probings))

    def compare(self, client: Client, command: Command, expected: Reply, actual: Reply) -> None:
        """Compares the replies to a command.

        Raises:
            Difference: if the subject's reply is not as it has to be.

        """
        if expected.word == actual.word == "INSERTED":
            if not self.numbering.add(command.task or 0, expected.task or 0, actual.task or 0):
                raise Difference("an id that was given before", command, expected, actual)
        elif command.verb in figures.TABLES and expected.body is not None and actual.body is not None:
            occasion = figures.Occasion(
                elapsed=time.monotonic() - self._began,
                id_of_subject=lambda id: str(self.numbering.translate(int(id))),
                shared_out=self._sums(client, command),
            )
            if found := figures.differences(command.verb, expected.body, actual.body, occasion):
                raise Difference("; ".join(found), command, expected, actual)
        elif self.numbering.translated(expected) != actual:
            raise Difference("another reply", command, expected, actual)

    def _sums(self, client: Client, command: Command) -> Callable[[str, int], int]:
        """Returns what computes the sum of all managers from a figure of the connection's manager."""
        others = [server for server in range(len(self._subject.addresses)) if server != client.server]
        if command.verb == "stats-tube":
            waiters = self._state.waiters()
            elsewhere = sum(waiter.server in others and command.tube in waiter.watching for waiter in waiters)
            return lambda key, told: told + elsewhere
        figures_of_others = [self._subject.probe(server) for server in others] if command.verb == "stats" else []
        before, probings = self._probings
        correction = {
            "cmd-stats": before - probings[client.server] - sum(self._subject.probings[server] for server in others),
            "cmd-put": 0 if self._counts_announced else self._state.abandoned_puts,
        }
        return lambda key, told: told + sum(int(each[key]) for each in figures_of_others) + correction.get(key, 0)

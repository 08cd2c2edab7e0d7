"""Translates between the ids that the two sides give to a task."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..lib.beanstalk import Reply
from .steps import Command


@dataclass
class Numbering:
    """The tool's own numbers of tasks, and the ids of both sides.

    The ids differ: beanstalkd gives an id to each put when its line has come, so puts that are refused or broken off
    leave gaps.
    """

    oracle: dict[int, int] = field(default_factory=dict)
    """The tool's number → beanstalkd's id."""
    subject: dict[int, int] = field(default_factory=dict)
    """The tool's number → the managers' id."""
    _translation: dict[int, int] = field(default_factory=dict)
    _used: set[int] = field(default_factory=set)

    def add(self, number: int, oracle: int, subject: int) -> bool:
        """Adds the ids of a new task; returns False if the subject has used its id before."""
        is_new = subject not in self._used
        self._used.add(subject)
        self.oracle[number], self.subject[number] = oracle, subject
        self._translation[oracle] = subject
        return is_new

    def translate(self, oracle: int) -> int | None:
        """Returns the subject's id of a task, for beanstalkd's id."""
        return self._translation.get(oracle)

    def translated(self, reply: Reply) -> Reply:
        """Returns a reply of beanstalkd with the subject's ids."""
        if reply.task is None:
            return reply
        words = reply.words
        words[1] = str(self.translate(reply.task)).encode()
        return Reply(b" ".join(words), reply.body)

    def packets(
        self, commands: tuple[Command, ...], cuts: tuple[float, ...]
    ) -> tuple[list[bytes], list[bytes], tuple[Command, ...], bool]:
        """Returns the bytes of some commands for both sides, cut into packets.

        A cut is in the same command for both sides, although the lengths of their ids may differ.

        Returns:
            The packets for beanstalkd; the packets for the subject; the commands that are not complete before the last
            packet; and whether the line of the first of these is.

        """
        oracle = [command.wire(self.oracle) for command in commands]
        subject = [command.wire(self.subject) for command in commands]
        total = sum(map(len, oracle))
        places: list[tuple[int, int]] = []
        for cut in sorted(cuts):
            index, offset = 0, int(cut * total)
            while offset >= len(oracle[index]):
                offset -= len(oracle[index])
                index += 1
            if (index, offset) != (0, 0) and (not places or places[-1] != (index, offset)):
                places.append((index, offset))
        last, into = places[-1] if places else (0, 0)
        head_sent = bool(places) and into >= len(oracle[last]) - len(commands[last].tail)
        return _cut(oracle, places), _cut(subject, places), commands[last:], head_sent


def _cut(texts: list[bytes], places: list[tuple[int, int]]) -> list[bytes]:
    data, packets, begin = b"".join(texts), [], 0
    for index, offset in places:
        end = sum(map(len, texts[:index])) + min(offset, len(texts[index]) - 1)
        packets.append(data[begin:end])
        begin = end
    return [packet for packet in [*packets, data[begin:]] if packet]

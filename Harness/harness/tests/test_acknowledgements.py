"""The states that a disk may have for a task, by what was sent and acknowledged before the cut."""

from __future__ import annotations

import unittest

from ..powercut.acknowledgements import GONE, NEVER, RESERVE, Acknowledgements, Operation, Replies, State, Task, Wire
from ..powercut.trace import Kind, Record

WIRE = Wire(1000, 11300, 0)
LIVE, BURIED = State("live"), State("buried")


def task(*operations: tuple[State, int, int]) -> Task:
    """Returns a task. Each operation is a state, when it was sent, and when it was acknowledged."""
    made = Task("key", 10, id=7)
    for state, sent, acked in operations:
        made.operations.append(Operation("verb", state, sent, WIRE, acked=acked))
    return made


class StateTests(unittest.TestCase):
    """The last acknowledged operation counts, and all that were sent later."""

    def test_put(self) -> None:
        one = task((LIVE, 10, 20))
        self.assertEqual(one.states(9), {GONE})
        self.assertEqual(one.states(15), {GONE, LIVE})
        self.assertEqual(one.states(20), {LIVE})

    def test_delivered_before_its_put_was_acknowledged(self) -> None:
        one = task((LIVE, 10, NEVER))
        one.operations.append(Operation(RESERVE, LIVE, 10, WIRE, acked=30))
        self.assertEqual(one.states(29), {GONE, LIVE})
        self.assertEqual(one.states(30), {LIVE})
        one.operations.append(Operation("bury", BURIED, 40, WIRE, acked=50))
        one.operations.append(Operation("kick-job", LIVE, 60, WIRE))
        one.operations.append(Operation(RESERVE, LIVE, 70, WIRE, acked=80))
        self.assertEqual(one.states(80), {BURIED, LIVE})

    def test_delete(self) -> None:
        one = task((LIVE, 10, 20), (GONE, 30, 40))
        self.assertEqual(one.states(29), {LIVE})
        self.assertEqual(one.states(30), {LIVE, GONE})
        self.assertEqual(one.states(40), {GONE})

    def test_unanswered_delete(self) -> None:
        self.assertEqual(task((LIVE, 10, 20), (GONE, 30, NEVER)).states(1000), {LIVE, GONE})

    def test_unanswered_operation_before_an_acknowledged_one(self) -> None:
        one = task((LIVE, 10, 20), (BURIED, 30, NEVER), (LIVE, 40, 50))
        self.assertEqual(one.states(35), {LIVE, BURIED})
        self.assertEqual(one.states(50), {LIVE})


class RepliesTests(unittest.TestCase):
    """Finding the moment at which a byte of a connection's replies was sent."""

    def send(self, begin: int, handle: int, bytes_sent: int) -> Record:
        return Record(Kind.SEND, begin, begin + 1, handle, WIRE.client_port, WIRE.server_port, bytes_sent, b"")

    def test_byte_by_byte(self) -> None:
        replies = Replies([self.send(10, 10, 5), self.send(20, 10, -1), self.send(30, 10, 5)])
        self.assertEqual([replies.sent(WIRE, end) for end in (1, 5, 6, 10, 11)], [10, 10, 30, 30, None])

    def test_manager_killed_while_sending(self) -> None:
        killed = Record(Kind.SEND, 20, 0, 10, WIRE.client_port, WIRE.server_port, 0, b"")
        replies = Replies([self.send(10, 10, 5), killed])
        self.assertEqual([replies.sent(WIRE, end) for end in (5, 6, 100)], [10, 20, 20])
        first = Record(Kind.SEND, 20, 0, 20, WIRE.client_port, WIRE.server_port, 0, b"")
        self.assertEqual(Replies([first]).sent(WIRE, 5), 20)

    def test_port_that_was_used_again(self) -> None:
        replies = Replies([self.send(10, 10, 5), self.send(40, 40, 5)])
        self.assertEqual(replies.sent(Wire(1000, 11300, 20), 5), 40)

    def test_acknowledgements_takes_the_moment_of_sending(self) -> None:
        one = task((LIVE, 1, NEVER))
        one.operations[0].reply_end = 5
        acknowledgements = Acknowledgements([one], Replies([self.send(10, 10, 5)]))
        self.assertEqual((one.operations[0].acked, acknowledgements.traced, acknowledgements.untraced), (10, 1, 0))

    def test_acknowledgements_moves_tasks_from_coming_to_gone(self) -> None:
        one = task((LIVE, 1, NEVER), (GONE, 20, NEVER))
        one.operations[0].reply_end, one.operations[1].reply_end = 5, 10
        acknowledgements = Acknowledgements([one], Replies([self.send(10, 10, 5), self.send(30, 10, 5)]))
        self.assertEqual((list(acknowledgements.live), acknowledgements.last_acknowledged_id(0)), ([], 0))
        acknowledgements.advance(25)
        self.assertEqual((list(acknowledgements.live), acknowledgements.is_gone(7)), ([one], False))
        acknowledgements.advance(30)
        self.assertEqual(
            (list(acknowledgements.live), acknowledgements.is_gone(7), acknowledgements.last_acknowledged_id(30)),
            ([], True, 7),
        )


if __name__ == "__main__":
    unittest.main()

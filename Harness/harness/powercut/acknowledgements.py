"""What clients sent and were told, each with its position in the trace, and what a disk must hold."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from .trace import Kind, Record

#: A moment that never comes.
NEVER = 1 << 63


@dataclass(frozen=True, slots=True)
class State:
    """The state of a task. Pending and claimed are one state, since a claim may begin at any time."""

    name: str
    priority: int = 0


GONE = State("gone")

#: The verb of an operation that is the delivery of a task.
RESERVE = "reserve"


@dataclass(slots=True)
class Wire:
    """A client's end of a connection, by which its replies are found in the trace."""

    client_port: int
    server_port: int
    #: The position in the trace when the connection was made.
    since: int


@dataclass(slots=True)
class Operation:
    """A command about one task."""

    verb: str
    #: The state of the task when it has been executed.
    makes: State
    #: The position in the trace before it was sent.
    sent: int
    wire: Wire
    #: The number of bytes of replies on the connection until the end of its reply; 0 if there is none.
    reply_end: int = 0
    #: When the manager sent the reply: from then on it must hold.
    acked: int = NEVER


@dataclass(slots=True)
class Task:
    """One task: its key, its id if it is known, and the commands about it in the order in which they were sent."""

    key: str
    body_size: int
    operations: list[Operation] = field(default_factory=list)
    id: int | None = None

    @property
    def sent(self) -> int:
        """When its put was sent."""
        return self.operations[0].sent

    def gone_at(self) -> int:
        """Returns when its end was acknowledged."""
        return min((op.acked for op in self.operations if op.makes == GONE), default=NEVER)

    def states(self, cut: int) -> set[State]:
        """Returns the states that it may have on the disk after a cut.

        The last acknowledged operation counts, and any operation that was sent later. Clients work on a task one after
        the other: each gets it through what the one before has done. So if a later operation is acknowledged, an
        earlier one without acknowledgement was executed before it, or never will be.

        A delivery shows only that the task exists: the claim may be lost with the power.
        """
        sent = [operation for operation in self.operations if operation.sent <= cut and operation.verb != RESERVE]
        last = max((index for index, operation in enumerate(sent) if operation.acked <= cut), default=-1)
        allowed = {operation.makes for operation in sent[last + 1 :]}
        if last >= 0:
            allowed.add(sent[last].makes)
        elif not any(operation.verb == RESERVE and operation.acked <= cut for operation in self.operations):
            allowed.add(GONE)
        return allowed


class Replies:
    """When each byte of each reply was handed to the kernel, from the trace's records of sending.

    A manager that was killed within the call, or before it recorded how many bytes were sent, may have sent any number
    of them. This is the last call of its connection, and all later bytes that the client has received are from it.
    """

    def __init__(self, records: Iterable[Record]) -> None:
        """Reads all records."""
        self._streams: dict[int, list[Record]] = {}
        self._wires: dict[tuple[int, int], list[int]] = {}
        for record in records:
            if record.kind is not Kind.SEND or (record.result <= 0 and record.returned):
                continue
            if record.handle not in self._streams:
                self._streams[record.handle] = []
                self._wires.setdefault((record.offset, record.length), []).append(record.handle)
            self._streams[record.handle].append(record)
        self._ends = {
            handle: list(accumulate(record.result if record.returned else NEVER for record in stream))
            for handle, stream in self._streams.items()
        }

    def sent(self, wire: Wire, end: int) -> int | None:
        """Returns when the reply that ends at this byte of the stream was sent, None if it is not in the trace."""
        streams = self._wires.get((wire.client_port, wire.server_port), [])
        handle = next((handle for handle in streams if handle > wire.since), None)
        if handle is None or end <= 0:
            return None
        index = bisect_left(self._ends[handle], end)
        return self._streams[handle][index].begin if index < len(self._ends[handle]) else None


class Acknowledgements:
    """All tasks of a run, from the first cut to the last."""

    def __init__(self, tasks: Sequence[Task], replies: Replies) -> None:
        """Finds the reply of each operation."""
        #: The number of operations whose reply was received and is in the trace, and of those whose reply is not in it.
        self.traced = self.untraced = 0
        for task in tasks:
            task.operations.sort(key=lambda operation: operation.sent)
            for operation in task.operations:
                if operation.reply_end == 0:
                    continue
                left = replies.sent(operation.wire, operation.reply_end)
                operation.acked = NEVER if left is None else left
                self.traced += left is not None
                self.untraced += left is None
        self.tasks = {task.key: task for task in tasks}
        self._coming = sorted(tasks, key=lambda task: task.sent, reverse=True)
        self._live: dict[str, tuple[Task, int]] = {}
        self._gone: dict[int, Task] = {}

    def advance(self, cut: int) -> None:
        """Moves to a later cut."""
        while self._coming and self._coming[-1].sent <= cut:
            task = self._coming.pop()
            self._live[task.key] = (task, task.gone_at())
        for key in [key for key, (_, gone) in self._live.items() if gone <= cut]:
            task, _ = self._live.pop(key)
            if task.id is not None:
                self._gone[task.id] = task

    @property
    def live(self) -> Iterable[Task]:
        """The tasks that were sent before the cut and whose end was not acknowledged before it."""
        return (task for task, _ in self._live.values())

    def is_gone(self, id: int) -> bool:
        """Returns whether the end of this task was acknowledged before the cut."""
        return id in self._gone

    @property
    def gone(self) -> Sequence[int]:
        """The ids of all tasks whose end was acknowledged before the cut."""
        return list(self._gone)

    def last_acknowledged_id(self, cut: int) -> int:
        """Returns the largest id that a producer got before the cut."""
        live = (task.id for task in self.live if task.id is not None and task.operations[0].acked <= cut)
        return max((*self._gone, *live), default=0)

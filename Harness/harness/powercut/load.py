"""Producers and consumers that record the position in the trace with all that they send and receive."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence

from ..lib import bodies
from ..lib.beanstalk import Address, Connection, Disconnected, Reply, encode
from .acknowledgements import GONE, RESERVE, Operation, State, Task, Wire
from .trace import Trace

#: A delay that is longer than any run, so that a delayed task changes only if a client kicks it.
LONG = 100_000


class TaskRegistry:
    """The tasks of a run, shared by all clients."""

    def __init__(self, trace: Trace, limit: int) -> None:
        """``limit`` is the number of tasks from which on producers wait."""
        self.trace = trace
        self.limit = limit
        self.stopping = threading.Event()
        #: For how many seconds a client waits before each batch.
        self.pause = 0.0
        self.problems: list[str] = []
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}
        self._finished = 0

    def add(self, task: Task) -> None:
        """Adds a task that is about to be put."""
        with self._lock:
            self._tasks[task.key] = task

    def finish(self) -> None:
        """Counts a task that was deleted."""
        with self._lock:
            self._finished += 1

    @property
    def is_full(self) -> bool:
        """Whether producers should wait for consumers, to keep the database small."""
        return len(self._tasks) - self._finished > self.limit

    def find(self, reply: Reply) -> Task:
        """Returns the task that a manager has delivered."""
        key = bodies.key_of(reply.body)
        if key is None or key not in self._tasks:
            raise AssertionError(f"task {reply.id} was delivered with {bodies.shown(reply.body)}")
        return self._tasks[key]

    @property
    def tasks(self) -> Sequence[Task]:
        """All tasks."""
        return list(self._tasks.values())


class Client(threading.Thread):
    """A thread with one connection at a time; when it breaks, the thread opens another."""

    def __init__(self, registry: TaskRegistry, addresses: Sequence[Address], name: str, seed: str) -> None:
        """``addresses`` are those of the managers."""
        super().__init__(name=name, daemon=True)
        self.registry = registry
        self.addresses = addresses
        self.rng = random.Random(f"{seed}-{name}")

    def run(self) -> None:
        """Works until the run ends."""
        while not self.registry.stopping.is_set():
            try:
                with Connection(self.rng.choice(self.addresses)) as connection:
                    self.connection = connection
                    self.wire = Wire(connection.local_port, connection.address[1], self.registry.trace.position)
                    self.work()
            except Disconnected:
                self.registry.stopping.wait(0.05)
            except Exception as error:
                self.registry.problems.append(f"{self.name}: {type(error).__name__}: {error}")
                return

    def work(self) -> None:
        """Uses the connection until it breaks or the run ends."""
        raise NotImplementedError

    def ask(self, *steps: tuple[Task | None, State, tuple[object, ...], bytes | None]) -> list[Reply]:
        """Sends commands together and waits for all replies. Each is added to its task before it is sent."""
        sent = self.registry.trace.position
        operations: list[Operation | None] = []
        for task, makes, words, _ in steps:
            operation = Operation(str(words[0]), makes, sent, self.wire) if task else None
            operations.append(operation)
            if task and operation:
                task.operations.append(operation)
        self.connection.send(b"".join(encode(*words, body=body) for _, _, words, body in steps))
        replies = []
        for operation in operations:
            replies.append(self.connection.reply())
            if operation:
                operation.reply_end = self.connection.bytes_taken
        return replies

    def must(self, expected: str, reply: Reply, about: Callable[[], str]) -> None:
        """Raises an error if the reply is not the expected one."""
        if reply.word != expected:
            raise AssertionError(f"{about()}: {reply.word} instead of {expected}")

    def tell(self, task: Task, makes: State, expected: str, *words: object) -> None:
        """Sends one command about one task, with the expected reply."""
        reply = self.ask((task, makes, words, None))[0]
        if makes == GONE and reply.word == expected:
            self.registry.finish()
        self.must(expected, reply, lambda: " ".join(map(str, words)))


class Producer(Client):
    """A client that puts tasks, several at a time. Some are delayed; it kicks or deletes these later."""

    def size(self) -> int:
        """Returns the size of the next task's body."""
        return bodies.some_size(self.rng)

    def work(self) -> None:
        """See `Client`."""
        delayed: deque[Task] = deque()
        number = 0
        while not self.registry.stopping.is_set():
            if self.registry.is_full:
                self.registry.stopping.wait(0.01)
                continue
            self.registry.stopping.wait(self.registry.pause)
            tasks, steps = [], []
            for _ in range(self.rng.choice((1, 1, 1, 2, 4, 8))):
                number += 1
                task = Task(f"{self.name}-{self.wire.since}-{number}", self.size())
                priority, delay = self.rng.choice((0, 5, 1024, 4294967295)), self.rng.choice((0, 0, 0, 0, LONG))
                self.registry.add(task)
                body = bodies.make(task.key, task.body_size)
                makes = State("delayed" if delay else "live", priority)
                tasks.append(task)
                steps.append((task, makes, ("put", priority, delay, 600), body))
                if delay:
                    delayed.append(task)
            for task, reply in zip(tasks, self.ask(*steps), strict=True):
                self.must("INSERTED", reply, lambda: "put")
                task.id = reply.id
            while len(delayed) > 5:
                task = delayed.popleft()
                makes = State("live", task.operations[-1].makes.priority)
                if self.rng.random() < 0.3:
                    self.tell(task, GONE, "DELETED", "delete", task.id)
                else:
                    self.tell(task, makes, "KICKED", "kick-job", task.id)


class Consumer(Client):
    """A client that reserves tasks, deletes most, and returns the others."""

    def work(self) -> None:
        """See `Client`."""
        while not self.registry.stopping.is_set():
            self.registry.stopping.wait(self.registry.pause)
            count = self.rng.choice((1, 1, 2, 4))
            held: list[Task] = []
            sent = self.registry.trace.position
            self.connection.send(b"".join(encode("reserve-with-timeout", 1) for _ in range(count)))
            for _ in range(count):
                reply = self.connection.reply()
                if reply.word == "RESERVED":
                    task = self.registry.find(reply)
                    task.id = reply.id
                    held.append(task)
                    # The claim may be lost with the power, but not the task, although its put has no reply yet.
                    asked = max(sent, task.operations[-1].sent)
                    seen = Operation(RESERVE, State("live"), asked, self.wire, self.connection.bytes_taken)
                    task.operations.append(seen)
                elif reply.word != "TIMED_OUT":
                    raise AssertionError(f"reserve-with-timeout: {reply.word}")
            if self.rng.random() < 0.5:
                steps = [(task, GONE, ("delete", task.id), None) for task in held]
                for reply in self.ask(*steps) if steps else []:
                    self.must("DELETED", reply, lambda: "delete")
                    self.registry.finish()
            else:
                for task in held:
                    self.finish(task)

    def finish(self, task: Task) -> None:
        """Ends one claim in a way that is chosen at random."""
        dice, priority = self.rng.random(), self.rng.choice((0, 2000))
        if dice < 0.6:
            self.tell(task, GONE, "DELETED", "delete", task.id)
        elif dice < 0.7:
            self.tell(task, State("live", priority), "RELEASED", "release", task.id, priority, 0)
        elif dice < 0.8:
            self.tell(task, State("delayed", priority), "RELEASED", "release", task.id, priority, LONG)
            self.tell(task, State("live", priority), "KICKED", "kick-job", task.id)
        elif dice < 0.9:
            self.tell(task, State("buried", priority), "BURIED", "bury", task.id, priority)
            self.tell(task, State("live", priority), "KICKED", "kick-job", task.id)
        else:
            self.tell(task, State("buried", priority), "BURIED", "bury", task.id, priority)
            self.tell(task, GONE, "DELETED", "delete", task.id)

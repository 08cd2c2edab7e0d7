"""Producers and consumers that note, for all they ask and are told, where the trace stood."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Sequence

from ..lib import bodies
from ..lib.beanstalk import Address, Connection, Disconnected, Reply, encode
from .trace import Trace
from .acknowledgements import GONE, RESERVE, Operation, State, Task, Wire

#: A delay that no run outlives, so that a delayed task stays what it is until somebody kicks it.
LONG = 100_000


class Book:
    """The tasks of a run, shared by all clients."""

    def __init__(self, trace: Trace, limit: int) -> None:
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
        """Enters a task that is about to be put."""
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
        """The task that a manager handed out."""
        key = bodies.key_of(reply.body)
        if key is None or key not in self._tasks:
            raise AssertionError(f"task {reply.id} was handed out with {bodies.shown(reply.body)}")
        return self._tasks[key]

    @property
    def tasks(self) -> Sequence[Task]:
        """All tasks."""
        return list(self._tasks.values())


class Client(threading.Thread):
    """A thread with one connection, which it renews whenever it breaks."""

    def __init__(self, book: Book, addresses: Sequence[Address], name: str, seed: str) -> None:
        super().__init__(name=name, daemon=True)
        self.book = book
        self.addresses = addresses
        self.rng = random.Random(f"{seed}-{name}")

    def run(self) -> None:
        while not self.book.stopping.is_set():
            try:
                with Connection(self.rng.choice(self.addresses)) as connection:
                    self.connection = connection
                    self.wire = Wire(connection.local_port, connection.address[1], self.book.trace.position)
                    self.work()
            except Disconnected:
                self.book.stopping.wait(0.05)
            except Exception as error:
                self.book.problems.append(f"{self.name}: {type(error).__name__}: {error}")
                return

    def work(self) -> None:
        """Uses the connection until it breaks or the run is over."""
        raise NotImplementedError

    def ask(self, *steps: tuple[Task | None, State, tuple[object, ...], bytes | None]) -> list[Reply]:
        """Sends commands together and waits for all answers; each stands in its task's list from before it is sent."""
        sent = self.book.trace.position
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
        """An answer other than the expected one is a finding."""
        if reply.word != expected:
            raise AssertionError(f"{about()}: {reply.word} instead of {expected}")

    def tell(self, task: Task, makes: State, expected: str, *words: object) -> None:
        """One command about one task, whose answer is known beforehand."""
        reply = self.ask((task, makes, words, None))[0]
        if makes == GONE and reply.word == expected:
            self.book.finish()
        self.must(expected, reply, lambda: " ".join(map(str, words)))


class Producer(Client):
    """Puts tasks, several at a time; some delayed, which it kicks or deletes later."""

    def size(self) -> int:
        """The size of the next task's body."""
        return bodies.some_size(self.rng)

    def work(self) -> None:
        delayed: deque[Task] = deque()
        number = 0
        while not self.book.stopping.is_set():
            if self.book.is_full:
                self.book.stopping.wait(0.01)
                continue
            self.book.stopping.wait(self.book.pause)
            tasks, steps = [], []
            for _ in range(self.rng.choice((1, 1, 1, 2, 4, 8))):
                number += 1
                task = Task(f"{self.name}-{self.wire.since}-{number}", self.size())
                priority, delay = self.rng.choice((0, 5, 1024, 4294967295)), self.rng.choice((0, 0, 0, 0, LONG))
                self.book.add(task)
                body = bodies.make(task.key, task.body_size)
                makes = State("delayed" if delay else "live", priority)
                tasks.append(task)
                steps.append((task, makes, ("put", priority, delay, 600), body))
                if delay:
                    delayed.append(task)
            for task, reply in zip(tasks, self.ask(*steps)):
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
    """Takes tasks; deletes most, and sends the others round once more."""

    def work(self) -> None:
        while not self.book.stopping.is_set():
            self.book.stopping.wait(self.book.pause)
            count = self.rng.choice((1, 1, 2, 4))
            held: list[Task] = []
            sent = self.book.trace.position
            self.connection.send(b"".join(encode("reserve-with-timeout", 1) for _ in range(count)))
            for _ in range(count):
                reply = self.connection.reply()
                if reply.word == "RESERVED":
                    task = self.book.find(reply)
                    task.id = reply.id
                    held.append(task)
                    # The claim may be lost with the power, but not the task, though nobody has acknowledged its put yet.
                    asked = max(sent, task.operations[-1].sent)
                    seen = Operation(RESERVE, State("live"), asked, self.wire, self.connection.bytes_taken)
                    task.operations.append(seen)
                elif reply.word != "TIMED_OUT":
                    raise AssertionError(f"reserve-with-timeout: {reply.word}")
            if self.rng.random() < 0.5:
                steps = [(task, GONE, ("delete", task.id), None) for task in held]
                for reply in self.ask(*steps) if steps else []:
                    self.must("DELETED", reply, lambda: "delete")
                    self.book.finish()
            else:
                for task in held:
                    self.finish(task)

    def finish(self, task: Task) -> None:
        """Ends one claim, one way or another."""
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

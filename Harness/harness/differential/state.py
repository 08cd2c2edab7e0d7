"""What the tool knows of the state of the queue, from beanstalkd's replies."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

from ..lib.beanstalk import Reply
from .steps import Command
from .waiting import WaitingQueue


@dataclass
class Task:
    """A task that exists."""

    number: int
    tube: str
    state: str = "ready"
    delay: int = 0
    holder: int | None = None


@dataclass
class Client:
    """A connection of the stream."""

    number: int
    server: int
    using: str = "default"
    watching: list[str] = field(default_factory=lambda: ["default"])
    outstanding: deque[Command] = field(default_factory=deque)
    """Complete commands without a reply."""
    kept_back: tuple[Command, ...] = ()
    """Commands of which the first was sent in part and the others were not sent."""
    head_sent: bool = False
    """Whether the whole line of the first of these was sent."""
    finishing: bool = False
    """Whether nothing more will be sent."""
    queued: bool = False
    """Whether it is in the queues of waiting connections."""

    @property
    def waits(self) -> bool:
        """Whether it has asked for a task, and there may be none."""
        return bool(self.outstanding) and self.outstanding[0].may_wait and not self.finishing


class State:
    """Connections, tasks, tubes, and the connections that wait."""

    def __init__(self) -> None:
        self.clients: dict[int, Client] = {}
        self.tasks: dict[int, Task] = {}
        self.gone: deque[int] = deque(maxlen=20)
        """The last deleted tasks."""
        self.numbers: dict[int, int] = {}
        """beanstalkd's id of a task → the tool's number."""
        self.waiting: dict[str, WaitingQueue] = defaultdict(WaitingQueue)
        self.paused: set[str] = set()
        self.buried: dict[str, list[int]] = defaultdict(list)
        """The buried tasks of a tube, in the order in which they were buried."""
        self.abandoned_puts = 0
        """The number of puts whose connection ended before the body had come."""

    def waiters(self) -> list[Client]:
        """Returns the connections that wait for a task."""
        return [client for client in self.clients.values() if client.waits]

    def held(self, connection: int) -> list[Task]:
        """Returns the tasks that a connection holds."""
        return [task for task in self.tasks.values() if task.holder == connection]

    def exists(self, tube: str) -> bool:
        """Returns whether a tube has tasks, or a connection uses or watches it."""
        return (
            tube == "default"
            or any(client.using == tube or tube in client.watching for client in self.clients.values())
            or any(task.tube == tube for task in self.tasks.values())
        )

    def put_under_way(self) -> Client | None:
        """Returns a connection that has sent the line of a put and not the whole body, None if there is none."""
        for client in self.clients.values():
            if client.kept_back and client.head_sent and client.kept_back[0].verb == "put":
                return client
        return None

    def begins_to_wait(self, client: Client) -> None:
        """Records that a connection's reserve is executed."""
        if not client.queued:
            client.queued = True
            for tube in client.watching:
                self.waiting[tube].add(client.number)

    def stops_waiting(self, client: Client) -> None:
        """Records that a connection does not wait any more."""
        client.queued = False
        for tube in client.watching:
            self.waiting[tube].remove(client.number)

    def close(self, client: Client) -> None:
        """Records that a connection has ended."""
        self.stops_waiting(client)
        for task in self.held(client.number):
            task.holder, task.state = None, "ready"
        if client is self.put_under_way():
            self.abandoned_puts += 1
        del self.clients[client.number]
        self._forget_tubes([client.using, *client.watching])

    def learn(self, client: Client, command: Command, reply: Reply) -> None:
        """Records a reply of beanstalkd to a command.

        If several connections get replies in a step, those of the acting connection must be recorded first.
        """
        if command.claims:
            self.begins_to_wait(client)
        match reply.word:
            case "INSERTED":
                self._inserted(client, command, int(reply.words[1]))
            case "RESERVED":
                self._reserved(client, command, self.numbers[int(reply.words[1])])
            case "TIMED_OUT":
                self.stops_waiting(client)
            case "DELETED" | "RELEASED" | "BURIED" | "KICKED" if command.task is not None:
                self._changed(command, reply.word)
            case "KICKED":
                self._kicked(client.using, int(reply.words[1]))
            case "USING" if command.tube:
                before, client.using = client.using, command.tube
                self._forget_tubes([before])
            case "WATCHING" if command.verb == "watch" and command.tube not in client.watching:
                client.watching.append(command.tube or "")
            case "WATCHING" if command.verb == "ignore" and command.tube in client.watching:
                client.watching.remove(command.tube or "")
                self._forget_tubes([command.tube or ""])
            case "PAUSED" if command.tube:
                (self.paused.add if command.amount else self.paused.discard)(command.tube)

    def _inserted(self, client: Client, command: Command, id: int) -> None:
        number = command.task or 0
        state = "delayed" if command.amount else "ready"
        self.numbers[id] = number
        self.tasks[number] = Task(number, client.using, state, command.amount)

    def _reserved(self, client: Client, command: Command, number: int) -> None:
        task = self.tasks[number]
        if command.claims:
            self.waiting[task.tube].serve(client.number)
            self.stops_waiting(client)
        self._unbury(task)
        task.holder, task.state = client.number, "reserved"

    def _changed(self, command: Command, word: str) -> None:
        task = self.tasks[command.task or 0]
        self._unbury(task)
        task.holder = None
        match word:
            case "RELEASED":
                task.delay = command.amount
                task.state = "delayed" if command.amount else "ready"
            case "KICKED":
                task.state = "ready"
            case "BURIED":
                task.state = "buried"
                self.buried[task.tube].append(task.number)
            case _:
                del self.tasks[task.number]
                self.gone.append(task.number)
                self._forget_tubes([task.tube])

    def _kicked(self, tube: str, count: int) -> None:
        delayed = sorted(
            (task for task in self.tasks.values() if task.tube == tube and task.state == "delayed"),
            key=lambda task: task.delay,
        )
        kicked = [self.tasks[number] for number in self.buried[tube][:count]] or delayed[:count]
        for task in kicked:
            self._unbury(task)
            task.state = "ready"

    def _unbury(self, task: Task) -> None:
        if task.number in self.buried[task.tube]:
            self.buried[task.tube].remove(task.number)

    def _forget_tubes(self, tubes: list[str]) -> None:
        for tube in tubes:
            if not self.exists(tube):
                self.waiting.pop(tube, None)
                self.paused.discard(tube)

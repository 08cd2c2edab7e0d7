"""Generates a stream: the next step for the state."""

from __future__ import annotations

from collections import deque
from random import Random

from .commands import CommandMaker
from .state import Client, State
from .steps import SLOT, Command, Step

_MOST_CONNECTIONS = 7


class Generator:
    """A source of steps, the same for the same seed as long as beanstalkd does the same."""

    def __init__(self, random: Random, state: State, max_task_size: int) -> None:
        self._random, self._state = random, state
        self._maker = CommandMaker(random, state, max_task_size)
        self._planned: deque[Step] = deque()
        self._connections = 0
        self._tubes = 0

    def next(self) -> Step:
        """Returns the next step; the rules may forbid it."""
        if self._planned:
            return self._planned.popleft()
        clients = list(self._state.clients.values())
        if len(clients) < 2 or (len(clients) < _MOST_CONNECTIONS and self._chance(0.02)):
            return self._open()
        if self._chance(0.004):
            return self._queue_up()
        client = self._random.choice(clients)
        if client.kept_back:
            return Step("gone" if self._chance(0.15) else "rest", client.number)
        if self._chance(0.1 if client.waits else 0.01):
            return Step("close", client.number)
        idle = [each for each in clients if not each.outstanding and not each.kept_back]
        return self._send(self._random.choice(idle)) if idle else self._open()

    def audit(self) -> list[Step]:
        """Returns steps that read the whole state."""
        opening = self._open()
        tubes = {"default"} | {task.tube for task in self._state.tasks.values()}
        tubes |= {tube for client in self._state.clients.values() for tube in [client.using, *client.watching]}
        commands = [_plain("list-tubes"), *(_plain("stats-tube", tube) for tube in sorted(tubes))]
        for number in [*self._state.tasks, *self._state.gone]:
            for verb in (b"stats-job", b"peek"):
                commands.append(Command(verb.decode(), verb + b" " + SLOT + b"\r\n", task=number))
        commands.append(_plain("stats"))
        return [opening, *(Step("send", opening.connection, commands=(command,)) for command in commands)]

    def harvest(self) -> list[Step]:
        """Returns steps that kick buried tasks and then reserve all ready tasks in order."""
        opening = self._open()
        tubes = sorted({task.tube for task in self._state.tasks.values()})
        commands = [Command("pause-tube", f"pause-tube {tube} 0\r\n".encode(), tube=tube) for tube in tubes]
        commands += [_plain("watch", tube) for tube in tubes]
        for tube in tubes:
            commands += [_plain("use", tube), Command("kick", b"kick 2\r\n", amount=2), _plain("peek-buried")]
        reserve = Command("reserve-with-timeout", b"reserve-with-timeout 0\r\n")
        commands += [reserve] * (len(self._state.tasks) + 1)
        return [opening, *(Step("send", opening.connection, commands=(command,)) for command in commands)]

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _new_connection(self) -> int:
        self._connections += 1
        return self._connections

    def _open(self) -> Step:
        return Step("open", self._new_connection(), server=self._random.randrange(2))

    def _send(self, client: Client) -> Step:
        if self._chance(0.015):
            return Step("send", client.number, commands=(_plain("stats"),))
        count = self._random.choice([2, 2, 3, 8]) if self._chance(0.2) else 1
        commands = tuple(command for _ in range(count) for command in self._maker.any(client))
        if self._chance(0.004):
            commands = self._quit(commands)
        if not self._chance(0.08):
            return Step("send", client.number, commands=commands)
        cuts = tuple(self._random.random() for _ in range(self._random.choice([1, 1, 2, 4])))
        return Step("send", client.number, commands=commands, cuts=cuts, keeps_back=self._chance(0.5))

    def _quit(self, commands: tuple[Command, ...]) -> tuple[Command, ...]:
        quit = Command("quit", self._random.choice([b"quit\r\n", b"quit now\r\n"]))
        if self._chance(0.5):
            return (*commands, quit)
        # Never executed. Behind more bytes, beanstalkd might not have read it, and would reset the connection.
        return (quit, _plain("list-tubes"))

    def _queue_up(self) -> Step:
        """Plans several connections that wait for a new tube, and then tasks for them, one by one."""
        self._tubes += 1
        tube = f"queue-{self._tubes}"
        server = self._random.randrange(2)
        waiters = [self._new_connection() for _ in range(self._random.choice([2, 3]))]
        producer = self._new_connection()
        for number in waiters:
            self._plan(number, server, [_plain("watch", tube), _plain("ignore", "default"), _plain("reserve")])
        tasks = [self._maker.put(b"for the longest waiting one", self._random.randrange(3)) for _ in waiters]
        self._plan(producer, self._random.randrange(2), [_plain("use", tube), *tasks])
        self._planned.extend(Step("close", number) for number in waiters)
        for task in tasks:
            delete = Command("delete", b"delete " + SLOT + b"\r\n", task=task.task)
            self._planned.append(Step("send", producer, commands=(delete,)))
        self._planned.append(Step("close", producer))
        return self._planned.popleft()

    def _plan(self, connection: int, server: int, commands: list[Command]) -> None:
        self._planned.append(Step("open", connection, server=server))
        self._planned.extend(Step("send", connection, commands=(command,)) for command in commands)


def _plain(verb: str, tube: str | None = None) -> Command:
    line = verb if tube is None else f"{verb} {tube}"
    return Command(verb, line.encode() + b"\r\n", tube=tube)

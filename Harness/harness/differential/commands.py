"""Generates single commands that fit the state."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from . import invalid
from .state import Client, State
from .steps import SLOT, Command

#: Few, so that equal ones are common; 1023 is urgent and 1024 is not.
_PRIORITIES = [0, 1, 1, 1, 10, 1023, 1024, 1025, 2**32 - 1]

#: Delays of puts, longer than a run. Two puts with the same delay become ready in the order of their ids.
_DELAYS = [1_000_000, 2_000_000, 3_000_000, 2**32 - 1]

#: Delays of releases, each used once: the order of two tasks should not depend on which was released later.
_RELEASE_DELAYS = range(10_000, 900_000, 100)

_TIMES_TO_RUN = [100_000, 200_000, 2**32 - 1]

_TUBES = ["default", "beans", "peas", "corn", "x", "a-+/;.$_()Z09", 200 * "n"]

#: With more tasks than this, tasks are deleted rather than put. The number changes: with many tasks there are orders to
#: compare, with few tasks connections wait.
_MANY = [2, 2, 6, 40, 120]

#: The number of commands after which it changes.
_PHASE = 150

Commands = tuple[Command, ...]
Maker = Callable[[Client], Commands]


class CommandMaker:
    """A source of commands, the same for the same seed and the same states."""

    def __init__(self, random: Random, state: State, max_task_size: int) -> None:
        self._random, self._state, self._max_task_size = random, state, max_task_size
        self._tasks_made = 0
        self._commands_made = 0
        self._many = 0
        self._release_delays = iter(random.sample(_RELEASE_DELAYS, len(_RELEASE_DELAYS)))
        self._delete = self._of_task("delete", held=6, ready=3, delayed=1, buried=1, foreign=1, gone=1)
        weights: list[tuple[int, Maker]] = [
            (26, self._put),
            (16, self._reserve),
            (9, self._delete),
            (9, self._release),
            (7, self._bury),
            (2, self._of_task("touch", held=6, foreign=1, ready=1, gone=1)),
            (4, self._of_task("reserve-job", ready=2, delayed=2, buried=2, foreign=1, gone=1)),
            (4, self._of_task("kick-job", buried=4, delayed=3, ready=1, foreign=1, gone=1)),
            (3, self._of_task("peek", ready=2, held=1, delayed=1, buried=1, foreign=1, gone=1)),
            (6, self._of_task("stats-job", ready=1, held=2, delayed=1, buried=2, foreign=1, gone=1)),
            (4, self._kick),
            (3, self._bare("peek-ready")),
            (2, self._bare("peek-delayed")),
            (2, self._bare("peek-buried")),
            (3, self._bare("list-tubes")),
            (1, self._bare("list-tube-used")),
            (2, self._bare("list-tubes-watched")),
            (5, self._of_tube("use")),
            (5, self._of_tube("watch")),
            (4, self._of_tube("ignore")),
            (6, self._of_tube("stats-tube")),
            (3, self._pause),
            (6, lambda client: (invalid.refused(random),)),
            (2, lambda client: (invalid.odd(random),)),
        ]
        self._weights = [weight for weight, _ in weights]
        self._makers = [maker for _, maker in weights]

    def any(self, client: Client) -> Commands:
        """Returns a command for a connection, in some cases followed by bytes that are parsed as another command."""
        if self._commands_made % _PHASE == 0:
            self._many = self._random.choice(_MANY)
        self._commands_made += 1
        [maker] = self._random.choices(self._makers, self._weights)
        excess = len(self._state.tasks) - self._many
        if (maker == self._put and excess > 0) or (excess > 40 and self._random.random() < 0.5):
            maker = self._delete_some if self._random.random() < 0.8 else maker
        return maker(client)

    def put(self, body: bytes, priority: int, delay: int = 0) -> Command:
        """Returns a valid put."""
        return self._put_command(len(body), body + b"\r\n", priority, delay)

    def _delete_some(self, client: Client) -> Commands:
        """Returns a delete of a task that can be deleted, whatever its state."""
        tasks = [task for task in self._state.tasks.values() if task.holder in (None, client.number)]
        if not tasks:
            return self._delete(client)
        return (Command("delete", b"delete " + SLOT + b"\r\n", task=self._random.choice(tasks).number),)

    def _put(self, client: Client) -> Commands:
        delay = self._random.choice(_DELAYS) if self._random.random() < 0.2 else 0
        priority = self._random.choice(_PRIORITIES)
        chance = self._random.random()
        if chance < 0.03:
            return (self._too_big(priority),)
        body = self._body()
        if chance < 0.07:
            return self._not_ended(body, priority, delay)
        return (self.put(body, priority, delay),)

    def _put_command(self, size: int, tail: bytes, priority: int, delay: int, garbage: str = "") -> Command:
        self._tasks_made += 1
        line = f"put {priority} {delay} {self._random.choice(_TIMES_TO_RUN)} {size}".encode()
        line = invalid.oddly_spaced(self._random, line) + garbage.encode() + b"\r\n"
        return Command("put", line, tail, task=self._tasks_made, amount=delay)

    def _too_big(self, priority: int) -> Command:
        size = self._max_task_size + self._random.choice([1, 2, 1000])
        # The size is checked before the rest of the line.
        garbage = self._random.choice(["", "", "", " x"])
        return self._put_command(size, size * b"z" + b"\r\n", priority, 0, garbage)

    def _not_ended(self, body: bytes, priority: int, delay: int) -> Commands:
        """Returns a put whose body has no line end behind it; the bytes behind the body are the next command."""
        no_end = self._random.choice([b"xy", b"\n\n", b"\r\r", b"\nx"])
        first = self._put_command(len(body), body + no_end, priority, delay)
        if self._random.random() < 0.5:
            return (first,)
        return (first, Command("invalid", b"left over\r\n"))

    def _body(self) -> bytes:
        chance = self._random.random()
        if chance < 0.1:
            return b""
        if chance < 0.2:
            return self._random.choice([b"\r\n", b"delete 1\r\n", b"\0", b"\r", 3 * b"\r\n", b"a\r\nb"])
        if chance < 0.25:
            return self._random.randbytes(self._random.randrange(30))
        if chance < 0.3:
            return self._random.randbytes(self._random.choice([self._max_task_size, self._max_task_size - 1, 200]))
        return b"body %d" % self._tasks_made

    def _reserve(self, client: Client) -> Commands:
        if self._random.random() < 0.25:
            return (Command("reserve", b"reserve\r\n"),)
        seconds = self._random.choice([0, 0, 0, 0, 100_000, 2**31 - 1])
        return (Command("reserve-with-timeout", f"reserve-with-timeout {seconds}\r\n".encode(), amount=seconds),)

    def _release(self, client: Client) -> Commands:
        delay = next(self._release_delays) if self._random.random() < 0.2 else 0
        priority = self._random.choice(_PRIORITIES)
        rest = f" {priority} {delay}".encode()
        return self._about_task(client, "release", {"held": 10, "ready": 1, "foreign": 1, "gone": 1}, rest, delay)

    def _bury(self, client: Client) -> Commands:
        rest = f" {self._random.choice(_PRIORITIES)}".encode()
        return self._about_task(client, "bury", {"held": 12, "buried": 1, "foreign": 1, "gone": 1}, rest, 0)

    def _kick(self, client: Client) -> Commands:
        bound = self._random.choice([0, 1, 1, 1, 2, 3, 1000])
        # beanstalkd accepts a sign before this number, and anything behind it.
        form = self._random.choice(["{}"] * 8 + ["+{}", "{}x"])
        line = invalid.oddly_spaced(self._random, f"kick {form.format(bound)}".encode())
        return (Command("kick", line + b"\r\n", amount=bound),)

    def _pause(self, client: Client) -> Commands:
        paused = sorted(self._state.paused)
        if paused and self._random.random() < 0.6:
            tube, seconds = self._random.choice(paused), 0
        else:
            tube, seconds = self._tube(client), self._random.choice([0, 100_000, 200_000])
        return (Command("pause-tube", f"pause-tube {tube} {seconds}\r\n".encode(), tube=tube, amount=seconds),)

    def _bare(self, verb: str) -> Maker:
        return lambda client: (Command(verb, verb.encode() + b"\r\n"),)

    def _of_tube(self, verb: str) -> Maker:
        def make(client: Client) -> Commands:
            tube = self._random.choice(client.watching) if verb == "ignore" else self._tube(client)
            return (Command(verb, f"{verb} {tube}\r\n".encode(), tube=tube),)

        return make

    def _tube(self, client: Client) -> str:
        return client.using if self._random.random() < 0.2 else self._random.choice(_TUBES)

    def _of_task(self, verb: str, **weights: int) -> Maker:
        return lambda client: self._about_task(client, verb, weights, b"", 0)

    def _about_task(self, client: Client, verb: str, weights: dict[str, int], rest: bytes, amount: int) -> Commands:
        [kind] = self._random.choices(list(weights), list(weights.values()))
        number = self._task(client, kind)
        line = invalid.oddly_spaced(self._random, f"{verb} ".encode() + SLOT + rest)
        return (Command(verb, line + b"\r\n", task=number, amount=amount),)

    def _task(self, client: Client, kind: str) -> int:
        match kind:
            case "gone":
                numbers = list(self._state.gone)
            case "held":
                numbers = [task.number for task in self._state.held(client.number)]
            case "foreign":
                numbers = [
                    task.number
                    for task in self._state.tasks.values()
                    if task.state == "reserved" and task.holder != client.number
                ]
            case _:
                numbers = [task.number for task in self._state.tasks.values() if task.state == kind]
        # If there is none, a task that does not exist yet.
        return self._random.choice(numbers) if numbers else self._tasks_made + 1_000

"""One run: a stream of steps to fresh servers on both sides."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from ..lib.beanstalk import PATIENCE
from ..lib.failures import Failure
from .comparison import Difference
from .generator import Generator
from .lockstep import Lockstep
from .servers import Beanstalkd, Server, start_manager
from .steps import Step

#: Small, so that tasks that are too big cost little.
MAX_TASK_SIZE = 2000


@dataclass(frozen=True)
class Setup:
    """What is compared with what."""

    beanstalkd: str
    manager: str | None
    """The managers' program; None compares beanstalkd with itself."""
    managers: int = 1
    patience: float = PATIENCE


@dataclass
class Outcome:
    """The result of a run."""

    steps: list[Step]
    """The steps that were done. The last one shows the difference."""
    commands: int = 0
    difference: Difference | None = None
    history: tuple[str, ...] = ()


def run_seed(setup: Setup, seed: int, commands: int) -> Outcome:
    """Plays the stream of a seed, and then reads the whole state."""
    random = Random(seed)

    def source(lockstep: Lockstep, outcome: Outcome) -> Iterator[Step]:
        generator = Generator(random, lockstep.state, MAX_TASK_SIZE)
        while outcome.commands < commands:
            yield generator.next()
        for client in list(lockstep.state.clients.values()):
            yield Step("gone" if client.kept_back else "close", client.number)
        yield from generator.audit()
        yield from generator.harvest()
        yield from generator.audit()
        if seed % 2:
            yield Step("drain")
            yield from (generator.next() for _ in range(200))

    return _play(setup, source)


def run_steps(setup: Setup, steps: list[Step]) -> Outcome:
    """Plays given steps; steps that are not possible any more are left out."""
    return _play(setup, lambda lockstep, outcome: iter(steps))


def _play(setup: Setup, source: Callable[[Lockstep, Outcome], Iterator[Step]]) -> Outcome:
    outcome = Outcome([])
    with tempfile.TemporaryDirectory(prefix="beanrow-differential-") as directory:
        servers: list[Server] = []
        lockstep: Lockstep | None = None
        try:
            oracle, subjects = _start(setup, Path(directory), servers)
            lockstep = Lockstep(oracle, subjects, setup.manager is None, setup.patience)
            for step in source(lockstep, outcome):
                outcome.steps.append(step)
                if lockstep.do(step):
                    outcome.commands += len(step.commands)
                else:
                    outcome.steps.pop()
        except Difference as difference:
            outcome.difference = difference
        finally:
            complaints = [complaint for server in servers if (complaint := server.complaint())]
            if lockstep:
                outcome.history = tuple(lockstep.history)
                lockstep.close()
            for server in servers:
                server.kill()
        if complaints:
            raise Failure("\n".join(complaints))
    return outcome


def _start(setup: Setup, directory: Path, servers: list[Server]) -> tuple[Server, list[Server]]:
    servers.append(Beanstalkd(setup.beanstalkd, directory, MAX_TASK_SIZE))
    for number in range(1, setup.managers + 1):
        if setup.manager:
            servers.append(start_manager(setup.manager, directory / "tasks.db", MAX_TASK_SIZE, number))
        else:
            servers.append(Beanstalkd(setup.beanstalkd, directory, MAX_TASK_SIZE))
    return servers[0], servers[1:]

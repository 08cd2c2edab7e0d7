"""tools/powercut --failed-syncs: a sync fails under load, managers are started again, and later the power fails."""

from __future__ import annotations

import argparse
import random
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ..lib.managers import Manager, start_all, stop_all
from .acknowledgements import Acknowledgements, Replies, Task
from .disk import Disk, Flavour
from .leftovers import Leftovers
from .load import Client, Consumer, Producer, TaskRegistry
from .other_program import OtherProgram
from .page_cache import Ending, PageCache, Role
from .recovery import check_file, check_managers
from .scenarios import ALL, SHORT, Eviction, Other, Outcome, Peers, Scenario, describe, report
from .supervisor import Status, Supervisor
from .trace import Kind, Record, Trace

#: The weight of each flavour. The first cut of a run loses everything that is not safe.
FLAVOURS = {Flavour.NOTHING: 4, Flavour.TORN: 3, Flavour.SOME: 2, Flavour.EVERYTHING: 1}


class LargeProducer(Producer):
    """A producer whose tasks fill the log quickly, so that the log is copied and begins again."""

    def size(self) -> int:
        """Returns the size of the next task's body."""
        if self.registry.pause:
            return self.rng.randint(10, 300)
        least, most = self.rng.choice(((10, 300), (3000, 30_000), (30_000, 64_000)))
        return self.rng.randint(least, most)


class Run:
    """One run of one scenario."""

    def __init__(self, directory: Path, binary: Path, scenario: Scenario, seed: int, seconds: float) -> None:
        self.directory = directory
        self.binary = binary
        self.scenario = scenario
        self.rng = random.Random(seed)
        self.seconds = seconds
        self.outcome = Outcome(scenario)
        self.database = directory / "run" / "tasks.db"
        self.database.parent.mkdir(parents=True)
        self.trace = Trace.create(directory / "trace", 1 << 30)
        self.cache = PageCache(directory / "cache")
        self.environment = self.cache.environment(self.database, self.trace.environment(self.database))
        self.managers = [
            Manager(binary, self.database, f"m{n}", directory / f"m{n}.log", self.environment)
            for n in range(1, scenario.peers.managers + 1)
        ]
        self.supervisors = [Supervisor(manager, self._manager_waits) for manager in self.managers]
        self.other_program: OtherProgram | None = None
        self.waits = 0
        self.waiting_lock = threading.Lock()
        self.leftovers = Leftovers(self.database)
        self.registry = TaskRegistry(self.trace, limit=150)
        #: The positions in the trace when all managers served again, when the load became fast, and when it ended.
        self.settled_at = self.hurried_at = self.ended_at = 0

    def go(self) -> Outcome:
        """Runs it and checks what the disk may hold."""
        try:
            self._record()
        finally:
            self.registry.stopping.set()
            for supervisor in self.supervisors:
                supervisor.stopping.set()
            for supervisor in self.supervisors:
                if supervisor.is_alive():
                    supervisor.join()
            stop_all(self.managers)
            self._end_other_program()
        for supervisor in self.supervisors:
            self.outcome.ends += supervisor.ends
            self.outcome.problems += supervisor.problems
        self.outcome.problems += self.registry.problems
        if self.cache.refused or self.trace.full_at:
            self.outcome.problems.append("the run is not modelled: see what managers said")
        elif self.cache.failed:
            self._check()
        self.trace.close()
        self.cache.close()
        return self.outcome

    # The run.

    def _record(self) -> None:
        start_all(self.managers)
        clients = self._clients()
        for client in clients:
            client.start()
        for supervisor in self.supervisors:
            supervisor.start()
        if self.scenario.other is not Other.NONE:
            self.other_program = OtherProgram(self.database, self.environment)
        time.sleep(self.rng.uniform(0.2, 0.6))
        self.leftovers.look(self.trace)
        self._order()
        if not self._wait_until(lambda: self.cache.failed != 0, 30):
            self.outcome.problems.append("no sync failed: none had anything to write")
            return
        if self.scenario.role is Role.LOG:
            # Slow, so that new tasks are only in the log when the power fails.
            self.registry.pause = 0.3
        if not self._wait_until(self._is_settled, 60):
            self.outcome.problems.append(f"managers do not serve again: {self.managers[0].tail(2)}")
        self.settled_at = self.trace.position
        self.leftovers.look(self.trace)
        if self.scenario.eviction is Eviction.LATER:
            time.sleep(self.rng.uniform(0, 0.3))
            self.cache.evict()
        if self.registry.pause:
            self._wait_until(lambda: False, 0.5)
        self.leftovers.look(self.trace)
        self.hurried_at = self.trace.position
        self.registry.pause = 0
        # Until the log has begun again, twice if nothing is slow.
        enough, start = self.trace.size + (24 << 20), time.monotonic()
        self._wait_until(lambda: self.trace.size > enough or time.monotonic() > start + 6 * self.seconds, 60)
        self._wait_until(lambda: time.monotonic() > start + self.seconds, 60)
        self.leftovers.look(self.trace)
        self.registry.stopping.set()
        for client in clients:
            client.join()
        for supervisor in self.supervisors:
            supervisor.stop()
        self.ended_at = self.trace.position
        if any(supervisor.is_over for supervisor in self.supervisors):
            return
        self._end_other_program()
        for manager in self.managers:
            told = self.cache.told
            if manager.is_running and (status := manager.terminate()) != 0:
                # The last sync of an idle manager may get the error that its old descriptor has kept.
                if status == Status.ERROR and self.cache.told > told:
                    continue
                self.outcome.problems.append(f"{manager.name} left with status {status}: {manager.tail(2)}")

    def _clients(self) -> list[Client]:
        used = self.managers if self.scenario.peers is Peers.BUSY else self.managers[:1]
        addresses, seed = [manager.address for manager in used], str(self.rng.random())
        return [
            *(LargeProducer(self.registry, addresses, f"p{n}", seed) for n in range(3)),
            *(Consumer(self.registry, addresses, f"c{n}", seed) for n in range(3)),
        ]

    def _order(self) -> None:
        is_log, killed = self.scenario.role is Role.LOG, (Ending.KILLED, Ending.KILLED_UNSEEN)
        self.cache.fail(
            self.scenario.failure,
            self.scenario.role,
            after=self.rng.randint(0, 40 if is_log else 2),
            ending=self.rng.choice(killed) if self.scenario.is_killed else Ending.RETURNS,
            share=self.rng.choice((100, 100, 50)),
            evicts=self.scenario.eviction is Eviction.AT_ONCE,
            seed=self.rng.getrandbits(62) | 1,
        )

    def _is_settled(self) -> bool:
        """Returns whether the manager whose sync failed was started again, and all have served for a while."""
        if sum(supervisor.ends.total() for supervisor in self.supervisors) == 0:
            return False
        since = [supervisor.serving_since for supervisor in self.supervisors]
        return all(start is not None and time.monotonic() > start + 1.2 for start in since)

    def _wait_until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Waits for a condition; returns whether it holds or a manager refuses to serve.

        A full trace ends the wait.
        """
        deadline = time.monotonic() + seconds
        while not is_so():
            if (
                time.monotonic() > deadline
                or self.trace.full_at
                or any(supervisor.is_over for supervisor in self.supervisors)
            ):
                return is_so() or any(supervisor.is_over for supervisor in self.supervisors)
            time.sleep(0.005)
        return True

    def _manager_waits(self, said: str) -> None:
        """Ends the other program when managers have named it twice as the reason to start later."""
        with self.waiting_lock:
            if self.other_program is None or not self.other_program.is_named_in(said):
                return
            self.waits += 1
            if self.waits >= 2:
                self._end_other_program()

    def _end_other_program(self) -> None:
        other_program, self.other_program = self.other_program, None
        if other_program is not None:
            if self.scenario.other is Other.KILLED:
                other_program.kill()
            else:
                other_program.close()

    # The check.

    def _check(self) -> None:
        acknowledgements = Acknowledgements(self.registry.tasks, Replies(self.trace.records()))
        if acknowledgements.untraced:
            self.outcome.problems.append(f"{acknowledgements.untraced} replies were received, but no manager sent them")
        self.outcome.losses += ids_given_twice(self.registry.tasks)
        refusals = [supervisor.refusal for supervisor in self.supervisors if supervisor.refusal is not None]
        disk, records = Disk(), self.trace.records()
        coming: Record | None = next(records, None)
        for index, cut in enumerate(self._choose_cuts(bool(refusals))):
            while coming is not None and coming.number <= cut:
                disk.take(coming)
                coming = next(records, None)
            acknowledgements.advance(cut)
            self._cut(disk, acknowledgements, cut, index)
        if refusals and self.cache.evicted and (self.outcome.losses or self.scenario.has_blind_moment):
            # In the blind moment, managers may count operations as acknowledged that were not answered.
            self.outcome.is_refused = True
            self.outcome.losses.clear()
            self.outcome.bad_cuts = 0
        elif refusals:
            why = "nothing acknowledged is lost" if self.cache.evicted else "nothing was evicted"
            self.outcome.problems.append(f"a manager refused to serve, but {why}: {refusals[0]}")

    def _choose_cuts(self, is_refused: bool) -> Sequence[int]:
        """Chooses the moments at which the power fails: mostly when a reply is sent."""
        last = self.trace.position
        if is_refused:
            return [last]
        dropped, sends = last, []
        for record in self.trace.records():
            if record.kind is Kind.DROP:
                dropped = min(dropped, record.begin)
            elif record.kind is Kind.SEND:
                sends.append(record.begin)
        before = [send for send in sends if send < dropped]
        between = [send for send in sends if dropped < send < self.settled_at]
        slow = [send for send in sends if self.settled_at <= send < self.hurried_at]
        after = [send for send in sends if self.hurried_at <= send]
        cuts = [*self._some(before, 1), *self._some(slow, 2), *self._some(after, 3), self.ended_at or last, last]
        if not self.scenario.has_blind_moment:
            cuts += self._some(between, 3)
        return sorted(cuts)

    def _some(self, numbers: Sequence[int], count: int) -> Sequence[int]:
        return self.rng.sample(numbers, min(count, len(numbers)))

    def _cut(self, disk: Disk, acknowledgements: Acknowledgements, cut: int, index: int) -> None:
        place = self.directory / "cut"
        place.mkdir()
        flavour = Flavour.NOTHING if index % 3 == 0 else self.rng.choices(list(FLAVOURS), list(FLAVOURS.values()))[0]
        disk.write_cut(place / "tasks.db", flavour, self.rng)
        problems: list[str] = []
        if index == 4:
            copy = self.directory / "restart"
            shutil.copytree(place, copy)
            self.leftovers.write(copy / "tasks.db", cut, self.rng)
            managers = [Manager(self.binary, copy / "tasks.db", f"after{n}", copy / f"after{n}.log") for n in (1, 2)]
            problems += check_managers(managers, acknowledgements, cut, self.rng)
            shutil.rmtree(copy)
        problems += check_file(place / "tasks.db", acknowledgements, cut)
        self.outcome.cuts += 1
        self.outcome.bad_cuts += bool(problems)
        self.outcome.losses += [f"cut at {cut}, {flavour.value}: {problem}" for problem in problems]
        shutil.rmtree(place)


def ids_given_twice(tasks: Sequence[Task]) -> list[str]:
    """Returns the ids that two puts got."""
    seen: dict[int, str] = {}
    found = []
    for task in tasks:
        if task.id is None or not task.operations[0].reply_end:
            continue
        if task.id in seen:
            found.append(f"id {task.id} was given to {seen[task.id]} and to {task.key}")
        seen[task.id] = task.key
    return found


def run(directory: Path, binary: Path, options: argparse.Namespace, seed: int) -> int:
    """Runs scenarios and prints what was found; returns the exit status."""
    scenarios = SHORT if options.short else ALL * options.rounds
    if options.only:
        scenarios = [scenario for scenario in scenarios if options.only in " ".join(str(scenario).split())]
    outcomes = []
    print("file      failure     ending   peers         another    evicted  cuts  bad  ends", flush=True)
    for number, scenario in enumerate(scenarios):
        place = directory / f"run-{number}"
        outcome = Run(place, binary, scenario, seed + number, options.seconds).go()
        outcomes.append(outcome)
        print(describe(outcome), flush=True)
        for line in [*outcome.problems[:3], *outcome.losses[:2]]:
            print(f"    {line[:300]}", flush=True)
        shutil.rmtree(place)
    return report(outcomes)

"""The runs with failed syncs: the combinations, and starting managers again."""

from __future__ import annotations

import os
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from ..lib.managers import Manager
from ..powercut.acknowledgements import Operation, State, Task, Wire
from ..powercut.failed_syncs import ids_given_twice
from ..powercut.scenarios import ALL, SHORT
from ..powercut.supervisor import MOST_FAILED_STARTS, Supervisor

#: A manager that ends with the statuses in a file, one per start, and serves when none is left.
MANAGER = """#!/bin/sh
cd "$(dirname "$0")" || exit 2
count=$(wc -l <starts)
echo >>starts
status=$(tr ' ' '\\n' <statuses | sed -n "$((count + 1))p")
echo "in the way: process 4242" >&2
case $status in '' | -) ;; *) exit "$status" ;; esac
echo "listening on 127.0.0.1:1"
read -r line <block
exit 1
"""


class ScenarioTests(unittest.TestCase):
    """The combinations."""

    def test_every_combination_comes_once(self) -> None:
        self.assertEqual(len(set(ALL)), len(ALL))
        self.assertEqual(len({str(scenario) for scenario in ALL}), len(ALL))
        self.assertLessEqual(set(SHORT), set(ALL))

    def test_short_runs_have_every_circumstance(self) -> None:
        for name in ("role", "failure", "is_killed", "peers", "other", "eviction"):
            self.assertEqual({getattr(one, name) for one in SHORT}, {getattr(one, name) for one in ALL}, name)

    def test_id_given_twice_is_found(self) -> None:
        def put(key: str, id: int, told: bool = True) -> Task:
            operation = Operation("put", State("live"), 1, Wire(1, 2, 0), reply_end=10 if told else 0)
            return Task(key, 10, [operation], id)

        self.assertEqual(ids_given_twice([put("a", 1), put("b", 2), put("c", 2, told=False)]), [])
        self.assertEqual(ids_given_twice([put("a", 1), put("b", 1)]), ["id 1 was given to a and to b"])


class SupervisorTests(unittest.TestCase):
    """What happens when a manager ends."""

    def keep(self, statuses: str, until: Callable[[Supervisor], bool]) -> tuple[Supervisor, list[str]]:
        with TemporaryDirectory() as name:
            directory = Path(name)
            (directory / "manager").write_text(MANAGER)
            (directory / "manager").chmod(0o700)
            (directory / "starts").touch()
            (directory / "statuses").write_text(statuses)
            os.mkfifo(directory / "block")
            said: list[str] = []
            manager = Manager(directory / "manager", "tasks.db", "m1", directory / "log")
            manager.start()
            supervisor = Supervisor(manager, said.append)
            supervisor.start()
            try:
                (directory / "block").write_text("end\n")
                deadline = time.monotonic() + 60
                while not until(supervisor):
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.005)
            finally:
                supervisor.stop()
                manager.kill()
            return supervisor, said

    def test_manager_that_ends_is_started_again(self) -> None:
        def serves(supervisor: Supervisor) -> bool:
            return supervisor.ends.total() == 4 and supervisor.serving_since is not None

        supervisor, said = self.keep("- 1 75 75", serves)
        self.assertEqual((supervisor.ends, supervisor.problems, supervisor.is_over), ({1: 2, 75: 2}, [], False))
        self.assertEqual(said, ["in the way: process 4242"] * 2)

    def test_manager_that_finds_tasks_gone_is_not(self) -> None:
        supervisor, _ = self.keep("- 78", lambda supervisor: supervisor.is_over)
        self.assertEqual((supervisor.ends, supervisor.refusal), ({1: 1, 78: 1}, "in the way: process 4242"))

    def test_manager_that_never_starts_is_a_finding(self) -> None:
        supervisor, _ = self.keep("-" + " 1" * 50, lambda supervisor: supervisor.is_over)
        self.assertEqual(supervisor.ends, {1: MOST_FAILED_STARTS + 1})
        self.assertIn("m1 does not start", supervisor.problems[0])

    def test_any_other_end_is_a_finding(self) -> None:
        supervisor, _ = self.keep("- 0", lambda supervisor: supervisor.is_over)
        self.assertIn("m1 ended with 0", supervisor.problems[0])


if __name__ == "__main__":
    unittest.main()

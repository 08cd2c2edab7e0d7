"""The schedule of faults: it depends on the seed only."""

from __future__ import annotations

import unittest

from ..chaos.faults import HOST_WEIGHTS, LENGTHS, WEIGHTS, FaultKind, schedule
from ..hosts.context import LEASE


class ScheduleTests(unittest.TestCase):
    """The schedule of a seed."""

    def test_the_same_seed_gives_the_same_schedule(self) -> None:
        self.assertEqual(schedule(7, 600, 3, 1.5), schedule(7, 600, 3, 1.5))
        self.assertNotEqual(schedule(7, 600, 3, 1.5), schedule(8, 600, 3, 1.5))

    def test_a_longer_run_begins_like_a_shorter_one(self) -> None:
        short, long = schedule(7, 60, 3, 1.5), schedule(7, 600, 3, 1.5)
        self.assertEqual(short, long[: len(short)])

    def test_every_fault_comes_and_lasts_as_it_should(self) -> None:
        faults = schedule(1, 3600, 3, 1.5)
        self.assertEqual({fault.kind for fault in faults}, set(WEIGHTS))
        for fault in faults:
            least, most = LENGTHS[fault.kind]
            self.assertTrue(least <= fault.seconds <= most, str(fault))
            self.assertTrue(0 <= fault.at < 3600 and 0 <= fault.target < 3, str(fault))

    def test_hosts_have_faults_of_their_own(self) -> None:
        faults = schedule(1, 3600, 3, 1.5, weights=HOST_WEIGHTS)
        self.assertEqual({fault.kind for fault in faults}, set(HOST_WEIGHTS))
        self.assertEqual({fault.target for fault in faults if fault.kind is FaultKind.CUT}, {0, 1, 2})
        for fault in faults:
            if fault.kind is FaultKind.CUT:
                self.assertGreater(fault.seconds, LEASE)
            if fault.kind is FaultKind.DELAY:
                self.assertEqual(fault.target, 2, "only this manager has a proxy")

    def test_a_manager_can_be_spared(self) -> None:
        for fault in schedule(1, 3600, 3, 1.5, spared=0):
            self.assertNotEqual(fault.kind, FaultKind.KILL_ALL)
            if fault.kind in (FaultKind.KILL, FaultKind.LEAVE):
                self.assertNotEqual(fault.target, 0, str(fault))


if __name__ == "__main__":
    unittest.main()

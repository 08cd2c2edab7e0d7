"""Invented histories: each kind of violation must be found, and what only looks like one must not."""

from __future__ import annotations

import unittest

from ..chaos.checker import Checker
from ..chaos.history import GAVE_UP, Delivery, End, Event, Finding, Outage, Pause, Put, Use
from ..chaos.violations import Kind

ONE, TWO = 1, 2


def put(sent: float = 0, *, id: int | None = 7, word: str | None = "INSERTED", delay: int = 0, ttr: int = 60) -> Put:
    return Put("key", "tube", sent, None if word is None else sent + 0.1, word, id, delay, ttr)


def delivery(connection: int, received: float, *, sent: float | None = None) -> Delivery:
    return Delivery(7, "key", "tube", connection, received - 0.1 if sent is None else sent, received)


def use(verb: str, connection: int, sent: float, word: str | None, *, delay: int = 0) -> Use:
    return Use(verb, 7, connection, sent, None if word is None else sent + 0.1, word, delay)


PENDING = {7: ("key", "pending")}
BURIED = {7: ("key", "buried")}


class CheckerTests(unittest.TestCase):
    """Histories of one task, number 7, with the key "key" in the tube "tube"."""

    def kinds(self, *events: Event, rows: dict[int, tuple[str, str]] | None = None) -> set[Kind]:
        """Returns what the checker finds."""
        checker = Checker()
        checker.take(events)
        checker.finish(rows or {})
        return {violation.kind for violation in checker.violations}

    def test_task_that_was_put_reserved_and_deleted(self) -> None:
        self.assertEqual(self.kinds(put(), delivery(ONE, 1), use("delete", ONE, 2, "DELETED")), set())

    def test_task_that_still_exists(self) -> None:
        self.assertEqual(self.kinds(put(), rows=PENDING), set())

    def test_lost(self) -> None:
        self.assertEqual(self.kinds(put()), {Kind.LOST})

    def test_lost_after_its_delivery(self) -> None:
        self.assertEqual(self.kinds(put(word=None, id=None), delivery(ONE, 1)), {Kind.LOST})

    def test_lost_without_id(self) -> None:
        self.assertEqual(self.kinds(put(id=None)), {Kind.LOST})

    def test_task_of_an_unanswered_put_may_exist_or_not(self) -> None:
        self.assertEqual(self.kinds(put(word=None, id=None)), set())
        self.assertEqual(self.kinds(put(word=None, id=None), rows=PENDING), set())

    def test_unanswered_delete_may_have_happened_or_not(self) -> None:
        history = (put(), delivery(ONE, 1), use("delete", ONE, 2, None), End(ONE, 2.1))
        self.assertEqual(self.kinds(*history), set())
        self.assertEqual(self.kinds(*history, rows=PENDING), set())

    def test_refused_delete_deletes_nothing(self) -> None:
        history = (put(), use("delete", ONE, 2, "NOT_FOUND"))
        self.assertEqual(self.kinds(*history), {Kind.LOST})

    def test_reply_of_a_dead_manager_that_was_read_late(self) -> None:
        # ONE got the task, its manager died, TWO got it and deleted it, and only then ONE read its reply.
        late = (put(), delivery(ONE, 3, sent=0.2), End(ONE, 0.5))
        finished = (delivery(TWO, 1), use("delete", TWO, 1.2, "DELETED"))
        self.assertEqual(self.kinds(*late, *finished), set())
        slow = (delivery(TWO, 2.9, sent=0.8), use("delete", TWO, 3.2, "DELETED"), use("delete", ONE, 3.1, None))
        self.assertEqual(self.kinds(*late, *slow), set())

    def test_reply_of_a_living_manager_that_was_read_late(self) -> None:
        late = (put(), delivery(ONE, 3, sent=0.2), End(ONE, 3.5))
        finished = (delivery(TWO, 1), use("delete", TWO, 1.2, "DELETED"))
        self.assertIn(Kind.BACK, self.kinds(*late, *finished))

    def test_reply_to_a_reserve_after_the_delete(self) -> None:
        late = (put(), delivery(ONE, 3, sent=2), End(ONE, 2.5))
        finished = (delivery(TWO, 1), use("delete", TWO, 1.2, "DELETED"))
        self.assertIn(Kind.BACK, self.kinds(*late, *finished))

    def test_command_about_a_task_that_is_forgotten(self) -> None:
        checker = Checker()
        checker.take([put(), delivery(ONE, 1), use("delete", ONE, 2, "DELETED")])
        checker.retire(1000)
        checker.take([use("kick-job", TWO, 2000, "NOT_FOUND")])
        checker.finish({})
        self.assertEqual(checker.violations, [])
        checker.take([use("kick-job", TWO, 2001, "KICKED")])
        checker.finish({})
        self.assertEqual([violation.kind for violation in checker.violations], [Kind.BACK])

    def test_deleted_twice(self) -> None:
        history = (put(), delivery(ONE, 1), use("delete", ONE, 2, "DELETED"), use("delete", TWO, 3, "DELETED"))
        self.assertEqual(self.kinds(*history), {Kind.DELETED_TWICE})

    def test_deleted_and_in_the_database(self) -> None:
        history = (put(), delivery(ONE, 1), use("delete", ONE, 2, "DELETED"))
        self.assertEqual(self.kinds(*history, rows=PENDING), {Kind.BACK})

    def test_deleted_and_delivered(self) -> None:
        history = (put(), delivery(ONE, 1), use("delete", ONE, 2, "DELETED"), delivery(TWO, 3))
        self.assertEqual(self.kinds(*history), {Kind.BACK})

    def test_delivered_late_but_claimed_before_the_delete(self) -> None:
        # TWO's reply took 5 s, and its claim of 2 s was over before ONE got the task.
        history = (put(ttr=2), delivery(TWO, 6, sent=1), delivery(ONE, 4), use("delete", ONE, 5, "DELETED"))
        self.assertEqual(self.kinds(*history), set())

    def test_two_holders(self) -> None:
        history = (
            put(),
            delivery(ONE, 1),
            delivery(TWO, 2),
            use("touch", ONE, 3, "TOUCHED"),
            use("delete", TWO, 4, "DELETED"),
        )
        self.assertEqual(self.kinds(*history), {Kind.TWO_HOLDERS})

    def test_two_holders_although_the_time_of_the_first_seemed_over(self) -> None:
        history = (
            put(ttr=1),
            delivery(ONE, 1),
            delivery(TWO, 3),
            use("release", ONE, 4, "RELEASED"),
            use("touch", TWO, 5, "TOUCHED"),
        )
        self.assertEqual(self.kinds(*history, rows=PENDING), {Kind.TWO_HOLDERS})

    def test_deleted_while_another_held_it(self) -> None:
        history = (put(), delivery(ONE, 1), use("delete", TWO, 2, "DELETED"), use("delete", ONE, 3, "NOT_FOUND"))
        self.assertIn(Kind.TWO_HOLDERS, self.kinds(*history))

    def test_delivered_again_without_cause(self) -> None:
        history = (put(), delivery(ONE, 1), delivery(TWO, 2), use("delete", TWO, 3, "DELETED"))
        self.assertEqual(self.kinds(*history), {Kind.UNEXPLAINED})

    def test_delivered_again_after_the_time_to_run(self) -> None:
        history = (put(ttr=3), delivery(ONE, 1), delivery(TWO, 4.1), use("delete", TWO, 5, "DELETED"))
        self.assertEqual(self.kinds(*history), set())

    def test_delivered_again_just_before_the_time_to_run(self) -> None:
        history = (put(ttr=3), delivery(ONE, 1), delivery(TWO, 3.8), use("delete", TWO, 5, "DELETED"))
        self.assertEqual(self.kinds(*history), {Kind.UNEXPLAINED})

    def test_touch_gives_more_time(self) -> None:
        history = (
            put(ttr=3),
            delivery(ONE, 1),
            use("touch", ONE, 2.5, "TOUCHED"),
            delivery(TWO, 5),
            use("delete", TWO, 6, "DELETED"),
        )
        self.assertEqual(self.kinds(*history), {Kind.UNEXPLAINED})

    def test_delivered_again_after_the_connection_broke(self) -> None:
        history = (put(), delivery(ONE, 1), End(ONE, 1.5), delivery(TWO, 2), use("delete", TWO, 3, "DELETED"))
        self.assertEqual(self.kinds(*history), set())

    def test_delivered_again_before_the_connection_broke(self) -> None:
        history = (put(), delivery(ONE, 1), End(ONE, 2.5), delivery(TWO, 2), use("delete", TWO, 3, "DELETED"))
        self.assertEqual(self.kinds(*history), {Kind.UNEXPLAINED})

    def test_delivered_again_after_a_release(self) -> None:
        history = (
            put(),
            delivery(ONE, 1),
            use("release", ONE, 2, "RELEASED"),
            delivery(TWO, 2.05),
            use("delete", TWO, 3, "DELETED"),
        )
        self.assertEqual(self.kinds(*history), set())

    def test_holder_refused(self) -> None:
        history = (put(), delivery(ONE, 1), use("release", ONE, 2, "NOT_FOUND"))
        self.assertEqual(self.kinds(*history, rows=PENDING), {Kind.CLAIM_LOST})

    def test_holder_refused_after_its_time(self) -> None:
        history = (put(ttr=2), delivery(ONE, 1), use("delete", ONE, 3.5, "NOT_FOUND"))
        self.assertEqual(self.kinds(*history, rows=PENDING), set())

    def test_late_delete_of_a_task_without_holder(self) -> None:
        history = (put(ttr=2), delivery(ONE, 1), delivery(TWO, 3.5), End(TWO, 4), use("delete", ONE, 5, "DELETED"))
        self.assertEqual(self.kinds(*history), set())

    def test_command_of_a_connection_that_never_held_the_task(self) -> None:
        history = (put(), use("release", ONE, 2, "RELEASED"))
        self.assertEqual(self.kinds(*history, rows=PENDING), {Kind.NOT_HELD})

    def test_one_put_two_tasks(self) -> None:
        rows = {7: ("key", "pending"), 8: ("key", "pending")}
        self.assertIn(Kind.TWICE_PUT, self.kinds(put(), rows=rows))

    def test_task_without_put(self) -> None:
        self.assertEqual(self.kinds(rows=PENDING), {Kind.NEVER_PUT})
        self.assertEqual(self.kinds(delivery(ONE, 1), rows=PENDING), {Kind.NEVER_PUT})

    def test_put_that_was_cut_off(self) -> None:
        self.assertEqual(self.kinds(put(word="CUT OFF", id=None)), set())
        self.assertEqual(self.kinds(put(word="CUT OFF", id=None), rows=PENDING), {Kind.NEVER_PUT})

    def test_id_given_twice(self) -> None:
        other = Put("other", "tube", 5, 5.1, "INSERTED", 7)
        self.assertIn(Kind.ID_REUSED, self.kinds(put(), other, rows=PENDING))

    def test_buried_and_delivered(self) -> None:
        history = (put(), delivery(ONE, 1), use("bury", ONE, 2, "BURIED"), delivery(TWO, 3))
        self.assertIn(Kind.BURIED, self.kinds(*history, rows=BURIED))

    def test_buried_kicked_and_delivered(self) -> None:
        history = (
            put(),
            delivery(ONE, 1),
            use("bury", ONE, 2, "BURIED"),
            use("kick-job", TWO, 3, "KICKED"),
            delivery(TWO, 4),
        )
        self.assertEqual(self.kinds(*history, End(TWO, 5), rows=PENDING), set())

    def test_buried_again_after_the_kick(self) -> None:
        history = (
            put(),
            delivery(ONE, 1),
            use("bury", ONE, 2, "BURIED"),
            use("kick-job", TWO, 3, "KICKED"),
            delivery(TWO, 4),
            use("bury", TWO, 5, "BURIED"),
            delivery(ONE, 6),
        )
        self.assertIn(Kind.BURIED, self.kinds(*history, rows=BURIED))

    def test_buried_and_pending_at_the_end(self) -> None:
        history = (put(), delivery(ONE, 1), use("bury", ONE, 2, "BURIED"))
        self.assertEqual(self.kinds(*history, rows=PENDING), {Kind.BURIED})
        self.assertEqual(self.kinds(*history, rows=BURIED), set())

    def test_claimed_at_the_end(self) -> None:
        self.assertEqual(self.kinds(put(), delivery(ONE, 1), rows={7: ("key", "claimed")}), {Kind.OTHER})

    def test_delay(self) -> None:
        early = (put(delay=10), delivery(ONE, 5), use("delete", ONE, 6, "DELETED"))
        self.assertEqual(self.kinds(*early), {Kind.TOO_SOON})
        kicked = (*early, use("kick-job", TWO, 4, "KICKED"))
        self.assertEqual(self.kinds(*kicked), set())
        late = (put(delay=10), delivery(ONE, 10), use("delete", ONE, 11, "DELETED"))
        self.assertEqual(self.kinds(*late), set())

    def test_claim_lasts_its_time_from_a_late_reply(self) -> None:
        late = delivery(ONE, 7, sent=1)
        self.assertEqual(self.kinds(put(ttr=5), late, delivery(TWO, 8), rows=PENDING), {Kind.UNEXPLAINED})
        self.assertEqual(self.kinds(put(ttr=5), late, delivery(TWO, 12), rows=PENDING), set())

    def test_delay_of_a_release(self) -> None:
        history = (
            put(),
            delivery(ONE, 1),
            use("release", ONE, 2, "RELEASED", delay=10),
            delivery(TWO, 5),
            use("delete", TWO, 6, "DELETED"),
        )
        self.assertEqual(self.kinds(*history), {Kind.TOO_SOON})

    def test_delay_over_which_the_clock_is_set_forward_is_not_judged(self) -> None:
        checker = Checker()
        checker.clock_doubts.append((4, 5))
        checker.take((put(delay=10), delivery(ONE, 5), use("delete", ONE, 6, "DELETED")))
        checker.finish({})
        self.assertEqual(checker.violations, [])

    def test_pause(self) -> None:
        pause = Pause("tube", 2, 2.1, 10)
        deleted = use("delete", ONE, 13, "DELETED")
        self.assertEqual(self.kinds(put(), pause, delivery(ONE, 5), deleted), {Kind.PAUSED})
        self.assertEqual(self.kinds(put(), pause, delivery(ONE, 2.15, sent=2.05), deleted), set())
        self.assertEqual(self.kinds(put(), pause, delivery(ONE, 12.5), deleted), set())

    def test_reasons(self) -> None:
        checker = Checker()
        checker.take((put(ttr=2), delivery(ONE, 1), delivery(TWO, 3.5), End(TWO, 4), End(ONE, 9), delivery(ONE, 5)))
        checker.take((use("release", ONE, 6, "RELEASED"), delivery(TWO, 7)))
        checker.finish(PENDING)
        self.assertEqual(checker.redeliveries, {"time to run was over": 1, "connection ended": 1, "released": 1})

    def test_finding(self) -> None:
        self.assertEqual(self.kinds(Finding("a manager ended by itself")), {Kind.OTHER})


class OutageTests(unittest.TestCase):
    """ONE has task 7 through m1 from 1 on; m1 is cut off from 2 to 8, and its lease may be lost from 4 on."""

    def kinds(self, *events: Event, manager: str = "m1", rows: dict[int, tuple[str, str]] | None = None) -> set[Kind]:
        """Returns what the checker finds."""
        checker = Checker()
        checker.outages = {"m1": [Outage(start=2, loses_from=4, grace=1, end=8)]}
        checker.take((put(), Delivery(7, "key", "tube", ONE, 0.9, 1, manager)))
        checker.take(events)
        checker.finish(rows or {})
        return {violation.kind for violation in checker.violations}

    def test_lost_claim(self) -> None:
        history = (delivery(TWO, 5), use("delete", TWO, 6, "DELETED"), use("delete", ONE, 9, "NOT_FOUND"))
        self.assertEqual(self.kinds(*history), set())
        self.assertEqual(self.kinds(*history, manager="m2"), {Kind.UNEXPLAINED, Kind.CLAIM_LOST})

    def test_lost_claim_with_an_unanswered_command(self) -> None:
        history = (delivery(TWO, 5), use("delete", TWO, 6, "DELETED"), use("delete", ONE, 5, None))
        self.assertEqual(self.kinds(*history), set())

    def test_claim_that_is_lost_before_the_lease(self) -> None:
        self.assertEqual(self.kinds(delivery(TWO, 3), End(TWO, 3.5), rows=PENDING), {Kind.UNEXPLAINED})
        self.assertEqual(self.kinds(use("touch", ONE, 3, "NOT_FOUND"), rows=PENDING), {Kind.CLAIM_LOST})

    def test_old_holder_succeeds_beside_the_new_one(self) -> None:
        taken = delivery(TWO, 5)
        self.assertEqual(self.kinds(taken, use("touch", ONE, 9, "TOUCHED"), rows=PENDING), {Kind.TWO_HOLDERS})
        self.assertEqual(self.kinds(taken, use("release", ONE, 9, "RELEASED"), rows=PENDING), {Kind.TWO_HOLDERS})
        deleted = (taken, use("touch", TWO, 10, "TOUCHED"), use("delete", ONE, 9, "DELETED"))
        self.assertEqual(self.kinds(*deleted), {Kind.TWO_HOLDERS})

    def test_both_delete(self) -> None:
        history = (delivery(TWO, 5), use("delete", TWO, 6, "DELETED"), use("delete", ONE, 9, "DELETED"))
        self.assertIn(Kind.DELETED_TWICE, self.kinds(*history))

    def test_claim_that_was_kept(self) -> None:
        kept = use("touch", ONE, 9, "TOUCHED")
        self.assertEqual(self.kinds(kept, delivery(TWO, 10), End(TWO, 11), rows=PENDING), {Kind.UNEXPLAINED})
        self.assertEqual(self.kinds(kept, use("delete", ONE, 10, "NOT_FOUND"), rows=PENDING), {Kind.CLAIM_LOST})

    def test_claim_from_after_the_outage(self) -> None:
        released = use("release", ONE, 3, "RELEASED")
        again = Delivery(7, "key", "tube", ONE, 8.1, 8.2, "m1")
        self.assertEqual(self.kinds(released, again, delivery(TWO, 9), End(TWO, 9.5), rows=PENDING), {Kind.UNEXPLAINED})

    def test_reply_that_was_delayed_by_the_cut_of_the_link(self) -> None:
        # ONE's second claim was made at 1.9 and read at 8.5; TWO has got the task and deleted it.
        released = use("release", ONE, 1.5, "RELEASED")
        late = Delivery(7, "key", "tube", ONE, 1.8, 8.5, "m1")
        finished = (delivery(TWO, 5), use("delete", TWO, 6, "DELETED"), use("delete", ONE, 9, "NOT_FOUND"))
        self.assertEqual(self.kinds(released, late, *finished), set())

    def test_reason(self) -> None:
        checker = Checker()
        checker.outages = {"m1": [Outage(start=2, loses_from=4, grace=1, end=8)]}
        checker.take((put(), Delivery(7, "key", "tube", ONE, 0.9, 1, "m1"), delivery(TWO, 5)))
        checker.finish(PENDING)
        self.assertEqual(list(checker.redeliveries), ["the manager's lease was lost, or the time to run over"])

    def test_command_that_was_given_up_has_not_happened(self) -> None:
        given_up = use("delete", ONE, 3, GAVE_UP)
        self.assertEqual(self.kinds(given_up, rows=PENDING), set())
        self.assertEqual(self.kinds(given_up), {Kind.LOST})
        self.assertEqual(self.kinds(given_up, delivery(TWO, 3.5), End(TWO, 4), rows=PENDING), set())

    def test_put_that_was_given_up_has_not_happened(self) -> None:
        given_up = Put("other", "tube", 3, 3.1, GAVE_UP, None)
        self.assertEqual(self.kinds(given_up, rows=PENDING), set())
        self.assertEqual(self.kinds(given_up, rows={**PENDING, 8: ("other", "pending")}), {Kind.NEVER_PUT})

    def test_what_an_outage_excuses(self) -> None:
        outage = Outage(start=2, loses_from=4, grace=1, end=8)
        self.assertTrue(outage.excuses(1, 3) and outage.excuses(8.5, 12))
        self.assertFalse(outage.excuses(0, 1.9) or outage.excuses(9.1, 9.2))


class RetiringTests(unittest.TestCase):
    """A long run forgets finished tasks, but not that they are finished."""

    def test_retired_task_is_checked(self) -> None:
        checker = Checker()
        checker.take((put(), delivery(ONE, 1), delivery(TWO, 2), use("delete", TWO, 3, "DELETED")))
        checker.retire(before=3)
        self.assertEqual(checker.violations, [], "its delete is not old enough")
        checker.retire(before=100)
        self.assertEqual([violation.kind for violation in checker.violations], [Kind.UNEXPLAINED])

    def test_retired_task_comes_back(self) -> None:
        checker = Checker()
        checker.take((put(), delivery(ONE, 1), use("delete", ONE, 3, "DELETED")))
        checker.retire(before=100)
        checker.take((delivery(TWO, 200),))
        checker.finish({})
        self.assertEqual([violation.kind for violation in checker.violations], [Kind.BACK])

    def test_retired_task_is_in_the_database(self) -> None:
        checker = Checker()
        checker.take((put(), delivery(ONE, 1), use("delete", ONE, 3, "DELETED")))
        checker.retire(before=100)
        checker.finish(PENDING)
        self.assertEqual([violation.kind for violation in checker.violations], [Kind.BACK])


if __name__ == "__main__":
    unittest.main()

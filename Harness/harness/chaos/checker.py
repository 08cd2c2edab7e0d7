"""Checks whether a recorded history keeps Beanrow's promise.

The clients have one clock, but the exact moment of a claim is unknown: it is between the sending of the reserve and the
arrival of the reply. So the checker uses what is *certain*. A consumer certainly holds a task from the arrival of the
reply until the earliest of

- its time to run, counted from the sending of the reserve, or of the last touch that succeeded;
- the sending of a command that ends the claim (delete, release, bury);
- the first moment at which its connection may have broken, which may be before the reply was read;
- the first moment at which its manager may have lost its lease because it could not reach the database, unless a later
  touch succeeded;

and in any case until the sending of the last touch, release or bury that succeeded, since these succeed for a holder
only. A delete also succeeds for a task without a holder. A history that contradicts a certainty is a violation; one
that only looks strange is not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from .history import Delivery, End, Event, Finding, Outage, Pause, Put, Use
from .violations import Kind, TaskHistory, Violation

FOREVER = float("inf")

#: Managers follow a clock that was set: by at most a tenth of the time that passes, and up to a second at once.
CLOCK_RATE = 1.1
CLOCK_STEP = 1.0

#: How many seconds a reply may wait in its client's socket: the clients are busy threads. A claim lasts its time to run
#: from the reply on. Stalls that would shorten it are longer than this.
READ_LATE = 1.5


class Checker:
    """Takes events as they come, and checks tasks when they have ended, so that a run may be long."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        #: Why tasks were delivered again, and how often.
        self.redeliveries: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        #: When the managers' clock was set forward. A delay or a pause may end early then, a claim never.
        self.clock_doubts: list[tuple[float, float]] = []
        #: When managers could not reach their database, by their names.
        self.outages: Mapping[str, Sequence[Outage]] = {}
        self._histories: dict[int, TaskHistory] = {}
        self._unnumbered: dict[str, Put] = {}
        self._refused: set[str] = set()
        self._ids: dict[str, int] = {}
        self._ends: dict[int, float] = {}
        self._pauses: dict[str, list[Pause]] = {}
        self._finished = bytearray()

    # Taking events.

    def take(self, events: Iterable[Event]) -> None:
        """Adds events; those of one task may come in any order."""
        for event in events:
            match event:
                case Put():
                    self._take_put(event)
                case Delivery():
                    self.counts["deliveries"] += 1
                    self._set_id(event.key, event.id)
                    self._history(event.id).deliveries.append(event)
                case Use():
                    self.counts[event.verb if event.succeeded else f"{event.verb} {event.word or 'unanswered'}"] += 1
                    self._history(event.id).uses.append(event)
                case Pause():
                    self.counts["pauses"] += 1
                    self._pauses.setdefault(event.tube, []).append(event)
                case End():
                    self._ends[event.connection] = min(event.earliest, self._ends.get(event.connection, FOREVER))
                case Finding():
                    self._violate(Kind.OTHER, event.text)

    def _take_put(self, put: Put) -> None:
        self.counts["puts" if put.word == "INSERTED" else f"puts {put.word or 'unanswered'}"] += 1
        if put.id is not None:
            self._set_id(put.key, put.id)
            history = self._history(put.id)
            if history.put is not None or self._is_finished(put.id):
                self._violate(Kind.ID_REUSED, f"{put.id} for {put.key}")
            history.put = put
        elif put.word in (None, "INSERTED"):
            if put.key in self._ids:
                self._history(self._ids[put.key]).put = put
            else:
                self._unnumbered[put.key] = put
        else:
            self._refused.add(put.key)
            if put.key in self._ids:
                self._violate(Kind.NEVER_PUT, f"{put.key}, which was answered with {put.word}")

    def _set_id(self, key: str, id: int) -> None:
        """Records the id that belongs to a key."""
        known = self._ids.setdefault(key, id)
        if known != id:
            self._violate(Kind.TWICE_PUT, f"{key} is {known} and {id}")
        if key in self._refused:
            self._violate(Kind.NEVER_PUT, f"{key}, as {id}")
        put = self._unnumbered.pop(key, None)
        if put is not None:
            self._history(id).put = put

    def _history(self, id: int) -> TaskHistory:
        return self._histories.setdefault(id, TaskHistory())

    def _violate(self, kind: Kind, text: str) -> None:
        self.violations.append(Violation(kind, text))

    # Judging.

    def retire(self, before: float) -> None:
        """Checks the tasks that were deleted before this moment, and forgets them.

        The moment must be so long ago that no command about them can still be answered.
        """
        for id, history in list(self._histories.items()):
            deleted = history.deleted_at
            if deleted is None or deleted >= before:
                continue
            self._check(id, history)
            del self._histories[id]
            if history.put is not None:
                self._ids.pop(history.put.key, None)
            self._mark_finished(id)
        oldest = min(
            (history.put.sent for history in self._histories.values() if history.put is not None), default=before
        )
        for tube, pauses in self._pauses.items():
            self._pauses[tube] = [pause for pause in pauses if pause.sent + pause.seconds >= min(oldest, before)]

    def finish(self, rows: Mapping[int, tuple[str, str]]) -> None:
        """Checks all other tasks against the database at the end; ``rows`` has key and state by id."""
        keys: dict[str, int] = {}
        for id, (key, _) in rows.items():
            if key in keys:
                self._violate(Kind.TWICE_PUT, f"{key} is {keys[key]} and {id}")
            keys[key] = id
            self._set_id(key, id)
            if self._is_finished(id):
                self._violate(Kind.BACK, f"{id} is in the database")
            elif id not in self._histories:
                self._violate(Kind.NEVER_PUT, f"{id} with the key {key}")
        for key, put in self._unnumbered.items():
            if put.word == "INSERTED":
                self._violate(Kind.LOST, f"{key}, whose id is unknown")
        for id, history in self._histories.items():
            if self._is_finished(id) and not history.deliveries and not any(use.succeeded for use in history.uses):
                continue  # A client named a task that was deleted and forgotten, and got NOT_FOUND.
            self._check(id, history)
            if not self._is_finished(id):
                self._check_end(id, history, rows.get(id))

    def _mark_finished(self, id: int) -> None:
        if id // 8 >= len(self._finished):
            self._finished.extend(bytes(max(4096, id // 8 + 1 - len(self._finished))))
        self._finished[id // 8] |= 1 << id % 8

    def _is_finished(self, id: int) -> bool:
        return id // 8 < len(self._finished) and bool(self._finished[id // 8] >> id % 8 & 1)

    def _check_end(self, id: int, history: TaskHistory, row: tuple[str, str] | None) -> None:
        deletes = [use for use in history.uses if use.verb == "delete" and use.may_have_happened]
        if row is None:
            if not deletes and (history.deliveries or (history.put is not None and history.put.word == "INSERTED")):
                self._violate(Kind.LOST, f"{id}: {self._describe(history)}")
            return
        if any(delete.succeeded for delete in deletes):
            self._violate(Kind.BACK, f"{id} is {row[1]} in the database: {self._describe(history)}")
        if row[1] == "claimed":
            self._violate(Kind.OTHER, f"{id} is claimed after all connections have ended: {self._describe(history)}")
        uses = sorted(history.uses, key=lambda use: use.sent)
        if uses and uses[-1].verb == "bury" and uses[-1].succeeded and row[1] != "buried":
            self._violate(Kind.BURIED, f"{id} is {row[1]} in the database: {self._describe(history)}")

    def _check(self, id: int, history: TaskHistory) -> None:
        history.deliveries.sort(key=lambda delivery: delivery.received)
        history.uses.sort(key=lambda use: use.sent)
        if history.put is None:
            kind = Kind.BACK if self._is_finished(id) else Kind.NEVER_PUT
            self._violate(kind, f"{id}: {self._describe(history)}")
            return
        for found in (self._holders, self._deletes, self._refusals, self._buried, self._delays, self._paused):
            for kind in found(history, history.put):
                self._violate(kind, f"{id}: {self._describe(history)}")

    def certain_end(self, delivery: Delivery, history: TaskHistory, ttr: int, *, without: Use | None = None) -> float:
        """Returns until when this consumer certainly held the task; see the top of this file."""
        end = _granted(delivery.sent, delivery.received) + ttr
        broken = self._broken(delivery, history)
        # A reply may be read after its manager has died.
        latest = min(delivery.received, broken)
        ended = FOREVER
        for use in self._uses_of(delivery, history):
            if use is without:
                continue
            if use.verb == "touch" and use.succeeded:
                end = max(end, _granted(use.sent, use.received) + ttr)
            if use.verb in ("delete", "release", "bury"):
                ended = min(ended, use.sent)
            if use.succeeded and use.verb != "delete":
                latest = max(latest, use.sent)
        return max(latest, min(end, ended, broken))

    def _broken(self, delivery: Delivery, history: TaskHistory) -> float:
        """Returns the first moment at which the connection may have broken, or its manager's lease been lost."""
        return min(self._ends.get(delivery.connection, FOREVER), self._lease_lost(delivery, history))

    def _lease_lost(self, delivery: Delivery, history: TaskHistory) -> float:
        """Returns the first moment at which the claim may have been lost in an outage of its manager."""
        outages = [outage for outage in self.outages.get(delivery.manager, ()) if outage.end > delivery.sent]
        if not outages:
            return FOREVER
        touches = [use.sent for use in self._uses_of(delivery, history) if use.verb == "touch" and use.succeeded]
        held = max(touches, default=delivery.sent)
        return min(
            (max(outage.loses_from, delivery.sent) for outage in outages if outage.end > held),
            default=FOREVER,
        )

    def _uses_of(self, delivery: Delivery, history: TaskHistory) -> list[Use]:
        """Returns the holder's commands in this claim: until the same connection got the task again."""
        same = [other.received for other in history.deliveries if other.connection == delivery.connection]
        until = min((received for received in same if received > delivery.received), default=FOREVER)
        return [
            use
            for use in history.uses
            if use.connection == delivery.connection
            and delivery.received <= use.sent < until
            and use.verb != "kick-job"
        ]

    def _holders(self, history: TaskHistory, put: Put) -> Iterable[Kind]:
        for index, first in enumerate(history.deliveries):
            end = self.certain_end(first, history, put.ttr)
            for second in history.deliveries[index + 1 :]:
                expired = second.received >= second.sent + put.ttr
                if second.sent < first.received and self._broken(second, history) <= first.received:
                    continue  # It was delivered before the first, and its manager died before the reply was read.
                if second.received < end and (second.sent >= first.received or not expired):
                    used = any(use.succeeded and use.sent >= second.received for use in self._uses_of(first, history))
                    yield Kind.TWO_HOLDERS if used else Kind.UNEXPLAINED
            if index + 1 < len(history.deliveries):
                self.redeliveries[self._reason(first, history.deliveries[index + 1], history)] += 1

    def _reason(self, delivery: Delivery, following: Delivery, history: TaskHistory) -> str:
        """Returns why a task could be delivered again after this claim, for the report."""
        for use in self._uses_of(delivery, history):
            if use.verb in ("release", "bury") and use.may_have_happened:
                return {"release": "released", "bury": "buried and kicked"}[use.verb]
        if self._ends.get(delivery.connection, FOREVER) <= following.received:
            return "connection ended"
        lost = self._lease_lost(delivery, history) <= following.received
        return "the manager's lease was lost, or the time to run over" if lost else "time to run was over"

    def _deletes(self, history: TaskHistory, put: Put) -> Iterable[Kind]:
        deletes = [use for use in history.uses if use.verb == "delete" and use.succeeded and use.received is not None]
        if len(deletes) > 1:
            yield Kind.DELETED_TWICE
        for delete in deletes:
            assert delete.received is not None
            for delivery in history.deliveries:
                expired = delivery.received >= delivery.sent + put.ttr
                if delivery.sent < delete.received and self._broken(delivery, history) <= delete.received:
                    continue  # It was delivered before, and the reply was read late.
                if delivery.received > delete.received and (delivery.sent > delete.received or not expired):
                    yield Kind.BACK
                if delivery.connection == delete.connection or delete.sent < delivery.received:
                    continue
                if delete.received <= self.certain_end(delivery, history, put.ttr) and not self._holds(
                    delete, history, put
                ):
                    yield Kind.TWO_HOLDERS

    def _holds(self, delete: Use, history: TaskHistory, put: Put) -> bool:
        """Returns whether the holder has sent a delete. Then `_holders` finds any other holder."""
        own = [delivery for delivery in history.deliveries if delete in self._uses_of(delivery, history)]
        return any(self.certain_end(delivery, history, put.ttr) >= delete.sent for delivery in own)

    def _refusals(self, history: TaskHistory, put: Put) -> Iterable[Kind]:
        holders = {delivery.connection for delivery in history.deliveries}
        for use in history.uses:
            if use.verb in ("touch", "release", "bury") and use.succeeded and use.connection not in holders:
                yield Kind.NOT_HELD
            if use.word != "NOT_FOUND" or use.received is None or use.verb == "kick-job":
                continue
            for delivery in history.deliveries:
                if use not in self._uses_of(delivery, history):
                    continue
                if use.received < self.certain_end(delivery, history, put.ttr, without=use):
                    yield Kind.CLAIM_LOST

    def _buried(self, history: TaskHistory, put: Put) -> Iterable[Kind]:
        kicks = [use for use in history.uses if use.verb == "kick-job" and use.may_have_happened]
        for bury in history.uses:
            if bury.verb != "bury" or not bury.succeeded or bury.received is None:
                continue
            after = [delivery for delivery in history.deliveries if delivery.sent > bury.received]
            if after and not any(_overlaps(kick, bury.sent, after[0].received) for kick in kicks):
                yield Kind.BURIED

    def _delays(self, history: TaskHistory, put: Put) -> Iterable[Kind]:
        starts = [(put.sent, put.received, put.delay)] if put.delay else []
        releases = [use for use in history.uses if use.verb == "release" and use.succeeded and use.delay]
        starts += [(use.sent, use.received, use.delay) for use in releases]
        kicks = [use for use in history.uses if use.verb == "kick-job" and use.may_have_happened]
        for sent, received, delay in starts:
            due = sent + delay / CLOCK_RATE - CLOCK_STEP
            for delivery in history.deliveries:
                if received is None or delivery.sent <= received or delivery.received >= due:
                    continue
                kicked = any(_overlaps(kick, sent, delivery.received) for kick in kicks)
                if not kicked and not self._is_doubtful(sent, delivery.received):
                    yield Kind.TOO_SOON

    def _paused(self, history: TaskHistory, put: Put) -> Iterable[Kind]:
        for pause in self._pauses.get(put.tube, ()):
            end = pause.sent + pause.seconds / CLOCK_RATE - CLOCK_STEP
            for delivery in history.deliveries:
                is_within = delivery.sent > pause.received and delivery.received < end
                if is_within and not self._is_doubtful(pause.sent, delivery.received):
                    yield Kind.PAUSED

    def _is_doubtful(self, start: float, end: float) -> bool:
        return any(first <= end and start <= last for first, last in self.clock_doubts)

    def _describe(self, history: TaskHistory) -> str:
        events: list[tuple[float, str]] = []
        if (put := history.put) is not None:
            events.append((put.sent, f"put {put.key} ttr {put.ttr} delay {put.delay} → {put.word}"))
        for delivery in history.deliveries:
            where = f"#{delivery.connection}"
            events.append((delivery.sent, f"{where} reserve"))
            events.append((delivery.received, f"{where} RESERVED"))
            if delivery.connection in self._ends:
                events.append((self._ends[delivery.connection], f"{where} ends"))
        for use in history.uses:
            events.append((use.sent, f"#{use.connection} {use.verb}"))
            if use.received is not None:
                events.append((use.received, f"#{use.connection} {use.word}"))
        events = sorted(set(events))
        start = events[0][0] if events else 0
        return ", ".join(f"+{at - start:.3f} {text}" for at, text in events)


def _granted(sent: float, received: float | None) -> float:
    """Returns the begin of the time to run that a claim certainly has: a reply may be read a little late."""
    return sent if received is None else max(sent, received - READ_LATE)


def _overlaps(use: Use, start: float, end: float) -> bool:
    """Returns whether a command may have been executed in this time."""
    return use.sent <= end and (use.received is None or use.received >= start)

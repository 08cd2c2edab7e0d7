"""The connections that wait for a task of a tube, in beanstalkd's order."""

from __future__ import annotations

from collections.abc import Iterator


class WaitingQueue:
    """beanstalkd's set of waiting connections of one tube (ms.c).

    beanstalkd serves the oldest first only in some cases: the index of the next one moves with each service, and a gap
    is filled with the last one. Managers serve the one that has waited longest. The stream only has cases in which both
    are the same, so the tool has to know beanstalkd's order.
    """

    def __init__(self) -> None:
        self._items: list[int] = []
        self._last = 0
        self._arrived: list[int] = []

    def __iter__(self) -> Iterator[int]:
        return iter(self._arrived)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, connection: int) -> None:
        """Adds a connection that begins to wait."""
        self._items.append(connection)
        self._arrived.append(connection)

    def remove(self, connection: int) -> None:
        """Removes a connection that does not wait any more."""
        if connection in self._items:
            index = self._items.index(connection)
            self._items[index] = self._items[-1]
            self._items.pop()
            self._arrived.remove(connection)

    def serve(self, connection: int) -> None:
        """Removes a connection that gets a task of the tube."""
        if connection in self._items:
            self._last = self._items.index(connection)
            self.remove(connection)
            self._last += 1

    def is_fair(self, *, joining: int | None = None, leaving: int | None = None) -> bool:
        """Returns whether all will be served in the order in which they came, if one joins or leaves now."""
        trial = WaitingQueue()
        trial._items, trial._arrived, trial._last = [*self._items], [*self._arrived], self._last
        if joining is not None:
            trial.add(joining)
        if leaving is not None:
            trial.remove(leaving)
        while trial._items:
            due = trial._items[trial._last % len(trial._items)]
            if due != trial._arrived[0]:
                return False
            trial.serve(due)
        return True

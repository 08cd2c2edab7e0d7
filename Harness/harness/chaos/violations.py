"""What can be wrong with a history, and the history of one task."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from .history import Delivery, Put, Use


class Kind(Enum):
    """The kinds of violations."""

    LOST = "an acknowledged task is lost"
    DELETED_TWICE = "a task was deleted twice"
    BACK = "a deleted task is back"
    TWO_HOLDERS = "two consumers held a task at one time"
    UNEXPLAINED = "a task was delivered again without cause"
    CLAIM_LOST = "a holder was refused before its time to run was over"
    NOT_HELD = "a command succeeded for a task that the connection never had"
    TWICE_PUT = "one put made two tasks"
    NEVER_PUT = "a task that no client put, or that was refused"
    ID_REUSED = "an id was given twice"
    BURIED = "a buried task did not stay buried"
    TOO_SOON = "a delayed task was delivered too soon"
    PAUSED = "a task of a paused tube was delivered"
    OTHER = "something else"


@dataclass(frozen=True, slots=True)
class Violation:
    """One violation, with the events that show it."""

    kind: Kind
    text: str

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.text}"


@dataclass(slots=True)
class TaskHistory:
    """Everything that happened to one task."""

    put: Put | None = None
    deliveries: list[Delivery] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)

    @property
    def deleted_at(self) -> float | None:
        """When its delete was answered, None if it was not."""
        ends = [use.received for use in self.uses if use.verb == "delete" and use.succeeded]
        return min((end for end in ends if end is not None), default=None)

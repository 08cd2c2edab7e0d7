"""Shortens a stream that shows a difference."""

from __future__ import annotations

import time
from dataclasses import replace

from .run import Outcome, Setup, run_steps
from .steps import Step


def shrink(setup: Setup, outcome: Outcome, seconds: float) -> Outcome:
    """Leaves out as many steps as possible so that a difference remains, for about ``seconds``.

    The difference may be another one, between the same servers. If it depends on time, a shorter stream may not show it
    again; then the given outcome is returned.
    """
    deadline = time.monotonic() + seconds
    setup = replace(setup, patience=2)
    best = outcome
    size = len(best.steps) // 2
    while size and time.monotonic() < deadline:
        begin = max(len(best.steps) - 1 - size, 0)
        while time.monotonic() < deadline:
            trial = run_steps(setup, _without(best.steps, begin, size))
            if trial.difference:
                best = trial
            if begin == 0:
                break
            begin = max(min(begin, len(best.steps) - 1) - size, 0)
        size //= 2
    return best


def _without(steps: list[Step], begin: int, count: int) -> list[Step]:
    # The last step is the one that shows the difference.
    return [*steps[:begin], *steps[min(begin + count, len(steps) - 1) :]]

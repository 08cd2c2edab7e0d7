"""Makes a stream that shows a difference shorter."""

from __future__ import annotations

import time
from dataclasses import replace

from .run import Outcome, Setup, run_steps
from .steps import Step


def shrink(setup: Setup, outcome: Outcome, seconds: float) -> Outcome:
    """Leaves out as many steps as possible, for about so many seconds, so that there still is a difference.

    It need not be the same difference, but it is one between the same servers. What is left may show none at all when
    it is played again if the difference depends on time; then the outcome given is returned.
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

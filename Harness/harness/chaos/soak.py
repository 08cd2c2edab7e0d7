"""tools/soak: load and faults at a constant rate for a long time; fails if a sampled figure grows."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ..lib.command import add_run_options, chosen_seed, new_parser, run_tool, workspace
from ..lib.paths import BUILT
from .history import now
from .plot import plot
from .run import Outcome, Settings, report, run
from .sampling import Sampler, summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    options = parse(arguments)
    return run_tool("soak", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    seed = chosen_seed(options.seed)
    sampler = Sampler(options.managers)
    faults: list[float] = []
    start = now()
    settings = Settings(
        seconds=options.minutes * 60,
        seed=seed,
        managers=options.managers,
        rate=options.rate,
        gap=options.gap,
        spared=0,
        log=lambda line: faults.append(now() - start),
        watch=sampler.sample,
    )
    with workspace("soak", options) as (directory, binary):
        start = now()
        outcome = run(directory, binary, settings)
    return conclude(outcome, sampler, faults, options)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = new_parser(
        "soak",
        "Runs tools/chaos at a constant rate, samples memory, descriptors and file sizes, checks the history and fails "
        "if a figure grows. The first manager is never killed or restarted, so that its growth can be measured.",
    )
    parser.add_argument("--minutes", type=float, default=60, help="how long the run takes (default 60)")
    parser.add_argument("--managers", type=int, default=3, help="the number of managers (default 3)")
    parser.add_argument("--rate", type=float, default=200, help="tasks per second (default 200)")
    parser.add_argument("--gap", type=float, default=6, help="seconds between faults, on average (default 6)")
    parser.add_argument("--plot", type=Path, default=BUILT / "soak.svg", help="the file for the plot of the figures")
    add_run_options(parser, "replays the faults of another run")
    return parser.parse_args(arguments)


def conclude(outcome: Outcome, sampler: Sampler, faults: Sequence[float], options: argparse.Namespace) -> int:
    """Prints and draws what was found; returns the exit status."""
    status = report(outcome)
    print("\n".join(summary(sampler.all)))
    seconds = max(sampler.rate.times, default=1.0)
    title = f"{options.managers} managers, {options.rate:g} tasks/s, {options.minutes:g} minutes, {len(faults)} faults"
    panels = [
        ("tasks deleted per second", [sampler.rate]),
        ("memory, MiB", sampler.memory),
        ("descriptors", sampler.descriptors),
        ("files, MiB", [sampler.log, sampler.database]),
        ("tasks in the database", [sampler.tasks]),
    ]
    options.plot.parent.mkdir(parents=True, exist_ok=True)
    options.plot.write_text(plot(title, panels, faults, seconds))
    print(f"plot: {options.plot}")
    growths = sampler.growths()
    for growth in growths:
        print(growth)
    return 1 if growths else status

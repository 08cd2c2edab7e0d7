"""tools/soak: chaos at a steady rate for a long time, with figures sampled; fails where one of them grows."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .main import Outcome, Settings, report, run
from .history import now
from ..lib.paths import BUILT, Unavailable, manager_binary
from .plot import plot
from .sampling import Sampler, summary


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    options = parse(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
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
    try:
        binary = manager_binary(build=not options.no_build)
        with tempfile.TemporaryDirectory(prefix="beanrow-soak-", dir=options.directory) as directory:
            start = now()
            outcome = run(Path(directory), binary, settings)
    except Unavailable as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    return conclude(outcome, sampler, faults, options)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="tools/soak",
        description="Runs tools/chaos at a steady rate, samples memory, descriptors and file sizes, checks the history "
        "and fails where a figure grows. The first manager is never killed or restarted, so that its growth can be seen.",
    )
    parser.add_argument("--minutes", type=float, default=60, help="how long (default 60)")
    parser.add_argument("--seed", type=int, help="replays the schedule of another run (default: a random one)")
    parser.add_argument("--managers", type=int, default=3, help="managers on the file (default 3)")
    parser.add_argument("--rate", type=float, default=200, help="tasks a second (default 200)")
    parser.add_argument("--gap", type=float, default=6, help="seconds between faults, on average (default 6)")
    parser.add_argument("--plot", type=Path, default=BUILT / "soak.svg", help="where to draw the figures")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    parser.add_argument("--no-build", action="store_true", help="use the manager as it was built last")
    return parser.parse_args(arguments)


def conclude(outcome: Outcome, sampler: Sampler, faults: Sequence[float], options: argparse.Namespace) -> int:
    """Prints and draws what was found."""
    report(outcome)
    print("\n".join(summary(sampler.all)))
    seconds = max(sampler.rate.times, default=1.0)
    title = f"{options.managers} managers, {options.rate:g} tasks/s, {options.minutes:g} minutes, {len(faults)} faults"
    panels = [
        ("tasks deleted a second", [sampler.rate]),
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
    return 1 if growths or outcome.violations else 0

"""The command line of tools/chaos."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..lib.command import add_run_options, chosen_seed, new_parser, run_tool, workspace
from .run import Settings, add_load_options, keep, report, run, run_seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    options = parse(arguments)
    return run_tool("chaos", lambda: _run(options))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Reads the command line."""
    parser = new_parser(
        "chaos",
        "Runs producers and consumers on three managers that share one file. The managers are killed, stopped and "
        "restarted, get a wrong clock and are locked out of their database. Then checks the history of what the "
        "clients were told.",
    )
    add_load_options(parser, rate=400, gap=1.5)
    add_run_options(parser, "replays the faults of another run")
    return parser.parse_args(arguments)


def _run(options: argparse.Namespace) -> int:
    seed = chosen_seed(options.seed)
    settings = Settings(run_seconds(options), seed, options.managers, rate=options.rate, gap=options.gap)
    if options.quiet:
        settings.log = lambda line: None
    with workspace("chaos", options) as (directory, binary):
        outcome = run(directory, binary, settings)
        if options.keep is not None:
            keep(directory, options.keep)
    return report(outcome)

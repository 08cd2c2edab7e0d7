"""The command line of tools/differential."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from ..lib.command import new_parser, run_tool
from ..lib.paths import ROOT, built_manager
from . import figures, invalid, timed
from .corners import Corner
from .run import Outcome, Setup, run_seed, run_steps
from .shrink import shrink
from .steps import from_json, to_json


def main() -> int:
    """Runs the tool; returns the exit status."""
    arguments = _parse()
    if arguments.explain:
        _explain()
        return 0
    beanstalkd = shutil.which(arguments.beanstalkd)
    manager = None if arguments.itself else shutil.which(arguments.manager)
    if beanstalkd is None or (manager is None and not arguments.itself):
        missing = arguments.beanstalkd if beanstalkd is None else arguments.manager
        hint = "install the package beanstalkd" if beanstalkd is None else "swift build --product beanrow-manager"
        print(f"differential: there is no program {missing} ({hint})", file=sys.stderr)
        return 64
    setup = Setup(beanstalkd, manager, arguments.managers)
    return run_tool("differential", lambda: _run(setup, arguments))


def _run(setup: Setup, arguments: argparse.Namespace) -> int:
    if arguments.timed:
        return timed.run(setup)
    if arguments.replay:
        recorded = json.loads(Path(arguments.replay).read_text())
        setup = replace(setup, managers=recorded["managers"])
        return _report(run_steps(setup, from_json(recorded["steps"])), arguments.replay)
    return _run_seeds(setup, arguments)


def _parse() -> argparse.Namespace:
    parser = new_parser(
        "differential",
        "Sends the same random commands to beanstalkd and to Beanrow's managers and compares every reply.",
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="how many streams to send (default 5)")
    parser.add_argument("--commands", type=int, default=1000, metavar="M", help="commands per stream (default 1000)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the first stream's seed (default 1)")
    parser.add_argument(
        "--managers",
        type=int,
        default=1,
        choices=range(1, 9),
        metavar="K",
        help="managers on one file that share the connections (default 1)",
    )
    parser.add_argument("--timed", action="store_true", help="instead: play scenarios in which seconds pass")
    parser.add_argument("--replay", metavar="FILE", help="instead: play the steps of a file that an earlier run wrote")
    parser.add_argument("--explain", action="store_true", help="instead: print what is not compared, and why")
    parser.add_argument(
        "--manager",
        default=str(built_manager()),
        metavar="PATH",
        help="the manager (default: that of the release build, or of the debug build)",
    )
    parser.add_argument("--beanstalkd", default="beanstalkd", metavar="PATH", help="beanstalkd 1.12 or later")
    parser.add_argument("--itself", action="store_true", help="compare beanstalkd with itself, to try this tool")
    parser.add_argument("--shrink", type=float, default=60, metavar="SECONDS", help="how long to shorten a stream")
    return parser.parse_args()


def _run_seeds(setup: Setup, arguments: argparse.Namespace) -> int:
    failed = []
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        began = time.monotonic()
        outcome = run_seed(setup, seed, arguments.commands)
        verdict = "DIFFERENT" if outcome.difference else "no difference"
        print(f"seed {seed}: {outcome.commands} commands, {verdict}, {time.monotonic() - began:.1f} s", flush=True)
        if outcome.difference:
            failed.append(seed)
            path = _write(setup, outcome, f"seed-{seed}-managers-{setup.managers}")
            _report(outcome, path)
            options = f"--managers {setup.managers} --seed {seed} --seeds 1 --commands {arguments.commands}"
            print(f"or: tools/differential {options}")
            if arguments.shrink > 0:
                shorter = shrink(setup, outcome, arguments.shrink)
                print(f"\nShortened from {len(outcome.steps)} to {len(shorter.steps)} steps:")
                _report(shorter, _write(setup, shorter, f"seed-{seed}-managers-{setup.managers}-short"))
    if failed:
        print(f"\ndifferent: seeds {', '.join(map(str, failed))}")
    return 1 if failed else 0


def _report(outcome: Outcome, path: str) -> int:
    difference = outcome.difference
    if difference is None:
        print(f"{outcome.commands} commands, no difference")
        return 0
    print("\nThe last steps, with beanstalkd's replies:")
    print("\n".join(outcome.history))
    print(f"\nDifference: {difference}")
    if difference.command:
        print(f"  command:    {(difference.command.line + difference.command.tail)[:300]!r}")
    if difference.expected is not None:
        print(f"  beanstalkd: {difference.expected}")
    if difference.actual is not None:
        print(f"  manager:    {difference.actual}")
    print(f"Again: tools/differential --replay {path}", flush=True)
    return 1


def _write(setup: Setup, outcome: Outcome, name: str) -> str:
    folder = ROOT / ".build/differential"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"managers": setup.managers, "steps": to_json(outcome.steps)}))
    return str(path)


def _explain() -> None:
    print("Figures that are not compared byte for byte:\n")
    for verb, table in figures.TABLES.items():
        for nature in figures.Nature:
            if keys := [key for key, each in table.items() if each is nature]:
                print(f"{verb}: {', '.join(keys)}\n    {nature.value}\n")
    for verb, keys in figures.ADDED.items():
        print(f"{verb}: {', '.join(keys)}\n    beanstalkd does not have it\n")
    print("What is never sent:\n")
    for what, reason in invalid.LEFT_OUT.items():
        print(f"{what}\n    {reason}\n")
    print("What the stream avoids:\n")
    for corner in (each for each in Corner if each is not Corner.BUSY):
        print(f"{corner.name.lower().replace('_', ' ')}\n    {corner.value}\n")

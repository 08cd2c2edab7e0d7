"""What the command lines of the tools share."""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from .failures import Failure
from .paths import manager_binary


def new_parser(tool: str, description: str, epilog: str | None = None) -> argparse.ArgumentParser:
    """Returns a parser for tools/``tool``."""
    return argparse.ArgumentParser(prog=f"tools/{tool}", description=description, epilog=epilog)


def add_run_options(parser: argparse.ArgumentParser, seed_help: str) -> None:
    """Adds the options of every tool that starts managers and makes random choices."""
    parser.add_argument("--seed", type=int, help=f"{seed_help} (default: BEANROW_TEST_SEED, or a random one)")
    parser.add_argument("--directory", type=Path, help="where to work (default: the system's temporary directory)")
    parser.add_argument("--no-build", action="store_true", help="use the manager that was built last")


def chosen_seed(given: int | None) -> int:
    """Returns the seed of the command line, of the environment or a random one, and prints it."""
    seed = given if given is not None else seed_of_environment()
    if seed is None:
        seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", flush=True)
    return seed


def seed_of_environment() -> int | None:
    """Returns BEANROW_TEST_SEED, None if it is not set."""
    text = os.environ.get("BEANROW_TEST_SEED")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise Failure(f"BEANROW_TEST_SEED is not a number: {text}") from None


@contextmanager
def workspace(tool: str, options: argparse.Namespace) -> Iterator[tuple[Path, Path]]:
    """Builds the manager and makes a temporary directory for the block; gives both, the directory first."""
    binary = manager_binary(build=not options.no_build)
    with tempfile.TemporaryDirectory(prefix=f"beanrow-{tool}-", dir=options.directory) as directory:
        yield Path(directory), binary


def run_tool(tool: str, action: Callable[[], int]) -> int:
    """Runs a tool's work; returns the exit status. A `Failure` is printed and gives 1."""
    try:
        return action()
    except Failure as error:
        print(f"{tool}: {error}", file=sys.stderr)
        return 1


def exit_on_signals() -> None:
    """Has SIGTERM and SIGHUP end this process in order, so that it leaves nothing behind."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)

"""Counts the instructions that a manager executes per task, and fails if their number has grown.

Runs the program in Benchmarks/instructions under valgrind's callgrind: decoding, batching, the store and encoding for
10 240 tasks in one process, without network and without threads. The same program gives the same count within one
percent, however busy the machine is.

  tools/instruction-count            compare with the ceilings in Benchmarks/instructions/ceilings.txt
  tools/instruction-count --accept   set the ceilings to what is counted now, and 4 %
  tools/instruction-count --profile  show which functions the instructions are in
  options: --no-build (use the release build that exists), --workload PATH (count this program)
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..lib.paths import ROOT

PACKAGE = ROOT / "Benchmarks" / "instructions"
SCRATCH = ROOT / ".build-instructions"
CEILINGS = PACKAGE / "ceilings.txt"
PRODUCT = "instruction-workload"
TASKS = 10_240

#: What each call of the counted function does, in order. The calls without a name are preparations.
PHASES: list[str | None] = [
    *(None, None, None),
    *("put", "reserve", "delete"),
    *("put, pipelined", "reserve, pipelined", "delete, pipelined"),
    *(None, None),
    *["reserve and delete, 16 in hand"] * 10,
]

#: The counted function's symbol.
COUNTED = r"\S*WorkloadC7counted\S*"

#: A new ceiling is this factor above the count: the time and the machine's C library change the count by one percent.
ROOM = 1.04

#: A count below this part of its ceiling is reported: such a ceiling no longer finds growth.
SLACK = 0.90


def build(skip: bool) -> Path:
    """Builds the workload, unless ``skip`` is set, and returns the program."""
    swift = ["swift", "build", "--package-path", str(PACKAGE), "--scratch-path", str(SCRATCH), "-c", "release"]
    if not skip:
        # The same versions of all dependencies as the manager has.
        pins = ROOT / "Package.resolved"
        if pins.exists():
            shutil.copy(pins, PACKAGE / pins.name)
        result = subprocess.run([*swift, "--product", PRODUCT], capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit("instruction-count: the build failed:\n" + (result.stdout + result.stderr)[-4000:])
    directory = subprocess.run([*swift, "--show-bin-path"], capture_output=True, text=True, check=True)
    return Path(directory.stdout.strip()) / PRODUCT


def count(program: Path, directory: Path) -> tuple[dict[str, float], dict[str, list[Path]]]:
    """Returns the instructions per task and the profile's files, both by phase."""
    # Symbols suffice. Valgrind fails on debugging information of a newer format.
    stripped = directory / PRODUCT
    subprocess.run(["strip", "--strip-debug", "-o", stripped, program], check=True)
    symbols = subprocess.run(["nm", stripped], capture_output=True, text=True, check=True).stdout
    counted = re.search(COUNTED, symbols)
    if counted is None:
        sys.exit("instruction-count: the workload has no counted function: was it renamed?")
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={directory}/out", "--quiet"]
    command += [f"--zero-before={counted[0]}", f"--dump-after={counted[0]}"]
    command += [str(stripped), f"{directory}/tasks.db"]
    environment = os.environ | {"SWIFT_DETERMINISTIC_HASHING": "1", "SWIFT_BACKTRACE": "enable=no"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
    if result.returncode != 0:
        sys.exit("instruction-count: the workload failed:\n" + (result.stdout + result.stderr)[-4000:])
    dumps = sorted(directory.glob("out.[0-9]*"), key=lambda file: int(file.suffix[1:]))
    if len(dumps) != len(PHASES):
        sys.exit(f"instruction-count: {len(dumps)} counts instead of {len(PHASES)}")
    files: dict[str, list[Path]] = {}
    counts: dict[str, float] = {}
    for phase, file in zip(PHASES, dumps, strict=True):
        if phase is None:
            continue
        total = re.search(r"^totals: (\d+)", file.read_text(errors="replace"), re.MULTILINE)
        if total is None:
            sys.exit(f"instruction-count: {file.name} has no total")
        files.setdefault(phase, []).append(file)
        counts[phase] = counts.get(phase, 0) + int(total[1]) / TASKS
    return counts, files


def read_ceilings() -> dict[str, int]:
    """Returns the ceilings by phase."""
    found: dict[str, int] = {}
    for line in CEILINGS.read_text().splitlines() if CEILINGS.exists() else []:
        phase, separator, value = line.partition(":")
        if separator and not line.startswith("#"):
            found[phase.strip()] = int(value)
    return found


def write_ceilings(counts: Mapping[str, float]) -> None:
    """Sets the ceilings to what was counted, and some room above it."""
    lines = ["# The most instructions per task; see tools/instruction-count."]
    lines += [f"{phase}: {round(value * ROOM)}" for phase, value in counts.items()]
    CEILINGS.write_text("\n".join(lines) + "\n")


def spaced(value: float) -> str:
    """Returns a number with spaces between thousands."""
    return f"{value:,.0f}".replace(",", " ")


def own_costs(files: Sequence[Path]) -> dict[str, int]:
    """Returns the instructions in each function itself, from callgrind's file format."""
    costs: dict[str, int] = {}
    for file in files:
        for name, cost in _own_costs_of(file).items():
            costs[name] = costs.get(name, 0) + cost
    return costs


def _own_costs_of(file: Path) -> dict[str, int]:
    names: dict[str, str] = {}
    costs: dict[str, int] = {}
    function, is_call = "", False
    for line in file.read_text(errors="replace").splitlines():
        if line.startswith(("fn=", "cfn=")):
            number, _, name = line.partition("=")[2].partition(" ")
            names.setdefault(number, name)
            if line.startswith("fn="):
                function = number
        elif line.startswith("calls="):
            is_call = True  # The next line has the cost of the called function.
        elif line[:1] in "0123456789+-*" and function:
            fields = line.split()  # A cost of 0 is left out.
            if not is_call and len(fields) > 1:
                costs[function] = costs.get(function, 0) + int(fields[1])
            is_call = False
    return {names[number]: cost for number, cost in costs.items()}


def profile(files: Mapping[str, Sequence[Path]]) -> None:
    """Prints, for each phase, the functions with the most instructions of their own."""
    for phase, several in files.items():
        all_costs = own_costs(several)
        costs = sorted(all_costs.items(), key=lambda pair: -pair[1])[:40]
        names = demangled([name for name, _ in costs])
        total = sum(all_costs.values()) / TASKS
        print(f"\n{phase}: {spaced(total)} instructions per task, in these functions themselves")
        for name, (_, cost) in zip(names, costs, strict=True):
            print(f"{cost / TASKS:9.0f}  {name[:150]}")


def demangled(names: list[str]) -> list[str]:
    """Returns Swift symbols as they are in the source, or as they are given if Swift is missing."""
    if not shutil.which("swift"):
        return names
    command = ["swift", "demangle", "--simplified"]
    result = subprocess.run(command, input="\n".join(names), capture_output=True, text=True)
    return result.stdout.splitlines() if result.returncode == 0 else names


def compare(counts: Mapping[str, float]) -> int:
    """Prints counts beside their ceilings; returns the exit status."""
    ceilings, has_grown = read_ceilings(), False
    print("instructions per task")
    for phase, value in counts.items():
        ceiling = ceilings.get(phase)
        if ceiling is None:
            has_grown, verdict = True, "has no ceiling: run tools/instruction-count --accept"
        elif value > ceiling:
            has_grown, verdict = True, f"{(value / ceiling - 1) * 100:.1f} % OVER the ceiling of {spaced(ceiling)}"
        elif value < ceiling * SLACK:
            below = f"{(1 - value / ceiling) * 100:.0f} %"
            verdict = f"{below} below the ceiling of {spaced(ceiling)}: lower it with --accept"
        else:
            verdict = f"within the ceiling of {spaced(ceiling)}"
        print(f"  {phase:30} {spaced(value):>8}  {verdict}")
    if has_grown:
        print("A task costs more; --profile shows where. If that is worth it, run tools/instruction-count --accept.")
    return 1 if has_grown else 0


def main() -> int:
    """Runs the tool; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="tools/instruction-count", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--accept", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--workload", type=Path, metavar="PATH")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("instruction-count: valgrind is missing (Debian package valgrind)")
    program = options.workload or build(options.no_build)
    with tempfile.TemporaryDirectory(prefix="beanrow-count-") as directory:
        counts, files = count(program, Path(directory))
        if options.profile:
            profile(files)
            return 0
    if options.accept:
        write_ceilings(counts)
    return compare(counts)

"""Counts the instructions that a task costs a manager, and fails where that has grown.

Runs the instruction-workload (Benchmarks/Instructions) under valgrind's callgrind: decoding, batching, the store and
encoding for 10 240 tasks in one process, without network or threads. The same program counts the same to within a
percent, however busy the machine is.

  tools/instruction-count            compare with the ceilings in Benchmarks/Instructions/ceilings.txt
  tools/instruction-count --accept   make the ceilings fit what is counted now
  tools/instruction-count --profile  show which functions the instructions are in
  options: --no-build (take the release build that is there), --workload PATH (count this program)
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[4]
CEILINGS = REPOSITORY / "Benchmarks" / "Instructions" / "ceilings.txt"
PRODUCT = "instruction-workload"
TASKS = 10_240
PHASES = [None, None, None, "put", "reserve", "delete", "put, pipelined", "reserve, pipelined", "delete, pipelined"]
PHASES += [None, None] + 10 * ["reserve and delete, 16 in hand"]
"""What the calls of the counted function are, in their order; those without a name get things ready."""
COUNTED = r"\S*WorkloadC7counted\S*"
"""The counted function's symbol."""
ROOM = 1.04
"""How far above what was counted a ceiling is set: the time and the machine's C library make a percent's difference."""
SLACK = 0.90
"""Below this part of a ceiling, the ceiling guards nothing any more."""


def build(skip):
    swift = ["swift", "build", "--package-path", str(REPOSITORY), "-c", "release", "--product", PRODUCT]
    if not skip:
        result = subprocess.run(swift, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit("instruction-count: the build failed:\n" + (result.stdout + result.stderr)[-4000:])
    where = subprocess.run([*swift[:-2], "--show-bin-path"], capture_output=True, text=True, check=True)
    return Path(where.stdout.strip()) / PRODUCT


def count(program, folder):
    """Instructions a task, by phase, and the profile's files."""
    # Symbols are enough, and valgrind gives up at debugging information newer than itself.
    stripped = folder / PRODUCT
    subprocess.run(["strip", "--strip-debug", "-o", stripped, program], check=True)
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out", "--quiet"]
    symbols = subprocess.run(["nm", stripped], capture_output=True, text=True, check=True).stdout
    counted = re.search(COUNTED, symbols)
    if not counted:
        sys.exit("instruction-count: the workload has no counted function: was it renamed?")
    command += [f"--zero-before={counted[0]}", f"--dump-after={counted[0]}"]
    command += [str(stripped), f"{folder}/tasks.db"]
    environment = os.environ | {"SWIFT_DETERMINISTIC_HASHING": "1", "SWIFT_BACKTRACE": "enable=no"}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900)
    if result.returncode != 0:
        sys.exit("instruction-count: the workload failed:\n" + (result.stdout + result.stderr)[-4000:])
    dumps = sorted(folder.glob("out.[0-9]*"), key=lambda file: int(file.suffix[1:]))
    if len(dumps) != len(PHASES):
        sys.exit(f"instruction-count: {len(dumps)} counts in place of {len(PHASES)}")
    files, counted = {}, {}
    for phase, file in zip(PHASES, dumps):
        if phase:
            total = re.search(r"^totals: (\d+)", file.read_text(errors="replace"), re.MULTILINE)
            files.setdefault(phase, []).append(file)
            counted[phase] = counted.get(phase, 0) + int(total[1]) / TASKS
    return counted, files


def read_ceilings():
    found = {}
    for line in CEILINGS.read_text().splitlines() if CEILINGS.exists() else []:
        phase, separator, value = line.partition(":")
        if separator and not line.startswith("#"):
            found[phase.strip()] = int(value)
    return found


def write_ceilings(counted):
    lines = ["# Instructions a task, at most; see tools/instruction-count."]
    lines += [f"{phase}: {round(value * ROOM)}" for phase, value in counted.items()]
    CEILINGS.write_text("\n".join(lines) + "\n")


def spaced(value):
    return f"{value:,.0f}".replace(",", " ")


def own_costs(files):
    """Instructions in each function itself, from callgrind's file format."""
    costs = {}
    for file in files:
        for name, cost in own_costs_of(file).items():
            costs[name] = costs.get(name, 0) + cost
    return costs


def own_costs_of(file):
    names, costs, function, is_call = {}, {}, None, False
    for line in file.read_text(errors="replace").splitlines():
        if line.startswith(("fn=", "cfn=")):
            number, _, name = line.partition("=")[2].partition(" ")
            names.setdefault(number, name)
            if line.startswith("fn="):
                function = number
        elif line.startswith("calls="):
            is_call = True  # the next line has what the called function cost
        elif line[:1] in "0123456789+-*" and function:
            fields = line.split()  # a cost of 0 is left out
            if not is_call and len(fields) > 1:
                costs[function] = costs.get(function, 0) + int(fields[1])
            is_call = False
    return {names[number]: cost for number, cost in costs.items()}


def profile(files):
    """The functions with the most instructions of their own, by phase."""
    for phase, several in files.items():
        costs = sorted(own_costs(several).items(), key=lambda pair: -pair[1])[:40]
        names = demangled([name for name, _ in costs])
        total = sum(own_costs(several).values()) / TASKS
        print(f"\n{phase}: {spaced(total)} instructions a task, in these functions themselves")
        for name, (_, cost) in zip(names, costs):
            print(f"{cost / TASKS:9.0f}  {name[:150]}")


def demangled(names):
    if not shutil.which("swift"):
        return names
    command = ["swift", "demangle", "--simplified"]
    result = subprocess.run(command, input="\n".join(names), capture_output=True, text=True)
    return result.stdout.splitlines() if result.returncode == 0 else names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accept", action="store_true")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--no-build", action="store_true")
    parser.add_argument("--workload", metavar="PATH")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("instruction-count: no valgrind found (Debian package valgrind)")
    program = options.workload or build(options.no_build)
    with tempfile.TemporaryDirectory(prefix="beanrow-count-", dir=REPOSITORY / ".build") as folder:
        counted, files = count(program, Path(folder))
        if options.profile:
            profile(files)
            return 0
    if options.accept:
        write_ceilings(counted)
    ceilings, grown = read_ceilings(), False
    print("instructions a task")
    for phase, value in counted.items():
        ceiling = ceilings.get(phase)
        if ceiling is None:
            grown, words = True, "has no ceiling: run tools/instruction-count --accept"
        elif value > ceiling:
            grown, words = True, f"{(value / ceiling - 1) * 100:.1f} % OVER the ceiling of {spaced(ceiling)}"
        elif value < ceiling * SLACK:
            words = f"{(1 - value / ceiling) * 100:.0f} % below the ceiling of {spaced(ceiling)}: lower it with --accept"
        else:
            words = f"within the ceiling of {spaced(ceiling)}"
        print(f"  {phase:30} {spaced(value):>8}  {words}")
    if grown:
        print("A task has become dearer. tools/instruction-count --profile shows where; if it is worth it, --accept it.")
    return 1 if grown else 0



"""tools/fuzz: runs libFuzzer on the decoders and on a whole manager in one process."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .lib.command import new_parser, seed_of_environment
from .lib.paths import BUILT, ROOT

SCRATCH = ROOT / ".build-fuzz"
SOURCES = ROOT / "Fuzz"
FLAGS = ["-sanitize=fuzzer,address"]


@dataclass(frozen=True, slots=True)
class Target:
    """A fuzz target: its source file, and the modules that it imports."""

    source: str
    modules: tuple[str, ...]
    longest: int


TARGETS = {
    "commands": Target("Commands.swift", ("BeanstalkWire",), 2048),
    "replies": Target("Replies.swift", ("BeanstalkWire",), 2048),
    "manager": Target("Manager.swift", ("Manager", "SQLiteStore", "NIOEmbedded"), 1024),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the tool; returns the exit status."""
    parser = new_parser(
        "fuzz",
        "Feeds the decoders and a whole manager with bytes that libFuzzer generates, guided by coverage, with the "
        "address sanitizer. Fails after a crash, a hang, growth beyond 1 GiB, or a wrong reply.",
    )
    parser.add_argument("--seconds", type=int, default=30, help="how long to run each target (default 30)")
    parser.add_argument(
        "--target", choices=sorted(TARGETS), action="append", help="run only this target; may be repeated"
    )
    parser.add_argument("--seed", type=int, help="for libFuzzer; 0 chooses one (default: BEANROW_TEST_SEED, or 0)")
    parser.add_argument("--input", type=Path, help="run the targets once, on this file")
    options = parser.parse_args(arguments)
    if options.seed is None:
        options.seed = seed_of_environment() or 0
    names = options.target or sorted(TARGETS)
    try:
        build({module for name in names for module in TARGETS[name].modules})
        programs = {name: link(name) for name in names}
    except subprocess.CalledProcessError as error:
        print(f"fuzz: {Path(error.cmd[0]).name} failed", file=sys.stderr)
        return 1
    return max(run(name, programs[name], options) for name in names)


def build(modules: set[str]) -> None:
    """Builds modules of the package with coverage and the sanitizer.

    A fuzz target cannot be an executable of the package, since libFuzzer has the main function.
    """
    for module in sorted(modules):
        print(f"building {module} for fuzzing", file=sys.stderr, flush=True)
        command: list[str | os.PathLike[str]] = ["swift", "build", "-c", "release", "--scratch-path", SCRATCH]
        command += ["--target", module, "--sanitize", "address"]
        command += ["-Xswiftc", FLAGS[0], "-Xswiftc", "-enable-testing"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)


def link(name: str) -> Path:
    """Compiles a fuzz target, links it with the objects of the modules, and returns the program."""
    built = SCRATCH / "release"
    program = BUILT / "fuzz" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    maps = [*built.glob("*.build/module.modulemap"), *module_maps()]
    objects = [
        path
        for path in built.glob("*.build/**/*.o")
        if "Tests.build" not in str(path) and "-tool.build" not in str(path)
    ]
    command: list[str | os.PathLike[str]] = [
        "swiftc",
        "-swift-version",
        "6",
        "-parse-as-library",
        "-O",
        "-g",
        "-use-ld=lld",
        *FLAGS,
    ]
    command += ["-I", built / "Modules", "-module-name", f"Fuzz{name.capitalize()}"]
    for path in maps:
        command += ["-Xcc", f"-fmodule-map-file={path}"]
    command += [SOURCES / "Failure.swift", SOURCES / TARGETS[name].source, *objects]
    # The library for TLS is in C++.
    command += ["-lsqlite3", "-lstdc++", "-o", program]
    subprocess.run(command, check=True)
    return program


def module_maps() -> list[Path]:
    """Returns the module maps of C targets, of Beanrow and of the packages that it depends on."""
    places = [
        *(SCRATCH / "checkouts").glob("*/Sources/*/include/module.modulemap"),
        *ROOT.glob("Sources/*/include/module.modulemap"),
    ]
    return [*places, *ROOT.glob("Sources/*/module.modulemap")]


def run(name: str, program: Path, options: argparse.Namespace) -> int:
    """Runs a target; returns its exit status."""
    corpus = BUILT / "fuzz" / f"{name}-corpus"
    found = BUILT / "fuzz" / f"{name}-"
    corpus.mkdir(exist_ok=True)
    command: list[str | os.PathLike[str]] = [program, "-timeout=60", "-rss_limit_mb=1024", f"-artifact_prefix={found}"]
    if options.input is not None:
        command.append(options.input)
    else:
        command += [f"-max_total_time={options.seconds}", f"-seed={options.seed}", f"-max_len={TARGETS[name].longest}"]
        command += [f"-dict={SOURCES / 'beanstalk.dict'}", "-print_final_stats=1", corpus, SOURCES / "corpus" / name]
    # The backtracer would delay the end of a crashed run. The sanitizer spends much time on recording allocations.
    sanitizer = "malloc_context_size=6:quarantine_size_mb=64"
    # Without this, an embedded event loop that is used from two threads only prints a warning before it hangs.
    settings = {"SWIFT_BACKTRACE": "enable=no", "ASAN_OPTIONS": sanitizer, "SWIFTNIO_STRICT": "1"}
    environment = {**os.environ, **settings}
    print(f"fuzzing {name}", flush=True)
    result = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
    lines = result.stderr.splitlines()
    if result.returncode != 0:
        print("\n".join(lines[-60:]))
        print(f"{name}: failed; the input is in {found}*, run it again with --target {name} --input FILE")
        return 1
    print("\n".join(line for line in lines if line.startswith(("stat::", "Done"))), flush=True)
    return 0

"""Where things are in the repository, and building the small C libraries."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PRELOAD = ROOT / "Harness" / "preload"
BUILT = ROOT / ".build" / "harness"


class Unavailable(Exception):
    """Something the tools need is not there; the message says what to do."""


def preload_library(name: str) -> Path:
    """Builds the folder preload/NAME where it is newer than what was built, and returns the shared library."""
    files = list((PRELOAD / name).iterdir())
    sources = sorted(file for file in files if file.suffix == ".c")
    library = BUILT / f"{name}.so"
    if library.exists() and library.stat().st_mtime >= max(file.stat().st_mtime for file in files):
        return library
    compiler = shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        raise Unavailable("no C compiler: install gcc or clang")
    BUILT.mkdir(parents=True, exist_ok=True)
    fresh = library.with_suffix(f".{os.getpid()}")
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-fPIC", "-shared"]
    subprocess.run([compiler, *flags, "-o", fresh, *sources, "-ldl", "-pthread"], check=True)
    fresh.rename(library)
    return library


def manager_binary(configuration: str = "release", build: bool = True) -> Path:
    """Builds beanrow-manager and returns it; BEANROW_MANAGER names another one."""
    given = os.environ.get("BEANROW_MANAGER")
    if given:
        return Path(given).resolve()
    if build:
        print(f"building beanrow-manager ({configuration})", file=sys.stderr, flush=True)
        command = ["swift", "build", "-c", configuration, "--product", "beanrow-manager"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    binary = ROOT / ".build" / configuration / "beanrow-manager"
    if not binary.exists():
        raise Unavailable(f"{binary} is not there: swift build -c {configuration} --product beanrow-manager")
    return binary

"""Where things are in the repository, and building the programs and the small C libraries that the tools need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .failures import Failure, Unavailable

#: The top of the repository.
ROOT = Path(__file__).resolve().parents[3]

#: Where the tools put what they build and what they find.
BUILT = ROOT / ".build" / "harness"

_PRELOAD = ROOT / "Harness" / "preload"
_BENCHMARKS = ROOT / "Benchmarks"


def preload_library(name: str) -> Path:
    """Builds the directory Harness/preload/NAME if a file in it is newer than the library, and returns the library."""
    files = list((_PRELOAD / name).iterdir())
    sources = sorted(file for file in files if file.suffix == ".c")
    library = BUILT / f"{name}.so"
    if library.exists() and library.stat().st_mtime >= max(file.stat().st_mtime for file in files):
        return library
    BUILT.mkdir(parents=True, exist_ok=True)
    fresh = library.with_suffix(f".{os.getpid()}")
    flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden", "-fPIC", "-shared"]
    subprocess.run([c_compiler(), *flags, "-o", fresh, *sources, "-ldl", "-pthread"], check=True)
    fresh.rename(library)
    return library


def c_compiler() -> str:
    """Returns the C compiler to use: the environment's CC, cc, gcc or clang."""
    for name in (os.environ.get("CC", "cc"), "cc", "gcc", "clang"):
        if shutil.which(name):
            return name
    raise Unavailable("there is no C compiler (Debian package gcc)")


def load_programs(directory: Path) -> tuple[Path, Path]:
    """Compiles the programs of Benchmarks/Makefile into a directory: the load generator and the floor."""
    directory.mkdir(parents=True, exist_ok=True)
    if not shutil.which("make"):
        raise Unavailable("there is no make (Debian package make)")
    command = ["make", "--silent", f"--directory={_BENCHMARKS}", f"BUILD={directory.resolve()}", f"CC={c_compiler()}"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        raise Failure(f"the load generator cannot be compiled:\n{result.stderr}")
    return directory / "beanload", directory / "floor"


def manager_binary(configuration: str = "release", build: bool = True) -> Path:
    """Builds beanrow-manager and returns it. BEANROW_MANAGER names another one."""
    given = os.environ.get("BEANROW_MANAGER")
    if given:
        return Path(given).resolve()
    if build:
        if not shutil.which("swift"):
            raise Unavailable("there is no swift: see https://www.swift.org/install")
        print(f"building beanrow-manager ({configuration})", file=sys.stderr, flush=True)
        command = ["swift", "build", "-c", configuration, "--product", "beanrow-manager"]
        if subprocess.run(command, cwd=ROOT, stdout=sys.stderr).returncode != 0:
            raise Failure("the build failed")
    binary = ROOT / ".build" / configuration / "beanrow-manager"
    if not binary.exists():
        raise Unavailable(f"{binary} is missing: swift build -c {configuration} --product beanrow-manager")
    return binary


def built_manager() -> Path:
    """Returns the manager of the release build, of the debug build if there is only that one."""
    builds = [ROOT / ".build" / configuration / "beanrow-manager" for configuration in ("release", "debug")]
    return next((build for build in builds if build.exists()), builds[0])

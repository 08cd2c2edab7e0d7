"""Gets what the benchmark needs: Debian packages of the peers, and the programs built from source."""

import os
import shutil
import subprocess

from ..lib.processes import Failure

# Installing must not start servers on the user's machine: policy-rc.d forbids it while it lasts, and what came new is
# not started at the next boot either.
_SCRIPT = """
set -e
if [ ! -e /usr/sbin/policy-rc.d ]; then
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
    printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "$@"
if command -v systemctl >/dev/null; then
    for service; do systemctl disable --quiet "$service" 2>/dev/null || true; done
fi
"""


def packages(names, say):
    """Installs Debian packages, through sudo where necessary; says why not where it cannot."""
    if not names:
        return
    if not shutil.which("apt-get"):
        say("no apt-get here: install by hand what is missing, or leave it out: " + " ".join(names))
        return
    command = ["sh", "-c", _SCRIPT, "sh", *names]
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            say("neither root nor sudo: not installing " + " ".join(names))
            return
        command.insert(0, "sudo")
    say("installing " + " ".join(names) + (" with sudo" if command[0] == "sudo" else "") + "; no service is started")
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
        say("that failed; going on without")


def load_programs(sources, build):
    """Compiles the load generator and the floor; returns their paths."""
    compiler = next((name for name in (os.environ.get("CC", "cc"), "gcc", "clang") if shutil.which(name)), None)
    if not compiler:
        raise Failure("no C compiler found (Debian package gcc)")
    build.mkdir(parents=True, exist_ok=True)
    made = []
    for name, folder in (("beanload", "load"), ("floor", "floor")):
        made.append(build / name)
        files = sorted(str(file) for file in (sources / folder).glob("*.c"))
        command = [compiler, "-O2", "-Wall", "-Wextra", "-o", str(made[-1]), *files]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure(f"cannot compile {name}:\n{result.stderr}")
    return made


def manager(repository, say, build=True):
    """Builds the manager in release mode; returns its path."""
    swift = ["swift", "build", "--package-path", str(repository), "-c", "release", "--product", "beanrow-manager"]
    if not shutil.which("swift"):
        raise Failure("no swift found: see https://www.swift.org/install")
    if build:
        say("building beanrow-manager in release mode")
        result = subprocess.run(swift, capture_output=True, text=True)
        if result.returncode != 0:
            raise Failure("the build failed:\n" + (result.stdout + result.stderr)[-4000:])
    where = subprocess.run([*swift[:-2], "--show-bin-path"], capture_output=True, text=True)
    return os.path.join(where.stdout.strip(), "beanrow-manager")

"""Installs the Debian packages of other task queues."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

from .options import Say

# Installing must not start servers on the user's machine. policy-rc.d forbids it while it exists, and new services are
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


def packages(names: Sequence[str], say: Say) -> None:
    """Installs Debian packages, with sudo if necessary; says why if it cannot."""
    if not names:
        return
    words = " ".join(names)
    if not shutil.which("apt-get"):
        say(f"there is no apt-get: please install what is missing, or leave it out: {words}")
        return
    command = ["sh", "-c", _SCRIPT, "sh", *names]
    if os.geteuid() != 0:
        if not shutil.which("sudo"):
            say(f"neither root nor sudo: not installing {words}")
            return
        command.insert(0, "sudo")
    say(f"installing {words}{' with sudo' if command[0] == 'sudo' else ''}; no service is started")
    if subprocess.run(command, stdout=subprocess.DEVNULL).returncode != 0:
        say("that failed; continuing without")

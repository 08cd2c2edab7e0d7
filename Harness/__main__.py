"""Runs one of the tools: python3 Harness NAME [OPTION…]. Users start the programs in tools/, which start this."""

import sys

if sys.version_info < (3, 10):
    sys.exit("Beanrow's tools need Python 3.10 or later")

from importlib import import_module

#: The module of each tool; its function ``main`` returns the exit status.
TOOLS = {
    "bench": "harness.bench.main",
    "check-words": "harness.check_words",
    "chaos": "harness.chaos.main",
    "differential": "harness.differential.main",
    "fuzz": "harness.fuzz",
    "hosts": "harness.hosts.main",
    "instruction-count": "harness.bench.instructions",
    "postgres": "harness.postgres",
    "powercut": "harness.powercut.main",
    "soak": "harness.chaos.soak",
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in TOOLS:
        sys.exit(f"usage: python3 Harness NAME [OPTION…]; the names are {', '.join(TOOLS)}")
    name = sys.argv.pop(1)
    sys.exit(import_module(TOOLS[name]).main())

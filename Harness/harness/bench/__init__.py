"""The benchmark behind tools/bench: starts task queues, loads them in turn, compares them."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]

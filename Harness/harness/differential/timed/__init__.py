"""What time brings: delays, times to run, time-outs, pauses, and orders that last."""

from .runner import run

__all__ = ["run"]

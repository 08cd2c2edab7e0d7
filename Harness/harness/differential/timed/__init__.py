"""Scenarios in which seconds pass: delays, times to run, time-outs, pauses, and orders that last."""

from .runner import run

__all__ = ["run"]

"""Errors whose message is all that a user needs."""

from __future__ import annotations


class Failure(Exception):
    """An error that a tool reports in one line."""


class Unavailable(Failure):
    """A tool needs something that is missing; the message says what."""

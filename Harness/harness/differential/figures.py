"""Compares the YAML of the statistics, key by key."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum


class Nature(Enum):
    """How a figure is compared. A key that is not in the tables below is compared byte for byte."""

    QUOTED = "beanstalkd 1.12 prints it bare and 1.13 in quotation marks; the text must be the same"
    PROCESS = "it describes the process, so only its form is checked"
    SHARED_OUT = "each manager counts its own connections and commands, so the sum over the managers is compared"
    TIME = "it changes with time, so only its bounds are checked"


#: The commands that ``stats`` counts.
_COUNTED = [
    "put",
    "peek",
    "peek-ready",
    "peek-delayed",
    "peek-buried",
    "reserve",
    "reserve-with-timeout",
    "delete",
    "release",
    "use",
    "watch",
    "ignore",
    "bury",
    "kick",
    "touch",
    "stats",
    "stats-job",
    "stats-tube",
    "list-tubes",
    "list-tube-used",
    "list-tubes-watched",
    "pause-tube",
]

#: ``stats``: the figures that differ between processes, and why.
STATS: dict[str, Nature] = {
    **{f"cmd-{verb}": Nature.SHARED_OUT for verb in _COUNTED},
    "job-timeouts": Nature.SHARED_OUT,
    "current-connections": Nature.SHARED_OUT,
    "current-producers": Nature.SHARED_OUT,
    "current-workers": Nature.SHARED_OUT,
    "current-waiting": Nature.SHARED_OUT,
    "total-connections": Nature.SHARED_OUT,
    "pid": Nature.PROCESS,
    "version": Nature.PROCESS,
    "rusage-utime": Nature.PROCESS,
    "rusage-stime": Nature.PROCESS,
    "uptime": Nature.PROCESS,
    "id": Nature.PROCESS,
    "hostname": Nature.QUOTED,
    "os": Nature.QUOTED,
    "platform": Nature.QUOTED,
}

#: ``stats-tube``: only the manager of a waiting connection knows that it waits.
STATS_TUBE: dict[str, Nature] = {
    "name": Nature.QUOTED,
    "current-waiting": Nature.SHARED_OUT,
    "pause-time-left": Nature.TIME,
}

#: ``stats-job``
STATS_JOB: dict[str, Nature] = {
    "tube": Nature.QUOTED,
    "age": Nature.TIME,
    "time-left": Nature.TIME,
}

#: The keys that only managers have, behind beanstalkd's.
ADDED = {"stats-tube": ["oldest-pending-age"], "stats": ["memory-held", "max-memory", "unauthorized"]}

TABLES = {"stats": STATS, "stats-tube": STATS_TUBE, "stats-job": STATS_JOB}

_FORMS = {
    "pid": r"\d+",
    "version": r'"[^"]+"',
    "rusage-utime": r"\d+\.\d{6}",
    "rusage-stime": r"\d+\.\d{6}",
    "uptime": r"\d+",
    "id": r"[0-9a-f]{16}",
}


@dataclass(frozen=True)
class Occasion:
    """What must be known besides the two texts."""

    elapsed: float
    """Seconds since the first command of the stream."""
    id_of_subject: Callable[[str], str]
    """Translates beanstalkd's id of a task to the subject's."""
    shared_out: Callable[[str, int], int]
    """Returns the sum of a figure over all managers, for its key and the figure of the manager that was asked."""


def differences(verb: str, oracle: bytes, subject: bytes, occasion: Occasion) -> list[str]:
    """Returns what is wrong in the subject's statistics; nothing if all is right."""
    theirs, ours = _pairs(oracle), _pairs(subject)
    if theirs is None or ours is None:
        return [f"no YAML dictionary: {subject!r}"]
    if list(ours) not in (list(theirs), [*theirs, *ADDED.get(verb, [])]):
        return [f"keys: beanstalkd has {list(theirs)}, the manager {list(ours)}"]
    found = [f"{key}: {ours[key]}" for key in ours if key not in theirs and not ours[key].isdigit()]
    for key, expected in theirs.items():
        complaint = _compare(verb, key, expected, ours[key], theirs, ours, occasion)
        if complaint:
            found.append(f"{key}: beanstalkd has {expected}, the manager {ours[key]}{complaint}")
    return found


def _compare(
    verb: str,
    key: str,
    expected: str,
    actual: str,
    theirs: dict[str, str],
    ours: dict[str, str],
    occasion: Occasion,
) -> str | None:
    match TABLES[verb].get(key):
        case Nature.QUOTED:
            return None if expected.strip('"') == actual.strip('"') else " (without quotation marks)"
        case Nature.PROCESS:
            return None if re.fullmatch(_FORMS[key], actual) else f", not of the form {_FORMS[key]}"
        case Nature.SHARED_OUT:
            total = occasion.shared_out(key, int(actual))
            return None if int(expected) == total else f", in sum {total}"
        case Nature.TIME:
            for values in (theirs, ours):
                low, high = _bounds(key, values, occasion.elapsed)
                if not low <= int(values[key]) <= high:
                    return f", but it must be from {low} to {high}"
            return None
    if verb == "stats-job" and key == "id":
        expected = occasion.id_of_subject(expected)
    return None if expected == actual else ""


def _bounds(key: str, values: dict[str, str], elapsed: float) -> tuple[int, int]:
    """Returns the bounds of a figure, if at most ``elapsed`` seconds have passed."""
    passed = int(elapsed) + 1
    if key == "age":
        return 0, passed
    if key == "pause-time-left":
        limit = int(values["pause"])
    else:
        limit = {"reserved": int(values["ttr"]), "delayed": int(values["delay"])}.get(values["state"], 0)
    return max(limit - passed, 0), limit


def _pairs(body: bytes) -> dict[str, str] | None:
    """Parses a YAML dictionary of scalars as beanstalkd writes it; returns None if it is another text."""
    lines = body.decode("latin-1").split("\n")
    if lines[0] != "---" or lines[-1] != "" or not all(": " in line for line in lines[1:-1]):
        return None
    return dict(line.split(": ", 1) for line in lines[1:-1])

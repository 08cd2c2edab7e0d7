"""The steps of a stream. They can be written to a file and played again, also in part."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import Any

#: The place of a task's id in a command's line; the two sides may have different ids.
SLOT = b"<task>"

#: Added to the number of a task that was not made, for an id that no task has on either side.
UNBORN = 4_000_000_000


@dataclass(frozen=True)
class Command:
    """One command as it is sent, and what the tool has to know of it."""

    verb: str
    """Its first word; ``invalid`` if it is not a command."""
    line: bytes
    """The line with its end; ``SLOT`` is the place of the id of ``task``."""
    tail: bytes = b""
    """The bytes behind the line: a put's body with its end."""
    task: int | None = None
    """The number (the tool's own) of the task that it names or makes."""
    tube: str | None = None
    """The tube that it names."""
    amount: int = 0
    """Seconds of a delay, a pause or a wait; the bound of a kick."""

    @property
    def may_wait(self) -> bool:
        """Whether its reply may come late."""
        return self.verb == "reserve" or (self.verb == "reserve-with-timeout" and self.amount > 0)

    @property
    def claims(self) -> bool:
        """Whether it asks for the next task, whichever it is."""
        return self.verb in ("reserve", "reserve-with-timeout")

    def wire(self, ids: dict[int, int]) -> bytes:
        """Returns the bytes for a side with these ids."""
        line = self.line
        if self.task is not None:
            line = line.replace(SLOT, str(ids.get(self.task, UNBORN + self.task)).encode())
        return line + self.tail


@dataclass(frozen=True)
class Step:
    """One action on both sides."""

    do: str
    """``open``, ``send``, ``rest`` (the part of a send that was kept back), ``close``, ``gone`` or ``drain``.

    ``close`` ends the sending side after whole commands, ``gone`` in the middle of one.
    """
    connection: int = 0
    server: int = 0
    """The manager of an ``open``."""
    commands: tuple[Command, ...] = ()
    cuts: tuple[float, ...] = ()
    """The places at which the bytes are cut into packets, as parts of their length."""
    keeps_back: bool = False
    """Whether the last packet is sent by a later ``rest``, or never."""

    def describe(self) -> str:
        """Returns the step as one line."""
        text = f"{self.do} {self.connection}"
        if self.do == "open":
            text += f" at server {self.server}"
        for command in self.commands:
            text += f" | {abbreviate(command.line + command.tail)}"
            text += f" (task #{command.task})" if command.task is not None else ""
        if self.cuts:
            text += f" | cut at {', '.join(f'{cut:.2f}' for cut in self.cuts)}"
        return text + (", the rest kept back" if self.keeps_back else "")


def abbreviate(data: bytes, most: int = 120) -> str:
    """Returns bytes as readable text."""
    text = repr(data)[1:]
    return text if len(text) <= most else f"{text[:most]}… ({len(data)} bytes)"


def to_json(steps: list[Step]) -> list[dict[str, Any]]:
    """Returns steps as plain values."""

    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return {"base64": base64.b64encode(value).decode()}
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value

    return [plain(asdict(step)) for step in steps]


def from_json(values: list[dict[str, Any]]) -> list[Step]:
    """Returns the steps that ``to_json`` was given."""

    def command(value: dict[str, Any]) -> Command:
        texts = {key: base64.b64decode(value[key]["base64"]) for key in ("line", "tail")}
        return Command(**{**value, **texts})

    return [
        Step(**{**value, "commands": tuple(map(command, value["commands"])), "cuts": tuple(value["cuts"])})
        for value in values
    ]

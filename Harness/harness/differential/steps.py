"""What a stream is made of. Steps can be written to a file and played again, in part too."""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from typing import Any

#: Stands for a task's id, which the two sides may number differently, in a command's line.
SLOT = b"<task>"

#: Added to a task's number where no task was made under it, for an id that no task has on either side.
UNBORN = 4_000_000_000


@dataclass(frozen=True)
class Command:
    """One command as it goes over the wire, and what the tool has to know of it."""

    verb: str
    """Its first word; ``invalid`` for what is no command."""
    line: bytes
    """The line with its end; ``SLOT`` stands for the id of ``task``."""
    tail: bytes = b""
    """What follows the line: a put's body with its end."""
    task: int | None = None
    """The number (the tool's own) of the task that it names or makes."""
    tube: str | None = None
    """The tube that it names."""
    amount: int = 0
    """Seconds of a delay, a pause or a wait; the bound of a kick."""

    @property
    def may_wait(self) -> bool:
        """Its reply may be a long time coming."""
        return self.verb == "reserve" or self.verb == "reserve-with-timeout" and self.amount > 0

    @property
    def claims(self) -> bool:
        """It asks for whatever task is next."""
        return self.verb in ("reserve", "reserve-with-timeout")

    def wire(self, ids: dict[int, int]) -> bytes:
        """The bytes for a side that numbers the tasks like this."""
        line = self.line
        if self.task is not None:
            line = line.replace(SLOT, str(ids.get(self.task, UNBORN + self.task)).encode())
        return line + self.tail


@dataclass(frozen=True)
class Step:
    """One thing that is done to both sides before anything else is."""

    do: str
    """``open``, ``send``, ``rest`` (the part of a send that was kept back), ``close``, ``gone`` or ``drain``.

    ``close`` ends the sending side after whole commands, ``gone`` in the middle of one.
    """
    connection: int = 0
    server: int = 0
    """Of an open: which of the managers."""
    commands: tuple[Command, ...] = ()
    cuts: tuple[float, ...] = ()
    """Where the bytes are cut into packets, as parts of their length."""
    keeps_back: bool = False
    """The last packet is sent by a later ``rest``, or never."""

    def describe(self) -> str:
        """One line for a person."""
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
    """Bytes as a person can read them."""
    text = repr(data)[1:]
    return text if len(text) <= most else f"{text[:most]}… ({len(data)} bytes)"


def to_json(steps: list[Step]) -> list[dict[str, Any]]:
    """Steps as plain values."""

    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return {"base64": base64.b64encode(value).decode()}
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value

    return [plain(asdict(step)) for step in steps]


def from_json(values: list[dict[str, Any]]) -> list[Step]:
    """The steps that ``to_json`` was given."""

    def command(value: dict[str, Any]) -> Command:
        texts = {key: base64.b64decode(value[key]["base64"]) for key in ("line", "tail")}
        return Command(**{**value, **texts})

    return [
        Step(**{**value, "commands": tuple(map(command, value["commands"])), "cuts": tuple(value["cuts"])})
        for value in values
    ]

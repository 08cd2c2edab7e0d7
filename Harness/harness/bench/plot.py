"""One picture of the results."""

from __future__ import annotations

from collections.abc import Sequence

from ..lib.svg import Drawing
from .report import figure
from .results import Results

_PANELS = ["W2", "W3", "W4", "W5", "W6", "W7"]
_COLOURS = {
    "beanrow-3": "#2a7f3f",
    "beanrow-1": "#7dbb8a",
    "beanstalkd": "#8a8f98",
    "beanstalkd-f0": "#c2703d",
    "redis": "#b5484a",
    "postgresql": "#4a6fa5",
}
_WIDTH, _COLUMNS, _BAR, _GAP, _TOP = 920, 2, 15, 5, 74
_LABEL = 150
_LONGEST = _WIDTH // _COLUMNS - _LABEL - 90
_INK, _GREY = "#1c1f23", "#8a8f98"


def draw(results: Results) -> str:
    """Draws a panel per workload and a bar per system. The length of a bar is its tasks per second."""
    panels = [workload for workload in _PANELS if results.systems(workload)]
    systems = [key for key in _COLOURS if any(key in results.systems(workload) for workload in panels)]
    height = len(systems) * (_BAR + _GAP) + 44
    rows = -(-len(panels) // _COLUMNS)
    drawing = Drawing(
        _WIDTH,
        _TOP + rows * height,
        font_family="system-ui, sans-serif",
        font_size=12,
        role="img",
        aria_label="Tasks per second by workload and system",
    )
    drawing.text(20, 26, "Tasks per second", font_size=16, font_weight=600, fill=_INK)
    drawing.text(20, 46, "Each panel has its own scale. Hatched: nothing is durable.", fill="#5b6169")
    drawing.hatching("hatch")
    for index, workload in enumerate(panels):
        left, top = 20 + index % _COLUMNS * (_WIDTH // _COLUMNS), _TOP + index // _COLUMNS * height
        _panel(drawing, results, workload, systems, left, top)
    return drawing.render()


def _panel(drawing: Drawing, results: Results, workload: str, systems: Sequence[str], left: int, top: int) -> None:
    most = max(results.rate(workload, system) or 0 for system in systems)
    drawing.text(left, top + 12, results.title(workload), font_weight=600, fill=_INK)
    for index, system in enumerate(systems):
        y, rate = top + 22 + index * (_BAR + _GAP), results.rate(workload, system)
        drawing.text(left + _LABEL - 8, y + 12, _title(results, system), text_anchor="end", fill=_INK)
        if rate is None:
            drawing.text(left + _LABEL, y + 12, "–", fill=_GREY)
            continue
        length = max(1.0, rate / most * _LONGEST)
        drawing.rectangle(left + _LABEL, y, length, _BAR, rx=2, fill=_COLOURS[system])
        if not results.system(workload, system).get("durable", True):
            drawing.rectangle(left + _LABEL, y, length, _BAR, rx=2, fill="url(#hatch)")
        drawing.text(left + _LABEL + length + 6, y + 12, figure(rate), fill=_INK)


def _title(results: Results, key: str) -> str:
    for workload in results.data["workloads"]:
        if results.system(workload, key):
            title = results.system_title(workload, key)
            return title.replace(", appendfsync always", ", always").replace(", SKIP LOCKED", "")
    return key

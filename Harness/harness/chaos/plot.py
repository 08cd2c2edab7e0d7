"""The plot of a long run."""

from __future__ import annotations

from collections.abc import Sequence

from ..lib.svg import Drawing
from .sampling import Series

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 900, 120, 70, 170, 40, 36
INNER = WIDTH - LEFT - RIGHT
COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#7b4b94")
FAULTS = "#c8553d"

#: The most points that a line has.
POINTS = 600


def plot(title: str, panels: Sequence[tuple[str, Sequence[Series]]], faults: Sequence[float], seconds: float) -> str:
    """Draws panels of figures over one time axis. Faults are ticks above the first panel."""
    height = TOP + len(panels) * (PANEL + GAP) + 10
    drawing = Drawing(WIDTH, height, font_family="sans-serif", font_size=11)
    drawing.text(LEFT, 18, title, font_size=14)
    ticks = "".join(f"M{LEFT + at / seconds * INNER:.1f} {TOP - 8}v6" for at in faults if at <= seconds)
    drawing.path(ticks, stroke=FAULTS, stroke_width=0.6, opacity=0.7)
    drawing.text(LEFT + INNER + 8, TOP - 2, "faults", fill=FAULTS)
    for index, (name, group) in enumerate(panels):
        _panel(drawing, name, group, TOP + index * (PANEL + GAP) + 6, seconds)
    return drawing.render()


def _panel(drawing: Drawing, name: str, group: Sequence[Series], top: float, seconds: float) -> None:
    largest = _round_up(max((value for series in group for value in series.values), default=1))
    drawing.text(LEFT, top - 3, name, fill="#444")
    for step in range(3):
        y = top + PANEL * (1 - step / 2)
        drawing.path(f"M{LEFT} {y:.1f}h{INNER}", stroke="#ddd")
        drawing.text(LEFT - 6, y + 4, f"{largest * step / 2:g}", text_anchor="end")
    for step in range(7):
        minutes = seconds * step / 6 / 60
        drawing.text(LEFT + INNER * step / 6, top + PANEL + 13, f"{minutes:.1f} min", text_anchor="middle", fill="#888")
    for index, series in enumerate(group):
        colour = COLOURS[index % len(COLOURS)]
        points = [
            (LEFT + time / seconds * INNER, top + PANEL * (1 - value / largest)) for time, value in _thinned(series)
        ]
        drawing.polyline(points, stroke=colour, stroke_width=1.2)
        drawing.text(LEFT + INNER + 8, top + 12 + index * 14, series.name, fill=colour)


def _thinned(series: Series) -> list[tuple[float, float]]:
    """Returns as many points as can be seen: the mean of each group."""
    size = max(1, len(series.values) // POINTS)
    groups = range(0, len(series.values), size)
    return [
        (series.times[start], sum(series.values[start : start + size]) / len(series.values[start : start + size]))
        for start in groups
    ]


def _round_up(value: float) -> float:
    """Returns the next number of the form 1, 2 or 5 times a power of ten."""
    power = 1.0
    while power * 10 < value:
        power *= 10
    while power > value > 0:
        power /= 10
    return next((power * factor for factor in (1, 2, 5, 10) if power * factor >= value), 1.0)

"""A plot of a long run, as SVG, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from .sampling import Series

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 900, 120, 70, 170, 40, 36
COLOURS = ("#1b6ca8", "#c8553d", "#588157", "#7b4b94")
POINTS = 600


def plot(title: str, panels: Sequence[tuple[str, Sequence[Series]]], faults: Sequence[float], seconds: float) -> str:
    """Draws panels of figures over one time axis; faults are ticks above the first."""
    inner = WIDTH - LEFT - RIGHT
    height = TOP + len(panels) * (PANEL + GAP) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="{LEFT}" y="18" font-size="14">{escape(title)}</text>',
    ]
    ticks = "".join(f"M{LEFT + at / seconds * inner:.1f} {TOP - 8}v6" for at in faults if at <= seconds)
    parts.append(f'<path d="{ticks}" stroke="#c8553d" stroke-width="0.6" opacity="0.7"/>')
    parts.append(f'<text x="{LEFT + inner + 8}" y="{TOP - 2}" fill="#c8553d">faults</text>')
    for index, (name, group) in enumerate(panels):
        parts += _panel(name, group, TOP + index * (PANEL + GAP) + 6, inner, seconds)
    return "\n".join([*parts, "</svg>", ""])


def _panel(name: str, group: Sequence[Series], top: float, inner: float, seconds: float) -> list[str]:
    largest = _round_up(max((value for series in group for value in series.values), default=1))
    parts = [f'<text x="{LEFT}" y="{top - 3}" fill="#444">{escape(name)}</text>']
    for step in range(3):
        y = top + PANEL * (1 - step / 2)
        parts.append(f'<path d="M{LEFT} {y:.1f}h{inner}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{largest * step / 2:g}</text>')
    for step in range(7):
        x, minutes = LEFT + inner * step / 6, seconds * step / 6 / 60
        parts.append(
            f'<text x="{x:.1f}" y="{top + PANEL + 13}" text-anchor="middle" fill="#888">{minutes:.1f} min</text>'
        )
    for index, series in enumerate(group):
        colour = COLOURS[index % len(COLOURS)]
        points = " ".join(
            f"{LEFT + time / seconds * inner:.1f},{top + PANEL * (1 - value / largest):.1f}"
            for time, value in _thin(series)
        )
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
        y = top + 12 + index * 14
        parts.append(f'<text x="{LEFT + inner + 8}" y="{y}" fill="{colour}">{escape(series.name)}</text>')
    return parts


def _thin(series: Series) -> list[tuple[float, float]]:
    """As many points as can be seen: the mean of each group."""
    size = max(1, len(series.values) // POINTS)
    groups = range(0, len(series.values), size)
    return [
        (series.times[start], sum(series.values[start : start + size]) / len(series.values[start : start + size]))
        for start in groups
    ]


def _round_up(value: float) -> float:
    """The next number of the form 1, 2 or 5 times a power of ten."""
    power = 1.0
    while power * 10 < value:
        power *= 10
    while power > value > 0:
        power /= 10
    return next((power * factor for factor in (1, 2, 5, 10) if power * factor >= value), 1.0)

"""Drawing SVG pictures."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

Number = float | int


class Drawing:
    """A picture on white ground. Attributes are given as keywords, with ``_`` for ``-``."""

    def __init__(self, width: int, height: int, **attributes: Number | str) -> None:
        """Begins an empty picture."""
        head = _attributes({"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width} {height}", **attributes})
        self._parts = [f"<svg {head}>"]
        self.rectangle(0, 0, width, height, fill="#ffffff")

    def text(self, x: Number, y: Number, text: str, **attributes: Number | str) -> None:
        """Adds a line of text."""
        self._parts.append(f"<text {_attributes({'x': x, 'y': y, **attributes})}>{escape(text)}</text>")

    def rectangle(self, x: Number, y: Number, width: Number, height: Number, **attributes: Number | str) -> None:
        """Adds a rectangle."""
        self._parts.append(f"<rect {_attributes({'x': x, 'y': y, 'width': width, 'height': height, **attributes})}/>")

    def path(self, steps: str, **attributes: Number | str) -> None:
        """Adds a path, in SVG's notation."""
        self._parts.append(f"<path {_attributes({'d': steps, **attributes})}/>")

    def polyline(self, points: Iterable[tuple[Number, Number]], **attributes: Number | str) -> None:
        """Adds a line through points."""
        text = " ".join(f"{_shown(x)},{_shown(y)}" for x, y in points)
        self._parts.append(f"<polyline {_attributes({'points': text, 'fill': 'none', **attributes})}/>")

    def hatching(self, name: str) -> None:
        """Defines a fill, ``url(#name)``, of white stripes that one can see through."""
        pattern: dict[str, Number | str] = {"id": name, "width": 6, "height": 6, "patternUnits": "userSpaceOnUse"}
        stripe: dict[str, Number | str] = {"width": 3, "height": 6, "fill": "#ffffff", "fill_opacity": 0.45}
        self._parts.append(
            f'<pattern {_attributes(pattern)} patternTransform="rotate(45)"><rect {_attributes(stripe)}/></pattern>'
        )

    def render(self) -> str:
        """Returns the picture."""
        return "\n".join([*self._parts, "</svg>", ""])


def _attributes(values: dict[str, Number | str]) -> str:
    return " ".join(f'{name.replace("_", "-")}="{_shown(value)}"' for name, value in values.items())


def _shown(value: Number | str) -> str:
    if isinstance(value, str):
        return escape(value)
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)

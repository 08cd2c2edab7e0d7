"""One picture of the results, as SVG."""

from html import escape

from .report import figure

_PANELS = ["W2", "W3", "W4", "W5", "W6", "W7"]
_COLORS = {"beanrow-3": "#2a7f3f", "beanrow-1": "#7dbb8a", "beanstalkd": "#8a8f98", "beanstalkd-f0": "#c2703d",
           "redis": "#b5484a", "postgresql": "#4a6fa5"}  # fmt: skip
_WIDTH, _COLUMNS, _BAR, _GAP, _TOP = 920, 2, 15, 5, 74


def draw(results):
    """One panel per workload and one bar per system; its length is the tasks per second."""
    panels = [workload for workload in _PANELS if results.systems(workload)]
    systems = [key for key in _COLORS if any(key in results.systems(workload) for workload in panels)]
    height = len(systems) * (_BAR + _GAP) + 44
    rows = -(-len(panels) // _COLUMNS)
    total = _TOP + rows * height
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {total}" font-family="system-ui, sans-serif"'
        ' font-size="12" role="img" aria-label="Tasks per second by workload and system">',
        f'<rect width="{_WIDTH}" height="{total}" fill="#ffffff"/>',
        '<text x="20" y="26" font-size="16" font-weight="600" fill="#1c1f23">Tasks per second</text>',
        '<text x="20" y="46" fill="#5b6169">Each panel has its own scale. Hatched: nothing is durable.</text>',
        '<pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="3" height="6" fill="#ffffff" fill-opacity="0.45"/></pattern>',
    ]
    for index, workload in enumerate(panels):
        left, top = 20 + index % _COLUMNS * (_WIDTH // _COLUMNS), _TOP + index // _COLUMNS * height
        parts += _panel(results, workload, systems, left, top)
    return "\n".join([*parts, "</svg>", ""])


def _panel(results, workload, systems, left, top):
    label, longest = 150, _WIDTH // _COLUMNS - 150 - 90
    most = max(results.rate(workload, system) or 0 for system in systems)
    title = results.data["workloads"][workload]["title"]
    yield f'<text x="{left}" y="{top + 12}" font-weight="600" fill="#1c1f23">{escape(title)}</text>'
    for index, system in enumerate(systems):
        y, rate = top + 22 + index * (_BAR + _GAP), results.rate(workload, system)
        name = _title(results, system)
        yield f'<text x="{left + label - 8}" y="{y + 12}" text-anchor="end" fill="#1c1f23">{escape(name)}</text>'
        if rate is None:
            yield f'<text x="{left + label}" y="{y + 12}" fill="#8a8f98">–</text>'
            continue
        length = max(1.0, rate / most * longest)
        bar = f'x="{left + label}" y="{y}" width="{length:.1f}" height="{_BAR}" rx="2"'
        yield f'<rect {bar} fill="{_COLORS[system]}"/>'
        if not results.system(workload, system).get("durable", True):
            yield f'<rect {bar} fill="url(#hatch)"/>'
        yield f'<text x="{left + label + length + 6:.1f}" y="{y + 12}" fill="#1c1f23">{figure(rate)}</text>'


def _title(results, key):
    for workload in results.data["workloads"]:
        system = results.system(workload, key)
        if system:
            return system["title"].replace(", appendfsync always", ", always").replace(", SKIP LOCKED", "")
    return key

"""The pages of docs/ that show what was measured, and the stored results."""

from __future__ import annotations

from pathlib import Path

from ..lib.failures import Failure
from ..lib.paths import ROOT
from . import on_server_report, plot, report
from .results import Results

DOCS = ROOT / "docs"
RESULTS = ROOT / "Benchmarks" / "results"
STORED = RESULTS / "performance.json"
STORED_ON_SERVER = RESULTS / "scaling.json"
HEADLINE = ["W2", "W3", "W4", "W5", "W6", "W7"]


def _write_between(path: Path, name: str, text: str) -> None:
    """Replaces the text between the page's markers of this name."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    page = path.read_text() if path.exists() else ""
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise Failure(f"{path} has no place marked {begin}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def write(results: Results) -> str:
    """Writes docs/performance.md, its picture, and the tables of two other pages; returns their names."""
    results.write(STORED)
    (DOCS / "performance.svg").write_text(plot.draw(results))
    _write_between(DOCS / "performance.md", "results", report.page(results))
    _write_between(DOCS / "decisions.md", "targets", report.targets(results))
    table = report.headline(results, HEADLINE)
    picture = "![Tasks per second by workload and system](docs/performance.svg)"
    _write_between(ROOT / "README.md", "headline", f"{table}\n\n{picture}" if table else "")
    tables = "the tables in docs/decisions.md and README.md"
    return f"docs/performance.md and .svg, {tables}, and Benchmarks/results/performance.json"


def write_on_server(results: Results) -> str:
    """Writes the tables of docs/scaling.md, and the targets in docs/decisions.md; returns their names."""
    results.write(STORED_ON_SERVER)
    _write_between(DOCS / "scaling.md", "postgres", on_server_report.comparison(results))
    _write_between(DOCS / "scaling.md", "growth", on_server_report.growth(results))
    _write_between(DOCS / "decisions.md", "postgres-targets", on_server_report.targets(results))
    return "docs/scaling.md, the table in docs/decisions.md, and Benchmarks/results/scaling.json"

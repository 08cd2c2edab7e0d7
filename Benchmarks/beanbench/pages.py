"""The pages of docs/ that show what was measured, and the results beside them."""

from . import REPOSITORY, onserver_report, plot, report
from .processes import Failure

DOCS = REPOSITORY / "docs"
STORED = DOCS / "performance.json"
STORED_ON_SERVER = DOCS / "scaling.json"
HEADLINE = ["W2", "W3", "W4", "W5", "W6", "W7"]


def _write_between(path, name, text):
    """Replaces what stands between the page's markers of this name."""
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    page = path.read_text() if path.exists() else ""
    before, found, rest = page.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise Failure(f"{path} has no place marked {begin}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")


def write(results):
    """docs/performance.md, its picture, and the tables of docs/decisions.md and README.md."""
    results.write(STORED)
    (DOCS / "performance.svg").write_text(plot.draw(results))
    _write_between(DOCS / "performance.md", "results", report.page(results))
    _write_between(DOCS / "decisions.md", "targets", report.targets(results))
    table = report.headline(results, HEADLINE)
    picture = "![Tasks per second by workload and system](docs/performance.svg)"
    _write_between(REPOSITORY / "README.md", "headline", f"{table}\n\n{picture}" if table else "")
    return "docs/performance.md, .json and .svg, and the tables in docs/decisions.md and README.md"


def write_on_server(results):
    """The tables of docs/scaling.md, and the targets in docs/decisions.md."""
    results.write(STORED_ON_SERVER)
    _write_between(DOCS / "scaling.md", "postgres", onserver_report.comparison(results))
    _write_between(DOCS / "scaling.md", "growth", onserver_report.growth(results))
    _write_between(DOCS / "decisions.md", "postgres-targets", onserver_report.targets(results))
    return "docs/scaling.md and .json, and the table in docs/decisions.md"

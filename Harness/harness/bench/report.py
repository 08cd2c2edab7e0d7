"""Results as Markdown tables, which can be read on a terminal too."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from .results import Results
from .targets import TARGETS

REFERENCE = "beanstalkd"
RATES = ["W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9a", "W9b"]
COMMANDS = {
    "W1": ["put"],
    "W2": ["put"],
    "W3": ["reserve", "delete"],
    "W4": ["put", "reserve", "delete", "e2e"],
    "W5": ["put", "e2e"],
    "W6": ["put"],
    "W7": ["reserve", "delete"],
    "W8": ["e2e"],
    "W9a": ["e2e"],
    "W9b": ["e2e"],
}


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns Markdown, nothing if there are no rows. The first column is left-aligned, the others right."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    if len(cells) == 1:
        return ""
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]

    def line(row: Sequence[str]) -> str:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        return f"| {' | '.join([first.strip().ljust(widths[0]), *others])} |"

    rule = "|" + "|".join("-" * (width + 1) + (":" if i else "-") for i, width in enumerate(widths)) + "|"
    return "\n".join([line(cells[0]), rule, *map(line, cells[1:])])


def figure(value: float | None) -> str:
    """Returns a number with three significant digits: 812, 4.5k, 107k, 1.9M."""
    if value is None:
        return "–"
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            scaled = value / limit
            return (f"{scaled:.0f}" if scaled >= 100 else f"{scaled:.1f}") + unit
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def time_of(microseconds: float | None) -> str:
    """Returns, for example, ``84 µs`` or ``1.2 ms``."""
    if microseconds is None:
        return "–"
    if microseconds < 1000:
        return f"{microseconds:.0f} µs"
    return f"{microseconds / 1000:.1f} ms" if microseconds < 1e6 else f"{microseconds / 1e6:.1f} s"


def _ordered(results: Results, workloads: Iterable[str]) -> dict[str, str]:
    """Returns all systems that were measured in any of the workloads, each with its title."""
    found: dict[str, str] = {}
    for workload in workloads:
        for key in results.systems(workload):
            found.setdefault(key, results.system_title(workload, key))
    return found


def _with_title(results: Results, workload: str) -> str:
    return f"{workload} {results.title(workload)}"


def headline(results: Results, workloads: Sequence[str] = RATES) -> str:
    """Returns tasks per second and the ratio to beanstalkd in memory."""
    workloads = [workload for workload in workloads if results.systems(workload)]
    systems = _ordered(results, workloads)
    rows = []
    for workload in workloads:
        reference, row = results.rate(workload, REFERENCE), [_with_title(results, workload)]
        for system in systems:
            rate = results.rate(workload, system)
            ratio = f" ({rate / reference:.2f}×)" if rate and reference and system != REFERENCE else ""
            row.append(figure(rate) + ratio)
        rows.append(row)
    return table(["tasks per second", *systems.values()], rows)


def latencies(results: Results) -> str:
    """Returns the median and the 99th percentile of what a client waits for."""
    workloads = [workload for workload in COMMANDS if results.systems(workload)]
    systems = _ordered(results, workloads)
    rows = []
    for workload in workloads:
        for command in COMMANDS[workload]:
            cells = [
                (
                    results.latency(workload, system, f"{command}_p50"),
                    results.latency(workload, system, f"{command}_p99"),
                )
                for system in systems
            ]
            if any(median is not None for median, _ in cells):
                words = "put to received" if command == "e2e" else command
                shown = ["–" if median is None else f"{time_of(median)} / {time_of(worst)}" for median, worst in cells]
                rows.append([f"{workload} {words}", *shown])
    return table(["p50 / p99", *systems.values()], rows)


def costs(results: Results) -> str:
    """Returns what the servers cost."""
    workloads = [workload for workload in ["W1", *RATES] if results.systems(workload)]
    systems = _ordered(results, workloads)

    def cpu(workload: str, system: str) -> str:
        return or_dash(results.figure(workload, system, "cpu_per_1000"), "{:.3f}")

    def written(workload: str, system: str) -> str:
        return figure(results.figure(workload, system, "written_per_task"))

    def memory(workload: str, system: str) -> str:
        return mebibytes(results.peak_memory(workload, system))

    cells: list[tuple[str, Callable[[str, str], str]]] = [
        ("CPU s of the servers per 1 000 tasks", cpu),
        ("bytes written per task", written),
        ("peak MiB of one process", memory),
    ]
    parts = []
    for title, cell in cells:
        rows = [
            [_with_title(results, workload), *(cell(workload, system) for system in systems)] for workload in workloads
        ]
        if rows:
            parts.append(table([title, *systems.values()], rows))
    return "\n\n".join(parts)


def or_dash(value: float | None, form: str) -> str:
    """Returns a formatted number, a dash if there is none."""
    return "–" if value is None else form.format(value)


def mebibytes(value: float | None) -> str:
    """Returns bytes in MiB, a dash if there is no number."""
    return "–" if value is None else f"{value / 2**20:.0f}"


def shares(results: Results) -> str:
    """Returns each manager's part of the answers."""
    rows = []
    for workload in ["W2", "W3", "W4", "W5", "W6", "W7", "W8"]:
        for system in results.systems(workload):
            parts = results.shares(workload, system)
            if len(parts) > 1:
                shown = ", ".join(f"{part * 100:.1f} %" for part in parts)
                rows.append([f"{workload} {results.system_title(workload, system)}", shown])
    return table(["each manager's share", "of the answers"], rows)


def backlog(results: Results) -> str:
    """Returns W10."""
    systems = results.systems("W10")
    if not systems:
        return ""
    empty, rows = results.rate("W10", systems[0]), []
    for system in systems:
        rate = results.rate("W10", system)
        rows.append(
            [
                results.system_title("W10", system),
                figure(rate),
                f"{rate / empty:.2f}×" if rate and empty else "–",
                time_of(results.latency("W10", system, "reserve_p50")),
                time_of(results.latency("W10", system, "reserve_p99")),
                mebibytes(results.peak_memory("W10", system)),
            ]
        )
    return table(
        ["W10 tasks in the tube", "tasks per second", "relative to empty", "claim p50", "claim p99", "peak MiB"], rows
    )


def waking(results: Results) -> str:
    """Returns W11."""
    names = ("e2e_p50", "e2e_p99", "e2e_max")
    rows = [
        [results.system_title("W11", system), *(time_of(results.latency("W11", system, name)) for name in names)]
        for system in results.systems("W11")
    ]
    return table(["W11 put at one → reserved at another, both idle", "p50", "p99", "worst"], rows)


def idling(results: Results) -> str:
    """Returns W12."""
    rows = [
        [
            results.system_title("W12", system),
            or_dash(results.figure("W12", system, "cpu_percent"), "{:.2f} %"),
            figure(results.figure("W12", system, "written_per_second")),
        ]
        for system in results.systems("W12")
    ]
    return table(["W12 100 waiting consumers, no tasks", "of a core", "bytes written per second"], rows)


def recovering(results: Results) -> str:
    """Returns W13."""
    names = ["start", "start_after_kill", "claims_back_after_kill", "claims_back_by_a_peer"]
    rows = [
        [
            results.system_title("W13", system),
            *(or_dash(results.figure("W13", system, name), "{:.2f} s") for name in names),
        ]
        for system in results.systems("W13")
    ]
    title = f"{_with_title(results, 'W13')}: first answer after"
    return table([title, "start", "SIGKILL and start", "its claims returned", "its claims returned by a peer"], rows)


def beside_flood(results: Results) -> str:
    """Returns W14."""
    rows = []
    for system in results.systems("W14"):
        for command, words in (("put", "put"), ("reserve_and_delete", "reserve and delete")):
            name = f"{command}_p50"
            alone, beside = (
                statistics.median(run[when][name] for run in results.runs("W14", system))
                for when in ("alone", "beside")
            )
            ratio = f"{beside / alone:.2f}×"
            rows.append([f"{results.system_title('W14', system)}: {words}", time_of(alone), time_of(beside), ratio])
    return table(["W14 16 connections beside 200 that never read", "p50 alone", "p50 beside them", "ratio"], rows)


def targets(results: Results) -> str:
    """Returns the targets and what was measured, for docs/decisions.md and the terminal."""
    rows, without = [], []
    for target in TARGETS:
        value = target.value(results)
        if value is None:
            without.append(target.title)
        else:
            sign, unit = "≤" if target.at_most else "≥", f" {target.unit}".rstrip().replace(" ×", "×")
            bounds = [f"{sign} {bound:g}{unit}" for bound in (target.must, target.aim)]
            rows.append([target.title, f"{value:.2f}{unit}", *bounds, target.reached(value)])
    words = "\n\nNot measured: " + "; ".join(without) + "." if without else ""
    return table(["target", "measured", "required", "aim", ""], rows) + words if rows else ""


def machine(results: Results) -> str:
    """Returns the machine, and the versions of everything."""
    rows = [[name, value] for name, value in (results.data["machine"] | results.data["versions"]).items() if value]
    lines = ["| machine and versions | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines) if rows else ""


def failures(results: Results) -> str:
    """Returns what could not be measured to the end."""
    return "\n".join(
        f"- {workload}, {system['title']}: {system['failed']}"
        for workload, entry in results.data["workloads"].items()
        for system in entry["systems"].values()
        if system.get("failed")
    )


def page(results: Results) -> str:
    """Returns the tables of docs/performance.md, with a heading each."""
    sections = [
        ("Throughput", headline(results)),
        ("Latency", latencies(results)),
        ("Cost", costs(results)),
        ("Fairness", shares(results)),
        ("Backlog", backlog(results)),
        ("Waking", waking(results)),
        ("Idling", idling(results)),
        ("Recovery", recovering(results)),
        ("Beside a flood", beside_flood(results)),
        ("Not measured to the end", failures(results)),
        ("Machine", machine(results)),
    ]
    return _with_headings(sections)


def _with_headings(sections: Iterable[tuple[str, str]]) -> str:
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in sections if text)


def everything(results: Results) -> str:
    """Returns all tables, for the terminal."""
    parts = (page(results), _with_headings([("Targets", targets(results))]))
    return "\n\n".join(part for part in parts if part)

"""Results as Markdown tables, which read well on a terminal too."""

from .targets import TARGETS

REFERENCE = "beanstalkd"
RATES = ["W2", "W3", "W4", "W5", "W6", "W7", "W8", "W9a", "W9b"]
COMMANDS = {"W1": ["put"], "W2": ["put"], "W3": ["reserve", "delete"], "W4": ["put", "reserve", "delete", "e2e"],
            "W5": ["put", "e2e"], "W6": ["put"], "W7": ["reserve", "delete"], "W8": ["e2e"], "W9a": ["e2e"],
            "W9b": ["e2e"]}  # fmt: skip


def table(head, rows):
    """Markdown; the first column is left-aligned, the others right."""
    rows = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.rjust(width) if i else cell.ljust(width) for i, (cell, width) in enumerate(zip(row, widths))) + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (width + 1) + (":" if i else "-") for i, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def figure(value):
    """A count with three digits that count: 812, 4.5k, 107k, 1.9M."""
    if value is None:
        return "–"
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            scaled = value / limit
            return (f"{scaled:.0f}" if scaled >= 100 else f"{scaled:.1f}") + unit
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def time_of(microseconds):
    """84 µs, 1.2 ms."""
    if microseconds is None:
        return "–"
    if microseconds < 1000:
        return f"{microseconds:.0f} µs"
    return f"{microseconds / 1000:.1f} ms" if microseconds < 1e6 else f"{microseconds / 1e6:.1f} s"


def _ordered(results, workloads):
    """All systems that were measured in any of the workloads, each with its title."""
    found = {}
    for workload in workloads:
        for key in results.systems(workload):
            found.setdefault(key, results.system(workload, key)["title"])
    return found


def _short(results, workload):
    return results.data["workloads"][workload]["title"]


def headline(results, workloads=RATES):
    """Tasks per second and the ratio to beanstalkd in memory."""
    workloads = [workload for workload in workloads if results.systems(workload)]
    systems = _ordered(results, workloads)
    rows = []
    for workload in workloads:
        reference, row = results.rate(workload, REFERENCE), [f"{workload} {_short(results, workload)}"]
        for system in systems:
            rate = results.rate(workload, system)
            ratio = f" ({rate / reference:.2f}×)" if rate and reference and system != REFERENCE else ""
            row.append(figure(rate) + ratio)
        rows.append(row)
    return table(["tasks per second", *systems.values()], rows) if rows else ""


def latencies(results):
    """Median and 99th percentile of what a client waits for."""
    workloads = [workload for workload in COMMANDS if results.systems(workload)]
    systems = _ordered(results, workloads)
    rows = []
    for workload in workloads:
        for command in COMMANDS[workload]:
            cells = [
                (results.latency(workload, system, f"{command}_p50"), results.latency(workload, system, f"{command}_p99"))
                for system in systems
            ]
            if any(median is not None for median, _ in cells):
                words = "put to received" if command == "e2e" else command
                shown = [f"{time_of(median)} / {time_of(worst)}" if median is not None else "–" for median, worst in cells]
                rows.append([f"{workload} {words}", *shown])
    return table(["p50 / p99", *systems.values()], rows) if rows else ""


def costs(results):
    """What the servers spend."""
    workloads = [workload for workload in ["W1", *RATES] if results.systems(workload)]
    systems = _ordered(results, workloads)
    parts = []
    for title, cell in (
        ("CPU s of the servers per 1 000 tasks", lambda workload, system: or_dash(results.figure(workload, system, "cpu_per_1000"), "{:.3f}")),
        ("bytes written per task", lambda workload, system: figure(results.figure(workload, system, "written_per_task"))),
        ("peak MiB of one process", lambda workload, system: or_dash(results.peak_memory(workload, system), "{:.0f}", 2**20)),
    ):
        rows = [[f"{workload} {_short(results, workload)}", *(cell(workload, system) for system in systems)] for workload in workloads]
        if rows:
            parts.append(table([title, *systems.values()], rows))
    return "\n\n".join(parts)


def or_dash(value, form, divisor=1):
    return "–" if value is None else form.format(value / divisor)


def shares(results):
    """Each manager's part of the answers."""
    rows = []
    for workload in ["W2", "W3", "W4", "W5", "W6", "W7", "W8"]:
        for system in results.systems(workload):
            parts = results.shares(workload, system)
            if len(parts) > 1:
                shown = ", ".join(f"{part * 100:.1f} %" for part in parts)
                rows.append([f"{workload} {results.system(workload, system)['title']}", shown])
    return table(["each manager's share", "of the answers"], rows) if rows else ""


def backlog(results):
    """W10."""
    systems = results.systems("W10")
    if not systems:
        return ""
    empty, rows = results.rate("W10", systems[0]), []
    for system in systems:
        rate = results.rate("W10", system)
        rows.append([
            results.system("W10", system)["title"], figure(rate), f"{rate / empty:.2f}×",
            time_of(results.latency("W10", system, "reserve_p50")), time_of(results.latency("W10", system, "reserve_p99")),
            or_dash(results.peak_memory("W10", system), "{:.0f}", 2**20),
        ])  # fmt: skip
    return table(["W10 tasks in the tube", "tasks per second", "relative to empty", "claim p50", "claim p99", "peak MiB"], rows)


def waking(results):
    """W11."""
    rows = [
        [results.system("W11", system)["title"], *(time_of(results.latency("W11", system, f"e2e_{name}")) for name in ("p50", "p99", "max"))]
        for system in results.systems("W11")
    ]
    return table(["W11 put at one → reserved at another, both idle", "p50", "p99", "worst"], rows) if rows else ""


def idling(results):
    """W12."""
    rows = [
        [results.system("W12", system)["title"], f"{results.figure('W12', system, 'cpu_percent'):.2f} %",
         figure(results.figure("W12", system, "written_per_second"))]
        for system in results.systems("W12")
    ]  # fmt: skip
    return table(["W12 100 waiting consumers, no tasks", "of a core", "bytes written per second"], rows) if rows else ""


def recovering(results):
    """W13."""
    names = ["start", "start_after_kill", "claims_back_after_kill", "claims_back_by_a_peer"]
    rows = [
        [results.system("W13", system)["title"], *(or_dash(results.figure("W13", system, name), "{:.2f} s") for name in names)]
        for system in results.systems("W13")
    ]
    title = results.data["workloads"].get("W13", {}).get("title", "W13")
    return table([f"W13 {title}: first answer after", "start", "SIGKILL and start", "its claims returned", "its claims returned by a peer"], rows) if rows else ""


def targets(results):
    """The targets and what was measured, for docs/decisions.md and the terminal."""
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


def machine(results):
    rows = [[name, value] for name, value in (results.data["machine"] | results.data["versions"]).items() if value]
    lines = ["| machine and versions | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines) if rows else ""


def failures(results):
    """What could not be measured to the end."""
    return "\n".join(
        f"- {workload}, {system['title']}: {system['failed']}"
        for workload, entry in results.data["workloads"].items()
        for system in entry["systems"].values()
        if system.get("failed")
    )


def page(results):
    """The tables of docs/performance.md, with a heading each."""
    return _sections([
        ("Throughput", headline(results)),
        ("Latency", latencies(results)),
        ("Cost", costs(results)),
        ("Fairness", shares(results)),
        ("Backlog", backlog(results)),
        ("Waking", waking(results)),
        ("Idling", idling(results)),
        ("Recovery", recovering(results)),
        ("Not measured to the end", failures(results)),
        ("Machine", machine(results)),
    ])  # fmt: skip


def _sections(sections):
    return "\n\n".join(f"### {title}\n\n{text}" for title, text in sections if text)


def everything(results):
    """All tables, for the terminal."""
    return "\n\n".join(part for part in (page(results), _sections([("Targets", targets(results))])) if part)

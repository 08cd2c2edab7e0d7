"""What tools/bench --postgres has found, as Markdown."""

from .cluster import short_version
from .onserver import GROWING, KEYS, LIFE
from .report import failures, figure, machine, or_dash, table, time_of
from .results import Results
from .workloads import WORKLOADS

BEANROW = "beanrow-3"
MUSTS = {"W4": 2.5, "W6": 8, "W7": 8}
"""The least ratio to plain SKIP LOCKED for the whole life of a task, in the same rounds."""
_LATENCY = {workload.key: workload.latency for workload in WORKLOADS}
LARGER = (2, 4, 8, 16)
USABLE = 0.8
"""How much of its cores a server is taken to reach in the projection."""


def _part(results, workload):
    """The system that does the comparable part of the workload alone, if there is one."""
    return next((key for key in results.systems(workload) if key.startswith("pgbench-") and key != LIFE), None)


def _times(ours, theirs):
    return f"{ours / theirs:.2f}×" if ours and theirs else "–"


def musts(results):
    """By workload: the measured ratio, the least that is accepted, and whether it is reached."""
    found = {}
    for workload, must in MUSTS.items():
        ours, theirs = results.rate(workload, BEANROW), results.rate(workload, LIFE)
        if ours and theirs:
            found[workload] = (ours / theirs, must, ours / theirs >= must)
    return found


def rates(results):
    rows = []
    for workload in [key for key in KEYS if results.systems(key)]:
        ours, life, part = results.rate(workload, BEANROW), results.rate(workload, LIFE), _part(results, workload)
        alone = part and results.rate(workload, part)
        words = " " + results.system(workload, part)["title"].partition(", ")[2].removesuffix(" alone") if part else ""
        rows.append([
            f"{workload} {results.data['workloads'][workload]['title']}", figure(ours), figure(life), _times(ours, life),
            figure(alone) + words if part else "", _times(ours, alone) if part else "",
        ])  # fmt: skip
    head = ["tasks per second", "Beanrow, 3 managers", "pgbench, put→claim→delete", "ratio", "pgbench, this part only", "ratio"]
    return table(head, rows) if rows else ""


def targets(results):
    """The targets and what was measured, for docs/decisions.md and the terminal."""
    rows = [
        [f"{workload} {results.data['workloads'][workload]['title']}, relative to pgbench's whole script", f"{found:.2f}×", f"≥ {must:g}×",
         "met" if is_met else "not met"]
        for workload, (found, must, is_met) in musts(results).items()
    ]  # fmt: skip
    return table(["target", "measured", "required", ""], rows) if rows else ""


def costs(results):
    rows = []
    for workload in [key for key in KEYS if results.systems(key)]:
        for key in results.systems(workload):
            cpu, server = (results.figure(workload, key, name) for name in ("cpu_per_1000", "database_cpu_per_1000"))
            latency = [time_of(results.latency(workload, key, f"{_LATENCY[workload]}_{rank}")) for rank in ("p50", "p99")]
            rows.append([
                f"{workload} {results.system(workload, key)['title']}", " / ".join(latency), or_dash(server, "{:.3f}"),
                or_dash(cpu - server, "{:.3f}") if cpu and key == BEANROW else "", figure(results.figure(workload, key, "written_per_task")),
                or_dash(results.peak_memory(workload, key), "{:.0f}", 2**20) if key == BEANROW else "",
            ])  # fmt: skip
    head = ["", "p50 / p99 (pgbench: of a whole script)", "CPU s of the server per 1 000 tasks", "of the managers", "bytes written per task", "peak MiB of a manager"]
    return table(head, rows) if rows else ""


def _machine(results):
    text = machine(results)
    settings = results.data.get("settings", {})
    return text + "".join(f"\n| {name} | {value} |" for name, value in settings.items()) if text else ""


def comparison(results):
    """The tables of the comparison with plain SKIP LOCKED."""
    version = short_version(results.data["versions"].get("PostgreSQL", ""))
    measured = next((entry["measured"] for entry in results.data["workloads"].values()), None)
    if not measured:
        return "Not measured yet."
    parts = [f"{version}, {measured}:", rates(results), costs(results), _failures(results), _machine(results)]
    return "\n\n".join(part for part in parts if part)


def _failures(results):
    lines = failures(results)
    return f"Not measured to the end:\n\n{lines}" if lines else ""


def _grown(results):
    """What was measured, by the number of the server's cores."""
    return {int(cores): Results(data) for cores, data in results.data.get("growth", {}).items()}


def growth(results):
    """How the rates grow with managers and cores as measured, and how they would with more cores."""
    measured = _grown(results)
    parts = [_measured_growth(measured), _projection(measured)]
    return "\n\n".join(part for part in parts if part) or "Not measured yet."


def _measured_growth(measured):
    rows = []
    for workload in GROWING:
        for cores, results in measured.items():
            keys = results.systems(workload)
            if not keys:
                continue
            title = results.data["workloads"][workload]["title"]
            cells = [figure(results.rate(workload, key)) for key in (LIFE, "beanrow-1", "beanrow-2", "beanrow-3")]
            cpu, rate = results.figure(workload, BEANROW, "database_cpu_per_1000"), results.rate(workload, BEANROW)
            busy = f"{cpu * rate / 1000 / cores * 100:.0f} %" if cpu and rate else "–"
            rows.append([f"{workload} {title}", cores, *cells, or_dash(cpu, "{:.3f}"), busy])
    head = ["tasks per second", "cores of the server", "pgbench, put→claim→delete", "1 manager", "2 managers", "3 managers",
            "CPU s of the server per 1 000 tasks", "use of its cores"]  # fmt: skip
    return table(head, rows) if rows else ""


def _projection(measured):
    rows = []
    for workload in GROWING:
        for key in (LIFE, BEANROW):
            found = [results for results in measured.values() if results.figure(workload, key, "database_cpu_per_1000")]
            if not found or (key == LIFE and workload != "W4"):
                continue
            cpu = found[-1].figure(workload, key, "database_cpu_per_1000")
            title = found[-1].system(workload, key)["title"]
            rows.append([f"{workload} {title}", *(figure(cores * USABLE * 1000 / cpu) for cores in LARGER)])
    if not rows:
        return ""
    words = f"By the model (cores × {USABLE:g} / CPU per task, all else on other machines), tasks per second by the server's cores:"
    return words + "\n\n" + table(["", *(f"{cores} cores" for cores in LARGER)], rows)


def everything(results):
    """All of it, for the terminal."""
    parts = [comparison(results), targets(results), growth(results) if results.data.get("growth") else ""]
    return "\n\n".join(part for part in parts if part)

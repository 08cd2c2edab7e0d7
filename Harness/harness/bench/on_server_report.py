"""The results of tools/bench --postgres, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from ..lib.postgres import short_version
from .on_server import GROWING, KEYS, LIFE
from .report import failures, figure, machine, mebibytes, or_dash, table, time_of
from .results import Results
from .workloads import WORKLOADS

BEANROW = "beanrow-3"

#: The least ratio to plain SKIP LOCKED for the whole life of a task, in the same rounds.
MUSTS = {"W4": 2.5, "W6": 8, "W7": 8}

_LATENCY = {workload.key: workload.latency for workload in WORKLOADS}
LARGER = (2, 4, 8, 16)

#: What part of its cores a server is expected to use in the projection.
USABLE = 0.8


def _part(results: Results, workload: str) -> str | None:
    """Returns the system that does only the comparable part of the workload, if there is one."""
    return next((key for key in results.systems(workload) if key.startswith("pgbench-") and key != LIFE), None)


def _times(ours: float | None, theirs: float | None) -> str:
    return f"{ours / theirs:.2f}×" if ours and theirs else "–"


def musts(results: Results) -> dict[str, tuple[float, float, bool]]:
    """Returns, by workload: the measured ratio, the least that is accepted, and whether it is reached."""
    found: dict[str, tuple[float, float, bool]] = {}
    for workload, must in MUSTS.items():
        ours, theirs = results.rate(workload, BEANROW), results.rate(workload, LIFE)
        if ours and theirs:
            found[workload] = (ours / theirs, must, ours / theirs >= must)
    return found


def rates(results: Results) -> str:
    """Returns the table of tasks per second."""
    rows = []
    for workload in [key for key in KEYS if results.systems(key)]:
        ours, life, part = results.rate(workload, BEANROW), results.rate(workload, LIFE), _part(results, workload)
        alone = results.rate(workload, part)
        of_part = ["", ""]
        if part is not None:
            words = results.system_title(workload, part).partition(", ")[2].removesuffix(" alone")
            of_part = [f"{figure(alone)} {words}", _times(ours, alone)]
        rows.append(
            [
                f"{workload} {results.title(workload)}",
                figure(ours),
                figure(life),
                _times(ours, life),
                *of_part,
            ]
        )
    head = ["tasks per second", "Beanrow, 3 managers", "pgbench, put→claim→delete", "ratio"]
    return table([*head, "pgbench, this part only", "ratio"], rows)


def targets(results: Results) -> str:
    """Returns the targets and what was measured, for docs/decisions.md and the terminal."""
    rows = [
        [
            f"{workload} {results.title(workload)}, relative to pgbench's whole script",
            f"{found:.2f}×",
            f"≥ {must:g}×",
            "met" if is_met else "not met",
        ]
        for workload, (found, must, is_met) in musts(results).items()
    ]
    return table(["target", "measured", "required", ""], rows)


def costs(results: Results) -> str:
    """Returns the table of what the server and the managers cost."""
    rows = []
    for workload in [key for key in KEYS if results.systems(key)]:
        for key in results.systems(workload):
            cpu = results.figure(workload, key, "cpu_per_1000")
            server = results.figure(workload, key, "database_cpu_per_1000")
            names = [f"{_LATENCY[workload]}_{rank}" for rank in ("p50", "p99")]
            is_ours = key == BEANROW
            rows.append(
                [
                    f"{workload} {results.system_title(workload, key)}",
                    " / ".join(time_of(results.latency(workload, key, name)) for name in names),
                    or_dash(server, "{:.3f}"),
                    f"{cpu - server:.3f}" if cpu and server is not None and is_ours else "",
                    figure(results.figure(workload, key, "written_per_task")),
                    mebibytes(results.peak_memory(workload, key)) if is_ours else "",
                ]
            )
    head = ["", "p50 / p99 (pgbench: of a whole script)", "CPU s of the server per 1 000 tasks", "of the managers"]
    return table([*head, "bytes written per task", "peak MiB of a manager"], rows)


def _machine(results: Results) -> str:
    text = machine(results)
    settings = results.data.get("settings", {})
    return text + "".join(f"\n| {name} | {value} |" for name, value in settings.items()) if text else ""


def comparison(results: Results) -> str:
    """Returns the tables of the comparison with plain SKIP LOCKED."""
    version = short_version(results.data["versions"].get("PostgreSQL", ""))
    measured = next((entry["measured"] for entry in results.data["workloads"].values()), None)
    if not measured:
        return "Not measured yet."
    parts = [f"{version}, {measured}:", rates(results), costs(results), _failures(results), _machine(results)]
    return "\n\n".join(part for part in parts if part)


def _failures(results: Results) -> str:
    lines = failures(results)
    return f"Not measured to the end:\n\n{lines}" if lines else ""


def _grown(results: Results) -> dict[int, Results]:
    """Returns what was measured, by the number of the server's cores."""
    return {int(cores): Results(data) for cores, data in results.data.get("growth", {}).items()}


def growth(results: Results) -> str:
    """Returns how the rates grow with managers and cores, and a projection for more cores."""
    measured = _grown(results)
    parts = [_measured_growth(measured), _projection(measured)]
    return "\n\n".join(part for part in parts if part) or "Not measured yet."


def _measured_growth(measured: Mapping[int, Results]) -> str:
    rows = []
    for workload in GROWING:
        for cores, results in measured.items():
            keys = results.systems(workload)
            if not keys:
                continue
            cells = [figure(results.rate(workload, key)) for key in (LIFE, "beanrow-1", "beanrow-2", "beanrow-3")]
            cpu, rate = results.figure(workload, BEANROW, "database_cpu_per_1000"), results.rate(workload, BEANROW)
            busy = f"{cpu * rate / 1000 / cores * 100:.0f} %" if cpu and rate else "–"
            rows.append([f"{workload} {results.title(workload)}", cores, *cells, or_dash(cpu, "{:.3f}"), busy])
    head = ["tasks per second", "cores of the server", "pgbench, put→claim→delete"]
    head += ["1 manager", "2 managers", "3 managers", "CPU s of the server per 1 000 tasks", "use of its cores"]
    return table(head, rows)


def _projection(measured: Mapping[int, Results]) -> str:
    rows = []
    for workload in GROWING:
        for key in (LIFE, BEANROW):
            if key == LIFE and workload != "W4":
                continue
            row: list[str] = []
            for results in measured.values():
                if cpu := results.figure(workload, key, "database_cpu_per_1000"):
                    title = results.system_title(workload, key)
                    row = [f"{workload} {title}", *(figure(cores * USABLE * 1000 / cpu) for cores in LARGER)]
            if row:
                rows.append(row)
    if not rows:
        return ""
    model = f"cores × {USABLE:g} / CPU per task, all else on other machines"
    words = f"By the model ({model}), tasks per second by the server's cores:"
    return words + "\n\n" + table(["", *(f"{cores} cores" for cores in LARGER)], rows)


def everything(results: Results) -> str:
    """Returns all tables, for the terminal."""
    parts = [comparison(results), targets(results), growth(results) if results.data.get("growth") else ""]
    return "\n\n".join(part for part in parts if part)

"""What was recorded of a run, for the picture that plays it: who was at what, from when to when.

That of a real machine in its own time, and where in the tunnel nothing takes time, a schedule by its steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel.lab.experiment import Experiment
from windtunnel.lab.result import Result


def recorded(result: Result | None, experiment: Experiment[Any], shown: Sequence[str] = ()) -> dict[str, Any] | None:
    """The spans of the first seed by design, on one clock; None where there are none, or the tunnel has more to show.

    They are those of its first chart of spans, as the result keeps them: nothing is run for the picture. `shown`: of
    these designs alone, where some are named.
    """
    if result is None or ("sim" in experiment.stages and not still(result)):
        return None
    places = [place for place, one in enumerate(result.charts) if one.kind == "gantt"]
    if not places:
        return None
    chart = result.charts[places[0]]
    designs = {}
    for design in shown or result.designs:
        run = result.of(design)[0]
        parts = run.charts[places[0]] if places[0] < len(run.charts) else {}
        rows = sorted((list(row) for part in parts.values() for row in part), key=lambda row: (row[1], row[2]))
        if rows:
            lanes = list(dict.fromkeys(row[0] for part in parts.values() for row in part))
            designs[design] = {"lanes": lanes, "rows": rows}
    return {"title": chart.title, "unit": chart.x, "told": _where(result), "designs": designs}


def still(result: Result | None) -> bool:
    """Whether nothing takes time, so that nothing moves and no code that draws what moves is needed."""
    return result is not None and all(run.measures["latency_max_ms"] == 0 for run in result.runs)


def _where(result: Result) -> str:
    """On what machine, and when; what was found by schedules is the same on each."""
    found = result.provenance
    if result.stage == "sim":
        return "Recorded step by step"
    machine, python, taken = found.get("machine", {}), found.get("python", ""), str(found.get("taken", ""))[:10]
    said = [f"{machine['cpu']}, {machine['cores']} processors" if "cpu" in machine else "", f"Python {python}", taken]
    return "Recorded on " + ", ".join(one for one in said if one.strip() and one != "Python ")

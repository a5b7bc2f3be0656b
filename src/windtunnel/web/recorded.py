"""What was recorded of a run on a real machine, for the picture that plays it: who was at what, from when to when."""

from __future__ import annotations

from typing import Any

from windtunnel.lab.experiment import Experiment
from windtunnel.lab.result import Result


def recorded(result: Result | None, experiment: Experiment[Any]) -> dict[str, Any] | None:
    """The spans of the first seed by design, on one clock; None where an experiment runs in the tunnel, or has none.

    They are those of its first chart of spans, as the result keeps them: nothing is run for the picture.
    """
    if result is None or "sim" in experiment.stages:
        return None
    places = [place for place, one in enumerate(result.charts) if one.kind == "gantt"]
    if not places:
        return None
    chart = result.charts[places[0]]
    designs = {}
    for design in result.designs:
        run = result.of(design)[0]
        parts = run.charts[places[0]] if places[0] < len(run.charts) else {}
        rows = sorted((list(row) for part in parts.values() for row in part), key=lambda row: (row[1], row[2]))
        if rows:
            lanes = list(dict.fromkeys(row[0] for part in parts.values() for row in part))
            designs[design] = {"lanes": lanes, "rows": rows}
    return {"title": chart.title, "unit": chart.x, "told": _where(result), "designs": designs}


def _where(result: Result) -> str:
    """On what machine, and when."""
    found = result.provenance
    machine, python, taken = found.get("machine", {}), found.get("python", ""), str(found.get("taken", ""))[:10]
    said = [f"{machine['cpu']}, {machine['cores']} processors" if "cpu" in machine else "", f"Python {python}", taken]
    return "Recorded on " + ", ".join(one for one in said if one.strip() and one != "Python ")

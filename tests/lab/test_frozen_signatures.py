"""What people's files are written against changes only together with the page that says what it is."""

from __future__ import annotations

import inspect
from pathlib import Path
from textwrap import dedent
from typing import Any

from windtunnel.lab.asks import Ask, Why
from windtunnel.lab.charts import Chart
from windtunnel.lab.experiment import RESERVED, Claim, Experiment, Figure, Map, Source
from windtunnel.lab.grading.grade import grade
from windtunnel.lab.history import Event, Op
from windtunnel.lab.params import param
from windtunnel.lab.run import run
from windtunnel.lab.sweep import sweep
from windtunnel.sim.fault import Fault

PAGE = Path(__file__).parents[2] / "docs" / "design.md"
FROZEN = (param, Op, Event, Claim, Figure, Fault, Source, Chart, Ask, Why, Map, Experiment, run, sweep, grade)


def signature(thing: Any) -> str:
    """Its name with its parameters; those that have a default end in "="."""
    said = []
    for name, one in inspect.signature(thing).parameters.items():
        if one.kind is one.KEYWORD_ONLY and "*" not in said:
            said.append("*")
        star = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
        said.append(f"{star}{name}{'' if one.default is one.empty else '='}")
    return f"{thing.__name__}({', '.join(said)})"


def test_no_parameter_can_be_called_as_an_argument_of_run_or_sweep() -> None:
    arguments = {*inspect.signature(run).parameters, *inspect.signature(sweep).parameters}
    assert arguments - {"params", "options"} == RESERVED


def test_the_signatures_are_those_of_the_page() -> None:
    section = PAGE.read_text("utf-8").partition("## Frozen signatures")[2].partition("\n## ")[0]
    block = dedent(section.partition("```python\n")[2].partition("```")[0])
    told = " ".join(block.split()).replace("( ", "(").replace(" )", ")")
    assert told == " ".join(signature(thing) for thing in FROZEN)

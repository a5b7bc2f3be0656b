"""Parameters as a page sets them: a range with its steps, a choice, or a switch, as the definition bounds them."""

from __future__ import annotations

from typing import Any

from windtunnel.lab.experiment import Experiment
from windtunnel.lab.params import Param, describe

STEPS = 120
LOG_FROM = 60.0
"""A range whose end is so many times its beginning is logarithmic."""


def sliders(experiment: Experiment[Any]) -> list[dict[str, Any]]:
    """Every parameter, in the order in which they are written."""
    return [slider(one, {**experiment.quick}.get(one.name, one.default)) for one in describe(experiment.params)]


def slider(one: Param, quick: Any) -> dict[str, Any]:
    """A parameter; `quick` is its value in the small setting."""
    base = {"name": one.name, "help": one.help, "default": one.default, "quick": quick}
    if isinstance(one.default, bool):
        return {**base, "kind": "choice", "choices": [True, False]}
    if one.choices is not None:
        return {**base, "kind": "choice", "choices": list(one.choices)}
    if isinstance(one.default, str):
        return {**base, "kind": "text"}
    low, high = _ends(one)
    log = low > 0 and high / low >= LOG_FROM
    whole = isinstance(one.default, int)
    return {**base, "kind": "range", "low": low, "high": high, "log": log, "whole": whole, "steps": STEPS}


def _ends(one: Param) -> tuple[float, float]:
    """Of an axis: the parameter's own bounds, or around its default where it has none."""
    low = one.low if one.low is not None else min(0.0, 2.0 * one.default)
    high = one.high if one.high is not None else max(4.0 * one.default, low + 1.0)
    return float(low), float(high)

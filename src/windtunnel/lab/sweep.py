"""A run for each value of one parameter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from windtunnel.lab.errors import WrongInput, suggest
from windtunnel.lab.experiment import Experiment
from windtunnel.lab.params import describe
from windtunnel.lab.result import Result
from windtunnel.lab.run import run


def sweep(
    experiment: Experiment[Any],
    over: str,
    values: Sequence[object],
    *,
    told: Callable[[int, Result], object] | None = None,
    **options: Any,
) -> list[Result]:
    """`run` with each value of the parameter `over`; `told` hears of each result. Raises WrongInput.

    All values are looked at before anything runs.
    """
    known = {p.name: p for p in describe(experiment.params)}
    if over not in known:
        raise WrongInput(suggest(over, known, "parameter"))
    if not values:
        raise WrongInput(f"A sweep over {over} needs one value at least.")
    taken = [known[over].take(value) for value in values]
    results = []
    for i, value in enumerate(taken):
        results.append(run(experiment, **{**options, over: value}))
        if told is not None:
            told(i, results[-1])
    return results

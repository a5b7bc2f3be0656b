"""A run that is another one in a single respect: other luck from some second on, or something left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from windtunnel.lab.errors import WrongInput
from windtunnel.lab.history import Op
from windtunnel.sim.fault import Fault


def turned(ops: Sequence[Op], others: Sequence[Op], at_s: float) -> list[Op]:
    """The requests that are due before a second, and those of other luck that are due from then on.

    Those of closed loops keep their work: when they come the answers decide, and the luck of those is another anyway.
    """
    kept = [op for op in ops if op.at < at_s or op.think_s >= 0]
    after = max((op.id for op in ops), default=-1) + 1
    new = [op for op in others if op.at >= at_s and op.think_s < 0]
    return kept + [op._replace(id=after + i) for i, op in enumerate(new)]


def left(
    ops: Sequence[Op], faults: Sequence[Fault], without: Sequence[Sequence[Any]]
) -> tuple[list[Op], Sequence[Fault]]:
    """What is left of requests and faults; see `Job.without`."""
    no_faults = {one[1] for one in without if one[0] == "fault"}
    spans = [(one[1], one[2]) for one in without if one[0] == "request"]
    return (
        [op for op in ops if not any(first <= op.id <= last for first, last in spans)],
        tuple(fault for i, fault in enumerate(faults) if i not in no_faults),
    )


def moved(faults: Sequence[Fault], places: Sequence[Sequence[Any]]) -> tuple[Fault, ...]:
    """The faults, some of which begin at another second; see `Job.moved`. Raises WrongInput."""
    found = list(faults)
    for place, at_s in places:
        if not 0 <= place < len(found):
            raise WrongInput(f"There is no fault {place} to be moved; with these parameters there are {len(found)}.")
        found[place] = replace(found[place], at_s=at_s)
    return tuple(found)

"""An experiment whose claims hold at the defaults, and which doubt refutes in every way that there is.

It asks which counter counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from windtunnel import Claim, Experiment, History, Op, Stage, param


@dataclass(frozen=True)
class Params:
    """How much is counted."""

    size: int = param(4, "things to count", low=1, high=13)
    step: float = param(1.0, "of the counter", low=1, high=2)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`count(thing)`, once a second."""
    return [Op(float(i), "client", "count", (i,)) for i in range(p.size)]


class Forgets:
    """Counts nothing."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.total = 0.0
        self.step = p.step
        self.luck = stage.random("luck")

    def count(self, thing: int) -> int:
        return thing

    def report(self) -> Mapping[str, float]:
        return {"total": self.total, "lucky": self.luck.random()}


class Counts(Forgets):
    """Counts what comes."""

    def count(self, thing: int) -> int:
        self.total += self.step
        self.last = thing  # unclaimed: what came last is shown nowhere
        return thing + 1


class Shows(Counts):
    """Counts, and nobody asks about it."""


def measure(history: History, p: Params) -> dict[str, float]:
    """What was counted."""
    things = {13: "too many"}
    if p.size in things:
        raise KeyError(p.size)
    return {"total": float(history.facts["total"]), "lucky": float(history.facts["lucky"])}


experiment = Experiment(
    title="Counting",
    question="Which counter counts?",
    params=Params,
    workload=workload,
    designs={"forgets": Forgets, "counts": Counts, "shows": Shows},
    measure=measure,
    seeds=2,
    claims=(
        Claim("forgets.total == 0", "It counts nothing.", breaks="forgets"),
        Claim("counts.total == params.size", "It counts what comes."),
        Claim("forgets.lucky > 0.2", "By luck."),
        Claim("counts.total == 4", "As many as there are by default.", where="size == 4 and step == 1"),
    ),
)

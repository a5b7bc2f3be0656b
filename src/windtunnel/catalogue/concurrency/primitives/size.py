"""How large the tasks are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Sizes:
    """How large a task is; what it does not ask for is left as it is here."""

    places: int = 1
    pairs: int = 2
    parties: int = 2
    rounds: int = 3


NEEDS = {"semaphore": ("places",), "condition": ("pairs",), "barrier": ("parties", "rounds")}


def sizes(task: str, p: Any) -> Sizes:
    """What a task needs of the parameters, so that the same search is not made twice."""
    return Sizes(**{name: getattr(p, name) for name in NEEDS.get(task, ())})

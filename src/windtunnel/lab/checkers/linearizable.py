"""Linearizability (Herlihy and Wing, 1990): is there one order of the operations, each between its start and its end,
that the sequential object could have gone through?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from windtunnel.lab.checkers.calls import Call, in_touch, prepare, split
from windtunnel.lab.checkers.describe import counted, unexplained
from windtunnel.lab.checkers.models import UNSEEN, Model, Register
from windtunnel.lab.checkers.search import Search
from windtunnel.lab.checkers.verdict import Finding, Verdict, conclude, needs_operations
from windtunnel.lab.checkers.witness import Starts, smallest
from windtunnel.lab.checkers.zones import check_touching, check_zones, clusters
from windtunnel.lab.history import Event

BUDGET_STEPS = 2_000_000
"""Configurations tried before the answer is unknown: some seconds of CPU."""
WITNESS_STEPS = 400_000
"""Configurations tried to make a witness small."""
_FIRST_QUOTA = 256


@needs_operations
def check_linearizable(
    history: Sequence[Event], model: Model | None = None, *, budget_steps: int = BUDGET_STEPS
) -> Verdict:
    """Judge a history against a model (a `Register` without one).

    Times that touch are no order, except for operations of one client. An unknown operation may take effect at any time
    after its start, or never.
    Beyond `budget_steps` the verdict is unknown. Raises ValueError for operations that the model does not know.
    """
    model = model if model is not None else Register()
    calls = prepare(history, model)
    parts = {key: in_touch(part) for key, part in split(calls, model).items()}
    hard: list[list[Call]] = []
    for part in parts.values():
        found = clusters(model, part)
        if found is None:
            hard.append(part)
            continue
        wrong = check_zones(model, found) or check_touching(model, found, part)
        if wrong is not None:
            return conclude([replace(wrong, sentence=f"Not linearizable: {wrong.sentence}")], "", len(calls))
    fits = f"One order explains all {counted(len(calls), 'operation')}: linearizable as a {model.name}."
    if not hard:
        return Verdict("valid", fits, steps=len(calls))
    return _search(model, hard, budget_steps, fits)


def _search(model: Model, parts: Sequence[list[Call]], budget_steps: int, fits: str) -> Verdict:
    """Advance the partitions in turns, each turn with twice the quota."""
    searches = [Search(model, part) for part in parts]
    quota = _FIRST_QUOTA
    spent = 0
    waiting = list(range(len(searches)))
    while waiting:
        still = []
        for i in waiting:
            if spent >= budget_steps:
                still.append(i)
                continue
            before = searches[i].steps
            answer = searches[i].advance(min(quota, budget_steps - spent))
            spent += searches[i].steps - before
            if answer is None:
                still.append(i)
            elif not answer:
                return _explain(model, parts[i], searches[i], spent)
        waiting = still
        if waiting and spent >= budget_steps:
            open_parts = f" on {len(waiting)} of {len(parts)} independent parts" if len(parts) > 1 else ""
            sentence = f"No verdict{open_parts}: the budget of {counted(budget_steps, 'step')} is spent."
            return Verdict("unknown", sentence, steps=spent)
        quota *= 2
    return Verdict("valid", fits, steps=spent)


def _explain(model: Model, calls: list[Call], search: Search, spent: int) -> Verdict:
    """An invalid verdict with the smallest witness that a bounded search can prove."""
    stuck = search.returns[search.furthest]
    before = list(_as_known_at(stuck.end, calls))
    left = WITNESS_STEPS
    culprit = stuck

    def contradicts(some: list[Call], starts: Starts) -> bool:
        nonlocal left, culprit
        if left <= 0:
            return False
        probe = Search(model, some, starts)
        answer = probe.advance(min(left, max(2_000, WITNESS_STEPS // 20)))
        left -= probe.steps
        if answer is False:
            culprit = probe.returns[probe.furthest]
        return answer is False

    # No time ties an operation to its client's last one if that ended as it began: weakened, it could do too much.
    tied = any(c.follows is not None and c.start == stuck.end for c in calls)
    witness = smallest(model, calls if tied else before, contradicts)
    events = tuple(c.event for c in witness.calls)
    blamed = culprit.event
    sentence = f"Not linearizable as a {model.name}: {unexplained(blamed, events, len(events) < len(calls))}."
    return conclude([Finding("not linearizable", sentence, events)], "", spent)


def _as_known_at(now: float, calls: Sequence[Call]) -> Iterator[Call]:
    """The calls begun by then; one that had not returned may still do anything, which for a pure one is nothing."""
    for c in calls:
        if c.end <= now:
            yield c
        elif c.start <= now and not c.pure:
            yield replace(c, value=UNSEEN, end=math.inf)

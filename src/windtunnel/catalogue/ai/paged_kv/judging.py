"""How a memory manager is judged: by what clients were told and when, and by what the device saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from statistics import fmean

from windtunnel import Event, History
from windtunnel.catalogue.ai.paged_kv.prompts import Setting, right_answer
from windtunnel.statistics import not_measurable

FROM, TO = 0.2, 0.8
"""Requests that are due in this part of the run are judged: before it the memory fills, after it many are not done."""
KINDS = ("tokens", "reserved", "internal", "external")


def is_right(event: Event, p: Setting) -> bool:
    """Whether its client was told what the model answers."""
    number, own, many, _ = event.args
    return bool(event.value == right_answer(number, own, p.shared, many))


def measure(history: History, p: Setting) -> dict[str, float]:
    """Shares are of all slots, means over time; `useful` is the part of what sequences hold that holds tokens. What
    they hold is what the memory says; which slots hold tokens is seen by where they are read and written.

    `full` is the part of the time in which somebody waits for room, and `packed` the part of all slots that hold tokens
    then; `again` the part of the computed tokens that had
    been computed before; `copied` and `found` are tokens moved, and tokens that need not be computed, a computed one.
    """
    asked = [e for e in history if not e.args[3]]
    answers = [e for e in asked if e.outcome == "ok"]
    judged = [e for e in asked if FROM * p.run_s <= e.due < TO * p.run_s]
    waited_s = [((e.end if e.outcome == "ok" else p.run_s) - e.due) / e.args[2] for e in judged]
    rated = [e for e in answers if e.end >= FROM * p.run_s]
    facts = history.facts
    looks = [one for one in facts["looks"] if one[0] >= FROM * p.run_s]
    shares = {kind: fmean(one[1 + i] for one in looks) / p.slots if looks else nan for i, kind in enumerate(KINDS)}
    held = sum(sum(one[1:4]) for one in looks)
    full = [one[1] / p.slots for one in looks if one[5]]
    return {
        **shares,
        "useful": sum(one[1] for one in looks) / held if held else not_measurable("nothing was in the memory"),
        "full": len(full) / len(looks) if looks else nan,
        "packed": fmean(full) if full else not_measurable("nobody waited for room"),
        "batch": facts["batch"],
        "answered": sum(e.outcome == "ok" for e in judged) / len(judged) if judged else nan,
        "per_token_ms": 1e3 * fmean(waited_s) if waited_s else nan,
        "rate": len(rated) / ((1 - FROM) * p.run_s),
        "copied": facts["copied"] / facts["computed"] if facts["computed"] else nan,
        "preempted": facts["preempted"],
        "again": facts["again"] / facts["computed"] if facts["computed"] else nan,
        "found": facts["found"] / (facts["found"] + facts["computed"]) if facts["computed"] else nan,
        "wrong": sum(not is_right(e, p) for e in answers),
        "lost": facts["lost"],
        "oracle": facts["oracle"],
    }


# --- charts --------------------------------------------------------------------------------------------------------
def figure_2(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What the memory is used for, as in figure 2 of the paper."""
    found = measure(history, p)
    return {"of all slots": [(kind, 100 * found[kind]) for kind in KINDS]}


def over_time(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The part of the memory that holds tokens, as time goes by."""
    return {"tokens": [(one[0], 100 * one[1] / p.slots) for one in history.facts["looks"]]}


def block_map(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """The memory from end to end, as time goes by: which part of each stretch of it holds tokens."""
    return {"tokens": history.facts["map"]}

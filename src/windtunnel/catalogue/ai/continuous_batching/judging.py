"""How a scheduler is judged: by the tokens that clients were given, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import fmean

from windtunnel import Event, History
from windtunnel.catalogue.ai.continuous_batching.rig import Setting
from windtunnel.parts import made_answer, made_prompt
from windtunnel.statistics import not_measurable

LONG = 4000
"""Tokens of a long prompt."""
STALL_S = 0.1
"""Who reads along notices such a wait between two words."""


@lru_cache(maxsize=4096)
def right(number: int, own: int, many: int) -> int:
    """The last token but the end: of the prompt, where the answer is the end alone."""
    prompt = made_prompt(number, own)
    return made_answer(prompt, many - 1)[-1] if many > 1 else prompt[-1]


def is_right(event: Event) -> bool:
    """Whether its client was told what the model answers."""
    number, own, many = event.args
    return bool(tuple(event.value) == (right(number, own, many), many))


def at(sorted_values: Sequence[float], share: float) -> float:
    """The value below which this share of them lies; no number where there are too few."""
    if len(sorted_values) < 1 / (1 - share):
        return not_measurable("too few tokens were given")
    return sorted_values[int(share * len(sorted_values))]


def measure(history: History, p: Setting) -> dict[str, float]:
    """Tokens are those of answers; `filled` is the part of all places of all steps in which a token was computed for
    somebody; waits for a first token count from when the request was due, and gaps are between two tokens; `stalled` is
    the part of the answers in which one of these is longer than a tenth of a second."""
    answers = [e for e in history if e.outcome == "ok"]
    facts = history.facts
    first: Mapping[int, float] = {int(name): when for name, when in facts["first"].items()}
    waits = sorted(first[e.args[0]] - e.due for e in answers)
    late = [first[e.args[0]] - e.due for e in answers if e.args[1] >= LONG]
    took_s = max((e.end for e in answers), default=0.0)
    return {
        "tokens_per_s": sum(e.args[2] for e in answers) / took_s if took_s else 0.0,
        "filled": facts["filled"],
        "first_ms": 1e3 * fmean(waits) if waits else not_measurable("nobody was answered"),
        "long_first_ms": 1e3 * fmean(late) if late else not_measurable("no prompt was long"),
        "gap_p50_ms": 1e3 * at(facts["gaps"], 0.5),
        "gap_p99_ms": 1e3 * at(facts["gaps"], 0.99),
        "stalled": fmean(gap_s > STALL_S for gap_s in facts["worst"]) if facts["worst"] else 0.0,
        "answer_ms": 1e3 * fmean(e.end - e.due for e in answers) if answers else not_measurable("nobody was answered"),
        "most": facts["most"],
        "wrong": sum(not is_right(e) for e in answers),
        "left": len(history) - len(answers),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def places(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """How many of the places of a step compute for somebody, as time goes by."""
    steps = history.facts["steps"]
    every = max(1, len(steps) // 200)
    return {"places": [(now, float(rows)) for now, _, rows, _ in steps[::every]]}


def gaps(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Time between two tokens, by how seldom it is longer."""
    found = history.facts["gaps"]
    shares = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)
    return {"gap": [(1 / (1 - share), 1e3 * found[int(share * len(found))]) for share in shares if found]}

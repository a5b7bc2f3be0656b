"""How a scheduler is judged: by the tokens that clients were given, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import fmean

from windtunnel import Event, History
from windtunnel.catalogue.ai.continuous_batching.rig import Setting
from windtunnel.parts import made_answer, made_prompt
from windtunnel.statistics import not_measurable, percentiles

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


def measure(history: History, p: Setting) -> dict[str, float]:
    """Tokens are those of answers; `steady_per_s` are those a second until the last request begins: without the
    end, at which places stay empty for want of requests. `filled` is the part of all places of all steps in which a
    token was computed for somebody; waits for a first token count from when the request was due (`first_most_ms` is the
    longest), and gaps are between two tokens; `stalled` is the part of the answers in which one of these is longer than
    a tenth of a second; `unmade` are tokens that clients were told beyond those that the model gave."""
    answers = [e for e in history if e.outcome == "ok"]
    facts = history.facts
    first: Mapping[int, float] = {int(name): when for name, when in facts["first"].items()}
    waits = [first[e.args[0]] - e.due for e in answers]
    late = [first[e.args[0]] - e.due for e in answers if e.args[1] >= LONG]
    took_s = max((e.end for e in answers), default=0.0)
    begun_s, begun = facts["begun"]
    p50_s, p99_s = percentiles(facts["gaps"], (50, 99))
    return {
        "tokens_per_s": sum(e.args[2] for e in answers) / took_s if took_s else 0.0,
        "steady_per_s": begun / begun_s if begun_s else 0.0,
        "filled": facts["filled"],
        "first_ms": 1e3 * fmean(waits) if waits else not_measurable("nobody was answered"),
        "first_most_ms": 1e3 * max(waits) if waits else not_measurable("nobody was answered"),
        "long_first_ms": 1e3 * fmean(late) if late else not_measurable("no prompt was long"),
        "gap_p50_ms": 1e3 * p50_s,
        "gap_p99_ms": 1e3 * p99_s,
        "stalled": fmean(gap_s > STALL_S for gap_s in facts["worst"]) if facts["worst"] else 0.0,
        "answer_ms": 1e3 * fmean(e.end - e.due for e in answers) if answers else not_measurable("nobody was answered"),
        "most": facts["most"],
        "unmade": max(0, sum(e.value[1] for e in answers) - facts["given"]),
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
    shares = (0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998)
    found = zip(shares, percentiles(history.facts["gaps"], [100 * share for share in shares]), strict=True)
    return {"gap": [(1 / (1 - share), 1e3 * gap_s) for share, gap_s in found if gap_s == gap_s]}

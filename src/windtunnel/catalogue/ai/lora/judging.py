"""How a design is judged: by the tokens that clients were given, and when, and by what the device did for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import fmean

from windtunnel import Event, History
from windtunnel.blocks.serving import Decoder, merged
from windtunnel.catalogue.ai.lora.device import SMALL, Setting, adapter, base, prompt_of
from windtunnel.statistics import not_measurable

NEAR = 1e-3
"""By so much a logit may differ for rounding: merged weights add up in another order."""


@lru_cache(maxsize=8)
def tenant(name: str) -> Decoder:
    """The model of one tenant, merged: what everybody has to answer as."""
    return Decoder(merged(base(), adapter(name)), SMALL.positions)


@lru_cache(maxsize=8192)
def likeliest(name: str, number: int, told: tuple[int, ...]) -> bool:
    """Whether each of these tokens is what the tenant's model says behind those before it, or as likely but for
    rounding."""
    tokens = [*prompt_of(number), *told]
    rows = [(token, at, 0) for at, token in enumerate(tokens[:-1])]
    begin = len(tokens) - len(told) - 1
    laws = tenant(name).forward(rows, [[0]], SMALL.positions, range(begin, len(rows)))
    return all(law[token] > law.max() - NEAR for law, token in zip(laws, told, strict=True))


def is_right(event: Event) -> bool:
    """Whether its client was told what the model of its tenant answers, to the end."""
    number, name, many = event.args
    return len(event.value) == many and likeliest(str(name), number, tuple(event.value))


def measure(history: History, p: Setting) -> dict[str, float]:
    """`memory` is what the device holds, in weights of one model; `passes` are those for each token that a client was
    given, and `merges` changes of the weights for each; `share` is how many requests share a pass. `slower` is what
    passes take over what they take without adapters, and `moving` the part of the time in which adapters are brought or
    merged.

    Waits for a first token count from when a request was due (`first_most_ms` is the longest): `there_ms` where its
    adapter was on the device when it came, `swapped_ms` where it had to be brought, or merged; `found` is the part of
    the requests whose adapter was there."""
    answers = [e for e in history if e.outcome == "ok"]
    facts = history.facts
    firsts: Mapping[int, tuple[float, float]] = {int(name): one for name, one in facts["first"].items()}
    waits = [(firsts[e.args[0]][0] - e.due, firsts[e.args[0]][1] < e.due) for e in answers]
    there, swapped = [s for s, was in waits if was], [s for s, was in waits if not was]
    given, took_s = sum(e.args[2] for e in answers), max((e.end for e in answers), default=0.0)
    spent_s: Mapping[str, float] = facts["spent_s"]
    nobody = not_measurable("nobody was answered")
    return {
        "tokens_per_s": given / took_s if took_s else 0.0,
        "memory": facts["memory"],
        "passes": facts["passes"] / given if given else nobody,
        "share": facts["given"] / facts["passes"] if facts["passes"] else nobody,
        "merges": facts["merges"] / given if given else nobody,
        "loads": facts["loads"] / len(answers) if answers else nobody,
        "slower": 1 + spent_s["adapters"] / spent_s["weights"] if facts["passes"] else nobody,
        "moving": (spent_s["bus"] + spent_s["merging"]) / sum(spent_s.values()) if facts["passes"] else nobody,
        "first_ms": 1e3 * fmean(s for s, _ in waits) if waits else nobody,
        "first_most_ms": 1e3 * max(s for s, _ in waits) if waits else nobody,
        "there_ms": 1e3 * fmean(there) if there else not_measurable("no adapter was there"),
        "swapped_ms": 1e3 * fmean(swapped) if swapped else not_measurable("every adapter was there"),
        "found": len(there) / len(waits) if waits else nobody,
        "answer_ms": 1e3 * fmean(e.end - e.due for e in answers) if answers else nobody,
        "unmade": max(0, sum(len(e.value) for e in answers) - facts["given"]),
        "wrong": sum(not is_right(e) for e in answers),
        "left": len(history) - len(answers),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def shares(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """How many requests each pass computes, as time goes by."""
    steps = history.facts["steps"]
    every = max(1, len(steps) // 200)
    return {"requests": [(now, float(many)) for now, many in steps[::every]]}


def spent(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What the time of the device went to."""
    return {"seconds": list(history.facts["spent_s"].items())}

"""How a cache is judged: by what clients were told, hits and lies together, and by what was spared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Protocol

from windtunnel import History
from windtunnel.catalogue.ai.semantic_cache.rig import Told
from windtunnel.statistics import latency_mean, not_measurable


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def questions(self) -> int: ...
    @property
    def wrong_cost(self) -> float: ...
    @property
    def delta(self) -> float: ...


def told(history: History) -> list[tuple[int, Told]]:
    """What became of each question, by its number."""
    return [(event.args[1], Told(*event.value)) for event in history.where(name="ask", outcome="ok")]


def share(of: Sequence[bool]) -> float:
    """How many of them are true."""
    return fmean(of) if of else not_measurable("nobody asked")


def rates(some: Sequence[Told], wrong_cost: float) -> dict[str, float]:
    """`hits`: of the questions so many were told something without asking the model; `false`: of these so many wrong
    (and whoever asked the model and says something else is wrong too); `utility`: answers of the model spared a
    question, where a wrong answer costs so many; `possible`: questions that the model had answered this tenant before;
    `again`: of these those for which it was asked again."""
    hits, wrong = sum(one.hit for one in some), sum(not one.right for one in some)
    known = [one for one in some if one.known]
    return {
        "hits": share([one.hit for one in some]),
        "false": wrong / hits if hits else float(bool(wrong)),
        "utility": (hits - wrong_cost * wrong) / len(some) if some else not_measurable("nobody asked"),
        "possible": share([one.known for one in some]),
        "again": share([not one.hit for one in known]),
    }


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """`hits`, `false`, `utility`, `possible`, `again` of the second half of the stream, which nobody has learned from
    when it is asked; `early_hits`, `early_false` of the first half.

    Of all questions: `foreign` of them (`foreign_share`) were told what is another tenant's; `tokens_saved`;
    `answer_s`, how long an answer takes; `compared`, cosines a question; `verified`, hits that the model was asked all
    the same, as the design says. `best_fixed`: the most hits at any of the cosines that were tried besides, where the
    bound holds, 0 where it holds at none; `least`: the cosine at which a design that learns it arrives.
    """
    every = told(history)
    late = [one for number, one in every if number >= p.questions // 2]
    early = rates([one for number, one in every if number < p.questions // 2], p.wrong_cost)
    would = sum(one.spared for _, one in every)
    none = not_measurable("this design learns no cosine")
    others = swept(history, p)
    return {
        **rates(late, p.wrong_cost),
        "early_hits": early["hits"],
        "early_false": early["false"],
        "foreign": sum(one.foreign for _, one in every),
        "tokens_saved": 1 - sum(one.tokens for _, one in every) / would if would else not_measurable("nobody asked"),
        "answer_s": latency_mean(history.where(name="ask")),
        "compared": sum(one.compared for _, one in every) / len(every) if every else not_measurable("nobody asked"),
        "least": history.facts.get("least", none),
        "verified": history.facts.get("verified", 0.0) / len(every) if every else 0.0,
        "foreign_share": share([one.foreign for _, one in every]),
        "best_fixed": max(found["hits"] * (found["false"] <= p.delta) for found in others)
        if others
        else not_measurable("no other cosine was tried"),
    }


def swept(history: History, p: Setting) -> list[dict[str, float]]:
    """What a design with a fixed cosine comes to at others, the lowest first."""
    return [
        rates([Told(*one) for one in event.value[p.questions // 2 :]], p.wrong_cost)
        for event in history.where(name="sweep", outcome="ok")
        if event.value
    ]


# --- charts --------------------------------------------------------------------------------------------------------
def roc(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Hits against the share of them that is wrong: where the design stands, and where it would at other cosines."""
    points = [(found["false"], found["hits"]) for found in swept(history, p)]
    own = measure(history, p)
    found = {"as it is": [(own["false"], own["hits"])]}
    return {"at cosines from .6 to .99": points, **found} if points else found


def lately(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Hits and wrong answers as the stream goes on, each of the last 200 questions."""
    every = told(history)
    last = min(200, len(every))
    found: dict[str, list[tuple[float, float]]] = {"hits": [], "wrong": []}
    for end in range(last, len(every) + 1, 50):
        some = [one for _, one in every[end - last : end]]
        found["hits"].append((float(every[end - 1][0]), share([one.hit for one in some])))
        found["wrong"].append((float(every[end - 1][0]), share([not one.right for one in some])))
    return found if every else {}


def costs(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What is spared, and what is paid for it, a question."""
    found = measure(history, p)
    names = {
        "tokens_saved": "tokens spared",
        "again": "asked again for what was known",
        "verified": "hits asked all the same",
        "foreign_share": "told what is another tenant's",
    }
    return {"share": [(words, found[name]) for name, words in names.items() if found[name] == found[name]]}

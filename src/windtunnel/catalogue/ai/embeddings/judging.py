"""How a search is judged: by where it tells what is right, of four classes of queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import comb
from statistics import fmean
from typing import Protocol

from windtunnel import History
from windtunnel.catalogue.ai.embeddings.rig import FIRST, Answer, Setting as Served
from windtunnel.catalogue.ai.embeddings.world import CLASSES, NEGATION, Setting as WorldSetting, of_each, twins
from windtunnel.statistics import not_measurable

AGAIN = 4
"""Every fourth query is asked once more, when all were asked."""


class Setting(Served, Protocol):
    """What of the parameters matters here."""


def asked(p: WorldSetting) -> int:
    """How many queries there are."""
    return 3 * of_each(p) + twins(p)


def answers(history: History) -> dict[int, list[Answer]]:
    """By the number of a query what was told, each time."""
    found: dict[int, list[Answer]] = {}
    for event in history.where(name="search", outcome="ok"):
        found.setdefault(event.args[1], []).append(Answer(*event.value))
    return found


def failed(answer: Answer, k: int) -> bool:
    """Whether none of the first `k` is right, or the opposite is told before it."""
    return not 0 < answer.right <= k or 0 < answer.opposite < answer.right


def interval(failures: int, of: int) -> tuple[float, float]:
    """From where to where the share of failures lies in 95 of 100 samples drawn again from these queries.

    A bootstrap without luck: in so many draws from them failures are binomial. Of none, or all, it says nothing.
    """
    share, below, low, high = failures / of, 0.0, 0.0, 1.0
    for many in range(of + 1):
        here = comb(of, many) * share**many * (1 - share) ** (of - many)
        if below < 0.025 <= below + here:
            low = many / of
        if below < 0.975 <= below + here:
            high = many / of
        below += here
    return low, high


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """`failure`: the share of queries that have no right passage among the first k, or its opposite before it, the mean
    of four classes; `failure_typo` and so on: of one class; `ndcg`: nDCG@10, of all queries.

    `opposite`: of queries about what is denied, those that tell the opposite first; `unfound`: those that have no
    right passage among the first k. `products`: of two vectors, a
    query; `kept`: bytes of vectors, a passage. `foreign`: told, and no passage, or twice, or too many; `fickle`:
    queries that were told something else when they were asked again. `contextual` is what is not tried here.
    """
    of = answers(history)
    first = [some[0] for some in of.values()]
    none = not_measurable("no query of this class was answered")
    found: dict[str, float] = {}
    for kind in CLASSES:
        own = [failed(one, p.k) for one in first if one.kind == kind]
        found[f"failure_{kind}"] = fmean(own) if own else none
    denied = [one for one in first if one.kind == NEGATION]
    cost = [event.value for event in history.where(name="weigh", outcome="ok")]
    many = sum(map(len, of.values()))
    return {
        "failure": fmean(found[f"failure_{kind}"] for kind in CLASSES),
        **found,
        "ndcg": fmean(one.gain for one in first) if first else none,
        "opposite": fmean(0 < one.opposite < (one.right or FIRST + 1) for one in denied) if denied else none,
        "unfound": fmean(not 0 < one.right <= p.k for one in denied) if denied else none,
        "products": cost[-1][0] / many if cost and many else none,
        "kept": cost[-1][1] / (p.passages + twins(p)) if cost else none,
        "foreign": sum(one.foreign for some in of.values() for one in some),
        "fickle": sum(one.told != some[0].told for some in of.values() for one in some[1:]),
        "unanswered": sum(event.outcome != "ok" for event in history),
        "contextual": not_measurable("no passage here is a piece of something longer"),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def by_class(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Failures of each class, and between what they lie if other queries were drawn."""
    rows: dict[str, list[tuple[str, float]]] = {"failed": [], "from": [], "to": []}
    first = [some[0] for some in answers(history).values()]
    for kind in CLASSES:
        own = [failed(one, p.k) for one in first if one.kind == kind]
        if own:
            low, high = interval(sum(own), len(own))
            for name, value in (("failed", fmean(own)), ("from", low), ("to", high)):
                rows[name].append((kind, value))
    return rows


def steps(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Failures of all classes: a step down from design to design."""
    return {"failed": [("all classes", measure(history, p)["failure"])]}


def depth(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The share of the queries that are answered within so many places."""
    first = [some[0] for some in answers(history).values()]
    places = range(1, max(FIRST, p.k) + 1)
    return {"answered": [(float(k), fmean(not failed(one, k) for one in first)) for k in places]} if first else {}


def costs(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What a query and a passage cost."""
    found = measure(history, p)
    rows = (("products of vectors, a query", found["products"]), ("bytes of vectors, a passage", found["kept"]))
    return {"cost": [(name, value) for name, value in rows if value == value]}

"""How an index is judged: by what clients were told against all distances, and by what was measured for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf, log, log2, sqrt
from statistics import fmean
from typing import NamedTuple, Protocol

from windtunnel import History
from windtunnel.catalogue.ai.hnsw.rig import Answer, Setting as Served
from windtunnel.catalogue.ai.hnsw.space import PART
from windtunnel.statistics import not_measurable

EFS = (10, 20, 50, 100, 200)
"""Candidates that are kept, in turn."""
AS_MANY = 50
"""Of which the distances are drawn by items."""
MORE = 400
"""And so many where it is asked how distances to uniform vectors grow."""
SHARES = (0.5, 0.1, 0.02)
"""Of the items filters allow so many."""


class Setting(Served, Protocol):
    """What of the parameters matters here."""

    @property
    def ef(self) -> int: ...
    @property
    def target(self) -> float: ...


class Search(NamedTuple):
    """A search of all queries: `items` there, `ef`, the share that was allowed, how many were deleted before."""

    items: int
    ef: int
    share: float
    deleted: int
    answer: Answer

    @property
    def recall(self) -> float:
        """The share found of what is nearest; 1 where there is nothing."""
        return self.answer.found / self.answer.wanted if self.answer.wanted else 1.0


def searches(history: History) -> list[Search]:
    """All of them, in order."""
    items = deleted = 0
    found = []
    for event in history:
        if event.outcome != "ok":
            continue
        match event.name, event.args:
            case "add", (_, _, last):
                items = last
            case "delete", _:
                deleted += 1
            case "search", (_, ef):
                found.append(Search(items, ef, 1.0, deleted, Answer(*event.value)))
            case "among", (_, ef, share):
                found.append(Search(items, ef, share, deleted, Answer(*event.value)))
    return found


def ladder(history: History, p: Setting) -> dict[int, list[Search]]:
    """Searches with more and more candidates, before anything is deleted, by how many items there were."""
    found: dict[int, list[Search]] = {}
    for one in searches(history):
        if one.share == 1 and not one.deleted:
            found.setdefault(one.items, []).append(one)
    return {items: sorted(some, key=lambda one: one.ef) for items, some in found.items()}


def at_recall(some: Sequence[Search], p: Setting) -> float | None:
    """Distances a query at the recall that is wanted: between two searches, by the logarithm of what they miss."""
    least = 0.5 / max(1, some[0].answer.wanted) if some else 1.0
    missed = [(log(max(least, 1 - one.recall)), one.answer.measured / p.queries) for one in some]
    goal = log(1 - p.target)
    for (before, few), (after, many) in pairwise(missed):
        if before >= goal > after:
            return few + (many - few) * (before - goal) / (before - after)
    return None


def growth(history: History, p: Setting) -> list[tuple[int, float]]:
    """Distances a query at that recall, by how many items there are; where it is not between two searches, nothing."""
    found = [(items, at_recall(some, p)) for items, some in ladder(history, p).items()]
    return [(items, many) for items, many in found if many is not None]


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line that is nearest to them (least squares)."""
    x, y = fmean(one for one, _ in points), fmean(one for _, one in points)
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


def of_growth(history: History, p: Setting) -> dict[str, float]:
    """`per_doubling`: distances that twice as many items cost besides, by a line over log2 n; `exponent`: by a line
    over both logarithms; `bend`: what the last two doublings cost over what the first two did, 1 for a logarithm."""
    found = growth(history, p)
    few = not_measurable("this recall was not passed at four sizes")
    if len(found) < 4:
        return {"per_doubling": few, "exponent": few, "bend": few}
    many = [distances for _, distances in found]
    first, last = many[2] - many[0], many[-1] - many[-3]
    return {
        "per_doubling": slope([(log2(items), distances) for items, distances in found]),
        "exponent": slope([(log(items), log(distances)) for items, distances in found]),
        "bend": last / first if first > 0 else not_measurable("two doublings cost nothing"),
    }


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """`recall`: found of the k nearest there are, a key counts that is as near as the k-th; `distances`: measured a
    query; both also by candidates kept (`recall_20`). `at_recall`: distances at the recall that is wanted.

    `filtered_10`, `filter_distances_10`: where a tenth is allowed. `after`, `after_distances`: when the last was
    deleted; `mended`: distances measured for deleting, an item deleted. `built`: for adding, an item; `pays_after`:
    searches by all distances that building is worth. `bytes`: kept an item beside its vector; `link_bytes`: for each of
    m. `read_kib`: of vectors and codes read a query. `gone`, `foreign`, `twice`: keys told that must not be.
    """
    all_of_them = searches(history)
    full = [one for one in all_of_them if one.items == p.items and not one.deleted]
    none = not_measurable("nobody searched all items")
    found: dict[str, float] = {"recall": none, "distances": none, "read_kib": none}
    found |= dict.fromkeys(("after", "after_distances"), none)
    found |= {f"{what}_{ef}": none for ef in EFS for what in ("recall", "distances")}
    found |= {f"{what}_{100 * share:.0f}": none for share in SHARES for what in ("filtered", "filter_distances")}
    for one in full:
        share, distances = one.recall, one.answer.measured / p.queries
        if one.share < 1:
            found[f"filtered_{100 * one.share:.0f}"] = share
            found[f"filter_distances_{100 * one.share:.0f}"] = distances
            continue
        found[f"recall_{one.ef}"], found[f"distances_{one.ef}"] = share, distances
        if one.ef == p.ef:
            found["recall"], found["distances"] = share, distances
            read = 4 * p.dim * one.answer.measured + -(-p.dim // PART) * one.answer.scanned
            found["read_kib"] = read / p.queries / 1024
    last = [one for one in all_of_them if one.deleted]
    if last:
        found["after"], found["after_distances"] = last[-1].recall, last[-1].answer.measured / p.queries
    built = sum(event.value for event in history.where(name="add", outcome="ok"))
    mended = sum(event.value for event in history.where(name="delete", outcome="ok"))
    size = [event.value for event in history.where(name="weigh", outcome="ok")]
    there = ladder(history, p).get(p.items, [])
    equal = at_recall(there, p)
    return {
        **found,
        "at_recall": equal if equal is not None else not_measurable("no search is below and none above this recall"),
        "built": built / p.items,
        "pays_after": built / (p.items - found["distances"]) if found["distances"] < p.items else 0.0,
        "mended": mended / p.items,
        "bytes": size[-1] / p.items if size else none,
        "link_bytes": size[-1] / p.items / p.m if size else none,
        **of_growth(history, p),
        "gone": sum(one.answer.gone for one in all_of_them),
        "foreign": sum(one.answer.foreign for one in all_of_them),
        "twice": sum(one.answer.twice for one in all_of_them),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def pareto(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Recall against distances a query, as more candidates are kept."""
    there = ladder(history, p).get(p.items, [])
    return {"recall": [(max(1.0, one.answer.measured / p.queries), one.recall) for one in there]}


def grown(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Distances by items, at the recall that is wanted, and where as many candidates are kept."""
    kept = [(items, one) for items, some in ladder(history, p).items() for one in some if one.ef == AS_MANY]
    return {
        f"at recall {p.target:g}": [(float(items), many) for items, many in growth(history, p)],
        f"of {AS_MANY} kept": [(float(items), one.answer.measured / p.queries) for items, one in kept],
    }


def path(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """How far the nearest is that one query has met, as it measures, layer by layer."""
    for event in history.where(name="trace", outcome="ok"):
        return {name: [(float(many), sqrt(far)) for many, far in steps] for name, steps in event.value.items()}
    return {}


def steps(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """The same walk to be played: each step from an item to those that it is linked to, layer by layer.

    What is measured one by one is one span, as long as nothing changes.
    """
    rows: list[tuple[str, float, float, str]] = []
    for event in history.where(name="trace", outcome="ok"):
        before, least = 0, inf
        for name, path in event.value.items():
            for many, far in path:
                what = "comes nearer" if far < least else "comes no nearer"
                if many == before + 1 and rows and rows[-1][0] == name and rows[-1][3] == what:
                    rows[-1] = (name, rows[-1][1], float(many), what)
                elif many > before:
                    rows.append((name, float(before), float(many), what))
                before, least = many, min(far, least)
    return {"steps": rows}


def filtered(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Recall where a share is allowed."""
    there = [one for one in searches(history) if one.items == p.items and not one.deleted and one.ef == p.ef]
    return {"recall": sorted({one.share: one.recall for one in there}.items())}


def decay(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Recall as items are deleted."""
    there = [one for one in searches(history) if one.items == p.items and one.share == 1 and one.ef == p.ef]
    return {"recall": [(p.items - one.answer.here + 0.0, one.recall) for one in there if one.answer.here]}


def costs(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What building, searching and keeping cost."""
    found = measure(history, p)
    names = {"built": "distances to add an item", "distances": "distances of a query", "bytes": "bytes an item"}
    return {"cost": [(names[name], found[name]) for name in names if found[name] == found[name]]}

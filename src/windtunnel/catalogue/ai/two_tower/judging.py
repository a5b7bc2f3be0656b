"""From what users were told to numbers and charts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from windtunnel import History
from windtunnel.catalogue.ai.two_tower.rig import DECILES, Answer, Setting, Weight
from windtunnel.statistics import not_measurable

TAIL = 2
"""Tenths of the items that are not the tail: the most popular ones."""


def answers(history: History) -> list[Answer]:
    """All that came of questions."""
    return [Answer(*event.value) for event in history.where(name="recommend", outcome="ok")]


def share(of: float, all_of_it: float) -> float:
    """One number over another, where there is another."""
    return of / all_of_it if all_of_it else not_measurable("nobody was asked")


def by_tenth(history: History) -> list[tuple[int, int]]:
    """Pairs found, and all, by how popular their items are."""
    some = answers(history)
    return [(sum(one.found[at] for one in some), sum(one.tested[at] for one in some)) for at in range(DECILES)]


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """`recall`: the share of what users took later that they were told; `chance`: how likely the next thing that a
    user takes was told, by the law. `oracle`, `bound`: the same of who knows the law; `of_bound`: chance over bound;
    `popular`, `popular_chance`: of who tells everybody what most took. `head`, `tail`: recall of the tenth of the items
    that is most popular, and of the eight tenths that are least.

    `coverage`: share of the items that anybody was told; `effective`: share of them that, told equally often, would
    meet as often. `sums`: numbers added up for a user's answer; `kept`: numbers kept. `wrong`:
    items told that the user has taken, that were told it before or that there are not, and pairs to be judged by that
    a design was told.
    """
    some = answers(history)
    users = sum(one.users for one in some)
    tenths = by_tenth(history)
    found, tested = (sum(one[at] for one in tenths) for at in (0, 1))
    weights = [Weight(*event.value) for event in history.where(name="weigh", outcome="ok")]
    none = not_measurable("nobody was asked")
    weight = weights[-1] if weights and users else None
    bound = sum(one.bound for one in some)
    return {
        "recall": share(found, tested),
        "chance": share(sum(one.chance for one in some), users),
        "oracle": share(sum(one.oracle for one in some), tested),
        "bound": share(bound, users),
        "of_bound": share(sum(one.chance for one in some), bound),
        "popular": share(sum(one.popular for one in some), tested),
        "popular_chance": share(sum(one.popular_chance for one in some), users),
        "head": share(*tenths[0]),
        "tail": share(sum(one[0] for one in tenths[TAIL:]), sum(one[1] for one in tenths[TAIL:])),
        "coverage": weight.covered / p.items if weight else none,
        "effective": weight.effective / p.items if weight else none,
        "sums": weight.sums / users if weight else none,
        "kept": float(weight.kept) if weight else none,
        "wrong": float(sum(one.again + one.twice + one.foreign + one.leaked for one in some)),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def deciles(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Recall by how popular the item is, the first tenth of the items being the most popular."""
    tenths = enumerate(by_tenth(history), 1)
    return {"recall": [(float(at), found / all_of_it) for at, (found, all_of_it) in tenths if all_of_it]}


def met_by(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Whom anybody was told of."""
    found = measure(history, p)
    names = {"coverage": "told to anybody", "effective": "as if told equally often"}
    return {"share of the items": [(names[name], found[name]) for name in names if found[name] == found[name]]}


def costs(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """What answering costs."""
    found = measure(history, p)
    names = {"sums": "numbers added up for an answer", "kept": "numbers kept"}
    return {"cost": [(names[name], max(found[name], 1.0)) for name in names if found[name] == found[name]]}

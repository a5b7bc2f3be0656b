"""How it is judged: by what the three services have at the end, and by what clients were told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from windtunnel import History
from windtunnel.catalogue.scale.saga.episodes import KINDS, ORDERS, Episode, Setting, episodes
from windtunnel.catalogue.scale.saga.world import LATE, PRICE, Trouble
from windtunnel.statistics import not_measurable

CALM = (Trouble(), Trouble(lag=LATE))
"""Nobody dies, and messages come at once; a copy harms nobody who knows its key."""


class Found(NamedTuple):
    """What came of one episode.

    Args:
        done: the order itself was, whole.
        said: its client was told whether it was.
        torn: an order was done by half, or a step of it more than once.
        lied: a client was told what is not so.
        money: what was paid beyond the price of the parcels that were sent, or less.
        stuck: somebody waited for ever, or was told that the piece is sold when it was not, and nothing was under way.
        hasty: who came meanwhile was told that the piece is sold, and it was not in the end.
    """

    episode: Episode
    hit: bool
    done: bool
    said: bool
    torn: bool
    lied: bool
    money: int
    stuck: bool
    hasty: bool
    waited_s: float
    took_s: float
    sent: int
    syncs: int

    @property
    def broken(self) -> bool:
        """Whether anything of it is not as it has to be."""
        return self.torn or self.lied or self.money != 0 or self.stuck


def judged(history: History, p: Setting) -> list[Found]:
    """All that were tried."""
    out = {name: {row[0]: row[2] for row in history.facts[name]} for name in ("stock", "money", "parcels")}
    left = {row[0]: row[1] for row in history.facts["stock"]}
    each = episodes(p)
    found = []
    for event in history.where(name="cut"):
        if event.outcome != "ok" or event.value is None:
            continue
        found.append(_of(each[event.args[0]], event.value, out, left))
    return found


def _of(e: Episode, value: Mapping[str, Any], out: Mapping[str, Mapping[int, int]], left: Mapping[int, int]) -> Found:
    orders = [e.order(i).number for i in range(ORDERS)]
    paid, sent = [out["money"][n] for n in orders], [out["parcels"][n] for n in orders]
    done = [(a, b) == (PRICE, 1) for a, b in zip(paid, sent, strict=True)]
    undone = [(a, b) == (0, 0) for a, b in zip(paid, sent, strict=True)]
    told = value["told"]
    first, other = told[:2]
    third = told[2] if len(told) > 2 else False
    whole = all(a or b for a, b in zip(done, undone, strict=True))
    there = left[e.number] > 0
    return Found(
        e,
        value["hit"],
        done[0],
        first is not None,
        not whole or out["stock"][e.number] != sum(done) or out["stock"][e.number] + left[e.number] != 1,
        any(said is not None and said is not fact for said, fact in zip((first, other, third), done, strict=True)),
        sum(abs(a - PRICE * b) for a, b in zip(paid, sent, strict=True)),
        other is None or third is None or (e.stays and first is None) or there,
        other is False and done[2],
        value["took_s"][1],
        value["took_s"][0],
        value["sent"],
        value["syncs"],
    )


def share(found: Iterable[Found], what: Callable[[Found], bool]) -> float:
    """The share of them of which that is so; no number where there are none."""
    those = [what(one) for one in found]
    return sum(those) / len(those) if those else none_of_them()


def none_of_them() -> float:
    """Where no order has met the trouble of which it is asked."""
    return not_measurable("no order meets that with these parameters")


def greatest(found: Iterable[Found], what: Callable[[Found], float]) -> float:
    """The most of them; no number where there are none."""
    those = [what(one) for one in found]
    return max(those) if those else none_of_them()


def measure(history: History, p: Setting) -> dict[str, float]:
    """What it all comes to."""
    tried = [one for one in judged(history, p) if one.hit]
    killed = [one for one in tried if one.episode.trouble.place]
    left = [one for one in killed if not one.episode.stays]
    goes = [one for one in tried if not one.episode.trouble.place and one.episode.kind == "goes"]
    plain = [one for one in goes if one.episode.trouble in CALM]
    heard = [one for one in goes if one.episode.trouble.held >= 0]  # who hears nothing for long may give up and undo
    return {
        "killed": len(killed),
        "left": share(left, lambda one: one.broken),
        "asked": share((one for one in killed if one.episode.stays), lambda one: one.broken),
        "late": share((one for one in tried if one.episode.trouble.held), lambda one: one.broken),
        "broken": sum(one.broken for one in tried),
        "torn": sum(one.torn for one in tried),
        "lies": sum(one.lied for one in tried),
        "money": sum(one.money for one in tried),
        "stuck": sum(one.stuck for one in tried),
        "unserved": sum(not one.done for one in heard),
        "goes_on": share((one for one in left if one.episode.kind == "goes"), lambda one: one.done),
        "untold": share((one for one in tried if one.episode.trouble in CALM), lambda one: not one.said),
        "hasty": share(left, lambda one: one.hasty),
        "blocked": share(left, lambda one: one.waited_s > 0.5 * p.down_s),
        "waits_s": greatest(left, lambda one: one.waited_s),
        "messages": 2 * max((one.sent for one in plain), default=0),
        "syncs": max((one.syncs for one in plain), default=0),
        "order_ms": greatest(plain, lambda one: 1e3 * one.took_s),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def matrix(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """For each kind of order and each place: 0 where all is as it has to be, 1 where it is broken."""
    left = [one for one in judged(history, p) if one.hit and one.episode.trouble.place and not one.episode.stays]
    cells = [
        (float(one.episode.trouble.place), float(KINDS.index(one.episode.kind)), float(one.broken))
        for one in left
        if not one.episode.trouble.again
    ]
    return {"broken": cells}


def waits(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """How long somebody else waits, by the place at which the coordinator died with an order that goes through."""
    goes = [one for one in judged(history, p) if one.hit and one.episode.kind == "goes" and not one.episode.stays]
    killed = [one for one in goes if one.episode.trouble.place and not one.episode.trouble.again]
    return {"somebody else": [(float(one.episode.trouble.place), one.waited_s) for one in killed]}

"""What clients were told: who was refused, what no order explains, what was lost, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Protocol

from windtunnel import Event, Held, History
from windtunnel.catalogue.scale.cap.replicas import PATIENCE_S, SMALL
from windtunnel.checkers import KeyValue, Verdict, check_linearizable
from windtunnel.parts import share_of

PAGES = 4
CARTS = 2
SETTLES_S = 1.5
"""After the last request all replicas have so long to tell each other what they have."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def calm_s(self) -> float: ...
    @property
    def trouble(self) -> str: ...
    @property
    def trouble_s(self) -> float: ...


def cut_s(p: Setting) -> tuple[float, float]:
    """From when to when the way is cut."""
    return p.calm_s, p.calm_s + (p.trouble_s if p.trouble != "none" else 0.0)


def end_s(p: Setting) -> float:
    """When the last request of the run is due; those who look at the end come later."""
    return cut_s(p)[1] + p.calm_s


def is_small(e: Event) -> bool:
    """Whether it came to the smaller data centre."""
    return e.args[0] in SMALL


def of_pages(history: Sequence[Event]) -> dict[str, list[Event]]:
    """Reads and writes of each page, as a checker knows them; a client is one request."""
    names = {"write": "put", "read": "get"}
    found: dict[str, list[Event]] = {}
    for e in history:
        if e.name in names:
            one = e._replace(client=f"request {e.id}", name=names[e.name], args=e.args[1:])
            found.setdefault(e.args[1], []).append(one)
    return found


def verdicts(history: Sequence[Event]) -> dict[str, Verdict]:
    """Of each page, whether one order explains what clients were told."""
    return {page: check_linearizable(events, KeyValue()) for page, events in sorted(of_pages(history).items())}


def stale(events: Sequence[Event]) -> list[bool]:
    """Of reads of one page, which show a text although a later one had been acknowledged before they began."""
    writes = {e.args[1]: e for e in events if e.name == "put"}
    told = [e for e in writes.values() if e.outcome == "ok"]

    def old(read: Event) -> bool:
        mine = writes.get(read.value)
        shown_until = mine.end if mine is not None and mine.outcome == "ok" else 0.0 if mine is None else read.end
        return any(shown_until < later.start and later.end < read.start for later in told)

    return [old(e) for e in events if e.name == "get" and e.outcome == "ok"]


def old_at_the_end(events: Sequence[Event], end: float) -> list[bool]:
    """Of the last looks at one page, which are stale."""
    return stale([e for e in events if e.name == "put" or e.due > end])


def lost_page(events: Sequence[Event], p: Setting) -> bool:
    """Whether both sides were told of writes while one side could not hear the other: the end has those of one alone.

    Where they hear each other now and then, or by a third, it is not judged.
    """
    if p.trouble not in ("cut", "one way"):
        return False
    begun, over = cut_s(p)
    sides = {e.client for e in events if e.outcome == "ok" and begun < e.start and e.end < over}
    return len(sides) > 1


def carts_of(history: Sequence[Event], p: Setting) -> tuple[list[bool], list[bool]]:
    """Of items that were put in for good, which are missing at the end; of those taken out, which are there."""
    added, taken = ({e.args[2]: e for e in history if e.name == name} for name in ("add", "remove"))
    looks: dict[str, list[set[str]]] = {}
    for e in history:
        if e.name == "cart" and e.due > end_s(p):
            looks.setdefault(e.args[1], []).append(set(e.value) if e.outcome == "ok" else set())
    missing = [
        not all(item in look for look in looks.get(e.args[1], ()))
        for item, e in added.items()
        if e.outcome == "ok" and item not in taken
    ]
    back = [any(item in look for look in looks.get(e.args[1], ())) for item, e in taken.items() if e.outcome == "ok"]
    return missing, back


def behind(history: Sequence[Event]) -> list[bool]:
    """Of looks into a cart, which lack what had been put into it before, beside the same replica."""
    taken = {e.args[2] for e in history if e.name == "remove"}
    added = [e for e in history if e.name == "add" and e.outcome == "ok" and e.args[2] not in taken]
    return [
        any(a.args[:2] == e.args and a.end < e.start and a.args[2] not in e.value for a in added)
        for e in history
        if e.name == "cart" and e.outcome == "ok"
    ]


def millis(events: Iterable[Event]) -> float:
    """Their median, milliseconds; 0 of none."""
    found = [1e3 * (e.end - e.start) for e in events if e.outcome == "ok"]
    return median(found) if found else 0.0


def measure(history: History, p: Setting) -> dict[str, float]:
    """Refused on either side and in calm, told what no order explains, lost in the end, and how long it takes."""
    begun, over = cut_s(p)
    during = [e for e in history if begun <= e.due and e.due < over]
    pages = [e for e in during if e.name in ("read", "write")]
    carts = [e for e in during if e.name in ("add", "remove", "cart")]
    calm = [e for e in history if e.due < begun - PATIENCE_S or over + PATIENCE_S < e.due <= end_s(p)]
    asked = of_pages(history)
    sides = {
        page: [
            e._replace(client=str(is_small(e)), args=e.args[1:])
            for e in history
            if e.name == "write" and e.args[1] == page
        ]
        for page in asked
    }
    missing, back = carts_of(history, p)
    ends = [e for e in history if e.due > end_s(p)]
    looks = [e for e in ends if e.name == "read" and e.outcome == "ok"]
    last = {page: {e.value for e in looks if e.args[1] == page} for page in sides}
    return {
        "small_refused": share_of(e.outcome != "ok" for e in pages if is_small(e)),
        "large_refused": share_of(e.outcome != "ok" for e in pages if not is_small(e)),
        "cart_refused": share_of(e.outcome != "ok" for e in carts),
        "calm_refused": share_of(e.outcome != "ok" for e in (*calm, *ends)),
        "broken": share_of(one.status == "invalid" for one in verdicts(history).values()),
        "stale": share_of(old for events in asked.values() for old in stale(events)),
        "old": share_of(old for events in asked.values() for old in old_at_the_end(events, end_s(p))),
        "hints": float(history.facts.get("hints", -1)),
        "lost": share_of(lost_page(events, p) for events in sides.values()),
        "apart": share_of(len(told) > 1 for told in last.values()),
        "lost_adds": share_of(missing),
        "came_back": share_of(back),
        "behind": share_of(behind(history)),
        "small_read_ms": millis(e for e in calm if e.name == "read" and is_small(e)),
        "large_read_ms": millis(e for e in calm if e.name == "read" and not is_small(e)),
        "small_write_ms": millis(e for e in calm if e.name == "write" and is_small(e)),
        "large_write_ms": millis(e for e in calm if e.name == "write" and not is_small(e)),
        "small_add_ms": millis(e for e in calm if e.name == "add" and is_small(e)),
        "calls": history.facts.get("calls", 0) / len(history) if len(history) else 0.0,
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What was told across the cut, of the other side while nothing came through; and items that nobody added.

    And what the wires say: what was shown where it had not come, and how much there is beside the five replicas.
    """
    begun, over = cut_s(p)
    inside = [e for e in history if begun < e.start and e.end < over]
    wrote = {e.args[2]: is_small(e) for e in history if e.name in ("write", "add") and e.start > begun}
    crossed = 0
    for e in inside:
        seen = [] if e.outcome != "ok" else [e.value] if e.name == "read" else e.value if e.name == "cart" else []
        crossed += any(wrote.get(one, is_small(e)) != is_small(e) for one in seen)
    begins = {e.args[2]: e.start for e in history if e.name in ("write", "add")}
    looks = [(e, seen) for e in history if e.name == "cart" and e.outcome == "ok" for seen in e.value]
    return {
        "crossed": float(crossed) if p.trouble == "cut" else 0.0,
        "made_up": float(sum(begins.get(seen, e.end) >= e.end for e, seen in looks)),
        "unheard": float(history.facts.get("unheard", 0)),
        "helpers": float(history.facts.get("helpers", 0)),
    }


# --- what is drawn -----------------------------------------------------------------------------------------------
def who_was_answered(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Chart: the share that was answered during the cut, by side and by what was asked."""
    begun, over = cut_s(p)
    during = [e for e in history if begun <= e.due and e.due < over]
    kinds = {"page": ("read", "write"), "cart": ("add", "remove", "cart")}
    return {
        "answered": [
            (f"{kind}, {'small' if small else 'large'} side", share_of(e.outcome == "ok" for e in those))
            for kind, names in kinds.items()
            for small in (True, False)
            if (those := [e for e in during if e.name in names and is_small(e) == small])
        ]
    }


def costs(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Chart: what a read and a write take at the small side in calm (Abadi's else), against what is told wrong."""
    found = measure(history, p)
    return {"small side": [(found["small_read_ms"] + found["small_write_ms"], found["stale"])]}


def contradiction(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, str, float, str]]]:
    """Chart: the fewest requests that no order explains, or the first few where one does."""
    found = [one for one in verdicts(history).values() if one.status == "invalid"]
    calm = [e for e in history if e.name in ("read", "write")]
    shown: Sequence[Any] = found[0].witness if found else sorted(calm, key=lambda e: e.start)[:4]
    number = {e.id: e for e in history}
    rows = []
    for e in sorted(shown, key=lambda e: e.start):
        own = number[e.id]
        client, middle = f"client at {own.args[0]}", (own.start + own.end) / 2
        asked = f"write {own.args[2]}" if own.name == "write" else f"{own.name} {own.args[1]}"
        answer = own.outcome if own.name == "write" or own.outcome != "ok" else str(own.value)
        rows.append((client, own.start, "replicas", middle, asked))
        rows.append(("replicas", middle, client, own.end, answer))
    return {"requests": rows}

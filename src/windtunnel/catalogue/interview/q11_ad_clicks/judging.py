"""How it is judged: what is billed, beside what one counts who has all that browsers told, each click once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from windtunnel import Event, History
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, Setting, Stream, ms, start_of, width_ms
from windtunnel.statistics import not_measurable


class Found(NamedTuple):
    """What came of one stream.

    Args:
        owed: cents of all clicks of which a browser was told that it need not tell again, each once.
        over: cents that are billed and not owed, of all ads and windows.
        short: cents that are owed and not billed.
        unheard: clicks of which no browser was ever told so; all of them where nobody tells the bill.
        off: what is billed more than owed, by ad and window counted from the stream's beginning; less is negative.
        looks: what was billed in all, after so many clicks.
    """

    stream: Stream
    hit: bool
    before: Sequence[str]
    owed: int
    over: int
    short: int
    unheard: int
    off: Mapping[tuple[int, int], int]
    looks: Sequence[tuple[int, int]]
    cost: Mapping[str, int]
    took_s: float


def stream_of(event: Event) -> Stream:
    """What came."""
    number, kind, how, places, turn, clicks = event.args
    return Stream(number, kind, how, places, turn, [Click(*click) for click in clicks])


def judged(history: History, p: Setting) -> list[Found]:
    """All that were tried."""
    tried = [e for e in history.where(name="stream") if e.outcome == "ok" and e.value is not None]
    return [_of(stream_of(event), event.value, p) for event in tried]


def _of(s: Stream, value: Mapping[str, Any], p: Setting) -> Found:
    asked = value["bill"] is not None
    heard = [*value["heard"], *[False] * (len(s.clicks) - len(value["heard"]))] if asked else [False] * len(s.clicks)
    told = dict.fromkeys(s.clicks, False)
    for click, yes in zip(s.clicks, heard, strict=True):
        told[click] = told[click] or yes
    least: Counter[tuple[int, int]] = Counter()
    most: Counter[tuple[int, int]] = Counter()
    for click, yes in told.items():
        key = click.ad, start_of(click.at_ms, p)
        if key[1] < s.until_ms:
            least[key] += click.cents * yes
            most[key] += click.cents
    billed = Counter({(ad, start_ms): cents for ad, start_ms, cents in value["bill"] or ()})
    off = {}
    for key in {*most, *billed}:
        # Of which nobody was told anything, a click may be billed and need not.
        more, less = billed[key] - most[key], least[key] - billed[key]
        if more > 0 or less > 0:
            off[key[0], key[1] - start_of(s.began_ms, p)] = more if more > 0 else -less
    return Found(
        s,
        value["hit"],
        value["before"],
        sum(least.values()),
        sum(one for one in off.values() if one > 0),
        -sum(one for one in off.values() if one < 0),
        heard.count(False),
        off,
        value["looks"],
        value["cost"],
        value["took_s"],
    )


def came(s: Stream, p: Setting) -> list[tuple[Click, bool, int]]:
    """Each click of a stream that is judged: whether it had come before, and by how much the watermark was past it.

    Of a click that is in time the last is negative: the watermark has not come to the end of its window.
    """
    newest, known, found = -(2**62), set(), []
    for click in s.clicks:
        start_ms = start_of(click.at_ms, p)
        if start_ms < s.until_ms:
            found.append((click, click.id in known, newest - ms(p.delay_s) - start_ms - width_ms(p)))
        newest = max(newest, click.at_ms)
        known.add(click.id)
    return found


def behind(one: Found) -> float:
    """What is not yet billed and was owed by then, of 100 that are owed in the end; the mean over all looks."""
    owed, total, known = {}, 0, set()
    for i, click in enumerate(one.stream.clicks, 1):
        if click.id not in known:
            known.add(click.id)
            total += click.cents
        owed[i] = total
    gaps = [max(0, owed[i] - cents) for i, cents in one.looks]
    return of_owed(one, sum(gaps)) / len(gaps) if gaps else _nothing()


def of_owed(one: Found, cents: int) -> float:
    """Of 100 that are owed for a stream, so many."""
    return 100 * cents / one.owed if one.owed else not_measurable("nothing is owed")


def _nothing() -> float:
    return not_measurable("nothing of that kind comes with these parameters")


def late(clicks: Sequence[tuple[Click, bool, int]], allowed_ms: int) -> list[int]:
    """What those cost that come for the first time when their window has ended for so long."""
    return [click.cents for click, again, past_ms in clicks if not again and past_ms >= allowed_ms]


def untold(history: History) -> int:
    """Clicks of streams that came to no end."""
    return sum(len(e.args[-1]) for e in history.where(name="stream") if e.outcome != "ok")


def share(found: Iterable[Found], what: Callable[[Found], bool]) -> float:
    """The share of them of which that is so; no number where there are none."""
    those = [what(one) for one in found]
    return sum(those) / len(those) if those else _nothing()


def measure(history: History, p: Setting) -> dict[str, float]:
    """What it all comes to."""
    found = judged(history, p)
    by: defaultdict[str, list[Found]] = defaultdict(list)
    for one in found:
        kind = one.stream.kind
        if kind == "places":
            kind = "dies" if one.stream.how == "dies" else "still"
        if one.hit or kind not in ("dies", "still"):
            by[kind].append(one)
    plain = by["plain"][0] if by["plain"] else None
    off = plain.off if plain else {}
    long, rush = by["long"][0] if by["long"] else None, by["rush"][0] if by["rush"] else None
    many = len(long.stream.clicks) if long else 0
    clicks = came(long.stream, p) if long else []

    def each(what: str) -> float:
        return long.cost.get(what, 0) / many if long else _nothing()

    return {
        "killed": len(by["dies"]),
        "stood": len(by["still"]),
        "moved": share(by["dies"], lambda one: one.off != off),
        "moved_beside": share(by["still"], lambda one: one.off != off),
        "plain_over": plain.over if plain else _nothing(),
        "plain_short": plain.short if plain else _nothing(),
        "wrong": sum(bool(one.off) for one in found),
        "over": sum(one.over for one in found),
        "short": sum(one.short for one in found),
        "unheard": sum(one.unheard for one in found) + untold(history),
        "tried": len(found),
        "over_of_100": of_owed(long, long.over) if long else _nothing(),
        "short_of_100": of_owed(long, long.short) if long else _nothing(),
        "rows": each("rows"),
        "commits": each("commits"),
        "bytes": each("bytes"),
        "looked": each("looked"),
        "kept": each("kept"),
        "behind_of_100": behind(long) if long else _nothing(),
        "doubled_of_100": of_owed(long, sum(one.cents for one, again, _ in clicks if again)) if long else _nothing(),
        "late_of_100": of_owed(long, sum(late(clicks, 0))) if long else _nothing(),
        "rush_ms": 1e3 * rush.took_s / p.rush if rush else _nothing(),
        "rush_rows": rush.cost.get("rush_rows", 0) / p.rush if rush else _nothing(),
        "rush_wrong": rush.over + rush.short if rush else _nothing(),
    }


# --- charts --------------------------------------------------------------------------------------------------------
def outcome(one: Found, off: Mapping[tuple[int, int], int]) -> int:
    """0: the bill is that of the same clicks with which nothing goes wrong; 1: there is less of it; 2: more."""
    if one.off == off:
        return 0
    return 2 if sum(one.off.values()) > sum(off.values()) else 1


ROWS = ("dies", "stands", "sleeps")


def matrix(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """For each place and what befell who was there."""
    found = judged(history, p)
    off = next((one.off for one in found if one.stream.kind == "plain"), {})
    return {
        "outcome": [
            (float(one.stream.places[0]), float(ROWS.index(one.stream.how)), float(outcome(one, off)))
            for one in found
            if one.stream.kind == "places" and one.hit
        ]
    }


def by_effect(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Before what it happened: of its places, how many of a hundred changed the bill."""
    found = judged(history, p)
    off = next((one.off for one in found if one.stream.kind == "plain"), {})
    by: defaultdict[str, list[bool]] = defaultdict(list)
    for one in found:
        if one.stream.kind == "places" and one.stream.how == "dies" and one.hit:
            by[one.before[0]].append(one.off != off)
    return {"changed": [(name, 100 * sum(those) / len(those)) for name, those in by.items()]}


def skew(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """Clicks of the long stream by when they were clicked and when they came, in windows; the latest of each cell.

    When they came is told by the newest click that had come by then: behind it is the watermark, and behind that what
    is late.
    """
    long = next((one.stream for one in judged(history, p) if one.stream.kind == "long"), None)
    if long is None:
        return {}
    w, cells = width_ms(p), dict[tuple[float, float], float]()
    newest = long.began_ms
    for click, _, past_ms in came(long, p):
        newest = max(newest, click.at_ms)
        at, by = ((moment - long.began_ms) // w for moment in (click.at_ms, newest))
        cells[at, by] = max(cells.get((at, by), 0.0), float(past_ms >= 0) + float(past_ms >= max(1, ms(p.lateness_s))))
    return {"clicks": [(float(at), float(by), late) for (at, by), late in sorted(cells.items())]}


def told_so_far(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """What is billed after so many clicks of the long stream, and what was owed by then."""
    long = next((one for one in judged(history, p) if one.stream.kind == "long"), None)
    if long is None:
        return {}
    owed, known, total = [], set(), 0
    at = {i for i, _ in long.looks}
    for i, click in enumerate(long.stream.clicks, 1):
        total += click.cents * (click.id not in known)
        known.add(click.id)
        if i in at:
            owed.append((float(i), float(total)))
    return {"billed": [(float(i), float(cents)) for i, cents in long.looks], "owed": owed}

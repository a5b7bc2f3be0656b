"""How it is judged: each answer, and the whole board in the end, beside a sorted list; and what answers cost."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf
from random import Random
from statistics import mean, median
from typing import Any, NamedTuple

from windtunnel import Event, History
from windtunnel.catalogue.interview.q09_leaderboard.days import Asked, Episode, Setting, crowd
from windtunnel.catalogue.interview.q09_leaderboard.rig import UNKNOWN
from windtunnel.statistics import not_measurable

Told = Any
"""What a client was told."""


class Board:
    """A sorted list of a board, best first, and the points of each."""

    def __init__(self, points: Iterable[tuple[int, int]] = ()) -> None:
        self.points = dict(points)
        self.order = sorted((-has, -member) for member, has in self.points.items())

    def copy(self) -> Board:
        """Another one with the same."""
        return Board(self.points.items())

    def add(self, member: int, points: int) -> int:
        """Give him so many; what he has then."""
        had = self.points.get(member)
        if had is not None:
            del self.order[bisect_left(self.order, (-had, -member))]
        self.points[member] = now = (had or 0) + points
        insort(self.order, (-now, -member))
        return now

    def rank(self, member: int) -> int | None:
        """1 + how many have more."""
        has = self.points.get(member)
        return None if has is None else 1 + bisect_left(self.order, (-has, -inf))

    def part(self, start: int, stop: int) -> list[list[int]]:
        """Who stands at these places, from 0."""
        return [[-member, -has] for has, member in self.order[max(0, start) : max(0, stop)]]

    def answer(self, asked: Asked) -> Told:
        """What is right to say; points change where some are given."""
        what, *args = asked
        match what:
            case "add":
                return self.add(*args)
            case "rank":
                return self.rank(*args)
            case "top":
                return self.part(0, args[0])
            case "around":
                member, many = args
                if member not in self.points:
                    return []
                at = bisect_left(self.order, (-self.points[member], -member))
                return self.part(at - many, at + many + 1)
            case "friends":
                return Board((one, self.points[one]) for one in args if one in self.points).part(0, len(args))
        return None

    def is_shown(self, after: Mapping[str, Any]) -> bool:
        """Whether all servers show this board, and the ranks that were asked for are right."""
        whole = self.part(0, len(self.order))
        ranked = [self.rank(one) == rank for one, rank in after["ranks"]]
        return bool(ranked or not whole) and all(ranked) and all(top == whole for top in after["tops"])


class Found(NamedTuple):
    """What came of one board.

    Args:
        wrong: answers of the requests before that are not those of a sorted list.
        torn: whether no order of what was asked at once explains what was told of it.
        lost: whether no such order explains the board in the end.
        unknown: requests that nobody was told anything of, beside that of who died.
    """

    episode: Episode
    hit: bool
    asked: int
    wrong: int
    torn: bool
    lost: bool
    unknown: int
    by: Mapping[str, int]


def episode_of(event: Event) -> Episode:
    """What was asked."""
    return Episode(*event.args)


def judged(history: History) -> list[Found]:
    """All boards that are small."""
    return [_of(episode_of(event), event.value) for event in small(history)]


def small(history: History) -> list[Any]:
    """Small boards that came to an end."""
    return [e for e in history.where(name="board", outcome="ok") if e.value is not None and e.args[1] != "size"]


def orders(e: Episode, told: Mapping[str, Any]) -> Iterator[list[tuple[Asked, Any]]]:
    """In which orders what was asked at once may have happened; of what nobody was told, also not at all."""
    rest = [*zip(e.others, told["others"], strict=True)]
    if e.kind == "day":
        yield []
        return
    if told["one"] == UNKNOWN:
        yield rest
    for at in range(len(rest) + 1):
        yield [*rest[:at], (e.one, told["one"]), *rest[at:]]


def _of(e: Episode, value: Mapping[str, Any]) -> Found:
    board = Board()
    wrong = unknown = 0
    by: defaultdict[str, int] = defaultdict(int)
    for asked, told in zip(e.first, value["first"], strict=True):
        right = board.answer(asked)
        unknown += told == UNKNOWN
        if told not in (right, UNKNOWN):
            wrong += 1
            by[asked[0]] += 1
    told = {"one": value.get("one", UNKNOWN), "others": value.get("others", [])}
    unknown += sum(one == UNKNOWN for one in (*told["others"], *([told["one"]] if e.kind == "pair" else [])))
    torn = lost = True
    for order in orders(e, told):
        now = board.copy()
        right = [said in (now.answer(asked), UNKNOWN) for asked, said in order]
        explained = all(right)
        torn = torn and not explained
        lost = lost and not (explained and now.is_shown(value["after"]))
    return Found(e, value.get("hit", True), len(e.first), wrong, torn, lost and not torn, unknown, by)


# --- costs -----------------------------------------------------------------------------------------------------------
class Cost(NamedTuple):
    """Of one request on a large board."""

    size: int
    members: int
    asked: Asked
    wrong: bool
    looked: int | None
    questions: int
    written: int
    carried: int
    took_s: float


def costs(history: History, p: Setting) -> list[Cost]:
    """All requests of large boards."""
    found = []
    for event in large(history):
        e = episode_of(event)
        board = Board(crowd(event.value["size"], p.most, Random(e.first[0][1])))
        for asked, told, *cost in event.value["costs"]:
            wrong = asked[0] not in ("turn", "forget") and board.answer(tuple(asked)) != told
            found.append(Cost(e.size, event.value["size"], tuple(asked), wrong, *cost))
    return found


def _nothing() -> float:
    return not_measurable("nothing of that kind is asked with these parameters")


def _mean(those: Sequence[float | int | None]) -> float:
    if not those:
        return _nothing()
    if None in those:
        return not_measurable("the engine does not say at how much it looks")
    return mean(one or 0 for one in those)


def share(found: Sequence[Found], what: Callable[[Found], bool]) -> float:
    """The share of boards of which that is so; no number where there are none."""
    return sum(map(what, found)) / len(found) if found else _nothing()


def measure(history: History, p: Any) -> dict[str, float]:
    """What it all comes to."""
    found = judged(history)
    days = [one for one in found if one.episode.kind == "day"]
    pairs = [one for one in found if one.episode.kind == "pair" and one.hit]
    dead = [one for one in found if one.episode.kind == "dies" and one.hit]
    spent = costs(history, p)
    whole, tenth = p.members, p.members // 10

    def of(what: str, size: int) -> list[Cost]:
        return [one for one in spent if one.asked[0] == what and one.size == size]

    def eyes(what: str, size: int = whole) -> float:
        return _mean([one.looked for one in of(what, size)])

    def ms(what: str, size: int = whole) -> float:
        those = [1e3 * one.took_s for one in of(what, size)]
        return median(those) if those else _nothing()

    requests = sum(one.asked for one in days)
    return {
        "wrong": sum(one.wrong for one in found) + sum(one.wrong for one in spent),
        "wrong_of_100": 100 * sum(one.wrong for one in days) / requests if requests else _nothing(),
        "lost": sum(one.lost for one in found),
        "torn": sum(one.torn for one in pairs),
        "torn_of_100": 100 * share(pairs, lambda one: one.torn),
        "lost_of_100": 100 * share(dead, lambda one: one.lost),
        "left": sum(event.value["after"]["left"] != [[]] for event in small(history)),
        "unknown": sum(one.unknown for one in found) + _untold(history),
        "stood": len(pairs),
        "killed": len(dead),
        "rank_looked": eyes("rank"),
        "rank_looked_tenth": eyes("rank", tenth),
        "top_looked": eyes("top"),
        "top_looked_tenth": eyes("top", tenth),
        "around_looked": eyes("around"),
        "around_looked_tenth": eyes("around", tenth),
        "friends_looked": eyes("friends"),
        "friends_looked_tenth": eyes("friends", tenth),
        "add_looked": eyes("add"),
        "add_asked": _mean([one.questions for one in of("add", whole)]),
        "add_written": _mean([one.written for one in of("add", whole)]),
        "carried": _mean([one.carried for one in of("rank", whole) + of("add", whole)]),
        "rank_asked": _mean([one.questions for one in of("rank", whole)]),
        "forget_written": _mean([one.written for one in of("forget", tenth)]),
        "forget_asked": _mean([one.questions for one in of("forget", tenth)]),
        "turn_written": _mean([one.written for one in of("turn", tenth)]),
        "rank_ms": ms("rank"),
        "rank_ms_tenth": ms("rank", tenth),
        "top_ms": ms("top"),
        "around_ms": ms("around"),
        "add_ms": ms("add"),
        "links": _links(history),
        "bytes": _bytes(history),
    }


def large(history: History) -> list[Any]:
    """Large boards that came to an end, in the order of their sizes."""
    return [e for e in history.where(name="board", outcome="ok") if e.value is not None and e.args[1] == "size"]


def _links(history: History) -> float:
    """Links of an entry of the largest skip list, on average."""
    found = [e.value["levels"] for e in large(history) if e.value["levels"]]
    return float(sum(found[-1]) / found[-1][0]) if found else not_measurable("there is no skip list")


def _bytes(history: History) -> float:
    """Of an entry of the largest sorted set, as the server says."""
    found = [e.value["bytes"] / e.value["size"] for e in large(history) if e.value["bytes"]]
    return float(found[-1]) if found else not_measurable("no server says how many bytes it has")


def _untold(history: History) -> int:
    """Boards that came to no end."""
    return sum(event.outcome != "ok" for event in history.where(name="board"))


# --- charts --------------------------------------------------------------------------------------------------------
def growth(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """What ranks look at, by members."""
    by: defaultdict[int, list[int]] = defaultdict(list)
    for one in costs(history, p):
        if one.looked is not None and one.asked[0] == "rank":
            by[one.members].append(one.looked)
    return {"rank": [(float(size), max(1.0, mean(eyes))) for size, eyes in sorted(by.items())]} if by else {}


def latency(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Median times, by members; what a program does in its own memory takes none in the tunnel, and is left out."""
    by: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    for one in costs(history, p):
        if one.asked[0] in ("rank", "add"):
            by[one.asked[0], one.members].append(1e3 * one.took_s)
    lines: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)
    for (what, size), times in sorted(by.items()):
        if median(times) > 0:
            lines[what].append((float(size), median(times)))
    return lines


def wrong_by(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Wrong answers of days, by what was asked; then those of two at once, and after deaths."""
    found = judged(history)
    days = [one for one in found if one.episode.kind == "day"]
    rows = []
    for what in ("add", "rank", "top", "around", "friends"):
        many = sum(asked[0] == what for one in days for asked in one.episode.first)
        if many:
            rows.append((what, 100 * sum(one.by.get(what, 0) for one in days) / many))
    for name, kind, bad in (("at once", "pair", "torn"), ("after a death", "dies", "lost")):
        those = [one for one in found if one.episode.kind == kind and one.hit]
        if those:
            rows.append((name, 100 * sum(getattr(one, bad) for one in those) / len(those)))
    return {"wrong": rows}


def skip_list(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """Of the smallest skip list each link, by entry and level, and where a search looks; else nothing."""
    heights: Sequence[int] = next((e.value["heights"] for e in large(history) if e.value["heights"]), ())
    if not heights:
        return {"entries": [(0.0, 0.0, 0.0)]}
    target = (2 * len(heights)) // 3
    cells = {(i, level): 1.0 for i, height in enumerate(heights) for level in range(height)}
    at = -1
    for level in reversed(range(max(heights))):
        while True:
            after = next((i for i in range(at + 1, len(heights)) if heights[i] > level), None)
            if after is None:
                break
            cells[after, level] = 2.0
            if after > target:
                break
            at = after
    return {"entries": [(float(i), float(level), seen) for (i, level), seen in sorted(cells.items())]}

"""Cycles of dependencies, named as by Adya (1999) and Elle, each by a shortest example.

| name | the cycle has |
|---|---|
| G0 | only ww |
| G1c | ww and wr, at least one wr |
| G-single | exactly one rw |
| G-nonadjacent | two rw or more, never one right after the other |
| G2-item | two rw or more, somewhere one right after the other |

A name ends in `-process` or `-realtime` if the cycle needs an edge of that kind. For G-nonadjacent a closed walk
counts, also one that meets a transaction twice: that is what snapshot isolation forbids (Cerone and Gotsman, 2016).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from windtunnel.lab.checkers.graphs import components, shortest_way
from windtunnel.lab.checkers.transactions.form import Edge, Kind

BUDGET_EDGES = 3_000_000
"""Edges looked at for each name before its search is given up."""

SUFFIXES: tuple[tuple[str, frozenset[Kind]], ...] = (
    ("", frozenset()),
    ("-process", frozenset({Kind.PROCESS})),
    ("-realtime", frozenset({Kind.PROCESS, Kind.REALTIME})),
)
_DATA = frozenset({Kind.WW, Kind.WR, Kind.RW})
_Place = tuple[int, bool, bool, bool]
"""A transaction in a walk: whether an rw led here, whether there was one besides the first, whether two touched."""


@dataclass(slots=True)
class Cycles:
    """A shortest cycle for each name that was found, and the names whose search was given up."""

    found: dict[str, list[Edge]] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Family:
    name: str
    seed: Kind
    others: frozenset[Kind]


_FAMILIES = (
    _Family("G0", Kind.WW, frozenset({Kind.WW})),
    _Family("G1c", Kind.WR, frozenset({Kind.WW, Kind.WR})),
    _Family("G-single", Kind.RW, frozenset({Kind.WW, Kind.WR})),
    _Family("G-nonadjacent", Kind.RW, _DATA),
    _Family("G2-item", Kind.RW, _DATA),
)


def find_cycles(size: int, edges: Sequence[Edge], budget: int = BUDGET_EDGES) -> Cycles:
    """Look for every kind of cycle among `size` transactions."""
    result = Cycles()
    edges = _inside(size, edges)
    if not edges:
        return result
    kinds = {e.kind for e in edges}
    for suffix, extra in SUFFIXES:
        if suffix and not kinds & extra:
            continue
        for family in _FAMILIES:
            if any(family.name + earlier in result.found for earlier, _ in SUFFIXES):
                continue
            allowed = family.others | extra | {family.seed}
            inside = _inside(size, [e for e in edges if e.kind in allowed])
            if not inside:
                continue
            # A walk twice around a cycle with one rw is no find of its own.
            single = any("G-single" + earlier in result.found for earlier, _ in SUFFIXES)
            looked, cycle = _shortest(family, inside, budget, family.name == "G2-item" or single)
            if cycle is not None:
                result.found[family.name + _suffix(cycle)] = cycle
            elif looked >= budget:
                result.given_up.add(family.name + suffix)
        rest = _inside(size, [e for e in edges if e.kind in _DATA | extra])
        if rest and not result.found:
            # Some cycle exists; give the shortest through one of its edges whatever its name.
            looked, cycle = _closed(rest[0], _successors(rest, frozenset(Kind)))
            if cycle is not None:
                result.found[name_of(cycle)] = cycle
    return result


def name_of(cycle: Sequence[Edge]) -> str:
    """The name of a cycle by its edges."""
    anti = [e.kind == Kind.RW for e in cycle]
    if not any(anti):
        base = "G1c" if any(e.kind == Kind.WR for e in cycle) else "G0"
    elif sum(anti) == 1:
        base = "G-single"
    else:
        touching = any(a and b for a, b in zip(anti, anti[1:] + anti[:1], strict=True))
        base = "G2-item" if touching else "G-nonadjacent"
    return base + _suffix(cycle)


def _suffix(cycle: Iterable[Edge]) -> str:
    kinds = {e.kind for e in cycle}
    if Kind.REALTIME in kinds:
        return "-realtime"
    return "-process" if Kind.PROCESS in kinds else ""


def _inside(size: int, edges: Sequence[Edge]) -> list[Edge]:
    """The edges within strongly connected components: all that can lie on a cycle."""
    after: list[list[int]] = [[] for _ in range(size)]
    for e in edges:
        after[e[0]].append(e[1])
    number: dict[int, int] = {}
    for i, component in enumerate(components(after)):
        number.update(dict.fromkeys(component, i))
    return [e for e in edges if e[0] in number and number[e[0]] == number.get(e[1])]


def _successors(edges: Iterable[Edge], kinds: frozenset[Kind]) -> dict[int, list[tuple[int, Edge]]]:
    out: dict[int, list[tuple[int, Edge]]] = {}
    for e in edges:
        out.setdefault(e.before, [])
        out.setdefault(e.after, [])
        if e.kind in kinds:
            out[e.before].append((e.after, e))
    return out


def _shortest(family: _Family, edges: Sequence[Edge], budget: int, simple: bool) -> tuple[int, list[Edge] | None]:
    """The shortest cycle of a family, and how many edges were looked at."""
    walks = family.name in ("G-nonadjacent", "G2-item")
    out = _successors(edges, frozenset(Kind) if walks else frozenset(Kind) - {Kind.RW})
    if family.name == "G0":
        out = _successors(edges, frozenset(Kind) - {Kind.RW, Kind.WR})
    best: list[Edge] | None = None
    looked = 0
    for seed in edges:
        if seed.kind != family.seed:
            continue
        if looked >= budget:
            break
        longest = None if best is None else len(best) - 2
        if walks:
            spent, cycle = _walk(family.name == "G2-item", simple, seed, out, longest)
        else:
            spent, cycle = _closed(seed, out, longest)
        looked += spent + 1
        if cycle is not None:
            best = cycle
            if len(best) == 2:
                break
    return looked, best


def _closed(
    seed: Edge, out: dict[int, list[tuple[int, Edge]]], longest: int | None = None
) -> tuple[int, list[Edge] | None]:
    way, looked = shortest_way(seed.after, seed.before.__eq__, out.__getitem__, longest)
    return looked, None if way is None else [seed, *way]


def _walk(
    touching: bool, simple: bool, seed: Edge, out: dict[int, list[tuple[int, Edge]]], longest: int | None
) -> tuple[int, list[Edge] | None]:
    """The shortest closed walk through an rw edge with another rw that touch somewhere, or nowhere.

    If it must be `simple`, none is better than one that meets a transaction twice.
    """

    def onward(place: _Place) -> Iterator[tuple[_Place, Edge]]:
        node, by_rw, second, touched = place
        for after, edge in out[node]:
            rw = edge.kind == Kind.RW
            if not (rw and by_rw and not touching):
                yield (after, rw, second or rw, touched or (rw and by_rw)), edge

    def is_goal(place: _Place) -> bool:
        node, by_rw, second, touched = place
        return node == seed.before and second and (touched or by_rw) == touching

    goal: Callable[[_Place], bool] = is_goal
    way, looked = shortest_way((seed.after, True, False, False), goal, onward, longest)
    if way is None:
        return looked, None
    cycle = [seed, *way]
    if simple and len({e.before for e in cycle}) < len(cycle):
        return looked, None
    return looked, cycle

"""A second judge of session guarantees, written apart from the first: it tries every order of the versions."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import permutations, product
from typing import Any

from windtunnel.lab.history import Event

Rank = dict[tuple[str, Any], int]
OWN = {"read your writes": "put", "monotonic reads": "get"}
OTHERS = {"monotonic writes": "put", "writes follow reads": "get"}


def random_sessions(rng: random.Random) -> list[Event]:
    """Two or three clients, one or two keys, a few writes of each, reads of anything written."""
    clients, keys = rng.randint(2, 3), "xy"[: rng.randint(1, 2)]
    values: dict[str, list[Any]] = {key: [None] for key in keys}
    free = [0.0] * clients
    drafts, fresh = [], iter(range(1, 100))
    for _ in range(rng.randint(3, 9)):
        c, key = rng.randrange(clients), rng.choice(keys)
        start = free[c] + rng.randint(0, 3)
        end = start + rng.randint(0, 4)
        free[c] = end + rng.randint(0, 1)
        write = rng.random() < 0.5 and len(values[key]) < 5
        if write:
            values[key].append(next(fresh))
        drafts.append((c, key, values[key][-1] if write else None, write, start, end, rng.random() < 0.15))
    events = []
    for c, key, value, write, start, end, lost in drafts:
        if write:
            events.append(Event(f"c{c}", "put", (key, value), start, end, "unknown" if lost else "ok"))
        else:
            events.append(Event(f"c{c}", "get", (key,), start, end, "ok", rng.choice(values[key])))
    return events


def orders(events: Sequence[Event]) -> Iterator[Rank]:
    """Every order of the versions of every key, None first."""
    written: dict[str, list[Any]] = {}
    for e in events:
        written.setdefault(e.args[0], [])
        if e.name == "put":
            written[e.args[0]].append(e.args[1])
    for chosen in product(*(permutations(values) for values in written.values())):
        yield {
            (key, v): at
            for key, values in zip(written, chosen, strict=True)
            for at, v in enumerate((None, *values))
        }  # fmt: skip


def keeps(events: Sequence[Event], rank: Rank, guarantees: Sequence[str], real_time: bool) -> bool:
    """Whether, with the versions in this order, every guarantee holds."""
    puts = [e for e in events if e.name == "put"]

    def version(e: Event) -> int:
        return rank_of(rank, e)

    pairs = [(a, b) for a in puts for b in puts if a.args[0] == b.args[0] and a.outcome == "ok" and a.end < b.start]
    if real_time and any(version(a) > version(b) for a, b in pairs):
        return False
    gets = [e for e in events if e.name == "get"]
    if real_time and any(r.end < w.start for r in gets for w in puts if (r.args[0], r.value) == w.args):
        return False
    for name, guarantee in (("put", "monotonic writes"), ("get", "writes follow reads")):
        if real_time or guarantee in guarantees:
            for e in puts:
                if any(version(f) > version(e) for f in before(events, e, name, e.args[0])):
                    return False
    return not any(
        rank_of(rank, m) > version(r) for r in gets for guarantee in guarantees for m in musts(events, r, guarantee)
    )


def rank_of(rank: Rank, e: Event) -> int:
    """Which version an operation wrote or read."""
    return rank[e.args[0], e.args[1] if e.name == "put" else e.value]


def before(events: Sequence[Event], e: Event, name: str, key: str) -> list[Event]:
    """What the client of `e` had been answered before it on that key."""
    earlier = [f for f in events if f is not e and f.client == e.client and f.outcome == "ok"]
    return [f for f in earlier if f.end <= e.start and _ahead(events, f, e) and (f.name, f.args[0]) == (name, key)]


def musts(events: Sequence[Event], r: Event, guarantee: str) -> list[Event]:
    """The operations whose version a read must see, or a newer one."""
    key = r.args[0]
    if guarantee in OWN:
        return before(events, r, OWN[guarantee], key)
    found = []
    for k in {e.args[0] for e in events}:
        for earlier in before(events, r, "get", k):
            for w in events:
                if w.name == "put" and w.args == (k, earlier.value) and w.client != r.client:
                    found += before(events, w, OTHERS[guarantee], key)
    return found


def _ahead(events: Sequence[Event], f: Event, e: Event) -> bool:
    """Of two that took no time at one moment the one that stands first."""
    at = {id(x): i for i, x in enumerate(events)}
    return (f.start, f.end, at[id(f)]) < (e.start, e.end, at[id(e)])


def are_kept(events: Sequence[Event], guarantees: Sequence[str], real_time: bool) -> bool:
    """Whether some order of the versions keeps all guarantees at once."""
    return any(keeps(events, rank, guarantees, real_time) for rank in orders(events))

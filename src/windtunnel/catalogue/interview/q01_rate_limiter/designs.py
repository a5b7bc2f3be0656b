"""The designs: whether a client may, by what law, and where the count is kept."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from windtunnel import Stage
from windtunnel.blocks.resilience import FixedWindow, Gcra, RateLimiter, SlidingCounter, SlidingLog, TokenBucket
from windtunnel.catalogue.interview.q01_rate_limiter.nodes import Setting, connections
from windtunnel.engines import Script, Store
from windtunnel.parts import SharedLimiter

PARTS = 10
"""Into so many parts `small_windows` cuts a window."""


class Limiter:
    """What all designs share: who waits for the cache waits for so long, and then somebody has to say something."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p
        self.cache = stage.cache("cache", connections=connections(p))

    async def ask(self, client: int, node: int) -> bool:
        """Whether this client may, now; on one of the nodes, each of which has a copy of all that stands here."""
        try:
            async with asyncio.timeout(self.p.patience_s):
                return await self.decide(key(client))
        except OSError:  # nobody is there, or who is there does not answer in time
            return self.alone(key(client))

    async def decide(self, key: str) -> bool:
        """Whether the client of this key may. Raises OSError where the cache does not answer."""
        raise NotImplementedError

    def alone(self, key: str) -> bool:
        """The same, without the cache."""
        return self.p.when_dead == "open"


def key(client: int) -> str:
    """Under which name all designs keep what they keep of a client."""
    return f"rate:{client}"


class InProcess(Limiter):
    """Each node counts in its own memory, by the clock's windows, up to the limit."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.own = FixedWindow(self.share(), p.window_s)

    def share(self) -> int:
        """How many each node lets through."""
        return self.p.limit

    async def decide(self, key: str) -> bool:
        return self.own.take(key).allowed


class Divided(InProcess):
    """The same, and each node lets through its share of the limit."""

    def share(self) -> int:
        return self.p.limit // self.p.nodes


class ReadThenWrite(Limiter):
    """The count is in the cache: a node gets it, decides, and sets it."""

    async def decide(self, key: str) -> bool:
        law = FixedWindow(self.p.limit, self.p.window_s)
        law.keep(key, await self.cache.get(key))
        may = law.take(key, at_s=time.time()).allowed
        if may:
            await self.cache.set(key, law.kept(key) or "", ttl_s=self.p.window_s)
        return may


class Shared(Limiter):
    """The law is a script in the cache, which does one after the other."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.shared = SharedLimiter(self.cache, self.law())

    def law(self) -> RateLimiter[Any]:
        """What the script does."""
        raise NotImplementedError

    async def decide(self, key: str) -> bool:
        return (await self.shared.take(key)).allowed


class SharedWindow(Shared):
    """A count in the cache that starts again with each window, taken in one step by a script."""

    def law(self) -> RateLimiter[Any]:
        return FixedWindow(self.p.limit, self.p.window_s)


class SharedCounter(Shared):
    """Two counts, this window's and the last one's in proportion to how much of it is within a window of now."""

    def law(self) -> RateLimiter[Any]:
        return SlidingCounter(self.p.limit, self.p.window_s)


class SharedBucket(Shared):
    """A bucket with as many tokens as the limit, which fills once in a window."""

    def law(self) -> RateLimiter[Any]:
        return TokenBucket(self.p.limit / self.p.window_s, self.p.limit)


class SharedGcra(Shared):
    """A bucket of half the limit that fills at half the rate, so that both together are the limit."""

    def law(self) -> RateLimiter[Any]:
        return Gcra(self.p.limit / 2 / self.p.window_s, self.p.limit / 2)


class SharedLog(Shared):
    """The times of all that were let through in the last window."""

    def law(self) -> RateLimiter[Any]:
        return SlidingLog(self.p.limit, self.p.window_s)


class Leases(SharedLog):
    """A node takes several at once from the log and gives them out itself; who is refused is so until there is room."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.left: dict[str, tuple[int, float]] = {}
        self.closed: dict[str, float] = {}

    async def decide(self, key: str) -> bool:
        now_s = asyncio.get_running_loop().time()
        if self.spend(key, now_s):
            return True
        if now_s < self.closed.get(key, now_s):
            return False
        for many in dict.fromkeys((self.p.lease, 1)):
            taken = await self.shared.take(key, many)
            if taken.allowed:
                left, _ = self.left.get(key, (0, 0.0))
                self.left[key] = left + many - 1, now_s + self.p.window_s
                return True
            if self.spend(key, now_s):  # another request of this node has brought some meanwhile
                return True
        self.closed[key] = now_s + taken.retry_after_s
        return False  # unclaimed: to say nothing is to refuse

    def spend(self, key: str, now_s: float) -> bool:
        """Use one of those that are left, if the log still counts them."""
        left, until_s = self.left.get(key, (0, 0.0))
        if not left or now_s >= until_s:
            return False
        self.left[key] = left - 1, until_s
        return True


def take(store: Store, keys: Sequence[str], args: Sequence[str]) -> int:
    """What `TAKE` does, for the model."""
    limit, width_s, parts = int(args[0]), float(args[1]), int(args[2])
    at = int(store.time_s() // width_s)
    newest, *counts = map(int, (store.get(keys[0]) or f"{at} 0").split())
    counts = ([0] * (at - newest) + counts)[: parts + 1]
    may = sum(counts) < limit
    counts[0] += may
    lives_s = (parts + 1) * width_s  # unclaimed: any time that is longer
    store.set(keys[0], " ".join(map(str, (at, *counts))), ttl_s=lives_s)
    return int(may)


TAKE = Script(
    """
    local limit, width, parts = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
    local time = redis.call('TIME')
    local at = math.floor((time[1] + time[2] / 1e6) / width)
    local counts, seen = {}, 0
    for n in string.gmatch(redis.call('GET', KEYS[1]) or at .. ' 0', '%S+') do table.insert(counts, tonumber(n)) end
    for _ = table.remove(counts, 1) + 1, at do table.insert(counts, 1, 0) end
    for i = 1, math.min(#counts, parts + 1) do seen = seen + counts[i] end
    local may = seen < limit and 1 or 0
    counts[1] = counts[1] + may
    local kept = table.concat(counts, ' ', 1, math.min(#counts, parts + 1))
    redis.call('SET', KEYS[1], at .. ' ' .. kept, 'PX', math.ceil((parts + 1) * width * 1000))
    return may
    """,
    take,
)
"""One more, if those of this part of a window and of so many before it are fewer than the limit.

What is kept is the number of the newest part, then the counts, the newest first. A clock that has gone back finds the
newest part ahead of it: that part is the newest still, and has the number that it has now.
"""


class SmallWindows(Limiter):
    """A count for each tenth of a window, by a script; without the cache each node goes on with its share."""

    script = TAKE

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.own = SlidingLog(p.limit // p.nodes, p.window_s)
        self.silent_until_s = 0.0

    async def decide(self, key: str) -> bool:
        clock, part_s = asyncio.get_running_loop().time, self.p.window_s / PARTS
        if clock() < self.silent_until_s:
            return self.alone(key)
        try:
            may = bool(await self.cache.run(self.script, [key], (self.p.limit, part_s, PARTS)))
        except (OSError, asyncio.CancelledError):  # cancelled: its time is over
            self.silent_until_s = clock() + part_s
            raise
        if may:
            self.own.take(key)
        return may

    def alone(self, key: str) -> bool:
        return self.own.take(key).allowed

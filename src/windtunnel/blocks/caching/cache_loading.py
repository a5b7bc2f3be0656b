"""A cache in front of something slow, for asyncio: one load at a time for each key, and refresh before expiry.

The trouble has a name, the **stampede**: a popular entry expires, and every request that comes until the first has
loaded it anew starts a load of its own. With 200 requests a second and loads of half a second that is a hundred loads
for one value. Two remedies, which go well together:

- **Single flight**: who misses while a load of the key is under way waits for that one.
- **Early refresh** (XFetch: Vattani, Chierichetti, Lowenstein, "Optimal probabilistic cache stampede prevention",
  VLDB 2015): each request may decide, with a probability that rises as expiry draws near, to load anew while the old
  value is still good. It does if `now - took_s * beta * ln(u) >= expires`, with `u` uniform in (0, 1]: slow loads
  start earlier, and `beta` above 1 earlier still. Nobody waits: the refresh runs in the background.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from math import log
from random import Random
from typing import Any, Generic

from windtunnel.blocks.caching.cache import Cache, ValueT
from windtunnel.blocks.caching.cache_policies import KeyT
from windtunnel.blocks.ground.block import Live
from windtunnel.blocks.ground.numbers import number


class WaitsForItself(RuntimeError):
    """A call asks, perhaps by way of others, for its own result: nobody would ever have one."""


@dataclass(eq=False)
class _Flight(Generic[ValueT]):
    key: object
    call: asyncio.Future[ValueT] = field(init=False)
    waiting: int = 0
    needs: list[_Flight[Any]] = field(default_factory=list)
    """The flights that its call waits for now."""

    def way_to(self, goal: _Flight[Any]) -> list[_Flight[Any]] | None:
        """From this flight over what each needs to the goal, if there is a way."""
        todo, seen = [[self]], {id(self)}
        while todo:
            way = todo.pop()
            if way[-1] is goal:
                return way
            for one in way[-1].needs:
                if id(one) not in seen:
                    seen.add(id(one))
                    todo.append([*way, one])
        return None


_flight: ContextVar[_Flight[Any] | None] = ContextVar("flight", default=None)
"""The flight whose call this code is part of."""


def due_early(now_s: float, expires_s: float, took_s: float, luck: Random, beta: float = 1.0) -> bool:
    """Whether who finds a value now loads it anew, though it is good until `expires_s`: XFetch (Vattani and others).

    Args:
        took_s: how long the last load took; the longer it takes, the earlier one begins.
        beta: above 1 earlier still; 0 is never early.
    """
    # 1 - random() lies in (0, 1], where the logarithm is finite.
    return now_s - took_s * beta * log(1.0 - luck.random()) >= expires_s


class SingleFlight(Live, Generic[KeyT, ValueT]):
    """Runs at most one call for each key at a time; who asks meanwhile shares its result or its exception.

    The call runs in a task of its own: one caller may be cancelled without harm to the others, and when the last is
    cancelled the call is too. It runs in an empty context: neither the deadline nor any other context variable of who
    came first reaches those who share the result. Where a call would wait for itself, `do` raises `WaitsForItself`;
    where it was cancelled from inside, and not by us, `RuntimeError`. For the tasks of one event loop at a time, not
    for threads.
    """

    def __init__(self) -> None:
        self._flights: dict[KeyT, _Flight[ValueT]] = {}

    def __contains__(self, key: object) -> bool:
        """Whether a call for the key is under way."""
        return key in self._flights

    def __len__(self) -> int:
        """How many calls are under way."""
        return len(self._flights)

    def _told(self) -> dict[str, object]:
        return {"under way": len(self)}

    async def do(self, key: KeyT, call: Callable[[], Awaitable[ValueT]]) -> ValueT:
        """The result of the call for this key that is under way, or of this one."""
        loop = asyncio.get_running_loop()
        flight = self._flights.get(key)
        if flight is None or flight.call.get_loop() is not loop:  # what another loop left will never land
            flight = self._flights[key] = _Flight(key)
            flight.call = loop.create_task(_run(flight, call), context=Context())
            flight.call.add_done_callback(lambda done: self._landed(key, done))
        around = _flight.get()
        if around is not None and not around.call.done():
            if (way := flight.way_to(around)) is not None:
                names = " -> ".join(repr(one.key) for one in [around, *way])
                raise WaitsForItself(f"This call waits for itself, so it would wait for ever: {names}.")
            around.needs.append(flight)
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.call)
        finally:
            flight.waiting -= 1
            if around is not None and flight in around.needs:
                around.needs.remove(flight)
            if flight.waiting == 0 and not flight.call.done():
                flight.call.cancel()
                if self._flights.get(key) is flight:  # who comes now must not join a call that is being cancelled
                    del self._flights[key]

    def detach(self, key: KeyT) -> None:
        """Let the call that is under way go on for those who wait for it, but let nobody join any more."""
        self._flights.pop(key, None)

    def _landed(self, key: KeyT, done: asyncio.Future[ValueT]) -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.call is done:
            del self._flights[key]
        if not done.cancelled():
            done.exception()  # those who waited have it; without waiters nobody misses it


async def _run(flight: _Flight[ValueT], call: Callable[[], Awaitable[ValueT]]) -> ValueT:
    _flight.set(flight)
    try:
        return await call()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError(f"The call for {flight.key!r} was cancelled from inside.") from error


@dataclass(frozen=True, slots=True)
class _Loaded(Generic[ValueT]):
    value: ValueT
    expires: float
    took_s: float


class LoadingCache(Live, Generic[KeyT, ValueT]):
    """Gets a value from the cache, or loads and keeps it for `ttl_s` seconds.

    `beta` sets how early values are refreshed (1: as in the paper; 0: never early). Time is the event loop's, so in
    the tunnel it is virtual; luck comes from `luck`. An exception of `load` goes to all who wait for it and is not
    kept; one of a background refresh leaves the old value in place and is counted in `refresh_failures`. Loads run as
    calls of a `SingleFlight` do; a load that asks for its own key gets `WaitsForItself`.
    For the tasks of one event loop, not for threads. Leave with `async with` or `aclose`, which cancels what runs.
    """

    def __init__(
        self,
        capacity: int,
        load: Callable[[KeyT], Awaitable[ValueT]],
        *,
        ttl_s: float,
        beta: float = 1.0,
        policy: str = "s3-fifo",
        luck: Random | None = None,
    ) -> None:
        self._ttl_s = number(ttl_s, "The time to live", above=0, finite=False)
        self._beta = number(beta, "beta", 0)
        self._cache: Cache[KeyT, _Loaded[ValueT]] = Cache(capacity, policy=policy)
        self._load = load
        self._luck = luck or Random()
        self._flights: SingleFlight[KeyT, ValueT] = SingleFlight()
        self._loading: dict[KeyT, object] = {}
        self._refreshes: set[asyncio.Task[None]] = set()
        self.loads = 0
        self.refresh_failures = 0

    def __len__(self) -> int:
        """Values held, with those that have expired but were not noticed yet."""
        return len(self._cache)

    def __contains__(self, key: object) -> bool:
        """Whether a value is held, perhaps one that has expired by the loop's clock; counts as no use of it."""
        return key in self._cache

    def _told(self) -> dict[str, object]:
        return {"held": len(self), "capacity": self._cache.capacity, "ttl_s": self._ttl_s, "loads": self.loads}

    async def __aenter__(self) -> LoadingCache[KeyT, ValueT]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Cancel the refreshes that run in the background, and wait until they have ended."""
        running = list(self._refreshes)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def get(self, key: KeyT) -> ValueT:
        """The value, at most `ttl_s` seconds after its load."""
        held = self._cache.get(key)
        now = asyncio.get_running_loop().time()
        if held is None or now >= held.expires:
            return await self._fly(key)
        if due_early(now, held.expires, held.took_s, self._luck, self._beta) and key not in self._flights:
            # In a context of its own: whoever happened to ask is not waiting for it.
            task = asyncio.get_running_loop().create_task(self._refresh(key), context=Context())
            self._refreshes.add(task)
            task.add_done_callback(self._refreshes.discard)
        return held.value

    def clear(self) -> None:
        """`forget` all."""
        self._cache.clear()
        for key in list(self._loading):
            self.forget(key)

    def forget(self, key: KeyT) -> None:
        """Drop the value, as after a write to what lies behind; a load that began before is not kept either."""
        self._cache.delete(key)
        self._loading.pop(key, None)
        self._flights.detach(key)

    async def _fly(self, key: KeyT) -> ValueT:
        return await self._flights.do(key, lambda: self._load_and_keep(key))

    async def _load_and_keep(self, key: KeyT) -> ValueT:
        clock = asyncio.get_running_loop().time
        self.loads += 1
        mine = self._loading[key] = object()
        start = clock()
        try:
            value = await self._load(key)
            end = clock()
            if self._loading.get(key) is mine:
                self._cache.set(key, _Loaded(value, end + self._ttl_s, end - start))
            return value
        finally:
            if self._loading.get(key) is mine:
                del self._loading[key]

    async def _refresh(self, key: KeyT) -> None:
        try:
            await self._fly(key)
        except Exception:
            self.refresh_failures += 1

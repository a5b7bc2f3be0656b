"""What is around all designs: nodes that know nothing of each other, a cache that counts, and what keys weigh there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from windtunnel import Stage
from windtunnel.engines import CachePort, Script, Store
from windtunnel.parts import programs


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def limit(self) -> int: ...

    @property
    def window_s(self) -> float: ...

    @property
    def nodes(self) -> int: ...

    @property
    def lease(self) -> int: ...

    @property
    def patience_s(self) -> float: ...

    @property
    def load(self) -> float: ...

    @property
    def greed(self) -> float: ...

    @property
    def gap(self) -> float: ...

    @property
    def windows(self) -> int: ...

    @property
    def when_dead(self) -> str: ...

    @property
    def trouble(self) -> str: ...


def connections(p: Setting) -> int:
    """To the cache, of all nodes together: nobody waits for one."""
    return 2 * p.limit + 20


class Counted:
    """What a cache is asked, and of which keys, whoever asks it.

    Attributes:
        calls: commands and scripts.
        keys: all that were named.
    """

    def __init__(self, cache: CachePort) -> None:
        self.calls = 0
        self.keys: dict[str, None] = {}
        for name in COMMANDS:
            setattr(cache, name, self.counted(name, getattr(cache, name)))

    def counted(self, name: str, command: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        """A command that is noted, and then given."""

        async def noted(*args: Any, **options: Any) -> Any:
            self.calls += 1
            self.keys |= dict.fromkeys(args[1] if name == "run" else args[:1])
            return await command(*args, **options)

        return noted


COMMANDS = [name for name in vars(CachePort) if not name.startswith("_") and name != "close"]


class Asked(Protocol):
    """A design: what is asked of one node."""

    async def ask(self, client: int, node: int) -> bool: ...


def weight(store: Store, keys: Sequence[str], args: Sequence[str]) -> int:
    """What `WEIGHT` does, for the model: the bytes of the key and of its value, and none of what a server adds."""
    held = store.get(keys[0])
    return 0 if held is None else len(keys[0]) + len(held)


WEIGHT = Script("return redis.call('MEMORY', 'USAGE', KEYS[1]) or 0", weight)
"""How many bytes a key takes."""


class Nodes:
    """Each node is a program of its own: what it remembers the others do not know."""

    def __init__(self, design: Asked, stage: Stage, p: Setting) -> None:
        self.caches: list[CachePort] = [thing for thing in stage.things.values() if hasattr(thing, "compare_and_set")]
        self.opened = connections(p) if stage.name != "sim" else 0
        self.all = programs(design, stage, many=p.nodes)

    async def start(self) -> None:
        """On a real engine connections are open when the first request comes; in the tunnel that takes no time."""
        for cache in self.caches:
            await asyncio.gather(*(cache.get("") for _ in range(self.opened)))
        for node in self.all:
            start = getattr(node, "start", None)
            if start is not None:
                await start()
        self.looks = [(cache.run, cache.ttl_s, Counted(cache)) for cache in self.caches]

    async def ask(self, client: int, node: int) -> bool:
        """The request, at the node that it came to."""
        return await self.all[node].ask(client, node)

    async def report(self) -> Mapping[str, object]:
        """What the caches were asked, and what is left in them: bytes, and keys that nothing will ever remove."""
        calls = weight = forever = 0
        for run, ttl_s, asked in self.looks:
            calls += asked.calls
            for key in asked.keys:
                stays = await ttl_s(key) is None  # or is not there any more
                found: Any = await run(WEIGHT, [key])
                weight += found
                forever += stays and found > 0
        return {"calls": calls, "bytes": weight, "forever": forever, "caches": len(self.caches)}

"""A model of a cache for the tunnel: one thread, a store in memory, and a replica that runs behind.

Commands take their turns on one core, as in Redis and Valkey. With a replica every effect is sent to it over a
connection of the network, in order, after it has been applied; nobody waits for that. What lives for a while dies by
the clock of the day of its host, which can be wrong. Not modelled: eviction, cluster slots, blocking commands, the
price of large values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from windtunnel.engines.cache.port import Answer, Script
from windtunnel.engines.cache.store import Effect, Store, answer_of, text_of
from windtunnel.engines.errors import Unavailable
from windtunnel.engines.shared.service import ModelService
from windtunnel.engines.shared.wire import Wire, Wires
from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.queues import Queue

T = TypeVar("T")
PORT = 6379
RECONNECT_S = 1.0
"""Until a primary looks again for a replica that it has lost."""


class ModelCache(ModelService):
    """The cache of the tunnel.

    Args:
        connections: of each client host.
        durable: every command that was answered is on disk (`sync_s` each, where it changed something); otherwise a
            crash loses everything.
        replicas: 0 or 1.
        lag_s: seconds by which a change leaves for the replica later than it was made.
        round_trip_s: mean seconds there and back, over links that nobody has set.
        command_s: seconds of the server's one core for each command.
        sync_s: seconds until a change is on disk.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str = "cache",
        *,
        connections: int = 8,
        durable: bool = False,
        replicas: int = 0,
        lag_s: float = 0.0,
        round_trip_s: float = 0.0005,
        command_s: float = 0.00001,
        sync_s: float = 0.0003,
    ) -> None:
        if replicas not in (0, 1):
            raise ValueError(f"A cache has one replica or none, not {replicas}.")
        self._sync_s, self._lag_s = sync_s, lag_s
        self._changed = False
        self._store = Store(lambda: 0)
        self._disk = self._new_store() if durable else None
        self._replica: _Replica | None = None
        super().__init__(
            sim, name, PORT, connections=connections, cores=1, round_trip_s=round_trip_s, request_s=command_s
        )
        if replicas:
            self._replica = _Replica(sim.host(f"{name} replica"), round_trip_s, self._new_store)

    async def recover(self) -> None:
        """Begin with what is on disk; a replica is told everything anew."""
        self._store = self._new_store(self._tell)
        for effect in self._disk.effects() if self._disk is not None else ():
            self._store.apply(effect)
        if self._replica is not None:
            self.host.spawn(self._lead(self._replica), f"{self.name}.replication", daemon=True)

    def fail_over(self) -> None:
        """The primary dies for good, and the replica answers in its place, with what it had heard of.

        Raises:
            ValueError: there is no replica.
        """
        if self._replica is None:
            raise ValueError(f"{self.name} has no replica to fail over to; open it with replicas=1.")
        if not self.host.down:
            self.crash()
        # It takes over the primary's address, as clients that ask a sentinel see it; there is no second one behind it.
        self._disk, self._replica = self._replica.store, None
        self._wires.close()
        self.restart()

    def _new_store(self, tell: Callable[[Effect], object] = lambda effect: None) -> Store:
        return Store(lambda: self.host.clock.time_ns(), tell)

    def _tell(self, effect: Effect) -> None:
        self._changed = True
        if self._disk is not None:
            self._disk.apply(effect)
        if self._replica is not None:
            self._replica.to_copy.put_nowait((self.sim.now_ns, effect))

    async def _lead(self, replica: _Replica) -> None:
        """Send the replica everything, then every change, for as long as we live."""
        while True:
            try:
                async with replica.wires.connection() as wire:
                    replica.to_copy = Queue(self.sim, name="changes to copy")
                    wire.send(("all", self._store.effects()))
                    while not wire.over:
                        made_ns, effect = await replica.to_copy.get()
                        if self._lag_s:
                            await self.sim.sleep_ns(max(0, made_ns + round(self._lag_s * 1e9) - self.sim.now_ns))
                        wire.send(effect)
            except (Unavailable, ConnectionError):
                pass
            await self.sim.sleep(RECONNECT_S)

    # --- the port ------------------------------------------------------------------------------------------------
    async def _do(self, command: Callable[[Store], T]) -> T:
        async def work() -> T:
            self._changed = False
            try:
                found = command(self._store)
            finally:
                if self._changed and self._disk is not None and self._sync_s:
                    # The one thread stands still until the change is on disk.
                    await self.host.cpu.work(self._sync_s)
            return found

        return await self.ask(work)

    async def get(self, key: str) -> str | None:
        return await self._do(lambda s: s.get(key))

    async def set(self, key: str, value: str | float, *, ttl_s: float | None = None, absent: bool = False) -> bool:
        text_of(value)
        return await self._do(lambda s: s.set(key, value, ttl_s=ttl_s, absent=absent))

    async def delete(self, *keys: str) -> int:
        return await self._do(lambda s: s.delete(*keys))

    async def ttl_s(self, key: str) -> float | None:
        return await self._do(lambda s: s.ttl_s(key))

    async def compare_and_set(
        self, key: str, expected: str | None, value: str | None, *, ttl_s: float | None = None
    ) -> bool:
        return await self._do(lambda s: s.compare_and_set(key, expected, value, ttl_s=ttl_s))

    async def increment(self, key: str, by: int = 1) -> int:
        return await self._do(lambda s: s.increment(key, by))

    async def zset_add(self, key: str, member: str, score: float) -> bool:
        return await self._do(lambda s: s.zset_add(key, member, score))

    async def zset_increment(self, key: str, member: str, by: float) -> float:
        return await self._do(lambda s: s.zset_increment(key, member, by))

    async def zset_remove(self, key: str, *members: str) -> int:
        return await self._do(lambda s: s.zset_remove(key, *members))

    async def zset_score(self, key: str, member: str) -> float | None:
        return await self._do(lambda s: s.zset_score(key, member))

    async def zset_rank(self, key: str, member: str, *, reverse: bool = False) -> int | None:
        return await self._do(lambda s: s.zset_rank(key, member, reverse=reverse))

    async def zset_range(self, key: str, start: int, stop: int, *, reverse: bool = False) -> list[tuple[str, float]]:
        return await self._do(lambda s: s.zset_range(key, start, stop, reverse=reverse))

    async def zset_range_by_score(self, key: str, low: float, high: float) -> list[tuple[str, float]]:
        return await self._do(lambda s: s.zset_range_by_score(key, low, high))

    async def zset_count(self, key: str, low: float, high: float) -> int:
        return await self._do(lambda s: s.zset_count(key, low, high))

    def looked(self) -> int:
        """As the port's."""
        return self._store.looked()

    async def zset_size(self, key: str) -> int:
        return await self._do(lambda s: s.zset_size(key))

    async def run(self, script: Script, keys: Sequence[str] = (), args: Sequence[str | float] = ()) -> Answer:
        texts = [text_of(arg) for arg in args]

        def command(store: Store) -> Answer:
            try:
                found: Answer = answer_of(script.model(store, list(keys), texts))
            except Exception as error:
                raise ValueError(f"The script raised {type(error).__name__}: {error}") from error
            return found

        return await self._do(command)


class _Replica:
    """The host that follows, what it has, and what the primary still has to send it."""

    def __init__(self, host: Host, round_trip_s: float, new_store: Callable[[], Store]) -> None:
        self.host = host
        self.store = new_store()
        self.to_copy: Queue[tuple[int, Effect]] = Queue(host.sim, name="changes to copy")
        self.wires = Wires(host, PORT, 1, round_trip_s, self._accept)
        self._new_store = new_store
        host.start(self._start, light=True)

    async def _start(self) -> None:
        self.store = self._new_store()
        self.wires.listen()

    def _accept(self, wire: Wire) -> None:
        self.host.spawn(self._follow(wire), f"{self.host.name}.follow", daemon=True)

    async def _follow(self, wire: Wire) -> None:
        while True:
            try:
                effect = await wire.receive()
            except ConnectionResetError:
                wire.close()
                return
            if effect[0] == "all":
                self.store = self._new_store()
                for one in effect[1]:
                    self.store.apply(one)
            else:
                self.store.apply(effect)

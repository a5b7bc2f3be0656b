"""Blocks in designs: refusals are outcomes, and time, luck and disks are the stage's without a word, in both tiers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from windtunnel import Experiment, History, Op, Stage, process
from windtunnel.blocks.broker import BatchLog, PartitionReplica, encode_batch
from windtunnel.blocks.caching import Cache, LoadingCache
from windtunnel.blocks.consensus import Raft
from windtunnel.blocks.durability import IdempotencyStore, Log
from windtunnel.blocks.ground import DiskFiles, Refused
from windtunnel.blocks.resilience import (
    AdaptiveLimiter,
    Bulkhead,
    CircuitBreaker,
    ClientThrottle,
    Deadline,
    FixedLimit,
    Gcra,
    LoadShedder,
    Retry,
    TokenBucket,
    full_jitter,
)
from windtunnel.lab.running.work import drive


@dataclass(frozen=True)
class Params:
    pass


def run(design: Callable[[Stage, Params], object], ops: list[Op], seed: int = 1, ends_s: float = 100.0) -> History:
    toy = Experiment(
        title="Toy",
        question="?",
        params=Params,
        workload=lambda p, luck: ops,
        designs={"d": design},
        claims=(),
        ends_s=lambda p: ends_s,
    )
    numbered = [op._replace(id=i) for i, op in enumerate(ops)]
    return drive(toy, "sim", "d", seed, Params(), numbered, ())


def asks(*moments_s: float) -> list[Op]:
    return [Op(at, f"c{i}", "ask") for i, at in enumerate(moments_s)]


def outcomes(history: History) -> list[tuple[str, object]]:
    return [(e.outcome, e.value) for e in sorted(history, key=lambda e: e.id)]


# --- all refusals, each by a design that uses the block ---------------------------------------------------------
class Guarded:
    """Each request holds the block for a second."""

    block: Any

    async def ask(self) -> str:
        async with self.block:
            await asyncio.sleep(1.0)
        return "done"


class Breaker(Guarded):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.block = CircuitBreaker(volume_threshold=1, failures=ConnectionError)

    async def ask(self) -> str:
        async with self.block:
            raise ConnectionResetError("gone")


class Bulk(Guarded):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.block = Bulkhead(1)


class Limited(Guarded):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.block = AdaptiveLimiter(FixedLimit(1))


class Rated(Guarded):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.block = TokenBucket(rate_per_s=0.1, burst=1)


class Shedding(Guarded):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.block = LoadShedder(1)


class Throttling(Guarded):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.block = ClientThrottle(k=1.0, refusals=ConnectionError)

    async def ask(self) -> str:
        async with self.block:
            raise ConnectionResetError("gone")


class Busy:
    def __init__(self, stage: Stage, p: Params) -> None:
        self.store = IdempotencyStore(DiskFiles("/var/lib/shop"), "keys")
        self.fingerprint = 0

    async def work(self) -> str:
        await asyncio.sleep(1.0)
        return "done"

    async def ask(self) -> object:
        return await self.store.once("key", self.work)


class Reused(Busy):
    async def ask(self) -> object:
        self.fingerprint += 1
        return await self.store.once("key", self.work, self.fingerprint)


class Following:
    def __init__(self, stage: Stage, p: Params) -> None:
        self.raft = Raft("a", ("a", "b", "c"), stage.random("raft"))

    def ask(self) -> object:
        return self.raft.propose("x")


class Appending:
    """A partition's log, to which one producer writes: each time with what comes next here."""

    numbers: tuple[tuple[int, int], ...]
    """Epoch and first sequence number of each batch."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.log = BatchLog(DiskFiles("/var/lib/kafka"), "p")
        self.next = iter(self.numbers)

    def ask(self) -> object:
        epoch, first = next(self.next)
        return self.log.append(
            encode_batch([(None, b"x")], 0, producer_id=9, producer_epoch=epoch, base_sequence=first)
        ).base_offset


class SkipsOne(Appending):
    numbers = ((0, 0), (0, 2))


class Zombie(Appending):
    numbers = ((1, 0), (0, 0))


class Replica:
    """One of three brokers: it leads, alone in sync."""

    leads = True

    def __init__(self, stage: Stage, p: Params) -> None:
        self.replica = PartitionReplica(BatchLog(DiskFiles("/var/lib/kafka"), "p"), 0, range(3), min_in_sync=2)
        if self.leads:
            self.replica.lead(1, {0}, 0.0)
        else:
            self.replica.follow(1, 2)

    def ask(self) -> object:
        return self.replica.append(encode_batch([(None, b"x")], 0)).base_offset


class Follower(Replica):
    leads = False


REFUSALS: dict[str, tuple[Callable[[Stage, Params], object], list[float]]] = {
    "CircuitOpen": (Breaker, [0.0, 0.5]),
    "BulkheadFull": (Bulk, [0.0, 0.5]),
    "LimitExceeded": (Limited, [0.0, 0.5]),
    "RateLimited": (Rated, [0.0, 2.0]),
    "Shed": (Shedding, [0.0, 0.5]),
    "Throttled": (Throttling, [i / 100 for i in range(40)]),
    "KeyBusy": (Busy, [0.0, 0.5]),
    "KeyReused": (Reused, [0.0, 2.0]),
    "NotLeader": (Following, [0.0]),
    "OutOfOrderSequence": (SkipsOne, [0.0, 0.5]),
    "FencedProducer": (Zombie, [0.0, 0.5]),
    "NotEnoughReplicas": (Replica, [0.0]),
    "NotLeading": (Follower, [0.0]),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_of_a_block_is_a_failed_request_and_no_broken_design(name: str) -> None:
    design, moments_s = REFUSALS[name]
    assert ("fail", name) in outcomes(run(design, asks(*moments_s)))


def test_a_deadline_that_passes_leaves_open_what_happened() -> None:
    class Late:
        def __init__(self, stage: Stage, p: Params) -> None:
            pass

        async def ask(self) -> None:
            async with Deadline(0.5):
                await asyncio.sleep(1.0)

    assert outcomes(run(Late, asks(0.0))) == [("unknown", "DeadlineExceeded")]


def test_no_refusal_is_forgotten_above() -> None:
    assert {c.__name__ for c in Refused.__subclasses__() if c.__module__.startswith("windtunnel.blocks")} == set(
        REFUSALS
    )


# --- time ------------------------------------------------------------------------------------------------------------
class Warm:
    """A cache that is filled when the design is made, and a limiter that is asked then."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim = stage.sim
        self.cache: Cache[str, int] = Cache(10)
        self.cache.set("key", 7, ttl_s=10.0)
        self.limiter = Gcra(rate_per_s=0.1, burst=1)
        assert self.limiter.take().allowed

    def look(self) -> tuple[int | None, bool]:
        return self.cache.get("key"), self.limiter.take().allowed


class WarmTask(Warm):
    async def ask(self) -> tuple[int | None, bool]:
        return self.look()


class WarmProcess(Warm):
    @process
    async def ask(self) -> tuple[int | None, bool]:
        return self.look()


class WarmCall(Warm):
    def ask(self) -> tuple[int | None, bool]:
        return self.look()


@pytest.mark.parametrize("design", [WarmTask, WarmProcess, WarmCall])
def test_what_was_set_when_the_design_was_made_expires_in_virtual_time(design: type[Warm]) -> None:
    seen = [value for _, value in outcomes(run(design, asks(1.0, 9.0, 10.5, 11.0, 20.6)))]
    assert seen == [(7, False), (7, False), (None, True), (None, False), (None, True)]


def test_one_clock_is_read_by_tasks_processes_and_constructors() -> None:
    class Clocks:
        def __init__(self, stage: Stage, p: Params) -> None:
            self.sim = stage.sim
            self.made = time.monotonic(), time.time()

        async def task(self) -> tuple[float, float, float]:
            return asyncio.get_running_loop().time(), time.monotonic(), time.time()

        @process
        async def light(self) -> tuple[float, float]:
            return time.monotonic(), time.time()

        def report(self) -> dict[str, object]:
            return {"made": self.made, "at_the_end": time.monotonic()}

    history = run(Clocks, [Op(5.0, "a", "task"), Op(5.0, "b", "light")], ends_s=7.0)
    (loop_s, task_s, task_unix_s), (light_s, light_unix_s) = (value for _, value in outcomes(history))
    made_s, made_unix_s = history.facts["made"]
    assert loop_s == task_s == light_s == made_s + 5.0
    assert task_unix_s == light_unix_s == made_unix_s + 5.0
    assert history.facts["at_the_end"] >= made_s + 5.0


class BreakerAtWork:
    """A breaker that sleeps for 5 s once it has opened, used by tasks and by light processes."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim = stage.sim
        self.breaker = CircuitBreaker(volume_threshold=1, sleep_window_s=5.0, failures=ConnectionError)

    async def fail(self) -> None:
        raise ConnectionResetError("gone")

    async def fine(self) -> str:
        return "fine"

    async def ask(self) -> str:
        return await self.breaker.call(self.fine)

    async def breaks(self) -> None:
        await self.breaker.call(self.fail)

    @process
    async def light(self) -> str:
        return await self.breaker.call(self.fine)


@pytest.mark.parametrize("tier", ["ask", "light"])
def test_a_breaker_wakes_up_in_virtual_time(tier: str) -> None:
    history = run(BreakerAtWork, [Op(0.0, "a", "breaks"), *(Op(at, "a", tier) for at in (1.0, 4.9, 5.1))])
    assert [value for _, value in outcomes(history)][1:] == ["CircuitOpen", "CircuitOpen", "fine"]


def test_a_retry_waits_and_a_loading_cache_refreshes_in_virtual_time() -> None:
    class Loads:
        def __init__(self, stage: Stage, p: Params) -> None:
            self.loads = 0
            self.cache: LoadingCache[str, int] = LoadingCache(10, self.load, ttl_s=3.0, beta=0.0)
            self.retry = Retry(attempts=3, backoff=lambda retry, before_s, random: 2.0)

        async def load(self, key: str) -> int:
            self.loads += 1
            if self.loads == 1:
                raise ConnectionResetError("gone")
            return self.loads

        async def ask(self) -> int:
            return await self.retry.call(self.cache.get, "key")

    history = run(Loads, asks(0.0, 3.0, 8.0))
    assert [value for _, value in outcomes(history)] == [2, 2, 3]
    assert sorted(e.end for e in history) == [2.0, 3.0, 8.0]


# --- luck ------------------------------------------------------------------------------------------------------------
class Lucky:
    """Draws from a retry's jitter, made with the design, and from a generator that nobody seeded."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim = stage.sim
        self.retry = Retry(attempts=2, backoff=full_jitter(1.0, 1.0))
        self.own = Random()

    async def fails(self) -> None:
        raise ConnectionResetError("gone")

    async def ask(self) -> None:
        await self.retry.call(self.fails)

    @process
    async def light(self) -> float:
        return self.own.random()


def test_the_seed_decides_what_blocks_draw_also_where_they_were_made_with_the_design() -> None:
    ops = [*asks(0.0, 1.0), Op(2.0, "a", "light")]

    def drawn(seed: int) -> list[object]:
        history = sorted(run(Lucky, ops, seed), key=lambda e: e.id)
        return [*(e.end - e.start for e in history), history[2].value]

    assert drawn(1) == drawn(1)
    assert len({tuple(drawn(seed)) for seed in range(5)}) == 5


# --- disks -----------------------------------------------------------------------------------------------------------
class Journalled:
    """A log on a host of its own; what it has synced outlives a crash, and what it has not may not."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim = stage.sim
        self.host = stage.host("store", after_power_loss="nothing")
        self.host.start(self.boot, light=True)

    async def boot(self) -> None:
        self.log = Log(DiskFiles("/var/lib/orders"))

    @process
    async def ask(self) -> int:
        """Two records, one of them synced, then a loss of power; how many there are when it is back."""
        self.log.append(b"synced")
        self.log.sync()
        self.log.append(b"not synced")
        self.log.flush()
        self.host.crash()
        self.host.restart()
        await self.sim.sleep(1.0)
        return len(list(self.log.records()))


def test_a_log_of_a_host_lies_on_its_disk_and_suffers_what_that_suffers() -> None:
    assert outcomes(run(Journalled, asks(1.0))) == [("ok", 1)]


class Task:
    """A log that is made with the design, by the first line that production would have too."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.stage = stage
        self.log = Log(DiskFiles("/var/lib/orders"))

    async def ask(self) -> int:
        self.log.append(b"record")
        self.log.sync()
        return next(iter(self.log.records())).timestamp_ms

    def report(self) -> dict[str, object]:
        return {"files": self.stage.host("clients").disk.listdir("var/lib/orders")}


def test_a_log_that_was_made_with_the_design_lies_on_the_clients_disk_and_reads_the_tunnels_clock() -> None:
    history = run(Task, asks(3.0))
    (stamp,) = (value for _, value in outcomes(history))
    assert history.facts["files"]
    assert stamp == outcomes(run(Task, asks(3.0)))[0][1], "virtual, so always the same"

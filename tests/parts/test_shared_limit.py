"""A limiter whose state is in a cache decides as it does alone, in the tunnel and on a real server."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from helpers.arms import Arm, World, arms
from windtunnel.blocks.resilience import FixedWindow, Gcra, RateLimiter, SlidingCounter, SlidingLog, TokenBucket
from windtunnel.engines import CachePort
from windtunnel.engines.cache.model import ModelCache
from windtunnel.parts import SharedLimiter
from windtunnel.sim.kernel import Simulator

LAWS: dict[str, Callable[[], RateLimiter[Any]]] = {
    "fixed": lambda: FixedWindow(5, 2.0),
    "log": lambda: SlidingLog(5, 2.0),
    "counter": lambda: SlidingCounter(5, 2.0),
    "bucket": lambda: TokenBucket(2.5, 5),
    "gcra": lambda: Gcra(2.5, 5),
}


@pytest.mark.parametrize("name", LAWS)
def test_in_the_tunnel_it_decides_as_the_law_does_at_the_times_of_the_server(name: str) -> None:
    random, alone, found = Random(name), LAWS[name](), []
    with Simulator(1) as sim:
        cache = ModelCache(sim, round_trip_s=0.0, command_s=0.0)

        async def script() -> None:
            shared = SharedLimiter(cache, LAWS[name]())
            for _ in range(200):
                await sim.sleep(random.randrange(9) / 16)
                key, cost = random.choice("ab"), random.randint(1, 3)
                decision = await shared.take(key, cost)
                assert decision == pytest.approx(alone.take(key, cost, at_s=cache.host.clock.time()), abs=1e-5)
                found.append(decision.allowed)

        sim.run_process(script())
    assert 50 < sum(found) < 150


@pytest.mark.parametrize("arm", arms("cache"))
@pytest.mark.parametrize("name", LAWS)
def test_of_twenty_at_once_as_many_pass_as_the_law_lets_through(arm: Arm, name: str) -> None:
    async def script(cache: CachePort, world: World) -> None:
        law = type(LAWS[name]())(*((0.001, 5) if name in ("bucket", "gcra") else (5, 1e6)))
        shared = SharedLimiter(cache, law)
        found = await world.together(*(shared.take("a") for _ in range(20)))
        assert sum(decision.allowed for decision in found) == 5
        assert all(decision.retry_after_s > 0 for decision in found if not decision.allowed)
        assert (await shared.take("b", 5)).allowed
        assert not (await shared.take("b")).allowed

    arm(script)


@pytest.mark.parametrize("arm", arms("cache"))
@pytest.mark.parametrize("name", LAWS)
def test_a_cost_that_can_never_pass_is_refused_before_anybody_is_asked(arm: Arm, name: str) -> None:
    async def script(cache: CachePort, world: World) -> None:
        shared = SharedLimiter(cache, LAWS[name]())
        for cost in (0, -1, -1e300, 5.5, 1e300, float("inf"), float("nan")):
            with pytest.raises(ValueError, match="A cost must be above 0 and at most 5"):
                await shared.take("a", cost)
        if name == "log":
            with pytest.raises(ValueError, match="whole requests"):
                await shared.take("a", 1.5)
        assert await cache.get("a") is None, "nobody was asked"
        assert (await shared.take("a", 5)).allowed

    arm(script)


def test_a_server_that_has_lost_its_memory_begins_anew() -> None:
    with Simulator(1) as sim:
        cache = ModelCache(sim)

        async def script() -> list[bool]:
            shared = SharedLimiter(cache, SlidingLog(1, 60.0))
            found = [(await shared.take("a")).allowed for _ in range(2)]
            cache.crash()
            cache.restart()
            with pytest.raises(ConnectionError):
                await shared.take("a")
            return [*found, (await shared.take("a")).allowed]

        assert sim.run_process(script()) == [True, False, True]

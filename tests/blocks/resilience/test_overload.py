"""Overload in virtual time: CoDel, the load shedder, client throttling, adaptive limits and hedges, with figures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import sqrt
from random import Random

import pytest

from helpers.clocked import run_virtual
from windtunnel.blocks.resilience.adaptive_limit import AdaptiveLimiter, Aimd, Gradient2, LimitExceeded, LimitLaw, Vegas
from windtunnel.blocks.resilience.codel import CoDel, CoDelQueue
from windtunnel.blocks.resilience.hedge import Hedge
from windtunnel.blocks.resilience.load_shedder import ClientThrottle, LoadShedder, Shed, Throttled
from windtunnel.blocks.resilience.retry import Budget


def loop_time() -> float:
    return asyncio.get_running_loop().time()


# CoDel


def test_codel_lets_a_burst_pass_and_drops_ever_faster_from_a_standing_queue() -> None:
    codel = CoDel(0.005, 0.1)
    assert not codel.drop(0.0, 0.5, last=False), "above the target, but for how long?"
    drops = [step / 1000 for step in range(1, 1000) if codel.drop(step / 1000, 0.5, last=False)]
    law = [0.1]
    while len(law) < len(drops):
        law.append(law[-1] + 0.1 / sqrt(len(law)))
    assert drops == pytest.approx(law, abs=0.0011)
    assert not codel.drop(1.0, 0.004, last=False)
    assert not codel.dropping
    assert not codel.drop(1.001, 0.5, last=False), "a new spell has to last an interval again"


def test_codel_goes_on_at_its_rate_when_the_queue_stands_again_soon() -> None:
    codel = CoDel(0.005, 0.1)
    for step in range(1000):
        codel.drop(step / 1000, 0.5, last=False)
    codel.drop(1.0, 0.0, last=False)
    drops = [step / 1000 for step in range(1001, 1300) if codel.drop(step / 1000, 0.5, last=False)]
    assert drops[1] - drops[0] < 0.05, "not 100 ms again"


def test_codel_never_drops_the_last_item() -> None:
    codel = CoDel()
    assert not any(codel.drop(step / 10, 9.9, last=True) for step in range(100))


def serve(rate_per_s: float, capacity_per_s: float, queue: CoDelQueue[float], timeout_s: float) -> float:
    """Goodput of one server, over capacity: the share of requests that are answered within `timeout_s`."""

    async def main() -> float:
        random, good, last = Random(1), 0, 20.0

        async def clients() -> None:
            while loop_time() < last:
                await asyncio.sleep(random.expovariate(rate_per_s))
                queue.put(loop_time())

        async def server() -> None:
            nonlocal good
            while True:
                began = await queue.get()
                await asyncio.sleep(1 / capacity_per_s)
                good += loop_time() - began <= timeout_s

        working = asyncio.create_task(server())
        await clients()
        working.cancel()
        return good / last / capacity_per_s

    return run_virtual(main())


def test_under_overload_a_plain_queue_serves_nobody_in_time_and_codel_most() -> None:
    forever = 1e6
    assert serve(200, 100, CoDelQueue(forever, 2 * forever), timeout_s=0.25) < 0.1
    assert serve(120, 100, CoDelQueue(0.02, 0.1), timeout_s=0.25) > 0.95
    assert serve(200, 100, CoDelQueue(0.02, 0.1), timeout_s=0.25) > 0.7, (
        "its law takes seconds to drop every second one"
    )
    dropped: list[float] = []
    queue = CoDelQueue(0.02, 0.1, dropped.append)
    plain = serve(70, 100, queue, timeout_s=0.25)
    assert queue.dropped == len(dropped) <= 0.02 * 1400, "nothing to speak of is dropped below capacity"
    assert plain > 0.65


@pytest.mark.parametrize(("target_s", "interval_s"), [(0.0, 1.0), (1.0, 1.0)])
def test_codel_needs_a_target_below_its_interval(target_s: float, interval_s: float) -> None:
    with pytest.raises(ValueError, match="target_s < interval_s"):
        CoDel(target_s, interval_s)


# Load shedder


def goodput(shedder: LoadShedder, load: float, timeout_s: float = 0.1) -> float:
    """Answers within `timeout_s` over the capacity of a server for 10 at a time, 10 ms each (1000 a second)."""

    async def main() -> float:
        random, good = Random(2), 0

        async def request() -> None:
            nonlocal good
            began = loop_time()
            try:
                async with shedder:
                    await asyncio.sleep(0.01)
                    good += loop_time() - began <= timeout_s
            except Shed:
                pass

        async with asyncio.TaskGroup() as group:
            while loop_time() < 1.5:
                await asyncio.sleep(random.expovariate(1000 * load))
                group.create_task(request())
        return good / 1500

    return run_virtual(main())


@pytest.mark.parametrize("load", [1.2, 2.0, 3.0])
def test_a_load_shedder_keeps_goodput_near_capacity_at_any_load(load: float) -> None:
    assert goodput(LoadShedder(10), load) > 0.95
    patient = LoadShedder(10, target_s=1e5, interval_s=1e5, queue_limit=10**6)
    assert goodput(patient, load) < 0.6, "first in, first out, and wait for ever: the cliff"


def test_below_capacity_a_load_shedder_is_not_noticed() -> None:
    shedder = LoadShedder(10)
    assert goodput(shedder, 0.7) > 0.65
    assert shedder.shed == 0


def test_while_the_queue_stands_the_newest_goes_first() -> None:
    """Four wait for 10 s at most; two give up; when the place is free the queue has stood, and 4 goes before 3."""

    async def main() -> list[int]:
        shedder, served = LoadShedder(1, target_s=5.0, interval_s=10.0), []

        async def request(name: int, work_s: float) -> None:
            try:
                async with shedder:
                    served.append(name)
                    await asyncio.sleep(work_s)
            except Shed:
                served.append(-name)

        async with asyncio.TaskGroup() as group:
            group.create_task(request(100, 12.0))
            for name in range(1, 5):
                await asyncio.sleep(0.9)
                group.create_task(request(name, 0.1))
        return served

    served = run_virtual(main())
    assert served == [100, -1, -2, 4, 3]


def test_a_full_queue_gives_way_to_newcomers_only_while_it_stands() -> None:
    async def main() -> None:
        shedder = LoadShedder(1, target_s=50.0, interval_s=100.0, queue_limit=2)
        async with shedder:
            waiting = [asyncio.create_task(shedder.__aenter__()) for _ in range(2)]
            await asyncio.sleep(1)
            with pytest.raises(Shed, match="2 requests are waiting"):
                await shedder.__aenter__()
            for task in waiting:
                task.cancel()
            await asyncio.sleep(1)
            assert shedder.waiting == 0

    run_virtual(main())


# Client throttling


def test_a_client_holds_back_as_the_formula_says() -> None:
    async def main() -> None:
        throttle = ClientThrottle(2.0, random=Random(1))
        for _ in range(50):
            async with throttle:
                pass
        assert throttle.rejection == 0
        refused = held = 0
        for _ in range(150):
            try:
                async with throttle:
                    raise Shed
            except Shed:
                refused += 1
            except Throttled:
                held += 1
        assert refused + held == 150
        assert throttle.rejection == pytest.approx((200 - 2 * 50) / 201)
        await asyncio.sleep(200)
        assert throttle.rejection == 0, "two minutes later all is forgotten"

    run_virtual(main())


def test_a_throttled_client_sends_about_twice_what_is_accepted() -> None:
    """The server takes one request in ten; with K = 2 about two of ten are sent."""

    async def main() -> float:
        random = Random(3)
        throttle, sent = ClientThrottle(2.0, window_s=1e9, random=Random(4)), 0
        for number in range(20_000):
            try:
                async with throttle:
                    sent += 1
                    if number % 10 and random.random() < 1:
                        raise Shed
            except (Shed, Throttled):
                pass
        return sent / 20_000

    assert run_virtual(main()) < 0.35


# Adaptive limits


def settle(
    law: LimitLaw, *, servers: int = 10, service_s: float = 0.1, load: float = 3.0, until_s: float = 60
) -> float:
    """The mean limit over the second half of a run against `servers` places with a queue, offered `load`."""

    async def main() -> float:
        random, places = Random(5), asyncio.Semaphore(servers)
        limiter = AdaptiveLimiter(law)
        seen: list[float] = []

        async def request() -> None:
            try:
                async with limiter, places:
                    await asyncio.sleep(service_s * random.uniform(0.9, 1.1))
            except LimitExceeded:
                pass
            if loop_time() > until_s / 2:
                seen.append(law.limit)

        async with asyncio.TaskGroup() as group:
            while loop_time() < until_s:
                await asyncio.sleep(random.expovariate(load * servers / service_s))
                group.create_task(request())
        return sum(seen) / len(seen)

    return run_virtual(main())


@pytest.mark.parametrize(
    ("make", "low", "high"),
    [(Vegas, 10, 20), (lambda: Gradient2(tolerance=1.2), 10, 40), (lambda: Aimd(slow_s=0.15), 9, 18)],
)
def test_a_limit_converges_to_the_throughput_times_the_least_latency(
    make: Callable[[], LimitLaw], low: float, high: float
) -> None:
    """Little's law asks for 10 (ten places, each busy); a few more may queue."""
    assert low <= settle(make(), until_s=30) <= high


def test_a_limit_grows_when_the_service_does() -> None:
    assert settle(Vegas(), servers=40, until_s=20) > 35


def test_a_limit_that_is_not_used_does_not_grow() -> None:
    for law in (Vegas(), Gradient2(), Aimd(initial=20)):
        for _ in range(1000):
            law.update(0.1, in_flight=1, dropped=False)
        assert law.limit == 20


def test_a_limit_stays_within_its_bounds() -> None:
    for law in (Vegas(least=5, most=30), Gradient2(least=5, most=30), Aimd(initial=20, least=5, most=30)):
        for _ in range(3000):
            law.update(0.1, in_flight=1000, dropped=False)
        assert 5 <= law.limit <= 30
        for _ in range(3000):
            law.update(1.0, in_flight=1000, dropped=True)
        assert law.limit < 8.1, "Gradient2 leaves room for its queue"
    with pytest.raises(ValueError, match="least <= initial"):
        Vegas(initial=2000)


# Hedge


def test_hedging_cuts_the_tail_for_two_percent_more_calls() -> None:
    """98 % of answers take about 3 ms, 2 % up to 2 s; a second call after 10 ms (figures B3)."""

    async def main() -> tuple[list[float], list[float], float]:
        random = Random(6)

        async def leaf() -> None:
            slow = random.random() < 0.02
            latency_ms = min(2000.0, 10 / (1 - random.random())) if slow else 3 * random.lognormvariate(0, 0.3)
            await asyncio.sleep(latency_ms / 1000)

        async def timed(call: Callable[[], object]) -> float:
            start = loop_time()
            await call()  # type: ignore[misc]
            return loop_time() - start

        plain = sorted([await timed(leaf) for _ in range(5000)])
        hedge = Hedge(0.010, budget=Budget(ratio=1.0, burst=100))
        hedged = sorted([await timed(lambda: hedge.call(leaf)) for _ in range(5000)])
        return plain, hedged, hedge.hedged / hedge.calls

    plain, hedged, extra = run_virtual(main())
    assert plain[4990] > 0.08
    assert hedged[4990] < 0.03
    assert 0.015 < extra < 0.025

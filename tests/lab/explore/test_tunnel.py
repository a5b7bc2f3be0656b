"""Asyncio code in the tunnel: orders that asyncio does not promise are tried, found wrong, and replayed."""

from __future__ import annotations

import asyncio

import pytest

from windtunnel.explore import Tunnel, explore, replay
from windtunnel.lab.explore.strategies import strategy
from windtunnel.sim.kernel import Simulator


class Account:
    def __init__(self) -> None:
        self.balance = 0
        self.lock = asyncio.Lock()

    async def add(self) -> None:
        seen = self.balance
        await asyncio.sleep(0)
        self.balance = seen + 1

    async def add_safely(self) -> None:
        async with self.lock:
            await self.add()


def _program(safe: bool) -> Tunnel:
    async def main(sim: Simulator) -> None:
        account = Account()
        add = account.add_safely if safe else account.add
        async with asyncio.TaskGroup() as group:
            group.create_task(add(), name="one")
            group.create_task(add(), name="two")
        if account.balance != 2:
            raise AssertionError(f"{account.balance} of 2 updates are left")

    return Tunnel(main)


@pytest.mark.parametrize("name", ["random", "pct", "depth-first"])
def test_an_update_lost_over_an_await_is_found_and_replayed(name: str) -> None:
    found = explore(_program(safe=False), strategy(name, seed=2), limit=100)
    assert found.failure is not None
    assert found.failure.sentence == "1 of 2 updates are left"
    assert replay(_program(safe=False), found.failure.tape) == found.failure


def test_a_lock_around_the_await_is_proved_to_help() -> None:
    found = explore(_program(safe=True), strategy("depth-first"), limit=5_000)
    assert found.complete
    assert found.failure is None


def test_an_order_that_asyncio_never_shows_is_tried() -> None:
    """Tasks woken by one event run in the order in which they came; a program that relies on that passes every test."""

    async def main(sim: Simulator) -> None:
        gate = asyncio.Event()
        order: list[int] = []

        async def wait(number: int) -> None:
            await gate.wait()
            order.append(number)

        tasks = [asyncio.create_task(wait(i), name=f"waiter {i}") for i in range(3)]
        await asyncio.sleep(1)
        gate.set()
        await asyncio.gather(*tasks)
        if order != sorted(order):
            raise AssertionError("the waiters came in another order")

    assert replay(Tunnel(main), []) is None
    found = explore(Tunnel(main), strategy("random", seed=1), limit=50)
    assert found.failure is not None


def test_a_deadlock_is_told() -> None:
    async def main(sim: Simulator) -> None:
        a, b = asyncio.Lock(), asyncio.Lock()

        async def take(first: asyncio.Lock, second: asyncio.Lock) -> None:
            async with first:
                await asyncio.sleep(0)
                async with second:
                    pass

        await asyncio.gather(take(a, b), take(b, a))

    found = explore(Tunnel(main), strategy("random"), limit=50)
    assert found.failure is not None
    assert found.failure.kind == "deadlock"

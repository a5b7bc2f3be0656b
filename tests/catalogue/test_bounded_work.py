"""What bounded-work says beside its claims: how much memory a waiting task takes."""

from __future__ import annotations

import asyncio
import tracemalloc

MANY = 500


def test_a_task_that_waits_takes_several_times_the_memory_of_an_order_in_a_queue() -> None:
    async def main() -> tuple[int, int]:
        slots = asyncio.Semaphore(0)

        async def one(number: int, work_s: float) -> None:
            async with slots:
                raise AssertionError("There is no slot.")

        tracemalloc.start()
        try:
            tasks = [asyncio.create_task(one(10**6 + i, i / 7)) for i in range(MANY)]
            await asyncio.sleep(0)
            of_tasks, _ = tracemalloc.get_traced_memory()
            queue: asyncio.Queue[tuple[int, float]] = asyncio.Queue()
            for i in range(MANY):
                queue.put_nowait((10**6 + i, i / 7))
            both, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return of_tasks, both - of_tasks

    of_tasks, of_queue = asyncio.run(main())
    assert of_tasks > 5 * of_queue > 0

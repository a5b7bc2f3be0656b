"""Semaphores: permits for room, things, jobs and turns, and two gates for a barrier, as Downey has them."""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.concurrency.primitives import Bank, Buffer, Fitted, Jobs, Listened

challenge = "primitives"


class Yours(Fitted):
    def accounts(self, kit: Any) -> None:
        self.one = {name: kit.semaphore(f"account {name}", 1) for name in ("x", "y")}

    async def move(self, bank: Bank, source: str, target: str, amount: int) -> None:
        first, second = sorted((source, target))
        async with self.one[first], self.one[second]:
            there = await bank.read(source)
            if there < amount:
                raise Refused("There is not enough.")
            await bank.write(source, there - amount)
            await bank.write(target, await bank.read(target) + amount)

    def till(self, kit: Any) -> None:
        self.drawer = kit.semaphore("the till", 1)

    async def pay_in(self, till: Listened, amount: int) -> None:
        await self.drawer.acquire()
        try:
            await till.write("cash", await till.read("cash") - amount)
            await till.write("card", await till.read("card") + amount)
        finally:
            await self.drawer.release()
        await till.tell()

    def buffer(self, kit: Any, room: int) -> None:
        self.things, self.room, self.turn = kit.semaphore("a thing", 0), kit.semaphore("room", room), kit.lock("a turn")

    async def put(self, buffer: Buffer, thing: str) -> None:
        await self.room.acquire()
        async with self.turn:
            await buffer.put(thing)
        await self.things.release()

    async def take(self, buffer: Buffer) -> str:
        await self.things.acquire()
        async with self.turn:
            thing = await buffer.take()
        await self.room.release()
        return thing

    def bell(self, kit: Any) -> None:
        self.announced = kit.semaphore("a job", 0)

    async def announce(self, jobs: Jobs, job: str) -> None:
        await jobs.add(job)
        await self.announced.release()

    async def do_all(self, jobs: Jobs, many: int) -> None:
        for _ in range(many):
            await self.announced.acquire()
            await jobs.take()

    def hall(self, kit: Any, parties: int) -> None:
        self.count = kit.lock("the count", here=0, parties=parties)
        self.first, self.second = kit.semaphore("the first gate", 0), kit.semaphore("the second gate", 1)

    async def meet(self) -> None:
        async with self.count:
            self.count.here += 1
            if self.count.here == self.count.parties:
                await self.second.acquire()
                await self.first.release()
        await self.first.acquire()
        await self.first.release()
        async with self.count:
            self.count.here -= 1
            if self.count.here == 0:
                await self.first.acquire()
                await self.second.release()
        await self.second.acquire()
        await self.second.release()

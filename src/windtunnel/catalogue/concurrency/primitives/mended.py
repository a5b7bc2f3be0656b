"""Two that are right: one way for everything, and a primitive for each thing."""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.concurrency.primitives.drafts import FirstDraft
from windtunnel.catalogue.concurrency.primitives.worlds import Bank, Buffer, Jobs, Listened, Page, Pool


class OneMonitor(FirstDraft):
    """One lock and one condition for each task: `while` around each wait, and whoever changes anything wakes all."""

    def room(self, kit: Any, **values: Any) -> None:
        """The lock with what it guards, and what is waited for."""
        self.shared = kit.lock("the lock", **values)
        self.changed = kit.condition("a change", self.shared)

    def accounts(self, kit: Any) -> None:
        self.room(kit)

    async def move(self, bank: Bank, source: str, target: str, amount: int) -> None:
        async with self.shared:
            there = await bank.read(source)
            if there < amount:
                raise Refused("There is not enough.")
            await bank.write(source, there - amount)
            await bank.write(target, await bank.read(target) + amount)

    def till(self, kit: Any) -> None:
        self.room(kit)

    async def pay_in(self, till: Listened, amount: int) -> None:
        async with self.shared:
            await till.write("cash", await till.read("cash") - amount)
            await till.write("card", await till.read("card") + amount)
        await till.tell()

    async def total(self, till: Listened) -> int:
        async with self.shared:
            return await till.read("cash") + await till.read("card")

    def pool(self, kit: Any, places: int) -> None:
        self.room(kit, free=places)

    async def use(self, pool: Pool, wait: bool, breaks: bool) -> None:
        async with self.shared:
            while wait and not self.shared.free:
                await self.changed.wait()
            if not self.shared.free:
                return
            self.shared.free -= 1
        try:
            await pool.use(breaks)
        finally:
            async with self.shared:
                self.shared.free += 1
                self.changed.notify_all()

    def buffer(self, kit: Any, room: int) -> None:
        self.room(kit, here=0, most=room)

    async def put(self, buffer: Buffer, thing: str) -> None:
        async with self.shared:
            while self.shared.here == self.shared.most:
                await self.changed.wait()
            await buffer.put(thing)
            self.shared.here += 1
            self.changed.notify_all()

    async def take(self, buffer: Buffer) -> str:
        async with self.shared:
            while self.shared.here == 0:
                await self.changed.wait()
            thing = await buffer.take()
            self.shared.here -= 1
            self.changed.notify_all()
            return thing

    def bell(self, kit: Any) -> None:
        self.room(kit, announced=0)

    async def announce(self, jobs: Jobs, job: str) -> None:
        async with self.shared:
            await jobs.add(job)
            self.shared.announced += 1
            self.changed.notify_all()

    async def do_all(self, jobs: Jobs, many: int) -> None:
        done = 0
        while done < many:
            async with self.shared:
                while self.shared.announced == 0:
                    await self.changed.wait()
                self.shared.announced -= 1
            await jobs.take()
            done += 1

    def hall(self, kit: Any, parties: int) -> None:
        self.room(kit, here=0, meeting=0, parties=parties)

    async def meet(self) -> None:
        async with self.shared:
            mine = self.shared.meeting
            self.shared.here += 1
            if self.shared.here == self.shared.parties:
                self.shared.here, self.shared.meeting = 0, mine + 1
                self.changed.notify_all()
            while self.shared.meeting == mine:
                await self.changed.wait()

    def page(self, kit: Any) -> None:
        self.room(kit, reading=0, writing=False, line=())

    async def begin_read(self) -> None:
        async with self.shared:
            await self.turn()
            while self.shared.writing:
                await self.changed.wait()
            self.shared.reading += 1
            self.shared.line = self.shared.line[1:]
            self.changed.notify_all()

    async def turn(self) -> None:
        """Stand in line until all who came before have got in."""
        mine = next(number for number in range(len(self.shared.line) + 1) if number not in self.shared.line)
        self.shared.line = (*self.shared.line, mine)
        while self.shared.line[0] != mine:
            await self.changed.wait()

    async def end_read(self) -> None:
        async with self.shared:
            self.shared.reading -= 1
            self.changed.notify_all()

    async def begin_write(self) -> None:
        async with self.shared:
            await self.turn()
            while self.shared.writing or self.shared.reading:
                await self.changed.wait()
            self.shared.writing = True
            self.shared.line = self.shared.line[1:]
            self.changed.notify_all()

    async def end_write(self) -> None:
        async with self.shared:
            self.shared.writing = False
            self.changed.notify_all()

    async def refresh(self, page: Page) -> None:
        await self.begin_read()
        fresh = await page.read()
        await self.end_read()
        if not fresh:
            await self.begin_write()
            if not await page.look():
                await page.write()
            await self.end_write()


class Fitted(FirstDraft):
    """To each its own: locks in one order, told outside, a permit given back once, two conditions, a turnstile."""

    async def move(self, bank: Bank, source: str, target: str, amount: int) -> None:
        first, second = sorted((source, target))
        async with self.locks[first], self.locks[second]:
            there = await bank.read(source)
            if there < amount:
                raise Refused("There is not enough.")
            await bank.write(source, there - amount)
            await bank.write(target, await bank.read(target) + amount)

    async def pay_in(self, till: Listened, amount: int) -> None:
        async with self.drawer:
            await till.write("cash", await till.read("cash") - amount)
            await till.write("card", await till.read("card") + amount)
        await till.tell()

    async def use(self, pool: Pool, wait: bool, breaks: bool) -> None:
        if await self.free.acquire(blocking=wait):
            try:
                await pool.use(breaks)
            finally:
                await self.free.release()

    def buffer(self, kit: Any, room: int) -> None:
        self.counter = kit.lock("the counter", here=0, room=room)
        self.some = kit.condition("a thing", self.counter)
        self.space = kit.condition("room", self.counter)

    async def put(self, buffer: Buffer, thing: str) -> None:
        async with self.counter:
            while self.counter.here == self.counter.room:
                await self.space.wait()
            await buffer.put(thing)
            self.counter.here += 1
            self.some.notify()

    async def take(self, buffer: Buffer) -> str:
        async with self.counter:
            while self.counter.here == 0:
                await self.some.wait()
            thing = await buffer.take()
            self.counter.here -= 1
            self.space.notify()
            return thing

    async def do_all(self, jobs: Jobs, many: int) -> None:
        done = 0
        while done < many:
            await self.rung.wait()
            await self.rung.clear()
            while await jobs.take():
                done += 1

    def hall(self, kit: Any, parties: int) -> None:
        self.gate = kit.barrier("the gate", parties)

    async def meet(self) -> None:
        await self.gate.wait()

    def page(self, kit: Any) -> None:
        super().page(kit)
        self.turnstile = kit.lock("the turnstile")

    async def begin_read(self) -> None:
        async with self.turnstile:
            await super().begin_read()

    async def begin_write(self) -> None:
        async with self.turnstile:
            await super().begin_write()

    async def refresh(self, page: Page) -> None:
        await self.begin_read()
        fresh = await page.read()
        await self.end_read()
        if not fresh:
            await self.begin_write()
            if not await page.look():
                await page.write()
            await self.end_write()

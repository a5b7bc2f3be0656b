"""What the first draft is mended to: where it hurts, in one way for everything, and with a primitive for each thing."""

from __future__ import annotations

from typing import Any

from windtunnel.catalogue.concurrency.primitives.drafts import FirstDraft
from windtunnel.catalogue.concurrency.primitives.worlds import Bank, Buffer, Jobs, Listened, Page, Pool


class LooksAgain(FirstDraft):
    """`while` around each wait for the buffer, and a second look at the page once nobody else can write it.

    Who takes waits for `some`, and who puts for `space`: one condition, or two.
    """

    some: Any
    space: Any

    async def put(self, buffer: Buffer, thing: str) -> None:
        async with self.counter:
            while self.counter.here == self.counter.room:
                await self.space.wait()
            await buffer.put(thing)
            self.counter.here += 1
            self.wake(self.some)

    async def take(self, buffer: Buffer) -> str:
        async with self.counter:
            while self.counter.here == 0:
                await self.some.wait()
            thing = await buffer.take()
            self.counter.here -= 1
            self.wake(self.space)
            return thing

    def wake(self, waiting: Any) -> None:
        waiting.notify()

    async def refresh(self, page: Page) -> None:
        await self.begin_read()
        fresh = await page.read()
        await self.end_read()
        if not fresh:
            await self.begin_write()
            if not await page.look():
                await page.write()
            await self.end_write()


class SecondDraft(LooksAgain):
    """Each mended where it hurt: `with`, a reentrant lock, `finally`, `while`, clear first, reset, let go first."""

    async def move(self, bank: Bank, source: str, target: str, amount: int) -> None:
        async with self.locks[source], self.locks[target]:
            await self.shift(bank, source, target, amount)

    def till(self, kit: Any) -> None:
        self.drawer = kit.rlock("the till")

    def pool(self, kit: Any, places: int) -> None:
        self.free = kit.bounded_semaphore("a permit", places)

    async def use(self, pool: Pool, wait: bool, breaks: bool) -> None:
        try:
            if await self.free.acquire(blocking=wait):
                await pool.use(breaks)
        finally:
            await self.free.release()

    def buffer(self, kit: Any, room: int) -> None:
        super().buffer(kit, room)
        self.some = self.space = self.changed

    async def do_all(self, jobs: Jobs, many: int) -> None:
        done = 0
        while done < many:
            await self.rung.wait()
            await self.rung.clear()
            if await jobs.take():
                done += 1

    def hall(self, kit: Any, parties: int) -> None:
        self.door = kit.lock("the door", here=0, parties=parties)
        self.all_here = kit.condition("all here", self.door)

    async def meet(self) -> None:
        async with self.door:
            self.door.here += 1
            if self.door.here == self.door.parties:
                self.door.here = 0
                self.all_here.notify_all()
            while self.door.here:
                await self.all_here.wait()

    def page(self, kit: Any) -> None:
        self.desk = kit.lock("the desk", reading=0, writing=False, eager=0)
        self.quiet = kit.condition("the page", self.desk)

    async def begin_read(self) -> None:
        async with self.desk:
            while self.desk.writing or self.desk.eager:
                await self.quiet.wait()
            self.desk.reading += 1

    async def begin_write(self) -> None:
        async with self.desk:
            self.desk.eager += 1
            while self.desk.writing or self.desk.reading:
                await self.quiet.wait()
            self.desk.eager -= 1
            self.desk.writing = True

    async def refresh(self, page: Page) -> None:
        await self.begin_read()
        fresh = await page.read()
        await self.end_read()
        if not fresh:
            await self.begin_write()
            await page.write()
            await self.end_write()


class OneMonitor(LooksAgain):
    """One lock and one condition for each task: `while` around each wait, and whoever changes anything wakes all."""

    def room(self, kit: Any, **values: Any) -> None:
        """The lock with what it guards, and what is waited for."""
        self.shared = kit.lock("the lock", **values)
        self.changed = kit.condition("a change", self.shared)

    def accounts(self, kit: Any) -> None:
        self.room(kit)

    async def move(self, bank: Bank, source: str, target: str, amount: int) -> None:
        async with self.shared:
            await self.shift(bank, source, target, amount)

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
        self.room(kit, here=0, room=room)
        self.counter, self.some, self.space = self.shared, self.changed, self.changed

    def wake(self, waiting: Any) -> None:
        waiting.notify_all()

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
            self.changed.notify_all()  # unclaimed: else who reads next is woken only when this one ends

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

    async def end_write(self) -> None:
        async with self.shared:
            self.shared.writing = False
            self.changed.notify_all()


class Fitted(LooksAgain):
    """To each its own: locks in one order, told outside, a permit given back once, two conditions, a turnstile."""

    async def move(self, bank: Bank, source: str, target: str, amount: int) -> None:
        first, second = sorted((source, target))
        async with self.locks[first], self.locks[second]:
            await self.shift(bank, source, target, amount)

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

"""What is written first."""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.concurrency.primitives.worlds import Bank, Buffer, Jobs, Listened, Page, Pool


class FirstDraft:
    """Each primitive used as it comes: take it, do the work, give it back; wait where there is nothing yet."""

    def __init__(self, stage: object, p: object) -> None:
        """Nothing is made here: the first method of each task makes its primitives, and keeps them as attributes.

        `kit` has `lock(name, **values)` and `rlock`, `semaphore(name, permits)` and `bounded_semaphore`,
        `condition(name, lock)`, `event(name)`, `barrier(name, parties)`. What threads share is a value of a lock, and
        that is a number, a word, or a tuple of such: what can be changed in place could be kept, and changed later.
        """

    # --- lock: money between two accounts; whoever would move more than there is raises Refused -----------------
    def accounts(self, kit: Any) -> None:
        self.locks = {"x": kit.lock("lock x"), "y": kit.lock("lock y")}

    async def move(self, bank: Bank, source: str, target: str, amount: int) -> None:
        await self.locks[source].acquire()
        await self.locks[target].acquire()
        await self.shift(bank, source, target, amount)
        await self.locks[target].release()
        await self.locks[source].release()

    async def shift(self, bank: Bank, source: str, target: str, amount: int) -> None:
        there = await bank.read(source)
        if there < amount:
            raise Refused("There is not enough.")
        await bank.write(source, there - amount)
        await bank.write(target, await bank.read(target) + amount)

    # --- reentrant lock: each move is told, and who is told asks for the total ----------------------------------
    def till(self, kit: Any) -> None:
        self.drawer = kit.lock("the till")

    async def pay_in(self, till: Listened, amount: int) -> None:
        async with self.drawer:
            await till.write("cash", await till.read("cash") - amount)  # unclaimed: who is told is stuck anyway
            await till.tell()
            await till.write("card", await till.read("card") + amount)

    async def total(self, till: Listened) -> int:
        async with self.drawer:
            return await till.read("cash") + await till.read("card")

    # --- semaphore: so many connections; one breaks in use, and who does not want to wait goes away -------------
    def pool(self, kit: Any, places: int) -> None:
        self.free = kit.semaphore("a permit", places)

    async def use(self, pool: Pool, wait: bool, breaks: bool) -> None:
        if await self.free.acquire(blocking=wait):
            await pool.use(breaks)
            await self.free.release()

    # --- condition: a buffer with so much room ------------------------------------------------------------------
    def buffer(self, kit: Any, room: int) -> None:
        self.counter = kit.lock("the counter", here=0, room=room)
        self.changed = kit.condition("a change", self.counter)

    async def put(self, buffer: Buffer, thing: str) -> None:
        async with self.counter:
            if self.counter.here == self.counter.room:
                await self.changed.wait()
            await buffer.put(thing)
            self.counter.here += 1
            self.changed.notify()

    async def take(self, buffer: Buffer) -> str:
        async with self.counter:
            if self.counter.here == 0:
                await self.changed.wait()
            thing = await buffer.take()
            self.counter.here -= 1
            self.changed.notify()
            return thing

    # --- event: jobs are announced, and one does them all -------------------------------------------------------
    def bell(self, kit: Any) -> None:
        self.rung = kit.event("the bell")

    async def announce(self, jobs: Jobs, job: str) -> None:
        await jobs.add(job)
        await self.rung.set()

    async def do_all(self, jobs: Jobs, many: int) -> None:
        done = 0
        while done < many:
            await self.rung.wait()
            while await jobs.take():
                done += 1
            await self.rung.clear()

    # --- barrier: nobody begins a round before all have ended the last ------------------------------------------
    def hall(self, kit: Any, parties: int) -> None:
        self.door = kit.lock("the door", here=0, parties=parties)
        self.full = kit.event("all here")

    async def meet(self) -> None:
        async with self.door:
            self.door.here += 1
            if self.door.here == self.door.parties:
                await self.full.set()
        await self.full.wait()

    # --- read-write lock: several read the page, one alone writes it, and a stale one is made anew, once --------
    def page(self, kit: Any) -> None:
        self.desk = kit.lock("the desk", reading=0, writing=False)
        self.quiet = kit.condition("the page", self.desk)

    async def begin_read(self) -> None:
        async with self.desk:
            while self.desk.writing:
                await self.quiet.wait()
            self.desk.reading += 1

    async def end_read(self) -> None:
        async with self.desk:
            self.desk.reading -= 1
            self.quiet.notify_all()

    async def begin_write(self) -> None:
        async with self.desk:
            while self.desk.writing or self.desk.reading:
                await self.quiet.wait()
            self.desk.writing = True

    async def end_write(self) -> None:
        async with self.desk:
            self.desk.writing = False
            self.quiet.notify_all()

    async def upgrade(self) -> None:
        async with self.desk:
            while self.desk.reading > 1:
                await self.quiet.wait()
            self.desk.writing = True

    async def refresh(self, page: Page) -> None:
        await self.begin_read()
        if not await page.read():
            await self.upgrade()
            await page.write()
            await self.end_write()
        await self.end_read()

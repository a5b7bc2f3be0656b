"""Everybody is woken, so one look before the wait has to do: two are woken for one thing, and the second finds none."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.primitives import Buffer, Fitted

challenge = "primitives"


class Yours(Fitted):
    async def take(self, buffer: Buffer) -> str:
        async with self.counter:
            if self.counter.here == 0:
                await self.some.wait()
            thing = await buffer.take()
            self.counter.here -= 1
            self.space.notify_all()
            return thing

    async def put(self, buffer: Buffer, thing: str) -> None:
        async with self.counter:
            while self.counter.here == self.counter.room:
                await self.space.wait()
            await buffer.put(thing)
            self.counter.here += 1
            self.some.notify_all()

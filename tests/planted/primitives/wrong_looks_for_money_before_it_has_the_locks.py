"""Whoever has too little is refused before anybody has to wait for a lock: what he has was looked at too early."""

from __future__ import annotations

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.concurrency.primitives import Bank, Fitted

challenge = "primitives"


class Yours(Fitted):
    async def move(self, bank: Bank, source: str, target: str, amount: int) -> None:
        if await bank.read(source) < amount:
            raise Refused("There is not enough.")
        first, second = sorted((source, target))
        async with self.locks[first], self.locks[second]:
            await bank.write(source, await bank.read(source) - amount)
            await bank.write(target, await bank.read(target) + amount)

"""What the three services do when they are asked: at once, once a key, or in two phases. Each has a database.

A service's row says how much is left, and how much is out: pieces that are taken, money that is paid, parcels that are
sent. To do a step is to move an amount from the one to the other, and to undo it is to move it back.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from windtunnel import Stage
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.saga.world import AMOUNTS, Order
from windtunnel.engines import Aborted, AtLeast, Conflict, DatabasePort, Plus, Statements

UNDO = "/undo"
"""What stands behind a step's key in the key of what takes it back, as in `windtunnel.blocks.durability.Sagas`."""


class Service:
    """Does what it is told, as often as it is told. It starts anew as well: what it knows stands in its database."""

    def __init__(self, stage: Stage, name: str, db: DatabasePort) -> None:
        self.stage, self.name, self.db = stage, name, db
        self.amount = AMOUNTS[name]

    async def start(self) -> None:
        """Make the tables that it needs beside its rows, once."""

    async def handle(self, what: str, order: Order, key: str) -> bool:
        """Answer a message: whether it was done. False: refused, and nothing was."""
        return await self.move(self.db, what, order)

    async def move(self, t: Statements, what: str, order: Order) -> bool:
        """Do the step, or undo it, in one statement; False where there is not enough."""
        way = -1 if what == "undo" else 1
        enough = {"out" if what == "undo" else "left": AtLeast(self.amount)}
        changes = {"left": Plus(-way * self.amount), "out": Plus(way * self.amount)}
        return await t.update(self.name, {"id": order.row(self.name), **enough}, changes) == 1


class Keyed(Service):
    """Does what it is told once a key, and gives the same answer again: the key is noted with the effect, or neither.

    To undo takes the key of the step as well: either it was done, and is taken back, or it never will be, also where
    the message to do it was late.
    """

    async def start(self) -> None:
        await self.db.create_table("known", {"id": str, "done": int})

    async def handle(self, what: str, order: Order, key: str) -> bool:
        while True:
            try:
                async with self.db.transaction() as t:
                    return await (self.undo(t, order, key) if what == "undo" else self.do(t, order, key))
            except (Conflict, Aborted):
                known = await self.db.get("known", key)
                if known is not None:
                    return known["done"] == 1

    async def do(self, t: Statements, order: Order, key: str) -> bool:
        """Do it, and note its key and what came of it."""
        await t.insert("known", {"id": key, "done": 1})
        done = await self.move(t, "do", order)
        if not done:
            await t.update("known", {"id": key}, {"done": 0})
        return done

    async def undo(self, t: Statements, order: Order, key: str) -> bool:
        """Take it back if it was done, and see to it that it is not done any more. Twice is as once: it is not done."""
        step = key.removesuffix(UNDO)
        was_done = await t.update("known", {"id": step, "done": 1}, {"done": 0})
        if was_done:
            await self.move(t, "undo", order)
        elif await t.get("known", step) is None:  # unclaimed: of one that comes behind its undoing, as none does here
            await t.insert("known", {"id": step, "done": 0})
        return True


class Voting(Service):
    """Two phases: a yes holds the row until the service is told how it ended; whoever wants the row then waits."""

    def __init__(self, stage: Stage, name: str, db: DatabasePort) -> None:
        super().__init__(stage, name, db)
        self.turns: defaultdict[int, list[Any]] = defaultdict(list)

    async def start(self) -> None:
        await self.db.create_table("vote", {"id": int, "open": int})
        await self.db.create_table("held", {"id": int, "number": int})

    async def handle(self, what: str, order: Order, key: str) -> bool:
        if what == "prepare":
            return await self.prepare(order)
        while True:
            try:
                async with self.db.transaction() as t:
                    await self.decide(t, what, order)
                break
            except (Conflict, Aborted):
                continue
        for turn in self.turns.pop(order.row(self.name), []):
            turn.set()
        return True

    async def prepare(self, order: Order) -> bool:
        """Vote, as soon as nobody else holds the row. A vote on an order that is over comes too late, and is no."""
        row = order.row(self.name)
        while True:
            turn = self.stage.signal()
            self.turns[row].append(turn)
            try:
                async with self.db.transaction() as t:
                    await t.insert("vote", {"id": order.number, "open": 1})
                    await t.insert("held", {"id": row, "number": order.number})
                    if not await t.update(self.name, {"id": row, "left": AtLeast(self.amount)}, {"left": Plus(0)}):
                        raise Refused
                return True  # unclaimed: another round would find the vote, and say the same
            except Refused:
                return False
            except (Conflict, Aborted):
                vote = await self.db.get("vote", order.number)
                if vote is not None:
                    return vote["open"] == 1
                if await self.db.get("held", row) is not None:  # unclaimed: who asks again and again is told the same
                    await turn  # unclaimed: as above

    async def decide(self, t: Statements, what: str, order: Order) -> None:
        """Do what was decided, once, and give the row back."""
        if await t.update("vote", {"id": order.number, "open": 1}, {"open": 0}):
            if what == "commit":
                await self.move(t, "do", order)
            await t.delete("held", {"id": order.row(self.name), "number": order.number})
        elif await t.get("vote", order.number) is None:
            await t.insert("vote", {"id": order.number, "open": 0})

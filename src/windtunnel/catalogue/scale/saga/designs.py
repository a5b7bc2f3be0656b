"""Six coordinators, with what their services have to be able to."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Protocol

from windtunnel import Stage
from windtunnel.blocks.durability import Context, DurableState, Saga, Sagas, Step
from windtunnel.blocks.ground import Refused
from windtunnel.blocks.resilience import Retry, full_jitter
from windtunnel.catalogue.scale.saga.desk import Desk
from windtunnel.catalogue.scale.saga.services import UNDO, Keyed, Service, Voting
from windtunnel.catalogue.scale.saga.world import PATIENCE_S, SERVICES, Order

TRIES = 3  # unclaimed: any few
"""How often a call that may be made again is made before it has failed."""
BACKOFF = full_jitter(0.02, PATIENCE_S)  # unclaimed: any little while


class Setting(Protocol):
    """What designs need of the parameters."""

    @property
    def patience_s(self) -> float: ...


class InMemory:
    """Take the steps; where one fails undo those before it. What has been done is known to the memory alone."""

    service: type[Service] = Service
    desk: Desk

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p

    def boot(self, desk: Desk) -> None:
        """The machine has started; nothing that another program knew is left but what is on its disk."""
        self.desk = desk

    async def recover(self) -> None:
        """Go on with what was found."""

    async def order(self, order: Order) -> bool:
        """Whether all of it was done; if not, none of it was. A client who was told nothing asks again."""
        done: list[str] = []
        try:
            for service in SERVICES:
                if not await self.do(service, order):
                    raise Refused
                done.append(service)
        except (Refused, TimeoutError):
            for service in reversed(done):
                await self.undo(service, order)
            return False
        return True

    async def do(self, service: str, order: Order) -> bool:
        """Take a step. False: it was refused."""
        return await self.desk.call(service, "do", order)

    async def undo(self, service: str, order: Order) -> None:
        """Take it back."""
        await self.desk.call(service, "undo", order)


class Idempotent(InMemory):
    """The same, and services know a key for each step and do it once; so calls, and orders, can be made again."""

    service = Keyed

    async def order(self, order: Order) -> bool:
        tried: list[str] = []
        try:
            for service in SERVICES:
                tried.append(service)
                if not await self.do(service, order):
                    raise Refused
        except (Refused, TimeoutError):
            for service in reversed(tried):
                await self.undo(service, order)
            return False
        return True

    async def do(self, service: str, order: Order) -> bool:
        return await self.again(service, "do", order, f"{order.number}/{service}")

    async def undo(self, service: str, order: Order) -> None:
        await self.again(service, "undo", order, f"{order.number}/{service}{UNDO}")

    async def again(self, service: str, what: str, order: Order, key: str) -> bool:
        """Call, and call again where no answer comes."""
        for _ in range(TRIES - 1):
            with suppress(TimeoutError):
                return await self.desk.call(service, what, order, key)
        return await self.desk.call(service, what, order, key)  # unclaimed: any few; and a no is undone as well


class Ledger(DurableState):
    """What has happened to each order, on the disk of the machine."""

    _kind = "orders"

    def __init__(self, desk: Desk) -> None:
        self.orders: dict[int, tuple[Order, list[str]]] = {}
        super().__init__(desk.files, "ledger", offload=desk.offload)

    async def note(self, order: Order, what: str) -> None:
        """Write this down, and return once it is safe."""
        await self._commit([[*order, what]])

    def of(self, order: Order) -> list[str]:
        """What has happened to it, oldest first."""
        return self.orders[order.number][1] if order.number in self.orders else []

    def _apply(self, change: Any) -> None:
        number, item, what = change
        self.orders.setdefault(number, (Order(number, item), []))[1].append(what)

    def _dump(self) -> Any:
        return [[*order, what] for order, notes in self.orders.values() for what in notes]

    def _restore(self, state: Any) -> None:
        for change in state:
            self._apply(change)


class Remembering(InMemory):
    """A coordinator with a ledger: it goes on with what has not ended, and who asks again joins."""

    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        self.ledger = Ledger(desk)
        self.tasks: dict[int, asyncio.Task[bool]] = {}

    async def recover(self) -> None:
        open_ = [order for order, notes in self.ledger.orders.values() if notes[-1] not in ("done", "undone")]
        await asyncio.gather(*(self.order(order) for order in open_))

    async def order(self, order: Order) -> bool:
        notes = self.ledger.of(order)
        if notes and notes[-1] in ("done", "undone"):  # unclaimed: to go on behind the last note comes to the same
            return notes[-1] == "done"  # unclaimed: as above
        if order.number not in self.tasks:
            self.tasks[order.number] = asyncio.create_task(self.carry_out(order))
        return await asyncio.shield(self.tasks[order.number])

    async def carry_out(self, order: Order) -> bool:
        """From where its notes end."""
        raise NotImplementedError


class Logged(Remembering):
    """Each step is written down when it is done, and after a crash the order goes on behind its last note."""

    async def carry_out(self, order: Order) -> bool:
        notes = self.ledger.of(order)
        if not notes:
            await self.ledger.note(order, "begun")
        if "failed" not in self.ledger.of(order):
            for service in SERVICES:
                if service in self.ledger.of(order):
                    continue
                try:
                    done = await self.do(service, order)
                except TimeoutError:
                    done = False  # unclaimed: whoever reads notes alone is wrong then, one way or the other
                await self.ledger.note(order, service if done else "failed")
                if not done:
                    break
            else:
                await self.ledger.note(order, "done")
                return True
        for service in reversed(SERVICES):
            notes = self.ledger.of(order)
            if service in notes and service + UNDO not in notes:
                await self.undo(service, order)
                await self.ledger.note(order, service + UNDO)
        await self.ledger.note(order, "undone")  # unclaimed: else it is found once more, and nothing is left to undo
        return False


class TwoPhase(Remembering):
    """Ask all services to hold what they will need; when all have said yes write down the decision, and tell them."""

    service = Voting

    async def carry_out(self, order: Order) -> bool:
        notes = self.ledger.of(order)
        if not notes:
            await self.ledger.note(order, "begun")
            votes = await asyncio.gather(*(self.vote(service, order) for service in SERVICES))
            if all(votes):
                await self.ledger.note(order, "commit")
        yes = "commit" in self.ledger.of(order)  # what had only begun when the machine died is given up
        await asyncio.gather(*(self.insist(service, "commit" if yes else "abort", order) for service in SERVICES))
        await self.ledger.note(order, "done" if yes else "undone")
        return yes

    async def vote(self, service: str, order: Order) -> bool:
        """Its vote; who does not answer in time has said no."""
        try:
            async with asyncio.timeout(self.p.patience_s):
                return await self.insist(service, "prepare", order)
        except TimeoutError:
            return False

    async def insist(self, service: str, what: str, order: Order) -> bool:
        """Ask until there is an answer."""
        wait_s = PATIENCE_S
        while True:
            try:
                return await self.desk.call(service, what, order, within_s=wait_s)
            except TimeoutError:
                wait_s *= 2  # unclaimed: longer each time, as one who insists should


class DurableSaga(InMemory):
    """The block Sagas writes down each step when it is done; it may take one again after a crash, with its key."""

    service = Keyed
    in_turn = SERVICES

    def boot(self, desk: Desk) -> None:
        super().boot(desk)
        steps = [self.step(service) for service in self.in_turn]
        again = Retry(TRIES, BACKOFF)
        self.sagas = Sagas(
            desk.files, "sagas", [Saga("order", steps)], retry=again, backoff=BACKOFF, offload=desk.offload
        )

    def step(self, service: str) -> Step:
        """A service's step. The parcel is the last, and there is no way back from it."""

        async def do(context: Context) -> None:
            if not await self.desk.call(service, "do", Order(*context.input), context.key):
                raise Refused

        async def undo(context: Context) -> None:
            await self.desk.call(service, "undo", Order(*context.input), context.key)

        return Step(service, do, None if service == self.in_turn[-1] else undo)

    async def recover(self) -> None:
        await self.sagas.resume()

    async def order(self, order: Order) -> bool:
        run = await self.sagas.run("order", str(order.number), list(order))
        return run.outcome == "done"


class MoneyFirst(DurableSaga):
    """The same, and the money is taken before the piece: who cannot pay never takes what others want."""

    in_turn = ("money", "stock", "parcels")

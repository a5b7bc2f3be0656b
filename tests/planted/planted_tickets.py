"""A few seats, holds that run out, and a box office that may crash between any two of its lines.

A buyer asks for a seat and gets a hold on it, thinks, and pays or walks away. A hold is void when its time has run out,
when the buyer gives it back, or when the office restarts; its number never comes again. What is paid is on the disk
before the buyer is told. A payment that is asked for again gets the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.checkers import check_unique_ids
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.stage import Stage
from windtunnel.parts import Journal, Peer
from windtunnel.sim.kernel import Process

Hold = tuple[int, int]
"""The number of the office's boot, and of the hold in it."""


@dataclass(frozen=True)
class Params:
    seats: int = param(4, "seats", 1)
    buyers: int = param(12, "buyers, each on a host of its own", 1)
    every_s: float = param(0.004, "seconds between buyers, mean", 0)
    pays_s: float = param(0.02, "seconds in which a buyer pays, mean", 0)
    leave: float = param(0.3, "share of buyers who give their hold back", 0, 1)
    hold_s: float = param(0.06, "seconds for which a seat is held", 0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`buy(buyer, pays_after_s, leaves)`, answered with the seat."""
    at = 0.0
    for buyer in range(p.buyers):
        at += luck.expovariate(1 / p.every_s)
        yield Op(at, f"buyer {buyer}", "buy", (buyer, luck.expovariate(1 / p.pays_s), luck.random() < p.leave))


class Office(Peer):
    """The seats, in one place."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, "office")
        self.p = p
        self.steps_s = 0.001

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.paid: dict[Hold, int] = {tuple(hold): seat for hold, seat in self.journal.records()}
        self.free = [seat for seat in range(self.p.seats) if seat not in self.paid.values()]
        self.holds: dict[Hold, int] = {}
        self.asked: dict[str, Hold] = {}
        self.last = 0

    async def hold(self, buyer: str) -> tuple[Hold, int] | None:
        """A hold on any free seat; the same one again for a buyer who asks again."""
        known = self.asked.get(buyer)
        if known in self.holds:
            return known, self.holds[known]
        seat = await self.take()
        if seat is None:
            return None
        number = self.number()
        self.holds[number] = seat
        self.asked[buyer] = number
        self.host.spawn(self._expire(number), daemon=True)
        return number, seat

    async def take(self) -> int | None:
        """A free seat, which from now on is not free."""
        seat = self.free.pop() if self.free else None
        await self.sim.sleep(self.steps_s)
        return seat

    def number(self) -> Hold:
        self.last += 1
        return self.host.boots, self.last

    async def _expire(self, number: Hold) -> None:
        await self.sim.sleep(self.p.hold_s)
        self.give_back(number)

    def give_back(self, number: Hold) -> bool:
        """The end of a hold that was not paid, however often it is said."""
        seat = self.holds.pop(number, None)
        if seat is not None:
            self.free.append(seat)
        return True

    async def pay(self, number: Hold, seat: int) -> bool:
        """Whether the seat is theirs."""
        if number not in self.paid:
            if self.holds.pop(number, None) is None:
                return False
            self.paid[number] = seat
            self.journal.append((number, seat))
        await self.settle()
        return True

    async def settle(self) -> None:
        """Wait for the disk; also for who asks again, since the first one's sync may not be over."""
        await self.journal.sync()


class HoldThenPay:
    """Holds that end once, payments that only a living hold gets through."""

    office_kind: type[Office] = Office

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim = stage.sim
        self.office = self.office_kind(stage, p)
        self.buyers = [Peer(stage, f"buyer {i}") for i in range(p.buyers)]

    def buy(self, buyer: int, pays_after_s: float, leaves: bool) -> Process[int]:
        me = self.buyers[buyer]
        return me.work(self._buy(me, pays_after_s, leaves))

    async def _buy(self, me: Peer, pays_after_s: float, leaves: bool) -> int:
        held = await me.insist(self.office, "hold", me.host.name, tries=6)
        if held is None:
            raise Refused
        number, seat = held
        await self.sim.sleep(pays_after_s)
        if leaves:
            me.ask(self.office, "give_back", number)
            raise Refused
        if not await me.insist(self.office, "pay", number, seat, tries=6):
            raise Refused
        return int(seat)

    def report(self) -> Mapping[str, Any]:
        return {"sold": sorted(self.office.paid.values())}


class LookingOffice(Office):
    async def take(self) -> int | None:
        seat = self.free[-1] if self.free else None
        await self.sim.sleep(self.steps_s)
        if seat in self.free:
            self.free.remove(seat)
        return seat


class LookThenWrite(HoldThenPay):
    """Looks for a free seat, and takes it out of the list a step later."""

    office_kind = LookingOffice


class PatientOffice(Office):
    async def pay(self, number: Hold, seat: int) -> bool:
        if seat in self.free:
            return False
        if number not in self.paid:
            self.holds.pop(number, None)
            self.paid[number] = seat
            self.journal.append((number, seat))
        await self.settle()
        return True


class PaidAfterExpiry(HoldThenPay):
    """Asks whether the seat is held when a buyer pays, not whether it is still held by this buyer."""

    office_kind = PatientOffice


class GenerousOffice(Office):
    def boot(self) -> None:
        super().boot()
        self.seats: dict[Hold, int] = {}

    async def hold(self, buyer: str) -> tuple[Hold, int] | None:
        found = await super().hold(buyer)
        if found is not None:
            self.seats[found[0]] = found[1]
        return found

    def give_back(self, number: Hold) -> bool:
        self.holds.pop(number, None)
        if number in self.seats and number not in self.paid:
            self.free.append(self.seats[number])
        return True


class FreedTwice(HoldThenPay):
    """Frees the seat when the buyer gives it back, and once more when the time of the hold runs out."""

    office_kind = GenerousOffice


class HastyOffice(Office):
    async def settle(self) -> None:
        """Let the operating system do it."""


class PaidInMemory(HoldThenPay):
    """Tells the buyer that the seat is paid before the disk has it."""

    office_kind = HastyOffice


class CountingOffice(Office):
    def number(self) -> Hold:
        self.last += 1
        return 0, self.last


class NumbersComeAgain(HoldThenPay):
    """Counts holds from one again after a restart: an old hold pays with the number of somebody else's."""

    office_kind = CountingOffice


def measure(history: History, p: Params) -> Mapping[str, float]:
    """Seats that two buyers were told are theirs."""
    verdict = check_unique_ids([e._replace(name="generate", args=()) for e in history])
    seats: list[Any] = [e.value for e in history.where(outcome="ok")]
    return {
        "sold_twice": len(seats) - len(set(seats)) if verdict.status == "invalid" else 0,
        "sold": len(history.facts["sold"]),
    }


experiment = Experiment(
    title="Tickets",
    question="Who sells a seat twice?",
    params=Params,
    workload=workload,
    designs={
        "look_then_write": LookThenWrite,
        "paid_after_expiry": PaidAfterExpiry,
        "freed_twice": FreedTwice,
        "paid_in_memory": PaidInMemory,
        "numbers_come_again": NumbersComeAgain,
        "correct": HoldThenPay,
    },
    claims=(),
    measure=measure,
    demands=(
        Claim("yours.sold_twice == 0", "A seat has one owner.", always=True),
        Claim("yours.sold <= params.seats", "The office's own book says so too.", always=True),
        Claim("yours.ok + yours.fail == params.buyers", "Everybody hears yes or no."),
    ),
)

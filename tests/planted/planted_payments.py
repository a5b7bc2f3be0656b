"""Payments with idempotency keys: a buyer, a shop that may crash, and a bank that takes each charge once.

The buyer makes one key for a payment and sends it with every try. The shop gives a key that it has not seen the number
of a charge, and has both on its disk before it talks to the bank. A repetition finds the same number, and the bank,
which knows its charges by their numbers, says what it said before. What the bank said is stored too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.stage import Stage
from windtunnel.parts import Journal, Peer, quiet
from windtunnel.parts.peers import CALL_S
from windtunnel.sim.kernel import Process, process


@dataclass(frozen=True)
class Params:
    payments: int = param(8, "payments", 1)
    every_s: float = param(0.005, "seconds between payments, mean", 0)
    declined: float = param(0.3, "share of payments that the bank declines", 0, 1)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`pay(number, declined)`."""
    at = 0.0
    for number in range(p.payments):
        at += luck.expovariate(1 / p.every_s)
        yield Op(at, f"buyer {number % 3}", "pay", (number, luck.random() < p.declined))


class Bank(Peer):
    """Takes each charge once, and remembers what it said."""

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.said: dict[str, bool] = {}
        self.charged: dict[int, int] = {}
        for charge, payment, paid in self.journal.records():
            self.note(charge, payment, paid)

    def note(self, charge: str, payment: int, paid: bool) -> None:
        self.said[charge] = paid
        self.charged[payment] = self.charged.get(payment, 0) + paid

    async def charge(self, charge: str, payment: int, declined: bool) -> bool:
        """Whether the money is taken."""
        if charge not in self.said:
            self.note(charge, payment, not declined)
            self.journal.append((charge, payment, not declined))
        await self.journal.sync()  # also for who asks again: the first one's sync may not be over
        return self.said[charge]


class Shop(Peer):
    """Between the buyer and the bank."""

    def __init__(self, stage: Stage, bank: Bank) -> None:
        super().__init__(stage, "shop")
        self.bank = bank
        self.charges = 0

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.charge_of: dict[str, str] = {}
        self.answers: dict[str, bool] = {}
        self.charges = 0
        for what, key, value in self.journal.records():
            if what == "charge":
                self.charge_of[key] = value
            else:
                self.answers[key] = value

    def new_charge(self) -> str:
        self.charges += 1
        return f"charge {self.host.boots}.{self.charges}"

    async def pay(self, key: str, payment: int, declined: bool) -> bool:
        """Whether it is paid; the same for the same key."""
        if key in self.answers:
            return self.answers[key]
        charge = await self.begin(key)
        paid = bool(await self.insist(self.bank, "charge", charge, payment, declined))
        await self.end(key, charge, paid)
        return paid

    async def begin(self, key: str) -> str:
        """The charge that belongs to the key."""
        if key not in self.charge_of:
            self.charge_of[key] = self.new_charge()
            self.journal.append(("charge", key, self.charge_of[key]))
        await self.journal.sync()  # also for who asks again: the first one's sync may not be over
        return self.charge_of[key]

    async def end(self, key: str, charge: str, paid: bool) -> None:
        self.answers[key] = paid
        await self.journal.keep(("answer", key, paid))


class KeyFirst:
    """The key and its charge are on the disk before the bank hears of it."""

    shop_kind: type[Shop] = Shop

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.sim = stage.sim
        self.bank = Bank(stage, "bank")
        self.shop = self.shop_kind(stage, self.bank)
        self.buyers = [Peer(stage, f"buyer {i}") for i in range(3)]

    def pay(self, number: int, declined: bool) -> Process[None]:
        me = self.buyers[number % 3]
        return me.work(self._pay(me, number, declined))

    async def _pay(self, me: Peer, number: int, declined: bool) -> None:
        for attempt in range(5):
            answer = me.ask(self.shop, "pay", self.key(number, attempt), number, declined)
            if await answer.within(3 * CALL_S):
                if not answer.result():
                    raise Refused
                return
        raise TimeoutError("the shop does not answer")

    def key(self, number: int, attempt: int) -> str:
        return f"key {number}"

    @process
    async def report(self) -> Mapping[str, Any]:
        """How often the bank took each payment, once all is quiet."""
        await quiet([self.shop, self.bank])
        return {"charged": {n: self.bank.charged.get(n, 0) for n in range(self.p.payments)}}


class KeyPerAttempt(KeyFirst):
    """The buyer's library makes the key where it sends the request: every try has another."""

    def key(self, number: int, attempt: int) -> str:
        return f"key {number}.{attempt}"


class KeyLast(Shop):
    async def begin(self, key: str) -> str:
        return self.charge_of.get(key) or self.new_charge()

    async def end(self, key: str, charge: str, paid: bool) -> None:
        self.charge_of[key] = charge
        self.journal.append(("charge", key, charge))
        await super().end(key, charge, paid)


class KeyAfterCharge(KeyFirst):
    """The shop stores the key when the charge has succeeded: who asks again before that is charged again."""

    shop_kind = KeyLast


class Forgetful(Shop):
    async def pay(self, key: str, payment: int, declined: bool) -> bool:
        if key in self.charge_of:
            return True  # it was here before, so it is done
        return await super().pay(key, payment, declined)


class AnswerNotStored(KeyFirst):
    """Stores that a key was used, not what came of it: who asks again hears "done" of a payment that was declined."""

    shop_kind = Forgetful


class Hasty(Shop):
    async def begin(self, key: str) -> str:
        if key not in self.charge_of:
            self.charge_of[key] = self.new_charge()
            self.journal.append(("charge", key, self.charge_of[key]))
        return self.charge_of[key]


class KeyNotSynced(KeyFirst):
    """Writes the key without a sync: the charge is known at the bank, and after a crash not here."""

    shop_kind = Hasty


class Looking(Shop):
    async def begin(self, key: str) -> str:
        if key in self.charge_of:
            return self.charge_of[key]
        charge = self.new_charge()
        await self.journal.keep(("charge", key, charge))
        self.charge_of[key] = charge
        return charge


class LookThenStore(KeyFirst):
    """Looks whether the key is known, and makes it known a disk's turn later: two tries at once are two charges."""

    shop_kind = Looking


def measure(history: History, p: Params) -> Mapping[str, float]:
    """Payments that were taken twice, and those of which the buyer heard something else than the bank did."""
    charged: dict[int, int] = history.facts["charged"]
    told = {e.args[0]: e.outcome == "ok" for e in history if e.outcome != "unknown"}
    return {
        "charged_twice": sum(times > 1 for times in charged.values()),
        "lies": sum((charged[number] > 0) != paid for number, paid in told.items()),
    }


experiment = Experiment(
    title="Payments",
    question="Is anybody charged twice?",
    params=Params,
    workload=workload,
    designs={
        "key_per_attempt": KeyPerAttempt,
        "key_after_charge": KeyAfterCharge,
        "answer_not_stored": AnswerNotStored,
        "key_not_synced": KeyNotSynced,
        "look_then_store": LookThenStore,
        "correct": KeyFirst,
    },
    claims=(),
    measure=measure,
    demands=(
        Claim("yours.charged_twice == 0", "One payment, one charge.", always=True),
        Claim("yours.lies == 0", "The buyer hears what the bank did.", always=True),
        Claim("yours.ok + yours.fail == params.payments", "Every payment is answered."),
    ),
)

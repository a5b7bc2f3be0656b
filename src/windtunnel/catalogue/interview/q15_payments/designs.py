"""Four servers that take a payment without an account of how far they have come. Bank, shop and books are the same."""

from __future__ import annotations

from typing import Protocol

from windtunnel import Stage
from windtunnel.blocks.durability import KeyBusy, KeyReused
from windtunnel.catalogue.interview.q15_payments.desk import Desk, Tables
from windtunnel.catalogue.interview.q15_payments.world import ASKS, REUSED, Payment
from windtunnel.engines import Conflict, Plus, Row, Statements

BOOKED: Tables = {"payment": ({"id": int, "order_no": int, "amount": int}, ())}
DECLINED = "declined"


class Setting(Protocol):
    """What designs need of the parameters."""

    @property
    def lease_s(self) -> float: ...


class RetryOnTimeout:
    """Charge the card, book it, tell the shop. Where no answer comes, the payer asks again."""

    tables: Tables = BOOKED
    desk: Desk

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.stage, self.p = stage, p

    def boot(self, desk: Desk) -> None:
        """The server has started; what another life of it knew is in the database."""
        self.desk = desk

    async def pay(self, payment: Payment) -> str:
        """What the payer is told: paid, with the number of the charge, or declined."""
        charge = await self.charge(payment)
        if not charge:
            return DECLINED
        async with self.desk.db.transaction() as t:
            await self.book(t, payment, charge)
        await self.tell_shop(payment.order)
        return paid(charge)

    async def sweep(self) -> None:
        """The job that runs every minute."""

    async def charge(self, payment: Payment, key: str = "") -> int:
        """The number of the charge; 0: declined."""
        charge: int = await self.desk.call("bank", "charge", payment.order, payment.amount, key)
        if charge == REUSED:
            raise KeyReused(f"The bank knows key {key} with another payment.")
        return charge

    async def book(self, t: Statements, payment: Payment, charge: int) -> None:
        """The payment, and what the merchant has with us."""
        await t.insert("payment", {"id": charge, "order_no": payment.order, "amount": payment.amount})
        await t.update("account", {"id": payment.merchant}, {"balance": Plus(payment.amount)})

    async def tell_shop(self, order: int, event: str = "") -> None:
        """It is paid: ship it."""
        await self.desk.call("shop", "paid", order, event)


def paid(charge: int) -> str:
    """What a payer is told of a charge."""
    return f"paid by charge {charge}"


def same(row: Row, payment: Payment) -> bool:
    """Whether what is noted of a key is this payment."""
    return (row["order_no"], row["amount"]) == (payment.order, payment.amount)


class RetryingLibrary(RetryOnTimeout):
    """A key is begun once, and we never ask the bank twice; the client library below does, where no answer comes."""

    tables: Tables = {**BOOKED, "begun": ({"id": str, "order_no": int, "amount": int, "body": str}, ())}

    async def pay(self, payment: Payment) -> str:
        db = self.desk.db
        begun: Row = {"id": payment.key, "order_no": payment.order, "amount": payment.amount, "body": ""}
        try:
            await db.insert("begun", begun)
        except Conflict:
            known = await db.get("begun", payment.key)
            if known is None or not same(known, payment):
                raise KeyReused(f"{payment.key} belongs to another payment.") from None
            if not known["body"]:
                raise KeyBusy(f"{payment.key} was begun, and nobody knows how it ended.") from None
            return str(known["body"])
        charge = await self.library(payment)
        body = paid(charge) if charge else DECLINED
        async with db.transaction() as t:
            await t.update("begun", {"id": payment.key}, {"body": body})
            if charge:
                await self.book(t, payment, charge)
        if charge:
            await self.tell_shop(payment.order)
        return body

    async def library(self, payment: Payment) -> int:
        """What a client library does without being asked: it tries again."""
        for _ in range(ASKS - 1):  # unclaimed: that it asks in vain so often is one payment of thousands
            try:
                return await self.charge(payment)
            except TimeoutError:
                continue
        return await self.charge(payment)  # unclaimed: as above


class CheckThenInsert(RetryOnTimeout):
    """Look whether the key is known; if not charge, tell the shop, and insert it with the books: it is unique."""

    tables: Tables = {**BOOKED, "known": ({"id": str, "order_no": int, "amount": int, "body": str}, ())}

    async def pay(self, payment: Payment) -> str:
        known = await self.known(payment)
        if known:
            return known
        charge = await self.charge(payment, self.foreign(payment))
        if charge:
            await self.tell_shop(payment.order, payment.key)
        return await self.note(payment, charge)

    async def note(self, payment: Payment, charge: int) -> str:
        """Insert the key, with the books; or what another has noted of it, who was faster."""
        body = paid(charge) if charge else DECLINED
        try:
            async with self.desk.db.transaction() as t:
                await t.insert(
                    "known",
                    {"id": payment.key, "order_no": payment.order, "amount": payment.amount, "body": body},
                )
                if charge:
                    await self.book(t, payment, charge)
        except Conflict:
            return await self.known(
                payment
            )  # unclaimed: with a key for the bank it is the same, without one both are wrong
        return body

    def foreign(self, payment: Payment) -> str:
        """The key that the bank is told: none."""
        return ""

    async def known(self, payment: Payment) -> str:
        """What was answered to this key; nothing where it is not known."""
        known = await self.desk.db.get("known", payment.key)
        if known is None:
            return ""
        if not same(known, payment):
            raise KeyReused(f"{payment.key} belongs to another payment.")
        return str(known["body"])


class PassedOn(CheckThenInsert):
    """The same, and the bank is told the payer's own key: it charges once a key, whoever asks."""

    def foreign(self, payment: Payment) -> str:
        return payment.key

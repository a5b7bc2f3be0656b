"""Three servers that keep an account of how far each payment has come, and go on there whoever asks."""

from __future__ import annotations

import contextlib

from windtunnel.blocks.durability import KeyBusy, KeyReused
from windtunnel.catalogue.interview.q15_payments.designs import (
    BOOKED,
    DECLINED,
    RetryOnTimeout,
    paid,
    same,
)
from windtunnel.catalogue.interview.q15_payments.desk import Tables
from windtunnel.catalogue.interview.q15_payments.world import Payment
from windtunnel.engines import Conflict, Plus, Row, Statements

IDEM: Tables = {
    "idem": (
        {
            "id": str,
            "order_no": int,
            "amount": int,
            "merchant": int,
            "point": str,
            "open": int,
            "until": float,
            "version": int,
            "body": str,
        },
        (),
    )
}
"""Keys: the payment, the recovery point, until when somebody works on it and the how-manieth he is, and the answer."""


def begun(payment: Payment, until: float) -> Row:
    """What is noted of a key that nobody has seen, with the payment, and with a lock until then."""
    row: Row = {"id": payment.key, "order_no": payment.order, "amount": payment.amount, "merchant": payment.merchant}
    return {**row, "point": "started", "open": 1, "until": until, "version": 1, "body": ""}


def noted(row: Row) -> Payment:
    """The payment that is noted."""
    return Payment(str(row["id"]), *(_whole(row[name]) for name in ("order_no", "amount", "merchant")))


class RecoveryPoints(RetryOnTimeout):
    """The key first, alone; then transactions, each with the point that it reaches; a key for each foreign call."""

    tables: Tables = {**BOOKED, **IDEM}

    async def pay(self, payment: Payment) -> str:
        row = await self.take(payment)
        try:
            while row["open"]:
                row = await self.go_on(row, payment)
        except OSError:  # no answer, from whomever: who asks again may begin at once
            with contextlib.suppress(OSError):
                await self.free(row)
            raise
        return str(row["body"])

    async def go_on(self, row: Row, payment: Payment) -> Row:
        """One phase; as it is now, where somebody else was faster."""
        try:
            if row["point"] == "started":
                return await self.settle(row, payment, await self.ask_bank(row, payment))
            await self.tell_shop(payment.order, payment.key)
            return await self.reach(self.desk.db, row, "finished", str(row["body"]))
        except KeyBusy:
            return await self.desk.db.get("idem", payment.key) or row

    async def take(self, payment: Payment) -> Row:
        """Work on this key, from now on and alone, unless somebody does or it is finished."""
        now = self.desk.clock()
        row = begun(payment, now + self.p.lease_s)
        with contextlib.suppress(Conflict):
            await self.desk.db.insert("idem", row)
            return row
        async with self.desk.db.transaction() as t:
            known = await t.get("idem", payment.key, lock=True)
            if known is None or not same(known, payment):
                raise KeyReused(f"{payment.key} belongs to another payment.")
            if not known["open"]:  # unclaimed: who takes what is finished is told so when he goes on with it
                return known  # unclaimed: as above
            until = known["until"]
            if isinstance(until, float) and until > now:
                raise KeyBusy(f"Somebody works on {payment.key}.")
            until = now + self.p.lease_s  # unclaimed: as below
            (taken,) = await t.update_returning(
                "idem",
                {"id": payment.key},
                {"until": until, "version": Plus(1)},  # unclaimed: a lock that is not held longer makes nobody wait
            )
            return taken

    async def reach(self, t: Statements, row: Row, point: str, body: str) -> Row:
        """Note how far it has come. Raises KeyBusy where somebody else has come as far meanwhile; his answer counts."""
        changes: Row = {"point": point, "open": int(point != "finished"), "body": body}
        key: Row = {"id": row["id"], "point": row["point"]}  # unclaimed: the books take no charge a second time
        if not await t.update("idem", key, changes):
            raise KeyBusy(f"Somebody else has gone on with {row['id']}.")  # unclaimed: as above
        return {**row, **changes}

    async def free(self, row: Row) -> None:
        """Nobody works on it any more."""
        mine: Row = {"id": row["id"], "version": row["version"]}  # unclaimed: who frees another's lock harms nobody
        await self.desk.db.update("idem", mine, {"until": 0.0})

    async def ask_bank(self, row: Row, payment: Payment) -> int:
        """The bank's answer, by a key of our own."""
        return await self.charge(payment, f"till/{payment.key}")

    async def settle(self, row: Row, payment: Payment, charge: int) -> Row:
        """Note what the bank has answered, with the books; or neither."""
        if not charge:
            return await self.reach(self.desk.db, row, "finished", DECLINED)
        async with self.desk.db.transaction() as t:
            row = await self.reach(t, row, "charged", paid(charge))
            await self.book(t, payment, charge)
            return row

    async def sweep(self) -> None:
        """The completer: what has not ended goes on, as if its payer had asked again."""
        for row in await self.desk.db.select("idem", {"open": 1}):
            payment = noted(row)
            with contextlib.suppress(KeyBusy, OSError):
                await self.pay(payment)


class LedgerOutbox(RecoveryPoints):
    """Double entry, the message to the shop and the answer in one transaction; a relay tells the shop later."""

    tables: Tables = {
        **IDEM,
        "entry": ({"id": str, "charge": int, "account": int, "amount": int}, ()),
        "outbox": ({"id": str, "order_no": int}, ()),
    }

    async def settle(self, row: Row, payment: Payment, charge: int) -> Row:
        if not charge:
            return await super().settle(row, payment, charge)
        async with self.desk.db.transaction() as t:
            row = await self.reach(t, row, "finished", paid(charge))
            await self.enter(t, charge, payment.merchant, payment.amount)
            await t.insert("outbox", {"id": payment.key, "order_no": payment.order})
            return row

    async def enter(self, t: Statements, charge: int, merchant: int, amount: int) -> None:
        """Debit the bank, credit the merchant: two entries whose sum is nothing, and the balance that follows."""
        await t.insert("entry", {"id": f"{charge}/debit", "charge": charge, "account": 0, "amount": amount})
        await t.insert("entry", {"id": f"{charge}/credit", "charge": charge, "account": merchant, "amount": -amount})
        await t.update("account", {"id": merchant}, {"balance": Plus(amount)})

    async def sweep(self) -> None:
        """The completer, and the relay."""
        await super().sweep()
        with contextlib.suppress(OSError):
            await self.relay()

    async def relay(self) -> None:
        """Tell the shop what is in the outbox, by the name of the event; it may hear it again after a death."""
        for row in await self.desk.db.select("outbox"):
            await self.tell_shop(_whole(row["order_no"]), str(row["id"]))
            await self.desk.db.delete("outbox", {"id": row["id"]})  # unclaimed: the shop knows what it was told


class Reconciled(LedgerOutbox):
    """The same; who takes over asks the bank what it has, and what stands on its statement alone is given back."""

    async def ask_bank(self, row: Row, payment: Payment) -> int:
        if row["version"] != 1:  # somebody has asked before, and the bank may have forgotten the key
            found: int = await self.desk.call("bank", "find", f"till/{payment.key}")
            if found:
                return found
        return await super().ask_bank(row, payment)

    async def sweep(self) -> None:
        """The completer, the relay, and the statement of the bank."""
        await super().sweep()
        with contextlib.suppress(OSError):
            await self.reconcile()

    async def reconcile(self) -> None:
        """Give back each charge that stands on the statement, and neither in the books nor in what is still open."""
        for charge, _, _, reference in await self.desk.call("bank", "statement"):
            # In this order: what is no longer open was booked as it ended, and what was not booked may yet be open.
            known = await self.desk.db.get("idem", reference.removeprefix("till/"))
            if known is not None and known["open"]:
                continue
            if await self.desk.db.get("entry", f"{charge}/debit") is None:
                await self.desk.call("bank", "refund", charge)


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value

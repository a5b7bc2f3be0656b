"""Which troubles a payment meets: every place, every message, every commit; only what is drawn is left to chance."""

from __future__ import annotations

from random import Random
from typing import NamedTuple, Protocol, get_args

from windtunnel.catalogue.interview.q15_payments.world import How, Payment, Second, Trouble

AMOUNT = 30
NOTED = 4
"""The place at which who has gone and comes back was lost: in most designs the bank has charged, nobody noted it."""
SECONDS: tuple[Second, ...] = get_args(Second)[1:-1]
"""Those that come at a place."""
OTHERS: tuple[Second, ...] = ("other", "beside")
"""Those that are another payment."""
HOWS: tuple[How, ...] = ("lost", "unanswered", "late", "out", "silent")


class Setting(Protocol):
    """What the list, and who judges, need of the parameters."""

    @property
    def places(self) -> int: ...

    @property
    def seconds(self) -> int: ...

    @property
    def messages(self) -> int: ...

    @property
    def back(self) -> int: ...

    @property
    def again(self) -> int: ...

    @property
    def drawn(self) -> int: ...

    @property
    def declined(self) -> int: ...

    @property
    def payments(self) -> int: ...


class Episode(NamedTuple):
    """A payment and its trouble.

    Args:
        stays: whether a payer who hears nothing asks again, until he is told; else he has gone.
    """

    number: int
    trouble: Trouble
    stays: bool

    @property
    def payment(self) -> Payment:
        """What he pays."""
        return Payment(f"key {self.number}", 2 * self.number, AMOUNT, self.number + 1)

    @property
    def other(self) -> Payment:
        """Another payment, with the same key: his mistake. By turns another order, and the same for another amount.
        Or one with a key of its own, to the same merchant: no mistake at all."""
        if self.trouble.second == "beside":
            return Payment(f"{self.payment.key} beside", 2 * self.number + 1, AMOUNT + 12, self.payment.merchant)
        turn = self.trouble.at % 2
        return self.payment._replace(order=2 * self.number + turn, amount=AMOUNT + 12 * (1 - turn))


def episodes(p: Setting, luck: Random | None = None) -> list[Episode]:
    """All of them; the first is one with which nothing goes wrong.

    Args:
        luck: draws the last ones. Without it these have no trouble: who judges has to know how many there are alone.
    """
    found: list[tuple[Trouble, bool]] = [(Trouble(), True)]
    for stays in (True, False):
        found += [(Trouble(place, again=p.again), stays) for place in range(1, p.places + 1)]
    for second in SECONDS:
        found += [(Trouble(at=at, second=second), True) for at in range(1, p.seconds + 1)]
    found += [(Trouble(place, second="later"), False) for place in range(1, p.seconds + 1)]
    found += [(Trouble(NOTED, at=NOTED + at, second="frozen"), False) for at in range(1, p.back + 1)]
    for how in HOWS:
        found += [(Trouble(message=number, how=how), True) for number in range(1, p.messages + 1)]
    found += [(Trouble(message=number, how="commit"), True) for number in range(1, p.messages + 1)]
    for _ in range(p.drawn):
        found.append((_drawn(luck), luck.random() < 0.7) if luck is not None else (Trouble(), True))
    found += [(Trouble(how="chance"), True)] * p.payments
    return [Episode(number, *one) for number, one in enumerate(found)]


def _drawn(luck: Random) -> Trouble:
    """Two crashes at places of their own, perhaps a second request, and something that befalls a message or commit."""
    hit = luck.random() < 0.7
    second: Second = luck.choice((*SECONDS, "later")) if luck.random() < 0.5 else ""
    how: How = luck.choice((*HOWS, "commit")) if luck.random() < 0.6 else ""
    return Trouble(
        place=luck.randint(1, 16) if hit else 0,
        again=luck.randint(1, 16) if hit and luck.random() < 0.5 else 0,
        at=luck.randint(1, 12) if second in SECONDS else 0,
        second=second,
        message=luck.randint(1, 4) if how else 0,
        how=how,
    )

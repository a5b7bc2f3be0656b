"""Which troubles an order meets: every place, every copy, every message that is late; none is left to chance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Literal, NamedTuple, Protocol, get_args

from windtunnel.catalogue.scale.saga.world import AMOUNTS, LATE, Order, Trouble

Kind = Literal["goes", "broke", "heavy"]
"""An order that can be carried out; one whose buyer has no money; one whose parcel is too heavy to be sent."""
KINDS: tuple[Kind, ...] = get_args(Kind)
ORDERS = 3
"""Of an episode: the one with the trouble, the one that comes meanwhile, the one that comes when all is over."""


class Setting(Protocol):
    """What the list, and who judges, need of the parameters."""

    @property
    def places(self) -> int: ...

    @property
    def every(self) -> int: ...

    @property
    def messages(self) -> int: ...

    @property
    def clients(self) -> str: ...

    @property
    def copies(self) -> int: ...

    @property
    def again(self) -> int: ...

    @property
    def down_s(self) -> float: ...


class Episode(NamedTuple):
    """An order and its trouble.

    Args:
        stays: whether a client who hears nothing asks again, until he is told; else he has gone.
    """

    number: int
    kind: Kind
    trouble: Trouble
    stays: bool

    def order(self, which: int) -> Order:
        """The order itself (0), the one that comes meanwhile (1), the one that comes afterwards (2)."""
        return Order(ORDERS * self.number + which, self.number)


def episodes(p: Setting) -> list[Episode]:
    """All of them.

    Each order is killed at each place: with a client who leaves, where no message comes twice; and with one who asks
    again, where each message comes twice, its copy when all is over, or so many messages later. And each message is
    held back until all is over, and from each on answers are lost for a while, where nobody is killed.

    Where not every place is wanted, each kind has others, and up to every third what all kinds have in common is met by
    one of them.
    """
    found: list[tuple[Kind, Trouble, bool]] = []
    stays = p.clients == "ask"
    lags = (LATE, p.copies - 2)[: p.copies] if stays and p.copies else (-1,)
    for kind, lag in product(KINDS, lags):
        deaths = [(0, 0), *product(chosen(kind, p.places, p.every), sorted({0, p.again}))]
        found += [(kind, Trouble(*places, lag=lag), stays) for places in deaths]
    for kind, sign in product(KINDS, (1, -1)):
        found += [(kind, Trouble(held=sign * number), True) for number in chosen(kind, p.messages, p.every)]
    return [Episode(number, *one) for number, one in enumerate(found)]


def chosen(kind: Kind, many: int, every: int) -> list[int]:
    """Of so many places, or messages, counted from 1, the so-manieth ones; of each kind of order others."""
    return [one for one in range(1, many + 1) if (one + KINDS.index(kind)) % every == 0]


def rows(each: Sequence[Episode], service: str) -> list[dict[str, int]]:
    """What a service has at first: one piece of each item, money and room for more than one order; or none."""
    if service == "stock":
        return [{"id": e.number, "left": 1, "out": 0} for e in each]
    empty = "broke" if service == "money" else "heavy"
    amount = 3 * AMOUNTS[service]
    return [
        {"id": e.order(which).number, "left": 0 if which == 0 and e.kind == empty else amount, "out": 0}
        for e in each
        for which in range(ORDERS)
    ]

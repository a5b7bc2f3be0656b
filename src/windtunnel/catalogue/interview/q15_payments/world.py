"""The world around a payment: the payer, a bank that charges cards, a shop that ships, and what goes wrong with each.

All that a server does to the world is a statement, a commit, a message, and what it tells the payer. It may be killed
before each of these, and when a message is out that has not been answered: between two of them it changes nothing but
its memory, which is what dies.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from windtunnel import Stage

if TYPE_CHECKING:
    from windtunnel.sim import Host

HOP_S = 0.0005
"""Seconds that a message takes one way in the tunnel."""
PATIENCE_S = 0.2
"""Seconds for which a server waits for an answer, beyond what the bank takes."""
OUT_S = 1.0
"""Seconds for which nothing is heard of bank and shop, where they are out, beyond what the bank takes each time that a
payer asks: longer than he goes on asking."""
ASKS = 4
"""How often a payer asks who hears nothing: once, and three times more. A client library asks as often."""
REUSED = -1
"""What the bank answers to a key that it knows with other parameters."""
HUNDRED = 100
PORT = 7
PLACES = ("bank", "shop")

Second = Literal["", "twin", "frozen", "other", "beside", "swept", "later"]
"""What comes second. With the same key: the same once more; the same, while the first server stands still for longer
than its lock lasts; another payment. With a key of its own: another payment to the same merchant. No request, but the
job, while the first server stands still for so long. Or the same from who had gone, when the job has run."""
How = Literal["", "lost", "unanswered", "late", "out", "silent", "commit", "chance"]
"""What befalls a message: it is lost; its answer is; it comes when all is over; from it on messages are lost for a
while; from it on answers are; or it is the end of a transaction, which is committed, and whose answer is lost. Chance
loses answers of the bank at random."""


class Killed(BaseException):
    """The server is dead, and nothing that runs on it goes on. No `Exception`: nobody is there to catch it."""


class Payment(NamedTuple):
    """What a payer asks for, with the key that he made for it."""

    key: str
    order: int
    amount: int
    merchant: int


class Trouble(NamedTuple):
    """What goes wrong with a payment.

    Args:
        place: what the server that works on it is killed before, from 1 on; 0: it is not.
        again: the same once more, counted from then on, whichever server works on it.
        at: the place at which a second request comes; 0: none does, or it comes when all is over.
        second: which.
        message: the number of the message, or the commit, that something befalls.
        how: what.
    """

    place: int = 0
    again: int = 0
    at: int = 0
    second: Second = ""
    message: int = 0
    how: How = ""


class Heard:
    """An answer that somebody waits for."""

    def __init__(self, stage: Stage) -> None:
        self.over = stage.signal()
        self.said: Any = None

    def end(self, said: Any) -> None:
        """It has come, or will not any more (None)."""
        if not self.over.done():
            self.said = said
            self.over.set()


@dataclass
class Line:
    """A charge in the bank's book."""

    number: int
    order: int
    amount: int
    reference: str
    refunded: bool = False


class Bank:
    """Charges cards. With a key it does so once, and gives the same answer again, while it remembers the key.

    The key stands as a reference on its statement, also when the bank no longer knows it as one.
    """

    def __init__(self) -> None:
        self.book: list[Line] = []
        self.day = 0
        """Where in the book the day began whose statement can be had."""
        self.keys: dict[str, tuple[int, int, int]] = {}
        self.declines: set[int] = set()
        """Orders whose payer has no money when he is first charged; later he has."""

    def forget(self) -> None:
        """The keys are as old as a bank keeps them."""
        self.keys.clear()

    def charge(self, order: int, amount: int, key: str = "") -> int:
        """The number of the charge; 0: declined; `REUSED`: the key belongs to another payment."""
        if key in self.keys:
            known = self.keys[key]
            return known[2] if known[:2] == (order, amount) else REUSED
        answer = 0
        if order in self.declines:
            self.declines.discard(order)
        else:
            answer = len(self.book) + 1
            self.book.append(Line(answer, order, amount, key))
        if key:
            self.keys[key] = (order, amount, answer)
        return answer

    def find(self, reference: str) -> int:
        """The first charge with this reference that was not given back; 0: there is none."""
        return next((line.number for line in self.book if line.reference == reference and not line.refunded), 0)

    def statement(self) -> list[tuple[int, int, int, str]]:
        """All charges of the day that were not given back: number, order, amount, reference."""
        day = (line for line in self.book[self.day :] if not line.refunded)
        return [(line.number, line.order, line.amount, line.reference) for line in day]

    def refund(self, number: int) -> int:
        """Give a charge back, once."""
        self.book[number - 1].refunded = True
        return 1


class Shop:
    """Ships what is paid: once for each event that has a name, and each time for one that has none."""

    def __init__(self) -> None:
        self.shipped: Counter[int] = Counter()
        self.known: set[str] = set()

    def paid(self, order: int, event: str = "") -> int:
        """An order is paid."""
        if not event or event not in self.known:
            self.shipped[order] += 1
            self.known.add(event)
        return 1


class Sender(Protocol):
    """What a server is to the post."""

    @property
    def host(self) -> Host:
        """Where it runs, in the tunnel."""

    def hear(self, letter: Letter, answer: Any) -> None:
        """An answer has come."""


@dataclass
class Letter:
    """A message on its way."""

    desk: Sender
    to: str
    what: str
    args: tuple[Any, ...]
    call: int


class Post:
    """Carries what servers ask and bank and shop answer, with whatever befalls it.

    Args:
        bank_s: seconds that the bank takes, in the tunnel.
        loss: the share of the bank's answers that are lost, where chance does so.
    """

    def __init__(self, stage: Stage, bank_s: float, loss: float) -> None:
        self.stage, self.bank_s, self.loss = stage, bank_s, loss
        self.out_s = OUT_S + ASKS * bank_s
        self.sim = stage.sim if stage.name == "sim" else None
        self.bank, self.shop = Bank(), Shop()
        self.hosts: dict[str, Host] = {}
        self.tasks: set[asyncio.Task[Any]] = set()
        self.deck: list[bool] = []
        self.luck: Random = stage.random("answers that are lost")
        self.begin(Trouble())
        if self.sim is not None:
            for name in PLACES:
                self.hosts[name] = stage.host(name)
                self.hosts[name].start(self._listen, self.hosts[name], light=True)

    def begin(self, trouble: Trouble) -> None:
        """A payment comes with which this goes wrong."""
        self.trouble = trouble
        self.sent = self.under_way = 0
        self.out_until = self.silent_until = 0.0
        self.late: list[Letter] = []
        self.bank.day = len(self.bank.book)

    def send(self, letter: Letter) -> None:
        """A message goes out."""
        self.sent += 1
        now, how = self.stage.clock(), self.trouble.how if self.sent == self.trouble.message else ""
        if how == "out":
            self.out_until = now + self.out_s
        elif how == "silent":
            self.silent_until = now + self.out_s
        if how == "late":
            self.late.append(letter)
        elif how != "lost" and now >= self.out_until:
            self._carry(letter, how == "unanswered" or now < self.silent_until)

    async def flush(self) -> None:
        """All is over: what was late comes."""
        while self.late:
            self._carry(self.late.pop(0), True)
            await self.quiet()

    async def quiet(self) -> None:
        """Wait until no message is under way."""
        for _ in range(4000):
            if self.under_way <= 0:
                return
            await asyncio.sleep(HOP_S + self.bank_s / 4)

    def _carry(self, letter: Letter, unanswered: bool) -> None:
        self.under_way += 1
        if self.sim is not None:
            letter.desk.host.send(self.hosts[letter.to], (letter, unanswered), port=PORT)
        else:
            self._keep(asyncio.get_running_loop().create_task(self._handle(letter, unanswered)))

    async def _listen(self, host: Host) -> None:
        async for message in host.inbox(PORT):
            host.create_task(self._handle(*message.body))

    async def _handle(self, letter: Letter, unanswered: bool) -> None:
        try:
            thing: Bank | Shop = self.bank if letter.to == "bank" else self.shop
            do: Callable[..., Any] = getattr(thing, letter.what)
            answer = do(*letter.args)
            if self.sim is not None and letter.to == "bank":
                await asyncio.sleep(self.bank_s)
        finally:
            self.under_way -= 1
        if unanswered or (self.trouble.how == "chance" and letter.to == "bank" and self.unlucky()):
            return
        if self.sim is None:
            letter.desk.hear(letter, answer)
        else:
            self.hosts[letter.to].send(letter.desk.host, (letter, answer), port=PORT)

    def unlucky(self) -> bool:
        """Whether this answer is lost: of each hundred so many are, and which is luck."""
        if not self.deck:
            lost = round(HUNDRED * self.loss)
            self.deck = [True] * lost + [False] * (HUNDRED - lost)
            self.luck.shuffle(self.deck)
        return self.deck.pop()

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def books(self) -> Mapping[str, Any]:
        """What bank and shop have done: charges (order, amount, given back or not), how often each order shipped."""
        return {
            "charges": [(line.order, line.amount, line.refunded) for line in self.bank.book],
            "shipped": sorted(self.shop.shipped.items()),
        }


Act = Callable[[Any, str], Awaitable[None]]
"""What is told before each thing that a server does; raises `Killed` where it is the end."""

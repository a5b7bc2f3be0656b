"""Three services and two machines on which coordinators run: what they say to each other, and when one dies.

All that a coordinator does to the world is a message sent, an answer taken, a write or a sync of its disk, and what it
tells its client. Before each of these it may be killed; between two of them nobody could tell when. So killing before
each one leaves no moment out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from windtunnel import Stage

if TYPE_CHECKING:
    from windtunnel.sim import Host

SERVICES = ("stock", "money", "parcels")
PRICE = 30
HOP_S = 0.0005
"""Seconds that a message takes one way in the tunnel."""
PATIENCE_S = 0.1
"""Seconds for which a coordinator waits for an answer."""
LATE = 1_000
"""The copy of a message that comes after so many others comes when all is over."""
LOST_S = 0.5
"""Seconds for which answers are lost, where they are: whoever asks again is not heard at once."""
PORT = 7


class Killed(BaseException):
    """The machine is dead, and nothing that runs on it goes on. No `Exception`: nobody is there to catch it."""


class Order(NamedTuple):
    """One piece of an item, for the price, sent in a parcel; of each service the row that it is about."""

    number: int
    item: int

    def row(self, service: str) -> int:
        """The piece is a row of many orders; the buyer's account and the parcel are those of this one."""
        return self.item if service == "stock" else self.number


AMOUNTS = {"stock": 1, "money": PRICE, "parcels": 1}


class Answers(Protocol):
    """What a service is to those who write to it."""

    async def handle(self, what: str, order: Order, key: str) -> bool: ...


class Trouble(NamedTuple):
    """What goes wrong with one order.

    Args:
        place: what the first coordinator is killed before, from 1 on: the first thing that it does to the world, the
            second, and so on; 0: it is not.
        again: the same once more, counted from when it has started again.
        lag: how many other messages are sent before the copy of each message is; `LATE`: it comes when all is over;
            -1: there are no copies.
        held: the number of the message that comes when all is over; if it is negative, of the one from which on answers
            are lost for `LOST_S`.
    """

    place: int = 0
    again: int = 0
    lag: int = -1
    held: int = 0


class Sender(Protocol):
    """What a coordinator is to the post."""

    @property
    def host(self) -> Host:
        """Where it runs, in the tunnel."""

    def hear(self, letter: Letter, answer: bool) -> None:
        """An answer has come."""


@dataclass
class Letter:
    """A message on its way, or its copy."""

    desk: Sender
    to: str
    what: str
    order: Order
    key: str
    call: int
    """Which of the machine's calls it is, by which the answer finds it."""


class Post:
    """Carries what coordinators ask and services answer; some of it twice, some of it late."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.sim = stage.sim if stage.name == "sim" else None
        self.services: dict[str, Answers] = {}
        self.hosts: dict[str, Host] = {}
        self.begin(Trouble())
        self.tasks: set[asyncio.Task[Any]] = set()

    def begin(self, trouble: Trouble) -> None:
        """An order comes with which this goes wrong."""
        self.trouble = trouble
        self.sent = 0
        self.under_way = 0
        self.lost_until = 0.0
        self.late: list[tuple[int, Letter]] = []
        """Copies and messages that wait, each for how many have been sent when it goes."""

    def open(self, name: str, service: Answers) -> None:
        """A service is there, and takes messages on its machine."""
        self.services[name] = service
        if self.sim is not None:
            self.hosts[name] = self.stage.host(name)
            self.hosts[name].start(self._listen, self.hosts[name], light=True)

    def send(self, letter: Letter) -> None:
        """A message goes out, with whatever befalls it."""
        self.sent += 1
        if self.trouble.held == -self.sent:
            self.lost_until = self.stage.clock() + LOST_S
        if self.trouble.held == self.sent:
            self.late.append((LATE, letter))
        else:
            self._carry(letter)
        if self.trouble.lag >= 0:
            self.late.append((min(LATE, self.sent + self.trouble.lag), replace(letter)))
        self._due(self.sent)

    def _due(self, sent: int) -> None:
        due = [letter for at, letter in self.late if at <= sent]
        self.late = [(at, letter) for at, letter in self.late if at > sent]
        for letter in due:
            self._carry(letter)

    async def flush(self) -> None:
        """All is over: what was late comes, one after the other."""
        while self.late:
            _, letter = self.late.pop(0)
            self._carry(letter)
            await self.quiet()

    async def quiet(self) -> None:
        """Wait until no message is under way, and no service at work, for as long as that may take."""
        for _ in range(400):
            if self.under_way <= 0:
                return
            await asyncio.sleep(HOP_S)

    def _carry(self, letter: Letter) -> None:
        self.under_way += 1
        if self.sim is not None:
            letter.desk.host.send(self.hosts[letter.to], letter, port=PORT)
        else:
            self._keep(asyncio.get_running_loop().create_task(self._handle(letter)))

    async def _listen(self, host: Host) -> None:
        async for message in host.inbox(PORT):
            host.create_task(self._handle(message.body))

    async def _handle(self, letter: Letter) -> None:
        try:
            answer = await self.services[letter.to].handle(letter.what, letter.order, letter.key)
        except OSError:  # its database is away, and nobody hears of it
            return
        finally:
            self.under_way -= 1
        if self.stage.clock() < self.lost_until:
            return
        if self.sim is None:
            letter.desk.hear(letter, answer)
        else:
            self.hosts[letter.to].send(letter.desk.host, (letter, answer), port=PORT)

    def _keep(self, task: asyncio.Task[Any]) -> None:
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

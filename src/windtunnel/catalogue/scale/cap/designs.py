"""Six ways to keep five copies of a page and of a cart. Each request comes to the replica beside its client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.cap.replicas import (
    BEAT_S,
    MAJORITY,
    PATIENCE_S,
    REPLICAS,
    Cell,
    Replica,
    Version,
    beats,
    contents,
    majority,
    make,
    newest,
    newest_of,
)
from windtunnel.parts import first_answers


class Setting(Protocol):
    """What designs need of the parameters."""

    @property
    def far_ms(self) -> float: ...


class Replicated:
    """Five replicas, a beat of each, and carts that are cells: read, changed, and written whole."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.stage, self.sim, self.p = stage, stage.sim, p
        self.replicas = make(stage, p.far_ms)
        for one in self.replicas:
            one.host.spawn(beats(one, self.replicas, partial(self.tells, one)), daemon=True)

    def tells(self, me: Replica) -> tuple[Mapping[str, Cell], Mapping[str, Any]]:
        """What a beat carries."""
        return {}, {}

    @process
    async def read(self, at: int, page: str) -> Any:
        """What stands on the page."""
        return await self.read_at(self.replicas[at], page)

    @process
    async def write(self, at: int, page: str, text: str) -> None:
        """Put this text on the page."""
        await self.write_at(self.replicas[at], page, text)

    @process
    async def add(self, at: int, cart: str, item: str) -> None:
        """Put an item into the cart."""
        await self.change_at(self.replicas[at], cart, item, True)

    @process
    async def remove(self, at: int, cart: str, item: str) -> None:
        """Take an item out of the cart."""
        await self.change_at(self.replicas[at], cart, item, False)

    @process
    async def cart(self, at: int, cart: str) -> list[str]:
        """What is in the cart."""
        return sorted(await self.cart_at(self.replicas[at], cart))

    async def read_at(self, me: Replica, page: str) -> Any:
        """As `read`, for the replica that was asked."""
        raise NotImplementedError

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        """As `write`."""
        raise NotImplementedError

    async def change_at(self, me: Replica, cart: str, item: str, put: bool) -> None:
        """As `add` and `remove`."""
        held = set(await self.cart_at(me, cart))
        await self.write_at(me, cart, tuple(sorted(held | {item} if put else held - {item})))

    async def cart_at(self, me: Replica, cart: str) -> Iterable[str]:
        """As `cart`."""
        return await self.read_at(me, cart) or ()

    def report(self) -> Mapping[str, object]:
        return {
            "calls": sum(one.calls for one in self.replicas),
            "hints": sum(len(one.hints) for one in self.replicas),
        }


class OneFlag(Replicated):
    """Answer from the own copy and tell the others afterwards; say no while fewer than three have been heard of."""

    def tells(self, me: Replica) -> tuple[Mapping[str, Cell], Mapping[str, Any]]:
        return dict(me.cells), {}

    def consistent(self, me: Replica) -> None:
        """The flag."""
        if sum(me.hears(other) for other in range(REPLICAS)) < MAJORITY:
            raise Refused("Fewer than three of five replicas have been heard of.")

    async def read_at(self, me: Replica, page: str) -> Any:
        self.consistent(me)
        return me.cell(page)[1]

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        self.consistent(me)
        cell = me.tag(me.cell(page)[0][0] + 1), text
        me.keep(page, cell)
        for other in self.replicas:
            if other is not me:
                me.ask(other, "keep", page, cell)


class Overlapping(Replicated):
    """Write to three of five, and read the newest of three of five: R + W > N."""

    async def read_at(self, me: Replica, page: str) -> Any:
        (_, text), _ = await newest(me, self.replicas, page)
        return text

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        (tag, _), _ = await newest(me, self.replicas, page)
        await majority(me, self.replicas, "keep", page, (me.tag(tag[0] + 1), text))


class Majority(Overlapping):
    """The same, and a read writes back what it shows until three have it (Attiya, Bar-Noy and Dolev)."""

    async def read_at(self, me: Replica, page: str) -> Any:
        best, agreed = await newest(me, self.replicas, page)
        if not agreed:
            await majority(me, self.replicas, "keep", page, best)
        return best[1]


COPIES, ENOUGH = 3, 2
TRY_S = 0.25  # unclaimed: any time in which far copies can have answered
"""After so long a coordinator asks whomever there is: twice as long as there and back takes at 60 ms one way."""


class Sloppy(Replicated):
    """Dynamo: three copies of each key, two answers are enough, and whoever is there stands in for who is away."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        for one in self.replicas:
            one.host.spawn(self.hand_over(one), daemon=True)

    def home(self, key: str) -> list[Replica]:
        """All replicas; the first three keep the key, and the others stand in for them in this order."""
        first = sum(key.encode()) % REPLICAS
        return [self.replicas[(first + i) % REPLICAS] for i in range(REPLICAS)]

    async def some(self, me: Replica, key: str, name: str, *args: Any) -> list[Any]:
        """Two answers of the first three that seem to be there. Raises TimeoutError."""
        there = [one for one in self.home(key) if me.hears(one.me)][:COPIES]
        try:
            return await first_answers(me, there, min(ENOUGH, len(there)), name, key, *args, within_s=TRY_S)
        except TimeoutError:  # somebody has gone, and nobody has noticed yet
            return await first_answers(me, self.replicas, ENOUGH, name, key, *args, within_s=PATIENCE_S)

    async def keep(self, me: Replica, key: str, name: str, what: Any) -> None:
        """Have it kept by two, with a hint for each home that is away: who keeps it brings it there later."""
        homes = [one.me for one in self.home(key)[:COPIES]]
        there = [one for one in self.home(key) if me.hears(one.me)][:COPIES]
        away = [one for one in homes if not me.hears(one)]
        try:
            await first_answers(me, there, min(ENOUGH, len(there)), name, key, what, away, within_s=TRY_S)
        except TimeoutError:
            await first_answers(  # unclaimed: few writes meet a cut before it is noticed; a test has it
                me, self.replicas, ENOUGH, name, key, what, homes, within_s=PATIENCE_S
            )

    async def read_at(self, me: Replica, page: str) -> Any:
        found = await self.some(me, page, "cell")
        best = max(found, key=lambda cell: cell[0])
        if any(cell[0] < best[0] for cell in found):  # unclaimed: hints forestall read repair; a test has it
            for one in self.home(page)[:COPIES]:  # unclaimed: as above
                me.ask(one, "keep", page, best)  # unclaimed: as above
        return best[1]

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        await self.keep(me, page, "keep", (me.tag(me.sim.now), text))  # the last by the clock wins

    async def cart_at(self, me: Replica, cart: str) -> Iterable[str]:
        return {item for _, items in await self.versions(me, cart) for item in items}

    async def versions(self, me: Replica, cart: str) -> Sequence[Version]:
        """The siblings that two replicas know."""
        found = await self.some(me, cart, "siblings")
        return newest_of(one for some in found for one in some)

    async def change_at(self, me: Replica, cart: str, item: str, put: bool) -> None:
        known = await self.versions(me, cart)
        seen = frozenset(request for one, _ in known for request in one) | {self.stage.request}
        items = frozenset(one for _, those in known for one in those)
        await self.keep(me, cart, "keep_siblings", [(seen, items | {item} if put else items - {item})])

    async def hand_over(self, me: Replica) -> None:
        """Bring those who were away what one has kept for them: hinted handoff."""
        while True:
            for who, key in list(me.hints):
                if me.hears(who):
                    del me.hints[who, key]
                    if who != me.me:
                        me.background(self.bring(me, who, key))
            await me.sim.sleep(BEAT_S)

    async def bring(self, me: Replica, who: int, key: str) -> None:
        """One hint; it is kept where nobody says that it has come."""
        to = self.replicas[who]
        both = (
            me.ask(to, "keep", key, me.cell(key)),
            me.ask(to, "keep_siblings", key, me.siblings(key)),
        )
        for answer in both:  # unclaimed: later writes mostly bring it as well; a test has it
            if not await answer.within(PATIENCE_S):  # unclaimed: as above
                me.hints[who, key] = None  # unclaimed: as above


class Merged(Replicated):
    """Answer from the own copy, and tell the others; the last writer of a page wins, and carts are merged."""

    def tells(self, me: Replica) -> tuple[Mapping[str, Cell], Mapping[str, Any]]:
        return dict(me.cells), dict(me.sets)

    async def read_at(self, me: Replica, page: str) -> Any:
        return me.cell(page)[1]

    async def write_at(self, me: Replica, page: str, text: Any) -> None:
        me.keep(page, (me.tag(me.sim.now), text))

    async def change_at(self, me: Replica, cart: str, item: str, put: bool) -> None:
        merge(me, cart, item, put, self.stage.request)

    async def cart_at(self, me: Replica, cart: str) -> Iterable[str]:
        return contents(me.both(cart))


def merge(me: Replica, cart: str, item: str, put: bool, request: int) -> None:
    """Note an add, or that all adds of the item which are known here are taken back."""
    adds, _ = me.both(cart)
    change = (
        (frozenset({(item, request)}), frozenset[int]())
        if put
        else (frozenset[tuple[str, int]](), frozenset(number for one, number in adds if one == item))
    )
    me.join({cart: change})


class EachItsOwn(Majority):
    """Pages by majority, because an order matters there; carts merged, because no add rules out another."""

    def tells(self, me: Replica) -> tuple[Mapping[str, Cell], Mapping[str, Any]]:
        return {}, dict(me.sets)

    async def change_at(self, me: Replica, cart: str, item: str, put: bool) -> None:
        merge(me, cart, item, put, self.stage.request)

    async def cart_at(self, me: Replica, cart: str) -> Iterable[str]:
        return contents(me.both(cart))

"""What a sale is tried in: the stampede, which the design serves itself, and then small sales whose servers die.

Each small sale has a database, a cache and two servers of its own. The first serves the buyer on whose account it dies,
the second whoever asks afterwards, he too: what the first one had in its memory nobody knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from inspect import isawaitable
from typing import Any

from windtunnel import Event, Stage
from windtunnel.catalogue.interview.q10_ticketmaster.deaths import (
    CROWD,
    FIRST,
    LOT,
    OTHERS,
    TICKETS,
    Sale,
    Trouble,
    as_data,
    troubles,
)
from windtunnel.catalogue.interview.q10_ticketmaster.servers import Life, Server, Within
from windtunnel.engines import open_port
from windtunnel.parts import programs

MODEL = "sim"
ASKS = 5
"""So often a buyer asks who hears nothing, or an error."""
DOWN_S = 0.05
"""Seconds until what died runs again."""
HOLD_S = 0.2
LIMIT_S = 2.0
"""For so long a buyer waits for an answer."""
LONG_S = 60.0
"""In the model so much later asks who asks when the others have bought: what is remembered for a while is forgotten."""
MOMENT_S = 0.001
"""So much sooner than the rest of a crowd is he there who asks both servers at once."""
OLDER_S = 5.0
"""In the model the first server runs for so long when the second starts, and a clock of its own has gone on so far."""
SETTLED_S = 0.05
"""All are told: what is under way comes to its end."""
SMALL = {
    "stock": TICKETS,
    "buyers": CROWD,
    "connections": 4,
    "backoff_s": 0.005,
    "hold_s": HOLD_S,
    "servers": 2,
    "door": 2,
    "poll_s": 0.02,
    "patience_s": 1.0,
    "fail_over_s": 0.0,
    "lag_s": 0.0,
    "places": 0,
    "drawn": 0,
}
"""A small sale, whatever the large one is."""


class Rig:
    """The design, and behind its own report what became of the small sales."""

    def __init__(self, design: Any, stage: Stage, p: Any) -> None:
        self.design, self.stage, self.p = design, stage, p

    def __getattr__(self, name: str) -> Any:
        """All else is the design's."""
        return getattr(self.design, name)

    async def report(self) -> Any:
        """The design's, and the small sales."""
        found: Any = getattr(self.design, "report", dict)()
        if isawaitable(found):
            found = await found
        if not isinstance(found, Mapping) or not self.p.places + self.p.drawn:
            return found
        if self.stage.name == MODEL:
            self.stage.sim.trace = None  # the run is over, and its picture drawn
        servers = [Server(self.stage, name) for name in ("server 1", "server 2")]
        tried, ends = [], dict[str, int]()
        for number, trouble in enumerate(troubles(self.p, self.stage.random("deaths"))):
            if trouble.kind != LOT and trouble.place >= ends.get(trouble.kind, trouble.place + 1):
                continue  # as is known from one before, it has no such place
            sale = await SmallSale(self, servers, number, trouble).come()
            if not sale.hit:
                ends[trouble.kind] = trouble.place
            tried.append(as_data(sale))
        return {**found, "deaths": tried}

    def made(self, within: Within) -> Any:
        """The design anew. What stands at the class of somebody's own is the server's alone, too."""
        kind, p = type(self.design), replace(self.p, **SMALL)
        if not kind.__module__.startswith("windtunnel."):
            first = kind(within, p)
            kind = type(programs(first, self.stage, within, within.life, *within.life.sale.ports.values())[1])
        return kind(within, p)


def one_of_two(asked: list[Event], buyer: int) -> list[Event]:
    """Without the "nothing" that this buyer was told beside a ticket, to the other of two requests made at once."""
    told = [e.value for e in asked if e.args[0] == buyer and e.outcome == "ok"]
    if set(told) == {None}:
        return asked
    return [e for e in asked if e.args[0] != buyer or e.outcome != "ok" or e.value is not None]


class SmallSale:
    """One of them: few tickets, one buyer more, and a death."""

    def __init__(self, rig: Rig, servers: list[Server], number: int, trouble: Trouble) -> None:
        self.rig, self.stage, self.servers = rig, rig.stage, servers
        self.number, self.trouble = number, trouble
        self.ports: dict[tuple[str, str], Any] = {}
        self.counting = False
        self.places = [place for place in (trouble.place, trouble.again) if place]
        self.reached = 0
        self.asked: list[Event] = []

    # --- what servers have around them ---------------------------------------------------------------------------
    def port(self, kind: str, name: str, options: Mapping[str, Any]) -> Any:
        """The database of this name, or the like: one for both servers."""
        if (kind, name) not in self.ports:
            told = {word: value for word, value in options.items() if value and word != "model"}
            if self.stage.on[kind] == MODEL:
                told |= {"sim": self.stage.sim, **(options.get("model") or {})}
            self.ports[kind, name] = open_port(kind, self.stage.on[kind], f"{name} of sale {self.number}", **told)
        return self.ports[kind, name]

    def reach(self, life: Life, what: str) -> None:
        """A server is about to do this; it may be its end."""
        if not self.counting or not self.places:
            return
        self.reached += 1
        if self.reached == self.places[0]:
            self.die(life.server)

    def die(self, first: Server) -> None:
        """Its process ends; or the power fails, for all that stands in the room."""
        del self.places[0]
        self.reached = 0
        for server in self.servers if self.trouble.power else [first]:
            server.die(power=self.trouble.power)
        if self.trouble.power:
            for port in self.powered():
                port.host.crash()

    def powered(self) -> list[Any]:
        """What stands in the room, in the tunnel: the database and the cache."""
        return [port for (kind, _), port in self.ports.items() if self.stage.name == MODEL and kind != "server"]

    def mend(self) -> None:
        """What is down runs again, and knows what lasts."""
        for port in self.powered():
            if port.host.down:
                port.host.restart()
        for server in self.servers:
            if server.life.dead:
                self.begin(server)

    def begin(self, server: Server) -> None:
        """A server starts."""
        server.begin(Life(self, server, self.rig.made))

    # --- buyers --------------------------------------------------------------------------------------------------
    async def come(self) -> Sale:
        """The whole sale, and what came of it."""
        for server in self.servers:
            self.begin(server)
            await asyncio.sleep(OLDER_S if self.stage.name == MODEL else 0.0)
        opened: Any = getattr(self.servers[0].life.program, "start", dict)()
        if isawaitable(opened):
            await opened
        self.counting = True
        if self.trouble.kind == LOT:
            buyers = [*range(FIRST, FIRST + CROWD)]
            stays = buyers[self.trouble.leave :]
            *others, twice = buyers
            await asyncio.gather(
                *(self.insist(twice, server, ASKS) for server in (0, 1)),
                *(self.insist(buyer, buyer, ASKS if buyer in stays else 1, MOMENT_S) for buyer in others),
            )
            self.asked = one_of_two(self.asked, twice)
        else:
            stays = await self.by_turns()
        self.counting = False
        hit = not self.places
        await asyncio.sleep(SETTLED_S)
        slow_s = max((e.end - e.start for e in self.asked if e.args[0] != FIRST), default=0.0)
        sale = Sale(self.trouble, hit, self.asked, list(stays), await self.rows(), slow_s)
        for port in self.ports.values():
            if hasattr(port, "close"):
                await port.close()
        return sale

    async def by_turns(self) -> list[int]:
        """One asks, and his server dies; he asks again, before the others come or behind them, or never. Who stays."""
        others = range(FIRST + 1, FIRST + 1 + OTHERS)
        kind = self.trouble.kind
        if await self.insist(FIRST, 0, 1) and self.places and self.reached + 1 == self.places[0]:
            self.die(self.servers[0])  # the answer is out; whether it arrives is another matter
        self.counting = False
        if kind == "again":
            await self.insist(FIRST, 1, ASKS)
        for buyer in others:  # one after the other: what goes wrong here is the death's doing, and no crowd's
            await self.insist(buyer, 1, ASKS)
        if kind in ("late", "power"):
            await asyncio.sleep(LONG_S if self.stage.name == MODEL else 0.0)
            await self.insist(FIRST, 1, ASKS)
        return [*others] if kind == "gone" else [FIRST, *others]

    async def insist(self, buyer: int, first: int, asks: int, after_s: float = 0.0) -> bool:
        """Ask one server, and where nothing or an error is heard the other, and so on; whether he was told."""
        await asyncio.sleep(after_s)
        for turn in range(first, first + asks):
            server = self.servers[turn % 2] if self.trouble.kind == LOT else self.servers[min(turn, 1)]
            if server.life.dead:
                await asyncio.sleep(DOWN_S)
                self.mend()
            start = self.stage.clock()
            heard = await server.life.ask(buyer, LIMIT_S)
            end = self.stage.clock()
            outcome: Any = heard.outcome
            self.asked.append(Event(f"buyer {buyer}", "buy", (buyer,), start, end, outcome, heard.value))
            if outcome == "ok":
                return True
        return False

    async def rows(self) -> list[tuple[Any, Any]]:
        """What the table `sale` holds, as the harness itself finds it."""
        found: list[Mapping[str, Any]] = []
        for (kind, _), port in self.ports.items():
            if kind == "database":
                found += port.held().get("sale", []) if self.stage.name == MODEL else await port.select("sale")
        return [(row["id"], row.get("ticket")) for row in found if row.get("state") in ("sold", "paid")]

"""What tries a design: one stream of clicks after the other, each with a trouble of its own, and the bill of each.

A browser tells of a click until it is told that it need not. After some clicks the job has a turn, at the end another,
then that of the night. Whoever dies, or ends with an error, is started again and knows nothing but what lasts.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from windtunnel import Stage
from windtunnel.catalogue.interview.q11_ad_clicks.clicks import Click, How, Stream
from windtunnel.catalogue.interview.q11_ad_clicks.machines import (
    BEGIN,
    Bill,
    Desk,
    Killed,
    Program,
    Role,
    Tables,
    World,
)
from windtunnel.parts import programs

if TYPE_CHECKING:
    from windtunnel.sim import Host

T = TypeVar("T")
ASKS = 8
"""How often a browser tells of a click that is not heard, and how often a job is started, beside once for each death to
come: who is patient outlives them all."""
WAIT_S = 0.05
"""Between two tries."""
STANDS_S = 0.5
"""For so long somebody is waited for who has taken the place of one who stands still; then that one goes on."""
LIMIT_S, CLICK_S = 20.0, 0.5
"""For so long a stream is waited for, and so much longer for each click."""
AT_ONCE = 8
"""Browsers that tell of clicks at one moment, in a rush."""
STILL = ("stands", "sleeps")
PASSED = "db: commit"
"""Where nobody sleeps: with what he has locked nobody could take his place."""
LOOKS = 50
"""Of the bill of a long stream, at most."""
ROLES: tuple[Role, ...] = ("server", "job", "clerk")


class Design(Program, Protocol):
    """What is tried: made anew for each process."""

    tables: Tables


class Rig:
    """Tries one design."""

    def __init__(self, design: Design, stage: Stage, p: Any) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.world = World(stage, bool(p.keeps))
        self.hosts: dict[Role, Host] = {}
        """Where processes run, in the tunnel."""
        if stage.name == "sim":
            self.world.open()
            self.hosts = {role: stage.host(role) for role in ROLES}
        self.kinds: dict[Role, type[Design]] = {}
        """The design's class, in each role: what is kept there is the process's own, and dies with it."""
        self.running: dict[Role, tuple[Desk, Design]] = {}
        self.day = self.day_ms = self.reached = 0
        self.counting = False
        self.how: How = ""
        self.places: list[int] = []
        self.before: list[str] = []
        """What somebody was about to do when it happened."""
        self.stood, self.go_on = stage.signal(), stage.signal()
        self.asleep: asyncio.Task[Any] | None = None
        """Who stands still until all is over."""
        self.ends: dict[str, int] = {}
        """By what befalls somebody: the first place that a small stream does not have, once it is known."""

    async def start(self) -> None:
        for name, columns in self.design.tables.items():
            await self.world.db.create_table(name, columns)

    # --- processes -----------------------------------------------------------------------------------------------
    def process(self, role: Role) -> tuple[Desk, Design]:
        """Who has this role; started where there is nobody."""
        if role not in self.running:
            if role not in self.kinds:
                self.kinds[role] = type(programs(self.made(type(self.design)), self.stage, self.p)[1])
            desk, program = Desk(self.world, self.act, self.day, self.day_ms), self.made(self.kinds[role])
            program.boot(desk)
            self.running[role] = desk, program
        return self.running[role]

    def made(self, kind: type[Design]) -> Design:
        """It, just made."""
        return kind(self.stage, self.p)  # type: ignore[call-arg]  # a design takes these two

    def end(self, role: Role) -> None:
        """Nothing goes on of who has this role."""
        if role in self.running:
            self.running.pop(role)[0].dead = True
        self.kinds.pop(role, None)

    async def act(self, desk: Desk, what: str) -> None:
        """Somebody is about to do this. Raises Killed where it is the end."""
        if not self.counting or what == (PASSED if self.how == "sleeps" else BEGIN):
            return
        self.reached += 1
        if not self.places or self.reached != self.places[0]:
            return
        del self.places[0]
        self.reached = 0
        self.before.append(what)
        if self.how in STILL:
            self.stood.set()
            await self.go_on
            return
        for role, (known, _) in list(self.running.items()):
            if known is desk:
                self.end(role)
        if self.p.dies == "power":
            await self.dark()
        raise Killed

    async def dark(self) -> None:
        """The power fails, and comes back: nobody's memory is left, and of the engines what is on their disks."""
        for role in ROLES:
            self.end(role)
        if self.stage.name == "sim":
            for thing in self.world.things():
                thing.crash(process_only=False)
            await asyncio.sleep(WAIT_S)
            for thing in self.world.things():
                thing.restart()
            await asyncio.sleep(WAIT_S)

    async def once(self, role: Role, ask: Callable[[Design], Awaitable[T]], told: str) -> tuple[bool, T | None]:
        """Ask who has this role, on his host; whether he came to an end."""
        if role not in self.hosts:
            return await self.asked(role, ask, told)
        over, answers = self.stage.signal(), list[tuple[bool, T | None] | Exception]()

        async def there() -> None:
            try:
                answers.append(await self.asked(role, ask, told))
            except Exception as error:
                answers.append(error)
            over.set()

        self.hosts[role].create_task(there())
        await over
        (answer,) = answers
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def asked(self, role: Role, ask: Callable[[Design], Awaitable[T]], told: str) -> tuple[bool, T | None]:
        """What comes of it."""
        desk, program = self.process(role)
        try:
            found = await ask(program)
            if told:
                await desk.here(told)
        except Killed:
            return False, None
        except Exception as error:
            if not isinstance(error, OSError) and not getattr(error, "outcome", ""):
                raise  # the design is broken
            if role != "server":  # a job that has failed is started again; a server goes on with others
                self.end(role)
            return False, None
        return True, found

    async def done(self, role: Role, ask: Callable[[Design], Awaitable[T]], told: str = "") -> tuple[bool, T | None]:
        """Ask until somebody has come to an end; whether anybody did."""
        for tried in range(ASKS + len(self.places)):
            if tried:
                await asyncio.sleep(WAIT_S)
            if self.how in STILL and self.places:
                over, found = await self.beside(role, ask, told)
            else:
                over, found = await self.once(role, ask, told)
            if over:
                return True, found
        return False, None

    async def beside(self, role: Role, ask: Callable[[Design], Awaitable[T]], told: str) -> tuple[bool, T | None]:
        """As `once`; should he stand still, another takes his place, and then he goes on."""
        first = asyncio.create_task(self.once(role, ask, told))
        standing = asyncio.create_task(self.standing())
        await asyncio.wait({first, standing}, return_when=asyncio.FIRST_COMPLETED)
        standing.cancel()
        if first.done():
            return first.result()
        self.running.pop(role, None)
        second = asyncio.create_task(self.once(role, ask, told))
        await asyncio.wait({second}, timeout=STANDS_S)
        if self.how == "sleeps":
            self.asleep = first
            return await second
        self.go_on.set()
        heard = [await second, await first]  # what he says who stood still, nobody waits for any more
        return heard[0] if heard[0][0] else heard[1]

    async def standing(self) -> None:
        """Somebody stands still."""
        await self.stood

    # --- streams -------------------------------------------------------------------------------------------------
    async def stream(
        self,
        number: int,
        kind: str,
        how: How,
        places: Sequence[int],
        turn: int,
        clicks: Sequence[Sequence[Any]],
    ) -> Mapping[str, Any] | None:
        """A stream with its trouble; None where it has no such place, which is known from one before."""
        if kind == "places" and places[0] >= self.ends.get(how, places[0] + 1):
            return None
        s = Stream(number, kind, how, places, turn, [Click(*click) for click in clicks])
        await self.begin(s)
        try:
            async with asyncio.timeout(LIMIT_S + CLICK_S * len(s.clicks)):
                return await self.run(s)
        except TimeoutError:
            for role in ROLES:  # what still goes on of them is not to meet the next stream
                self.end(role)
            empty: dict[str, Any] = {"hit": True, "before": self.before, "heard": [], "bill": None}
            return {**empty, "looks": [], "cost": {}, "took_s": LIMIT_S}

    async def begin(self, s: Stream) -> None:
        """All is well; the log of yesterday is put away."""
        self.counting = False
        self.how, self.places, self.reached = s.how, list(s.places), 0
        self.before = []
        self.asleep = None
        self.stood, self.go_on = self.stage.signal(), self.stage.signal()
        self.day, self.day_ms = await self.insist(self.world.log.end), s.began_ms
        await self.insist(lambda: self.world.log.trim(self.day))
        for desk, _ in self.running.values():
            desk.day, desk.day_ms = self.day, self.day_ms
        self.world.done.clear()

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask an engine ourselves; after its power has failed, connections of before are broken."""
        for _ in range(ASKS):
            with contextlib.suppress(OSError):
                return await ask()
            await asyncio.sleep(WAIT_S)
        return await ask()

    async def run(self, s: Stream) -> Mapping[str, Any]:
        """It, and what came of it."""
        held = await self.held() if s.kind == "long" else 0
        self.counting = True
        heard: list[bool] = []
        looks: list[tuple[int, int]] = []
        took_s, rush_rows = 0.0, 0
        clicks = s.clicks
        if s.kind == "rush":
            began = self.stage.clock()
            heard, clicks = await self.rush(s.clicks[:-1]), s.clicks[-1:]
            took_s = self.stage.clock() - began
            await self.work()
            rush_rows = self.world.done["rows"]
        for i, click in enumerate(clicks, 1):
            heard.append(await self.tell(click))
            if i % s.turn == 0:
                await self.work()
                if s.kind == "long" and i >= len(looks) * len(clicks) / LOOKS:
                    looks.append((i, sum(((await self.look(s))[0] or {}).values())))
        await self.night()
        if self.asleep is not None:
            self.go_on.set()
            await self.asleep
            await self.night()
        self.counting = False
        hit = not self.places
        if s.kind == "places" and not hit:
            self.ends[s.how] = s.places[0]
        cost = dict(self.world.done)
        bill, cost["looked"] = await self.look(s)
        if s.kind == "long":
            cost["kept"] = await self.held() - held
        return {
            "hit": hit,
            "before": self.before,
            "heard": heard,
            "bill": None if bill is None else sorted((*key, cents) for key, cents in bill.items()),
            "looks": looks,
            "cost": {**cost, "rush_rows": rush_rows},
            "took_s": took_s,
        }

    async def night(self) -> None:
        """The last turn of the job, and that of the night."""
        await self.work()
        await self.done("job", lambda program: program.settle())

    async def work(self) -> None:
        """A turn of the job."""
        await self.done("job", lambda program: program.work())

    async def look(self, s: Stream) -> tuple[Bill | None, int]:
        """The bill, None where nobody tells it, of a process that knows nothing; and how many rows that has read."""
        counting, done = self.counting, self.world.done
        self.counting, self.world.done = False, Counter()
        self.end("clerk")
        _, bill = await self.done("clerk", lambda program: program.bill(s.began_ms, s.until_ms))
        looked = self.world.done["read"] + self.world.done["records"]
        self.counting, self.world.done = counting, done
        return bill, looked

    async def held(self) -> int:
        """Rows in all tables."""
        found = 0
        for name in self.design.tables:
            found += len(await self.insist(partial(self.world.db.select, name)))
        return found

    async def tell(self, click: Click) -> bool:
        """A browser tells of a click, until it is told that it need not; whether it was."""
        over, _ = await self.done("server", lambda program: program.click(click), "browser: told")
        return over

    async def rush(self, clicks: Sequence[Click]) -> list[bool]:
        """Browsers tell of them, several at one moment."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(click: Click) -> bool:
            async with gate:
                return await self.tell(click)

        return [*(await asyncio.gather(*map(one, clicks)))]

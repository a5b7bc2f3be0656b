"""Light phones by the hundred thousand: what they ask of gateways, and how long their messages wait.

They are processes of ours and no WebSockets: a question, a frame, an acknowledgement is a customer of a server with the
cores of the gateways. Each gets his forty messages a day, evenly over all, so that how many come is no matter of luck.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from windtunnel import Stage
from windtunnel.catalogue.interview.q04_whatsapp.talk import sizes

if TYPE_CHECKING:
    from windtunnel.sim import FifoServer

MESSAGES_A_DAY = 40
DAY_S = 86_400
CORE_S = 0.0001
"""Of a core, for a question, a frame or an acknowledgement."""
CORES = 16
GOLDEN = 0.6180339887498949
"""Steps by this share of a period spread evenly over it, however many there are."""


class Crowd:
    """So many of them, of each size at cores of its own."""

    def __init__(self, stage: Stage, p: Any) -> None:
        self.stage, self.p = stage, p
        self.servers: dict[int, FifoServer] = {}
        if stage.name == "sim":
            self.servers = {users: stage.server(f"cores for {users}", workers=CORES) for users in sizes(p)}

    async def spent(self, way: str, users: int) -> Mapping[str, Any] | None:
        """What they ask in a while; None where nothing is simulated."""
        if users not in self.servers:
            return None
        sim, luck = self.stage.sim, self.stage.random(f"crowd {users}")
        run = Run(self.servers[users], float(self.p.crowd_s), sim.now)
        each_s = DAY_S / MESSAGES_A_DAY / users  # between two messages, whosesoever they are
        self.begin(run, way, users, each_s, luck)
        await sim.sleep(run.for_s + self.p.poll_s + 1.0)  # what came last is asked for once more
        run.over = True
        delays = run.delays
        return {
            "users": users,
            "asks": run.asks,
            "pings": run.pings,
            "messages": run.messages,
            "delay_ms": 1000 * sum(delays) / max(1, len(delays)),
            "for_s": run.for_s,
        }

    def begin(self, run: Run, way: str, users: int, each_s: float, luck: Any) -> None:
        """Let them begin."""
        sim = self.stage.sim
        due: list[list[float]] = [[] for _ in range(users)]
        at, first = luck.random() * each_s, luck.randrange(users)
        while at < run.for_s:
            due[(first + run.messages) % users].append(run.began_s + at)
            run.messages += 1
            at += each_s
        begin, every_s = {
            "asks": (run.asking, self.p.poll_s),
            "waits": (run.waiting, self.p.hold_s),
            "holds": (run.holding, self.p.ping_s),
        }[way]
        turn = luck.random()
        for number, times in enumerate(due):
            sim.spawn(begin(times, (turn + GOLDEN * number) % 1.0 * every_s, every_s), daemon=True)


class Run:
    """One size."""

    def __init__(self, server: FifoServer, for_s: float, began_s: float) -> None:
        self.server, self.sim, self.for_s, self.began_s = server, server.sim, for_s, began_s
        self.asks = self.pings = self.messages = 0
        self.delays: list[float] = []
        self.over = False

    async def ask(self, much: int = 1) -> None:
        """So many questions or frames, one after the other."""
        if self.sim.now < self.began_s + self.for_s:
            self.asks += much
        await self.server.serve(much * CORE_S)

    def told(self, due_s: float) -> None:
        """A message is there that was typed then."""
        self.delays.append(self.sim.now - due_s)

    async def asking(self, times: list[float], first_s: float, every_s: float) -> None:
        """Ask again and again."""
        await self.sim.sleep(first_s)
        while not self.over:
            await self.ask()
            while times and times[0] <= self.sim.now:
                self.told(times.pop(0))
            await self.sim.sleep(every_s)

    async def waiting(self, times: list[float], first_s: float, hold_s: float) -> None:
        """Ask, and be answered when there is something, or nothing for so long. Who asks first has asked before."""
        until = self.sim.now + first_s
        while not self.over:
            found = times.pop(0) if times and times[0] <= max(until, self.sim.now) else None
            await self.sim.sleep(max(0.0, (until if found is None else found) - self.sim.now))
            await self.ask()
            if found is not None:
                self.told(found)
            until = self.sim.now + hold_s

    async def holding(self, times: list[float], first_s: float, ping_s: float) -> None:
        """Be told, and acknowledge; and answer a ping where nothing was said for so long."""
        ping = self.sim.now + first_s
        while not self.over:
            found = times.pop(0) if times and times[0] <= max(ping, self.sim.now) else None
            await self.sim.sleep(max(0.0, (ping if found is None else found) - self.sim.now))
            if found is None:
                self.pings += self.sim.now < self.began_s + self.for_s
                await self.server.serve(CORE_S)
                ping += ping_s
            else:
                await self.ask(2)
                self.told(found)

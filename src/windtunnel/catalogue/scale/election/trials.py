"""The paper's trial: let a leader crash at a random moment, and time how long it takes until there is another one.

As in section 9.3 a leader crashes at a moment that is uniform in its heartbeat interval; ours always says it to all at
once. Who has crashed comes back when there is another leader, or after `CAP_S`. The harness does it, by what servers
say of themselves: that they have begun to lead, and whether they do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from windtunnel import Stage
from windtunnel.sim import Host, Signal

CAP_S = 10.0
"""A trial ends after so long; the paper says of no randomness that it took longer."""
SETTLE_S = 0.03
"""A new leader has so long, and a heartbeat, before it crashes: who was down comes back, and learns who leads."""
MOST_S = 60.0
"""After so long no other leader crashes."""
SHORT_S = 1e-6
"""No wait is shorter: what is left of a time limit may be less than a nanosecond."""


class Led(Protocol):
    """A server that may lead."""

    host: Host
    on_lead: Callable[[], None]
    """To be called when it begins to lead."""

    @property
    def leads(self) -> bool: ...


class Trials:
    """Lets leaders crash one after the other.

    Args:
        heartbeat_s: how often a leader says that it leads.
        crashes: how many; fewer where that would take more than a minute.

    Attributes:
        over: when all is over: how long each trial took, from the crash to the moment when another server leads.
    """

    def __init__(self, stage: Stage, servers: Iterable[Led], heartbeat_s: float, crashes: int) -> None:
        self.sim = stage.sim
        self.luck = stage.random("crashes")
        self.servers = list(servers)
        """The one that began to lead last at the end."""
        self.heartbeat_s, self.crashes = heartbeat_s, crashes
        self.over: Signal[list[float]] = stage.sim.signal("the trials to be over")
        self.news: Signal[None] = stage.sim.signal("somebody to lead")
        for one in self.servers:
            one.on_lead = partial(self._begins, one)

    def begin(self) -> None:
        """Let the first one crash as soon as there is a leader."""
        self.sim.spawn(self._run(), daemon=True)

    def _begins(self, one: Led) -> None:
        self.servers.remove(one)
        self.servers.append(one)
        told, self.news = self.news, self.sim.signal("somebody to lead")
        told.set()

    def _leading(self) -> list[Led]:
        return [one for one in self.servers if one.leads]

    async def _run(self) -> None:
        took_s = list[float]()
        end_s = self.sim.now + MOST_S
        while len(took_s) < self.crashes and self.sim.now < end_s:
            if await self._led():
                await self.sim.sleep(SETTLE_S + self.luck.uniform(1, 2) * self.heartbeat_s)
            took_s.append(await self._crash() if await self._led() else CAP_S)
        self.over.set(took_s)

    async def _led(self) -> bool:
        """Wait until somebody leads; whether that came in time."""
        end_s = self.sim.now + CAP_S
        while not self._leading() and self.sim.now < end_s:
            await self.news.within(max(end_s - self.sim.now, SHORT_S))
        return bool(self._leading())

    async def _crash(self) -> float:
        """Let the leader crash, and let it come back; how long it took until another one led."""
        leader = self._leading()[-1]
        leader.host.crash()
        crashed_s = self.sim.now
        await self._led()
        took_s = self.sim.now - crashed_s
        leader.host.restart()
        return took_s

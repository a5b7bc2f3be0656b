"""The paper's trial: let a leader crash at a random moment, and time how long it takes until there is another one.

As in section 9.3 the leader tells all others at once that it leads, and crashes at a moment that is uniform in the
heartbeat interval after that. Who has crashed comes back when there is another leader, or after `CAP_S`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from windtunnel import Stage
from windtunnel.parts import Peer
from windtunnel.sim import Signal

CAP_S = 10.0
"""A trial ends after so long; the paper says of no randomness that it took longer."""
SETTLE_S = 0.1
"""A new leader has so long before it crashes: who was down comes back, and learns who leads."""
MOST_S = 60.0
"""After so long no other leader crashes."""
SHORT_S = 1e-6
"""No wait is shorter: what is left of a time limit may be less than a nanosecond."""


class Led(Protocol):
    """Servers, of which at most one should lead."""

    heartbeat_s: float

    def leading(self) -> Sequence[Peer]:
        """Those that are up and think that they lead, the one that began last at the end."""
        ...

    def beat(self, leader: Peer) -> None:
        """Let it tell all others now that it leads."""
        ...


class Trials:
    """Lets leaders crash one after the other.

    Args:
        crashes: how many; fewer where that would take more than a minute.

    Attributes:
        took_s: how long each trial took, from the crash to the moment when another server leads.
    """

    def __init__(self, stage: Stage, cluster: Led, crashes: int) -> None:
        self.sim = stage.sim
        self.luck = stage.random("crashes")
        self.cluster = cluster
        self.crashes = crashes
        self.took_s: list[float] = []
        self.over: Signal[None] = stage.sim.signal("the trials to be over")
        self.news: Signal[None] = stage.sim.signal("somebody to lead")

    def begin(self) -> None:
        """Let the first one crash as soon as there is a leader."""
        self.sim.spawn(self._run(), daemon=True)

    def somebody_leads(self) -> None:
        """A server has begun to lead."""
        told, self.news = self.news, self.sim.signal("somebody to lead")
        told.set()

    async def _run(self) -> None:
        end_s = self.sim.now + MOST_S
        while len(self.took_s) < self.crashes and self.sim.now < end_s:
            if await self._led():
                await self.sim.sleep(SETTLE_S)
            if await self._led():
                self.took_s.append(await self._crash())
            else:
                self.took_s.append(CAP_S)
        self.over.set()

    async def _led(self) -> bool:
        """Wait until somebody leads; whether that came in time."""
        end_s = self.sim.now + CAP_S
        while not self.cluster.leading() and self.sim.now < end_s:
            await self.news.within(max(end_s - self.sim.now, SHORT_S))
        return bool(self.cluster.leading())

    async def _crash(self) -> float:
        """Let the leader crash, and let it come back; how long it took until another one led."""
        leader = self.cluster.leading()[-1]
        self.cluster.beat(leader)
        await self.sim.sleep(self.luck.uniform(0, self.cluster.heartbeat_s))
        leader.host.crash()
        crashed_s = self.sim.now
        await self._led()
        took_s = self.sim.now - crashed_s
        leader.host.restart()
        return took_s

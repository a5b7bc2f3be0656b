"""Raft three times: with one timeout for all, with timeouts drawn by lot, and with two questions more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from windtunnel import Stage
from windtunnel.blocks.consensus import Invariants, Kept, Raft
from windtunnel.catalogue.scale.election.servers import SERVERS, Asked, Cluster, Setting, apply, sync_s
from windtunnel.parts import Member

START_S = 1.0  # unclaimed: longer does as well
"""Servers are switched on one after the other: the first one leads before the next one would ask for votes."""


class Server(Member, Asked):
    """A member that carries commands to the leader whom it has heard of."""

    async def settle(self) -> None:
        if self.leads:
            self.on_lead()
        await super().settle()

    @property
    def leader_name(self) -> str | None:
        found = self.raft.leader
        return None if found is None else str(found)


class FixedTimeouts(Cluster):
    """Raft, in which each server waits equally long before it asks for votes."""

    pre_vote = check_quorum = False
    kind: type[Raft] = Raft
    server: type[Server] = Server

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.watch = Invariants()
        super().__init__(stage, p)

    def election_s(self, p: Setting) -> tuple[float, float]:
        """Least and greatest timeout."""
        return 1e-3 * p.timeout_ms, 1e-3 * p.timeout_ms

    def make(self) -> Sequence[Asked]:
        names = [f"server {i}" for i in range(SERVERS)]

        def raft(name: str, luck: Random, kept: Kept, now_s: float) -> Raft:
            if now_s == 0:
                now_s = START_S * names.index(name)  # unclaimed: longer does as well; left out is noticed
            return self.kind(
                name,
                names,
                luck,
                election_s=self.election_s(self.p),
                pre_vote=self.pre_vote,
                check_quorum=self.check_quorum,
                kept=kept,
                now_s=now_s,
            )

        self.members = self.members_of(names, raft)
        for one in self.members:
            one.join(self.members)
        return self.members

    def members_of(self, names: Sequence[str], raft: Callable[[str, Random, Kept, float], Raft]) -> list[Server]:
        """The servers of these names."""
        draw = sync_s(self.p.disk_ms)
        return [self.server(self.stage, name, apply, raft, sync_s=draw, watch=self.watch) for name in names]

    def report(self) -> Mapping[str, object]:
        return {
            **super().report(),
            "terms": max(self.watch.leaders, default=0),
            "leaders": len(self.watch.leaders),
            "looks": self.watch.looks,
            "unsafe": len(self.watch.broken),  # unclaimed: none of ours ever was
        }


class RandomTimeouts(FixedTimeouts):
    """Raft: each timeout is drawn by lot, so that one server mostly asks before the others do."""

    def election_s(self, p: Setting) -> tuple[float, float]:
        return 1e-3 * p.timeout_ms, 1e-3 * (p.timeout_ms + p.spread_ms)


class Careful(RandomTimeouts):
    """Raft with PreVote and check-quorum: ask before the term is raised, and step down where no majority answers."""

    pre_vote = check_quorum = True

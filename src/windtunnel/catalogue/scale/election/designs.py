"""Raft three times: with one timeout for all, with timeouts drawn by lot, and with two questions more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from windtunnel import Stage
from windtunnel.blocks.consensus import Invariants, Kept, Raft
from windtunnel.catalogue.scale.election.servers import SERVERS, Asked, Cluster, Setting, apply, sync_s
from windtunnel.parts import Member, Peer

START_S = 0.1
"""Servers are switched on one after the other."""


class Server(Member, Asked):
    """A member that carries commands to the leader whom it has heard of."""

    led = 0
    """The term in which it has led last."""

    async def settle(self) -> None:
        if self.leads and self.raft.term != self.led:
            self.led = self.raft.term
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
        self.heartbeat_s = self.election_s(p)[0] / 2
        super().__init__(stage, p)

    def election_s(self, p: Setting) -> tuple[float, float]:
        """Least and greatest timeout."""
        return 1e-3 * p.timeout_ms, 1e-3 * p.timeout_ms

    def make(self) -> Sequence[Asked]:
        names = [f"server {i}" for i in range(SERVERS)]

        def raft(name: str, luck: Random, kept: Kept, now_s: float) -> Raft:
            if now_s == 0:
                now_s = START_S * names.index(name)
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

    def leading(self) -> Sequence[Peer]:
        return [*sorted((one for one in self.members if one.leads), key=lambda one: one.raft.term)]

    def beat(self, leader: Peer) -> None:
        if isinstance(leader, Server):
            leader.beat()

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

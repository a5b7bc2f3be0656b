"""Members of a group that keeps one log by Raft, and applies it in its order: a state that outlives who leads.

A member is a peer: its term, its vote and its log are in its journal, and what is not there yet is not told to others.
It takes one thing at a time, as long as its disk needs for it; what comes meanwhile waits, and is taken together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from windtunnel.blocks.consensus import Invariants, Kept, LogEntry, NotLeader, Raft, RaftMessage, Ready
from windtunnel.parts.peers import Journal, Peer, Place
from windtunnel.parts.replicas import Apply
from windtunnel.sim import Signal

RAFT_PORT = 1
"""Where the messages of Raft arrive; calls come to port 0."""
Answer = tuple[bool, Any]
"""Whether a command was carried out, and its answer or who leads instead."""


class Member(Peer):
    """One server of the group.

    Args:
        stage: where it lives.
        name: of its host.
        apply: does a command to the state, and returns the answer; the same everywhere, every time.
        make: makes its Raft, of a name, its luck, what it had kept, and the time in seconds.
        sync_s: draws how long its disk takes for a sync, seconds; the disk's own time where it is not given.
        watch: who looks at each step.
    """

    def __init__(
        self,
        stage: Place,
        name: str,
        apply: Apply,
        make: Callable[[str, Random, Kept, float], Raft],
        *,
        sync_s: Callable[[Random], float] | None = None,
        watch: Invariants | None = None,
    ) -> None:
        self.apply = apply
        self.watch = watch
        self.sync_s = sync_s
        self._make = make
        self._group: dict[Any, Member] = {}
        self.told = 0
        """Messages that it sent to other members so far."""
        self.raft: Raft
        super().__init__(stage, name)

    def join(self, group: Iterable[Member]) -> None:
        """These are the members, by the names of their hosts."""
        self._group = {member.host.name: member for member in group}

    @property
    def leads(self) -> bool:
        """Whether it thinks so itself."""
        return not self.host.down and self.raft.role == "leader"

    def boot(self) -> None:
        sync_s, disk = self.sync_s, self.sim.random(f"{self.host.name} disk")
        self.journal = Journal(self.host, "raft", sync_s=None if sync_s is None else lambda: sync_s(disk))
        luck = self.sim.random(f"{self.host.name} elections")
        self.raft = self._make(self.host.name, luck, self._kept(), self.sim.now)
        self.state: dict[str, Any] = {}
        self._wanted: list[tuple[Any, Signal[Answer]]] = []
        self._under_way: dict[int, list[tuple[int, Signal[Answer]]]] = {}
        """Who waits for an entry of this number, each with the term in which it was put there."""
        self._inbox = self.host.inbox(RAFT_PORT)
        self.host.spawn(self._live(), daemon=True)

    def _kept(self) -> Kept:
        """What the journal has."""
        term, vote, log = 0, None, list[LogEntry]()
        for kind, *told in self.journal.records():
            if kind == "hard":
                term, vote = told
            else:
                log[told[0] - 1 :] = [LogEntry(*entry) for entry in told[1]]
        return Kept(term, vote, tuple(log))

    # --- calls ---------------------------------------------------------------------------------------------------
    async def command(self, command: Any) -> Answer:
        """Put it into the log, wait until it is applied, and answer; or say who leads, where it is not this one.

        Where another leader has put something else into its place it was not done: that is said like a refusal.
        """
        if self.raft.role != "leader":
            return False, self.raft.leader
        done: Signal[Answer] = self.sim.signal("a command to be applied")
        self._wanted.append((command, done))
        if len(self._wanted) == 1:
            self.host.send(self.host, None, port=RAFT_PORT)
        await done
        return done.result()

    # --- its life ------------------------------------------------------------------------------------------------
    async def _live(self) -> None:
        raft, sim = self.raft, self.sim
        while True:
            arrived = await self._inbox.get_within(max(raft.due_s - sim.now, 1e-9))
            while arrived is not None:
                if arrived.body is not None:
                    self._step(arrived.body)
                arrived = self._inbox.get_nowait()
            raft.tick(sim.now)
            self._propose()
            await self.settle()

    def _step(self, message: RaftMessage) -> None:
        self.raft.step(message, self.sim.now)

    def _propose(self) -> None:
        wanted, self._wanted = self._wanted, []
        if not wanted:
            return
        try:
            last = self.raft.propose(*(command for command, _ in wanted))
        except NotLeader as error:
            for _, done in wanted:
                done.set((False, error.leader))
            return
        for number, (_, done) in enumerate(wanted, last - len(wanted) + 1):
            self._under_way.setdefault(number, []).append((self.raft.term, done))

    async def settle(self) -> None:
        """Keep, send and apply what Raft wants."""
        work = self.raft.take()
        if self.watch is not None:
            self.watch.look(self.raft, work)
        await self.keep(work)
        self._send(work)
        for number, entry in work.committed:
            self._show(number, entry)

    def _send(self, work: Ready) -> None:
        for to, message in work.messages:
            self.told += 1
            self.host.send(self._group[to].host, message, port=RAFT_PORT)

    async def keep(self, work: Ready) -> None:
        """Have on the disk what has to be there."""
        if not work.keeps:
            return
        if work.hard is not None:
            self.journal.append(["hard", *work.hard])
        if work.cut:
            self.journal.append(["log", work.first, work.entries])
        await self.journal.sync()

    def _show(self, number: int, entry: LogEntry) -> None:
        answer = self.apply(self.state, entry.command) if entry.command is not None else None
        for term, done in self._under_way.pop(number, ()):
            done.set((True, answer) if term == entry.term else (False, None))

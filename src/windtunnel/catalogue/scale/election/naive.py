"""A leader by a key or by hand: logs are copied from whoever leads, and nobody asks whether that one has all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.election.servers import (
    LARGE,
    PATIENCE_S,
    SERVERS,
    TRY_S,
    Answer,
    Asked,
    Cluster,
    Setting,
    apply,
    look,
    sync_s,
)
from windtunnel.parts import Journal, Peer
from windtunnel.sim import Signal

WATCH_S = 0.05
"""Whoever looks after servers looks so often."""


class Copy(Asked):
    """Keeps the log of whoever leads; its own, while it leads itself.

    Args:
        acks: how many others have to have a command before it is acknowledged.
    """

    def __init__(self, stage: Stage, name: str, p: Setting, acks: int) -> None:
        self.p, self.acks = p, acks
        super().__init__(stage, name)

    def boot(self) -> None:
        disk, draw = self.sim.random(f"{self.host.name} disk"), sync_s(self.p.disk_ms)
        self.journal = Journal(self.host, sync_s=lambda: draw(disk))
        self.log: list[Any] = []
        for first, commands in self.journal.records():
            self.log[first:] = commands
        self.state: dict[str, Any] = {}
        self.applied = 0
        self.name_of_leader: str | None = None
        self.have: dict[str, int] = {}
        self.news: Signal[None] = self.sim.signal("news of the log")
        self.reign = 0
        """Goes up whenever it begins to lead or ends."""
        self.began_s = 0.0
        self.show(0)

    @property
    def leader_name(self) -> str | None:
        return self.host.name if self.leads else self.name_of_leader

    @property
    def leads(self) -> bool:
        """Whether it leads."""
        return not self.host.down and self.name_of_leader == self.host.name

    def show(self, end: int) -> None:
        """Apply what comes before number `end`."""
        for command in self.log[self.applied : end]:
            apply(self.state, command)
        self.applied = max(self.applied, end)

    # --- it leads ------------------------------------------------------------------------------------------------
    def lead(self) -> bool:
        """Lead from now on: the log is what this one has."""
        self.reign += 1
        self.name_of_leader, self.began_s = self.host.name, self.sim.now
        self.have = {name: 0 for name in self.servers if name != self.host.name}
        self.show(len(self.log))
        for name in self.have:
            self.host.spawn(self._send(name, self.reign), daemon=True)
        self.on_lead()
        return True

    def end(self, leader: str | None) -> bool:
        """Another one leads, or nobody that this one knows of."""
        if self.leads:
            self.reign += 1
            self._tell()
        self.name_of_leader = leader
        return True

    async def command(self, command: list[Any]) -> Answer:
        if not self.leads:
            return False, self.name_of_leader
        what, key, _, request = command
        if what != "put":
            return True, look(self.state, what, key)
        reign = self.reign
        number = self._number(request)
        if number is None:
            self.journal.append([len(self.log), [command]])
            self.log.append(command)
            number = len(self.log)
            await self.journal.sync()
        self._tell()
        while self.reign == reign and sum(have >= number for have in self.have.values()) < self.acks:
            await self.news
        if self.reign != reign or not self.leads:
            await self.sim.sleep(PATIENCE_S)  # whoever leads now may have it, so nothing is said
            return False, self.name_of_leader
        self.show(number)
        return True, None

    def _number(self, request: int) -> int | None:
        """Where a request that was sent again stands already, counted from 1."""
        return next((n for n in range(len(self.log), 0, -1) if self.log[n - 1][3] == request), None)

    def _tell(self) -> None:
        told, self.news = self.news, self.sim.signal("news of the log")
        told.set()

    async def _send(self, name: str, reign: int) -> None:
        """Bring it all that it lacks, and then what is new. The first message cuts off what is not of this log."""
        first = True
        while self.reign == reign and self.leads:
            start = self.have[name]
            if first or start < len(self.log):
                told = self.log[start:]
                try:
                    await self.call(self.servers[name], "follow", self.host.name, start, told, within_s=TRY_S)
                except TimeoutError:
                    continue
                if self.reign != reign:
                    return
                first = False
                self.have[name] = start + len(told)
                self._tell()
            else:
                await self.news

    # --- it follows ----------------------------------------------------------------------------------------------
    async def follow(self, leader: str, start: int, commands: list[Any]) -> int:
        """Have this leader's commands from number `start` on."""
        self.end(leader)
        if self.log[start:] != commands:
            if start < self.applied:  # what was applied is no longer so
                self.state, self.applied = {}, 0
            self.log[start:] = commands
            self.journal.append([start, commands])
            await self.journal.sync()
        self.show(len(self.log))
        return len(self.log)


class Keys(Peer):
    """A store with one key, which is given to whoever asks first while it is free (`SET key name NX PX time`)."""

    def boot(self) -> None:
        self.owner, self.until_s = "", 0.0

    def take(self, name: str, for_s: float) -> str:
        """Set it, or hold it longer, where it is free or one's own; whose it is."""
        if self.owner in ("", name) or self.sim.now >= self.until_s:
            self.owner, self.until_s = name, self.sim.now + for_s
        return self.owner


class KeyHolder(Copy):
    """Leads while the key is its own, as far as its clock says."""

    keys: Keys
    until_s = 0.0

    def boot(self) -> None:
        super().boot()
        self.until_s = 0.0
        self.host.spawn(self._compete(), daemon=True)

    @property
    def leads(self) -> bool:
        return super().leads and self.sim.now < self.until_s

    async def _compete(self) -> None:
        for_s = 1e-3 * (self.p.timeout_ms + self.p.spread_ms)
        luck = self.sim.random(f"{self.host.name} turns")
        if self.host.boots > 1:
            await self.sim.sleep(for_s)  # who has just come back lets the others go first
        while True:
            asked_s = self.sim.now
            try:
                owner = await self.call(self.keys, "take", self.host.name, for_s)
            except TimeoutError:
                owner = None
            if owner != self.host.name:
                if owner is not None and owner != self.name_of_leader:
                    self.end(owner)
            else:
                held = self.leads
                self.until_s = asked_s + for_s
                if not held:
                    self.lead()
            await self.sim.sleep(luck.uniform(0.2, 0.4) * for_s)


class FirstToSet(Cluster):
    """Who sets a key first leads while it is his, and a majority has each write before it is acknowledged."""

    def make(self) -> Sequence[Asked]:
        keys = Keys(self.stage, "keys")
        made = [KeyHolder(self.stage, f"server {i}", self.p, SERVERS // 2) for i in range(SERVERS)]
        for one in made:
            one.keys = keys
        self.copies: Sequence[Copy] = made
        return made

    def leading(self) -> Sequence[Peer]:
        return sorted((one for one in self.copies if one.leads), key=lambda one: one.began_s)


class ByOrder(Copy):
    """Leads when it is told to, until it is told otherwise."""

    def is_primary(self) -> bool:
        """Whether it knows that it leads."""
        return self.leads

    def length(self) -> int:
        """How many commands it has."""
        return len(self.log)


class Desk(ByOrder):
    """The one at which somebody sits who looks after all of them; whom he let lead last is written down."""

    copies: Sequence[ByOrder]

    def boot(self) -> None:
        super().boot()
        self.notes = Journal(self.host, "notes")
        written = self.notes.records()
        self.primary: int = written[-1] if written else 0
        self.host.spawn(self._watch(), daemon=True)

    async def _watch(self) -> None:
        seen_s = self.sim.now
        while True:
            await self.sim.sleep(WATCH_S)
            primary = self.copies[self.primary]
            try:
                if not await self.call(primary, "is_primary"):
                    await self.call(primary, "lead")
                seen_s = self.sim.now
            except TimeoutError:
                if self.sim.now - seen_s > self.p.hand_s and await self._promote():
                    seen_s = self.sim.now
            for i, other in enumerate(self.copies):
                if i != self.primary:
                    self.ask(other, "end", self.copies[self.primary].host.name)

    async def _promote(self) -> bool:
        """Of the others who answer, the one that has most leads from now on; whether there is any."""
        found: dict[int, int] = {}
        for i, one in enumerate(self.copies):
            try:
                if i != self.primary:
                    found[i] = await self.call(one, "length")
            except TimeoutError:
                continue
        if found:
            self.primary = max(found, key=lambda i: found[i])
            await self.notes.keep(self.primary)
        return bool(found)


class ByHand(Cluster):
    """One data centre leads and copies its writes to the other; where it is gone, somebody lets the other one lead."""

    def make(self) -> Sequence[Asked]:
        kinds = [Desk if i == LARGE[0] else ByOrder for i in range(SERVERS)]
        made = [kind(self.stage, f"server {i}", self.p, 0) for i, kind in enumerate(kinds)]
        for one in made:
            if isinstance(one, Desk):
                one.copies = made
        self.copies: Sequence[Copy] = made
        return made

    def leading(self) -> Sequence[Peer]:
        return sorted((one for one in self.copies if one.leads), key=lambda one: one.began_s)

"""A leader by a key or by hand: logs are copied from whoever leads, and nobody asks whether that one has all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.election.servers import (
    LARGE,
    LOOK_S,
    SERVERS,
    TRY_S,
    Answer,
    Asked,
    Cluster,
    Setting,
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

    have: dict[str, int]
    """While it leads: how many commands each of the others has. A dictionary of its own each time that it leads."""
    shown: int
    """While it leads: so many of its commands are acknowledged, and the first ones are shown."""

    def __init__(self, stage: Stage, name: str, p: Setting, acks: int) -> None:
        self.p, self.acks = p, acks
        super().__init__(stage, name)

    def boot(self) -> None:
        disk, draw = self.sim.random(f"{self.host.name} disk"), sync_s(self.p.disk_ms)
        self.journal = Journal(self.host, sync_s=lambda: draw(disk))
        self.log: list[Any] = []
        for first, commands in self.journal.records():
            self.log[first:] = commands
        self.name_of_leader: str | None = None
        self.news: Signal[None] = self.sim.signal("news of the log")

    @property
    def leader_name(self) -> str | None:
        return self.host.name if self.leads else self.name_of_leader

    @property
    def leads(self) -> bool:
        """Whether it leads."""
        return not self.host.down and self.name_of_leader == self.host.name

    async def _write(self, start: int, commands: list[Any]) -> None:
        """From number `start` on the log is this."""
        self.log[start:] = commands
        await self.journal.keep([start, commands])

    # --- it leads ------------------------------------------------------------------------------------------------
    def lead(self) -> None:
        """Lead from now on: the log is what this one has."""
        self.name_of_leader = self.host.name
        self.have, self.shown = {name: 0 for name in self.servers if name != self.host.name}, len(self.log)
        for name in self.have:
            self.host.spawn(self._send(name), daemon=True)
        self.on_lead()

    async def command(self, command: list[Any]) -> Answer:
        what, key, _, _ = command
        if what == "put" and self.leads:
            await self._put(command)
        return self.leads, self.leads and seen(self.log[: self.shown], what, key)

    async def _put(self, command: list[Any]) -> None:
        """Wait until it is acknowledged: for ever, where this one leads no more. Whoever leads then may have it."""
        have = self.have
        log = self.log if command in self.log else [*self.log, command]  # it may have been sent again
        number = log.index(command) + 1
        if log is not self.log:
            await self._write(len(self.log), [command])
        self._tell()
        while not (self.leads and self.have is have and sum(n >= number for n in have.values()) >= self.acks):
            await self.news
        self.shown = max(self.shown, number)

    def _tell(self) -> None:
        told, self.news = self.news, self.sim.signal("news of the log")
        told.set()

    async def _send(self, name: str) -> None:
        """Bring it all that it may lack, and then what is new."""
        have = self.have
        while self.leads and self.have is have:
            start = have[name]
            if start < len(self.log):
                told = self.log[start:]
                answer = self.ask(self.servers[name], "follow", start, told)
                if await answer.within(TRY_S) and answer.result():
                    have[name] = start + len(told)
                    self._tell()
            else:
                await self.news

    # --- it follows ----------------------------------------------------------------------------------------------
    async def follow(self, start: int, commands: list[Any]) -> bool:
        """Have a leader's commands from number `start` on; not where this one leads."""
        if not self.leads:
            await self._write(start, commands)
        return not self.leads


def seen(log: Sequence[Any], what: str, key: str) -> Any:
    """What a log shows: the value of a key, or all values in their order."""
    if what == "everything":
        return [value for _, _, value, _ in log]
    return next((value for _, at, value, _ in reversed(log) if at == key), None)


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
    until_s: float
    """When the key runs out at the earliest, as far as this one knows."""

    def boot(self) -> None:
        super().boot()
        self.host.spawn(self._compete(), daemon=True)

    @property
    def leads(self) -> bool:
        return super().leads and self.sim.now < self.until_s

    async def _compete(self) -> None:
        for_s = 1e-3 * (self.p.timeout_ms + self.p.spread_ms)
        luck = self.sim.random(f"{self.host.name} turns")
        while True:
            asked_s, held = self.sim.now, self.leads
            owner = self.ask(self.keys, "take", self.host.name, for_s)
            if await owner.within(TRY_S):
                found, self.until_s = owner.result(), asked_s + for_s
                if found != self.host.name:
                    self.name_of_leader = found
                elif not held:
                    self.lead()
            await self.sim.sleep(luck.uniform(0.1, 0.3) * for_s)  # unclaimed: who never waits leads as well


class FirstToSet(Cluster):
    """Who sets a key first leads while it is his, and a majority has each write before it is acknowledged."""

    def make(self) -> Sequence[Asked]:
        keys = Keys(self.stage, "keys")
        made = [KeyHolder(self.stage, f"server {i}", self.p, SERVERS // 2) for i in range(SERVERS)]
        for one in made:
            one.keys = keys
        return made


class ByOrder(Copy):
    """Leads when it is told to, until it is told otherwise."""

    def lead_on(self) -> None:
        """Lead, if it does not."""
        if not self.leads:
            self.lead()

    def end(self, leader: str) -> None:
        """Another one leads."""
        self.name_of_leader = leader

    def length(self) -> int:
        """How many commands it has."""
        return len(self.log)


class Desk(ByOrder):
    """The one at which somebody sits who looks after all of them, and remembers whom he let lead last."""

    copies: Sequence[ByOrder]
    primary = 0

    def boot(self) -> None:
        super().boot()
        self.host.spawn(self._watch(), daemon=True)

    async def _watch(self) -> None:
        while True:
            seen_s = self.sim.now
            while self.sim.now - seen_s <= self.p.hand_s:
                primary = self.copies[self.primary]
                for other in self.copies:
                    if other is not primary:
                        self.ask(other, "end", primary.host.name)
                await self.sim.sleep(WATCH_S)  # unclaimed: who looks without a pause sees the same
                answer = self.ask(primary, "lead_on")
                if await answer.within(LOOK_S):
                    seen_s = self.sim.now
            await self._promote()

    async def _promote(self) -> None:
        """Of those who answer, the one that has most leads from now on."""
        found: dict[int, int] = {}
        for i, one in enumerate(self.copies):
            answer = self.ask(one, "length")
            if await answer.within(LOOK_S):
                found[i] = answer.result()
        self.primary = max(found, key=lambda i: found[i])


class ByHand(Cluster):
    """One data centre leads and copies its writes to the other; where it is gone, somebody lets the other one lead."""

    def make(self) -> Sequence[Asked]:
        kinds = [Desk if i == LARGE[0] else ByOrder for i in range(SERVERS)]
        made = [kind(self.stage, f"server {i}", self.p, 0) for i, kind in enumerate(kinds)]
        for one in made:
            if isinstance(one, Desk):
                one.copies = made
        return made

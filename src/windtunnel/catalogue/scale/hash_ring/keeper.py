"""A host that keeps keys, answers for them, and hands over those that are another host's now.

It is one program that does one thing after the other, so a key that it hands over is answered for by nobody in between:
what comes in meanwhile waits, and is sent on. What is asked of a host that has a key only by the new list, while the
key is still on the way, waits for it there, and the old host is asked to hand it over at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from windtunnel.sim import Host, Simulator

BATCH = 20
"""Keys that are handed over in one message; the next one is sent when that has been taken."""
MOVE_S = 0.0002
"""Seconds that it takes a host to hand over a key, or to take it."""
ENTRY_BYTES = 1000
"""Of a key and what is kept under it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants, until when, which list of hosts it knows, and of which request that is."""

    number: int
    key: str
    work_s: float
    write: bool
    until_s: float
    epoch: int
    request: int


class Cluster(Protocol):
    """What a host knows of the others: who they are, and whose a key is now and was before the last change."""

    sim: Simulator
    now: Any
    before: Any
    epoch: int
    flying: dict[str, int]
    bytes_moved: int

    def owner(self, program: Any, key: str) -> str:
        """The host that a program names."""

    def host_of(self, name: str) -> Host:
        """The machine of a host."""

    def answer(self, host: Host, number: int, found: int | None) -> None:
        """From a host to a client."""

    def taken(self, many: int) -> None:
        """So many keys are where they belong."""


class Keeper:
    """The program of a host. What is kept under a key is how often it was written."""

    def __init__(self, rig: Cluster, name: str, host: Host) -> None:
        self.rig, self.name, self.host, self.sim = rig, name, host, rig.sim
        self.kept: dict[str, int] = {}
        self.waiting: dict[str, list[Asked]] = {}
        self.leaving: dict[str, list[str]] = {}
        """Keys that are to be handed over, by the host that is to have them."""
        self.host.start(self.run, light=True)

    async def run(self) -> None:
        """Do what messages say, one after the other, each for the request that it is of."""
        async for message in self.host.inbox():
            what, *about = message.body
            await self.host.spawn(getattr(self, what)(*about), what, request=message.request)

    def tell(self, other: str, what: str, *about: Any, size_bytes: int = 0) -> None:
        """Send a message to a host."""
        self.host.send(self.rig.host_of(other), (what, *about), size_bytes)

    async def ask(self, asked: Asked) -> None:
        """Answer for a key that is here."""
        if self.sim.now > asked.until_s:
            return  # nobody waits any more
        if asked.key in self.kept:
            await self.sim.sleep(asked.work_s)
            self.kept[asked.key] += asked.write
            self.rig.answer(self.host, asked.number, self.kept[asked.key])
        else:
            self.elsewhere(asked)

    def elsewhere(self, asked: Asked) -> None:
        """Let it wait for a key that is to be here, send it on where its list is old, or say that it is not here."""
        key = asked.key
        owner = self.rig.owner(self.rig.now, key)
        if owner == self.name:
            if key not in self.waiting:
                self.waiting[key] = []
                self.tell(self.rig.owner(self.rig.before, key), "pull", key, self.name)
            self.waiting[key].append(asked)
        elif asked.epoch < self.rig.epoch:
            self.tell(owner, "ask", asked)
        else:
            self.rig.answer(self.host, asked.number, None)

    async def again(self, asked: Asked) -> None:
        """Let it come once more, after those that are here."""
        self.tell(self.name, "ask", asked)

    async def pull(self, key: str, target: str) -> None:
        """Hand over one key before its turn: somebody waits for it."""
        if key in self.kept:
            await self.hand_over([key], target, "")

    async def give(self) -> None:
        """Hand over the next of those that are another host's, hosts in turns."""
        while self.leaving:
            target = next(iter(self.leaving))
            keys = self.leaving.pop(target)
            if keys[BATCH:]:
                self.leaving[target] = keys[BATCH:]
            batch = [key for key in keys[:BATCH] if key in self.kept]
            if batch:
                await self.hand_over(batch, target, self.name)
                break

    async def hand_over(self, keys: list[str], target: str, source: str) -> None:
        """From now on they are another's. `source`: who hears when they have been taken."""
        await self.sim.sleep(MOVE_S * len(keys))
        values = {key: self.kept.pop(key) for key in keys}
        self.rig.flying |= values
        self.tell(target, "take", values, source, size_bytes=ENTRY_BYTES * len(keys))
        self.rig.bytes_moved += ENTRY_BYTES * len(keys)

    async def take(self, values: dict[str, int], source: str) -> None:
        """Keep these keys, and let those go on who wait for them."""
        await self.sim.sleep(MOVE_S * len(values))
        came = [key for key in values if self.rig.flying.pop(key, None) is not None]  # a message may come twice
        for key in came:
            self.kept[key] = values[key]
            for asked in self.waiting.pop(key, ()):
                self.host.spawn(self.again(asked), "again", request=asked.request)
        if source:
            self.tell(source, "give")
        self.rig.taken(len(came))

"""Hosts that keep keys, clients that ask for them, and somebody who adds hosts and takes one away meanwhile.

The design says whose a key is. Clients ask one of its programs, which is begun anew whenever the list of hosts changes;
hosts ask another, which has been there all the time; a third is one list behind, and says where a key comes from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.hash_ring.keeper import Asked, Keeper
from windtunnel.parts import programs
from windtunnel.sim import Host, Signal

PATIENCE_S = 0.5
"""How long a client waits for its answer."""
LOOK_S = 0.03
"""How often it is looked whether each key is in one place while keys are moved."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def points(self) -> int: ...
    @property
    def hosts(self) -> int: ...
    @property
    def more(self) -> int: ...


class Rig:
    """Serves the requests; the design is asked for the owner of a key and nothing else."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        self.design, self.stage, self.p, self.sim = design, stage, p, stage.sim
        self.clients, self.now, self.before = programs(design, stage, many=3)
        self.gate = stage.host("clients")
        self.gate.start(self.hear, light=True)
        self.machines = [stage.host(f"machine {i}") for i in range(p.hosts + p.more)]
        self.keepers: dict[str, Keeper] = {}
        self.hosts: list[str] = []
        self.former: list[str] = []
        """The hosts now, and before the last change."""
        self.epoch = self.left = self.bytes_moved = self.looked = self.astray = self.number = 0
        self.flying: dict[str, int] = {}
        """Keys that have been handed over and not taken yet."""
        self.keys = 0
        self.over: Signal[None] | None = None
        """That the keys are where they belong; none while they are."""
        self.answers: dict[int, Signal[int | None]] = {}
        self.loads: list[tuple[float, Mapping[str, int]]] = []

    # --- clients -----------------------------------------------------------------------------------------------------
    @process
    async def get(self, key: str, work_s: float) -> int:
        """What is kept under a key: how often it was written."""
        return await self.asked(key, work_s, write=False)

    @process
    async def put(self, key: str, work_s: float) -> int:
        """Write once more. Returns how often it was written."""
        return await self.asked(key, work_s, write=True)

    async def asked(self, key: str, work_s: float, *, write: bool) -> int:
        """Ask the host that has the key by the list that clients know."""
        if not self.hosts:
            raise Refused("There are no hosts.")
        number, self.number = self.number, self.number + 1
        answer = self.answers[number] = Signal[int | None](self.sim, f"an answer for {key}")
        asked = Asked(number, key, work_s, write, self.sim.now + PATIENCE_S, self.epoch, self.sim.request)
        self.gate.send(self.host_of(self.owner(self.clients, key)), ("ask", asked))
        heard = await answer.within(PATIENCE_S)
        del self.answers[number]
        if not heard:
            raise TimeoutError(f"No answer for {key} within {PATIENCE_S:g} s.")
        found = answer.result()
        if found is None:
            raise Refused(f"{key} is not where clients look for it.")
        return found

    async def hear(self) -> None:
        """Whatever hosts answer."""
        async for message in self.gate.inbox():
            number, found = message.body
            if number in self.answers and not self.answers[number].done():
                self.answers[number].set(found)

    def answer(self, host: Host, number: int, found: int | None) -> None:
        """From a host to a client."""
        host.send(self.gate, (number, found))

    def owner(self, program: Any, key: str) -> str:
        """The host that a program of the design names."""
        (name,) = self.owners(program, [key])
        return name

    def host_of(self, name: str) -> Host:
        """The machine of a host."""
        return self.keepers[name].host

    def owners(self, program: Any, keys: Sequence[str]) -> Sequence[str]:
        """The hosts of many keys."""
        return checked(program.owners(keys), keys, self.former if program is self.before else self.hosts)

    # --- hosts come and go -------------------------------------------------------------------------------------------
    @process
    async def begin(self, hosts: Sequence[str], keys: Sequence[str]) -> None:
        """These hosts keep these keys."""
        self.settle(list(hosts))
        self.former = self.hosts
        self.before.settle(tuple(hosts))
        self.keys = len(keys)
        for key, name in zip(keys, self.owners(self.now, keys), strict=True):
            self.keepers[name].kept[key] = 0

    @process
    async def join(self, hosts: Sequence[str]) -> dict[str, float]:
        """These come too. Returns when all keys are where they belong: what was moved, and from where to where."""
        return await self.changed([*self.hosts, *hosts])

    @process
    async def leave(self, host: str) -> dict[str, float]:
        """This one goes."""
        return await self.changed([one for one in self.hosts if one != host])

    def settle(self, hosts: list[str]) -> None:
        """Tell hosts and clients."""
        self.hosts = hosts
        for name in hosts:
            if name not in self.keepers:
                self.keepers[name] = Keeper(self, name, self.machines[len(self.keepers)])
        self.now.settle(tuple(hosts))
        if self.epoch:
            self.clients = type(self.design)(self.stage, self.p)
        self.clients.settle(tuple(hosts))
        self.epoch += 1

    async def changed(self, hosts: list[str]) -> dict[str, float]:
        """Another list of hosts: one change after the other."""
        while self.over is not None:
            await self.over
        began_s, bytes_before, old = self.sim.now, self.bytes_moved, set(self.hosts)
        self.former = self.hosts
        self.before.settle(tuple(self.former))
        self.settle(hosts)
        moved, astray, givers = 0, 0, Counter[str]()
        for one in self.keepers.values():
            keys = list(one.kept)
            for key, owner in zip(keys, self.owners(self.now, keys), strict=True):
                if owner != one.name:
                    one.leaving.setdefault(owner, []).append(key)
                    moved += 1
                    astray += one.name in hosts and owner in old
                    givers[one.name] += 1
        if moved:
            self.over, self.left = Signal(self.sim, "keys that are being moved"), moved
            self.sim.spawn(self.look(), "who looks", daemon=True)
            for name in givers:
                self.keepers[name].tell(name, "give")
            await self.over
        return {
            "moved": moved,
            "astray": astray,
            "givers": len(givers),
            "bytes": self.bytes_moved - bytes_before,
            "move_s": self.sim.now - began_s,
        }

    def taken(self, many: int) -> None:
        """So many keys more are where they belong."""
        self.left -= many
        if not self.left and self.over is not None:
            over, self.over = self.over, None
            over.set()

    async def look(self) -> None:
        """While keys are moved: whether each is in one place, at a host or on its way to one."""
        while self.over is not None:
            there = {name: len(one.kept) for name, one in self.keepers.items()}
            places = sum(there.values()) + len(self.flying)
            different = len(set(self.flying).union(*(one.kept for one in self.keepers.values())))
            self.astray += not self.keys == places == different
            self.looked += 1
            self.loads.append((self.sim.now, there))
            await self.sim.sleep(LOOK_S)

    # --- counting ----------------------------------------------------------------------------------------------------
    @process
    async def count(
        self, hosts: Sequence[str], more: Sequence[str], gone: str, keys: Sequence[str]
    ) -> tuple[tuple[int, ...], tuple[float, ...]]:
        """Of hosts that are only asked about: how many keys each has; and which shares are moved, and are moved astray,
        when more come, and when one of all goes."""
        one = type(self.design)(self.stage, self.p)
        after = [name for name in (*hosts, *more) if name != gone]
        owners = []
        for names in (hosts, (*hosts, *more), after):
            one.settle(tuple(names))
            owners.append(checked(one.owners(keys), keys, names))
        at_first, joined, left = owners
        loads = Counter(at_first)
        new = set(more)
        moved_in = [a != b for a, b in zip(at_first, joined, strict=True)]
        astray_in = [a != b and b not in new for a, b in zip(at_first, joined, strict=True)]
        moved_out = [a != b for a, b in zip(joined, left, strict=True)]
        astray_out = [a != b and a != gone for a, b in zip(joined, left, strict=True)]
        shares = tuple(sum(each) / len(keys) for each in (moved_in, astray_in, moved_out, astray_out))
        return tuple(loads[name] for name in hosts), shares

    def report(self) -> Mapping[str, Any]:
        """What was seen of the hosts; what they keep in the end; how much whoever asks has to have in memory."""
        entries = getattr(self.clients, "entries", int)
        ends = Counter(key for one in self.keepers.values() for key in one.kept)
        values = {key: value for name in self.hosts for key, value in self.keepers[name].kept.items()}
        return {
            "looked": self.looked,
            "astray": self.astray,
            "loads": self.loads,
            "copies": max(ends.values(), default=0),
            "values": values,
            "entries": entries() if self.hosts else 0,
        }


def checked(names: Sequence[str], keys: Sequence[str], hosts: Iterable[str]) -> Sequence[str]:
    """The owners of these keys, if each is one of these hosts. Raises ValueError."""
    if strange := set(names) - set(hosts):
        raise ValueError(f"The owner of a key is one of the hosts, not {strange.pop()!r}.")
    if len(names) != len(keys):
        raise ValueError(f"Of {len(keys)} keys {len(names)} owners were named.")
    return names

"""Ways to say on which host a key is.

All who ask and all hosts compute it for themselves, from the names of the hosts and nothing else, so that they agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from windtunnel import Stage
from windtunnel.blocks.ground import stable_hashes
from windtunnel.blocks.placement import BoundedLoads, HashRing, MaglevTable, Rendezvous, jump_hash_many

SLOTS = 1021
"""In as many the keys are cut where loads are bounded; a prime, as the library has it that the design is after."""
EPSILON = 0.25
"""How much more than its share a host may have there."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def points(self) -> int: ...


class Modulo:
    """The hash of the key, modulo the number of hosts."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        pass

    def settle(self, hosts: Sequence[str]) -> None:
        """These are the hosts from now on, in the order of their coming."""
        self.hosts = tuple(hosts)

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        """The hosts of these keys, in their order."""
        return named(self.hosts, stable_hashes(keys) % len(self.hosts))

    def entries(self) -> int:
        """How many entries whoever asks has to have in memory."""
        return len(self.hosts)


def named(hosts: Sequence[str], numbers: Any) -> Sequence[str]:
    """The hosts of these numbers, an array."""
    return [hosts[number] for number in numbers.tolist()]


class Ring(Modulo):
    """A ring on which each host stands at many points; a key is of the next point."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.ring = HashRing((), p.points)

    def settle(self, hosts: Sequence[str]) -> None:
        for name in set(self.ring.nodes) - set(hosts):
            self.ring.remove(name)
        for name in hosts:
            if name not in self.ring:
                self.ring.add(name)

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        return named(self.ring.nodes, self.ring.lookup_many(keys))

    def entries(self) -> int:
        return len(self.ring) * self.ring.virtual_nodes


class RingOfOne(Ring):
    """A ring on which each host stands at one point."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.ring = HashRing((), 1)


class Jump(Modulo):
    """Jump hash: the number of a host, computed from the key."""

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        return named(self.hosts, jump_hash_many(keys, len(self.hosts)))


class Maglev(Modulo):
    """Maglev: hosts take turns to choose entries of a table, and a key is of one of them."""

    def settle(self, hosts: Sequence[str]) -> None:
        self.table = MaglevTable(hosts)

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        return named(self.table.nodes, self.table.lookup_many(keys))

    def entries(self) -> int:
        return self.table.size


class Bounded(Ring):
    """Slots on the ring of many points; a host that has a quarter more than its share of them is passed by."""

    def settle(self, hosts: Sequence[str]) -> None:
        super().settle(hosts)
        loads = BoundedLoads(self.ring, EPSILON, expected=SLOTS)
        self.slots = named(self.ring.nodes, loads.assign_many(range(SLOTS)))

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        return named(self.slots, stable_hashes(keys) % SLOTS)

    def entries(self) -> int:
        return len(self.slots)


class Highest(Modulo):
    """Rendezvous: each host has a score for each key, and the highest one has it."""

    def settle(self, hosts: Sequence[str]) -> None:
        self.scores = Rendezvous(hosts)

    def owners(self, keys: Sequence[str]) -> Sequence[str]:
        return named(self.scores.nodes, self.scores.lookup_many(keys))

    def entries(self) -> int:
        return len(self.scores)

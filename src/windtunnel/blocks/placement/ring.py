"""Consistent hashing: keys and nodes on one ring, so that a new node takes its share of keys and moves no other.

Each node stands on the ring at many points, its virtual nodes, and a key belongs to the first point at or after its
hash (Karger et al., "Consistent Hashing and Random Trees", STOC 1997; virtual nodes as in Dynamo, SOSP 2007). With
`v` points a node, the shares of equal nodes spread by about `1 / sqrt(v)`. With `hash(key) % n` in its place,
going from n to n + 1 nodes moves n / (n + 1) of all keys.

`BoundedLoads` adds a ceiling: no node takes more than `1 + epsilon` times its fair share, and a key that finds its
node full goes on to the next (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018).
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import seal, unseal
from windtunnel.blocks.ground.hashing import WORD, Batch, Key, Keys, stable_hash, stable_hashes
from windtunnel.blocks.ground.numbers import number, whole
from windtunnel.blocks.placement.placement import checked_weight, named

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_POINTS = 1 << 20
"""Of one node. More would be slow to sort and take no keys more evenly."""


class HashRing(Block):
    """Maps keys to nodes; adding a node moves keys to that node only, removing one moves only its own keys.

    `virtual_nodes` is the number of points of a node of weight 1; a node of weight 2 has twice as many, and one of any
    weight above 0 has at least one. A node of weight 0 is drained: on the ring, and owner of no key. Nodes are a
    sequence of names, or a mapping of names to weights. The ring depends on names and weights, not on their order.

    Any number of threads may look up, but none while one adds or removes: guard that with a lock, or change a copy and
    swap it in. Safe among asyncio tasks, since no method awaits.
    """

    KIND, VERSION = "hash ring", 1

    def __init__(self, nodes: Iterable[str] | Mapping[str, float] = (), virtual_nodes: int = 512) -> None:
        self.virtual_nodes = whole(virtual_nodes, "The number of virtual nodes", 1, MOST_POINTS)
        self._take(named(nodes))

    def _take(self, weights: dict[str, float]) -> None:
        self._change(weights, [point for name, weight in weights.items() for point in self._points_of(name, weight)])

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes in alphabetical order; batches answer with indices into it."""
        return tuple(sorted(self._weights))

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each node."""
        return {name: self._weights[name] for name in self.nodes}

    def __len__(self) -> int:
        """How many nodes there are, drained ones included."""
        return len(self._weights)

    def __contains__(self, node: object) -> bool:
        return node in self._weights

    def _told(self) -> dict[str, object]:
        return {"nodes": len(self), "virtual_nodes": self.virtual_nodes, "points": len(self._points)}

    def add(self, node: str, weight: float = 1.0) -> None:
        """Put a node on the ring; raises `ValueError` if it is there."""
        if node in self._weights:
            raise ValueError(f"The ring has a node {node!r} already: set its weight.")
        added = named({node: weight})
        self._change({**self._weights, **added}, self._points + self._points_of(node, added[node]))

    def set_weight(self, node: str, weight: float) -> None:
        """Give a node that is there another weight; 0 drains it. Raises `KeyError` if it is not there.

        Keys move to the node as it grows, and from it as it shrinks, and no others.
        """
        if node not in self._weights:
            raise KeyError(node)
        plain = checked_weight(node, weight)
        self._change({**self._weights, node: plain}, self._without(node) + self._points_of(node, plain))

    def remove(self, node: str) -> None:
        """Take a node off the ring; raises `KeyError` if it is not there."""
        left = dict(self._weights)
        del left[node]
        self._change(left, self._without(node))

    def _without(self, node: str) -> list[tuple[int, str]]:
        return [point for point in self._points if point[1] != node]

    def _points_of(self, node: str, weight: float) -> list[tuple[int, str]]:
        points = self.virtual_nodes * weight
        if points > MOST_POINTS:
            raise ValueError(f"A node has at most {MOST_POINTS} points; weight {weight:g} would give it {points:g}.")
        return [(stable_hash(f"{node}#{i}"), node) for i in range(max(1, round(points)) if weight else 0)]

    def _change(self, weights: dict[str, float], points: list[tuple[int, str]]) -> None:
        """Put new things in the place of the old, which a copy or a thread may be reading."""
        self._weights = weights
        self._points = sorted(points)
        """Place on the ring and owner, in order; of two nodes at one place, the first by name owns it."""
        self._places = [place for place, _ in self._points]
        self._table: _RingTable | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"virtual_nodes": self.virtual_nodes, "weights": dict(self._weights)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.virtual_nodes = state["virtual_nodes"]
        self._take(state["weights"])

    def to_bytes(self) -> bytes:
        """Names and weights in their stored form; the same nodes give the same bytes."""
        text = json.dumps(list(self.weights.items()), separators=(",", ":")).encode()
        return seal(self.KIND, self.VERSION, {"virtual_nodes": self.virtual_nodes}, text)

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The ring that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        return cls(dict(json.loads(payload)), header["virtual_nodes"])

    def lookup(self, key: Key) -> str:
        """The node of a key; raises `ValueError` if the ring has none."""
        self._check_some()
        at = bisect_left(self._places, stable_hash(key))
        return self._points[at if at < len(self._points) else 0][1]

    def _check_some(self) -> None:
        if not self._points:
            raise ValueError("The ring has no nodes with a weight above 0: add one first.")

    def walk(self, key: Key) -> Iterator[str]:
        """The owners of the points from the key on, once around, with repetitions."""
        self._check_some()
        start = bisect_left(self._places, stable_hash(key))
        for i in range(start, start + len(self._points)):
            yield self._points[i % len(self._points)][1]

    def preference(self, key: Key, count: int) -> list[str]:
        """The first `count` different nodes from the key on: where its copies belong. Fewer if there are fewer."""
        count, found = whole(count, "The number of nodes asked for"), dict[str, None]()
        if count == 0:
            stable_hash(key)  # a bad key is one, however many nodes are asked for
            return []
        for node in self.walk(key):
            found.setdefault(node)
            if len(found) >= count:
                break
        return list(found)

    def lookup_many(self, keys: Keys) -> NDArray[np.int32]:
        """For each key of a batch the index of its node in `nodes`."""
        import numpy as np

        from windtunnel.blocks.placement.kernels.ring import lookup

        table, batch = self.table(), Batch(keys)
        out = np.empty(len(batch), np.int32)
        for start, hashes in batch.blocks():
            lookup(*table, hashes, out[start : start + hashes.size])
        return out

    def table(self) -> _RingTable:
        """The ring as arrays, for compiled code; made anew after a change."""
        if self._table is None:
            self._check_some()
            self._table = _RingTable.of(self._points, self.nodes)
        return self._table

    def shares(self) -> dict[str, float]:
        """The part of the ring, hence of all possible keys, that each node owns."""
        owned = dict.fromkeys(self.nodes, 0)
        before = self._places[-1] - (WORD + 1) if self._places else 0
        for place, node in self._points:
            owned[node] += place - before
            before = place
        return {node: size / (WORD + 1) for node, size in owned.items()}


class _RingTable(NamedTuple):
    """Points in order and, for the upper bits of a hash, where to begin the search.

    One more point closes the ring: at the highest place, owned by the owner of the first.
    """

    places: NDArray[np.uint64]
    owners: NDArray[np.int32]
    starts: NDArray[np.int32]

    @classmethod
    def of(cls, points: list[tuple[int, str]], nodes: tuple[str, ...]) -> _RingTable:
        import numpy as np

        index = {node: i for i, node in enumerate(nodes)}
        places = np.array([place for place, _ in points] + [WORD], np.uint64)
        owners = np.array([index[node] for _, node in points] + [index[points[0][1]]], np.int32)
        bits = (2 * len(points)).bit_length()
        firsts = np.arange(1 << bits, dtype=np.uint64) << np.uint64(64 - bits)
        return cls(places, owners, np.searchsorted(places, firsts).astype(np.int32))


class BoundedLoads(Block):
    """Assigns keys to the nodes of a ring so that no load exceeds `ceil((1 + epsilon) * fair share)`.

    The fair share of a node is its part, by weight, of all keys assigned so far, the new one included; or of
    `expected` keys in all where that number is known beforehand, which displaces fewer keys.

    A release lowers the load but moves no other key back. For one thread; guard it with a lock for more. Safe among
    asyncio tasks, since no method awaits. The ring must not change meanwhile.
    """

    def __init__(self, ring: HashRing, epsilon: float, expected: int = 0) -> None:
        self.ring = ring
        self.epsilon = number(epsilon, "Epsilon", above=0)
        self.expected = whole(expected, "The number of keys expected")
        self.total = 0
        self._loads = dict.fromkeys(ring.nodes, 0)
        heaviest = max(ring.weights.values(), default=0) or 1
        relative = {node: weight / heaviest for node, weight in ring.weights.items()}  # whose sum is no infinity
        self._shares = {node: weight / (sum(relative.values()) or 1) for node, weight in relative.items()}

    def _told(self) -> dict[str, object]:
        return {"nodes": len(self._loads), "epsilon": self.epsilon, "total": self.total}

    @property
    def loads(self) -> dict[str, int]:
        """How many keys each node has."""
        return dict(self._loads)

    def assign(self, key: Key) -> str:
        """The node that takes the key: the first on the key's way that is not full."""
        allowed = (1 + self.epsilon) * max(self.total + 1, self.expected)
        for node in self.ring.walk(key):
            if self._loads[node] < allowed * self._shares[node]:
                self._loads[node] += 1
                self.total += 1
                return node
        raise AssertionError("All nodes together hold more than all keys.")

    def assign_many(self, keys: Keys) -> NDArray[np.int32]:
        """Assign a batch in its order; for each key the index of its node in `ring.nodes`."""
        import numpy as np

        from windtunnel.blocks.placement.kernels.ring import assign

        table, hashes, nodes = self.ring.table(), stable_hashes(keys), self.ring.nodes
        out = np.empty(hashes.size, np.int32)
        loads = np.array([self._loads[node] for node in nodes], np.int64)
        shares = np.array([self._shares[node] for node in nodes], np.float64)
        assign(*table, hashes, shares, 1 + self.epsilon, self.total, self.expected, loads, out)
        self._loads = dict(zip(nodes, loads.tolist(), strict=True))
        self.total += hashes.size
        return out

    def release(self, node: str) -> None:
        """One key of this node is gone; raises `ValueError` if it has none, or there is no such node."""
        if self._loads.get(node, 0) < 1:
            raise ValueError(f"The node {node!r} has no key to release.")
        self._loads[node] -= 1
        self.total -= 1

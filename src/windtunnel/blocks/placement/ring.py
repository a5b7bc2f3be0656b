"""Consistent hashing: keys and nodes on one ring, so that a new node takes its share of keys and moves no other.

Each node stands on the ring at many points, its virtual nodes, and a key belongs to the first point at or after its
hash (Karger et al., "Consistent Hashing and Random Trees", STOC 1997; virtual nodes as in Dynamo, SOSP 2007). With
`v` points a node, the shares of equal nodes spread by about `1 / sqrt(v)`. With `hash(key) % n` in its place,
going from n to n + 1 nodes moves n / (n + 1) of all keys.

`BoundedLoads` adds a ceiling: no node takes more than `1 + epsilon` times its fair share, and a key that finds its
node full goes on to the next (Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from windtunnel.blocks.ground.hashing import WORD, Batch, Key, Keys, stable_hash, stable_hashes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class HashRing:
    """Maps keys to nodes; adding a node moves keys to that node only, removing one moves only its own keys.

    `virtual_nodes` is the number of points of a node of weight 1; a node of weight 2 has twice as many. Nodes are a
    sequence of names, or a mapping of names to weights. The ring depends on names and weights, not on their order.

    Any number of threads may look up, but none while one adds or removes: guard that with a lock, or change a copy and
    swap it in. Safe among asyncio tasks, since no method awaits.
    """

    def __init__(self, nodes: Iterable[str] | Mapping[str, float] = (), virtual_nodes: int = 512) -> None:
        if virtual_nodes < 1:
            raise ValueError(f"A node has at least 1 virtual node, not {virtual_nodes}.")
        self.virtual_nodes = virtual_nodes
        self._weights: dict[str, float] = {}
        self._points: list[tuple[int, str]] = []
        """Place on the ring and owner, in order; of two nodes at one place, the first by name owns it."""
        self._places: list[int] = []
        self._table: _RingTable | None = None
        weights = nodes if isinstance(nodes, Mapping) else dict.fromkeys(nodes, 1.0)
        for name, weight in weights.items():
            self._points += self._points_of(name, weight)
        self._changed()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes in alphabetical order; batches answer with indices into it."""
        return tuple(sorted(self._weights))

    @property
    def weights(self) -> dict[str, float]:
        """The weight of each node."""
        return {name: self._weights[name] for name in self.nodes}

    def add(self, node: str, weight: float = 1.0) -> None:
        """Put a node on the ring; raises `ValueError` if it is there."""
        self._points += self._points_of(node, weight)
        self._changed()

    def remove(self, node: str) -> None:
        """Take a node off the ring; raises `KeyError` if it is not there."""
        del self._weights[node]
        self._points = [point for point in self._points if point[1] != node]
        self._changed()

    def _points_of(self, node: str, weight: float) -> list[tuple[int, str]]:
        if node in self._weights:
            raise ValueError(f"The ring has a node {node!r} already.")
        if not weight > 0:
            raise ValueError(f"A weight is above 0, not {weight}.")
        self._weights[node] = weight
        return [(stable_hash(f"{node}#{i}"), node) for i in range(max(1, round(self.virtual_nodes * weight)))]

    def _changed(self) -> None:
        self._points.sort()
        self._places = [place for place, _ in self._points]
        self._table = None

    def lookup(self, key: Key) -> str:
        """The node of a key; raises `ValueError` if the ring has none."""
        if not self._points:
            raise ValueError("The ring has no nodes: add one first.")
        at = bisect_left(self._places, stable_hash(key))
        return self._points[at if at < len(self._points) else 0][1]

    def walk(self, key: Key) -> Iterator[str]:
        """The owners of the points from the key on, once around, with repetitions."""
        if not self._points:
            raise ValueError("The ring has no nodes: add one first.")
        start = bisect_left(self._places, stable_hash(key))
        for i in range(start, start + len(self._points)):
            yield self._points[i % len(self._points)][1]

    def preference(self, key: Key, count: int) -> list[str]:
        """The first `count` different nodes from the key on: where its copies belong. Fewer if there are fewer."""
        found: dict[str, None] = {}
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
            if not self._points:
                raise ValueError("The ring has no nodes: add one first.")
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


class BoundedLoads:
    """Assigns keys to the nodes of a ring so that no load exceeds `ceil((1 + epsilon) * fair share)`.

    The fair share of a node is its part, by weight, of all keys assigned so far, the new one included; or of
    `expected` keys in all where that number is known beforehand, which displaces fewer keys.

    A release lowers the load but moves no other key back. For one thread; guard it with a lock for more. Safe among
    asyncio tasks, since no method awaits. The ring must not change meanwhile.
    """

    def __init__(self, ring: HashRing, epsilon: float, expected: int = 0) -> None:
        if not epsilon > 0:
            raise ValueError(f"Epsilon is above 0, not {epsilon}.")
        self.ring = ring
        self.epsilon = epsilon
        self.expected = expected
        self.total = 0
        self._loads = dict.fromkeys(ring.nodes, 0)
        whole = sum(ring.weights.values())
        self._shares = {node: weight / whole for node, weight in ring.weights.items()}

    @property
    def loads(self) -> dict[str, int]:
        """How many keys each node has."""
        return dict(self._loads)

    def assign(self, key: Key) -> str:
        """The node that takes the key: the first on the key's way that is not full."""
        self.total += 1
        allowed = (1 + self.epsilon) * max(self.total, self.expected)
        for node in self.ring.walk(key):
            if self._loads[node] < allowed * self._shares[node]:
                self._loads[node] += 1
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
        """One key of this node is gone; raises `ValueError` if it has none."""
        if self._loads[node] < 1:
            raise ValueError(f"The node {node!r} has no key to release.")
        self._loads[node] -= 1
        self.total -= 1

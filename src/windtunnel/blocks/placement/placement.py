"""Three more ways to place keys on nodes: jump, rendezvous, Maglev.

| | memory | time a key | moved when a node comes or goes | nodes |
|---|---|---|---|---|
| `jump_hash` | none | ln n steps | the least possible | numbered; only the last can go |
| `Rendezvous` | the names | n hashes | the least possible | any, weighted |
| `MaglevTable` | a table | one look | a little more than the least | any, weighted |

Lamping and Veach, "A Fast, Minimal Memory, Consistent Hash Algorithm", 2014; Thaler and Ravishankar, "Using Name-Based
Mappings to Increase Hit Rates", 1998; Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer",
NSDI 2016, section 3.4. See `ring` for the hash ring.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import nlargest
from math import log
from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.hashing import WORD, Batch, Key, Keys, stable_hash
from windtunnel.blocks.ground.numbers import number, whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

JUMP_MULTIPLIER = 2862933555777941757
MAGLEV_SIZE = 65537
"""The smaller table of the paper: a prime, and 100 times as many entries as a few hundred nodes."""


def jump_hash(key: Key, buckets: int) -> int:
    """The bucket of a key, from 0 to `buckets - 1`: one more bucket takes its share from all others, evenly."""
    return jump(stable_hash(key), _checked_buckets(buckets))


def jump(h: int, buckets: int) -> int:
    """The published algorithm for a 64-bit key: from bucket to bucket, to where the key would move next."""
    bucket, following = -1, 0
    while following < buckets:
        bucket = following
        h = (h * JUMP_MULTIPLIER + 1) & WORD
        following = int((bucket + 1) * ((1 << 31) / ((h >> 33) + 1)))
    return bucket


def jump_hash_many(keys: Keys, buckets: int) -> NDArray[np.int32]:
    """The bucket of each key of a batch."""
    import numpy as np

    from windtunnel.blocks.placement.kernels.placement import jump_many

    buckets = _checked_buckets(buckets)
    batch = Batch(keys)
    out = np.empty(len(batch), np.int32)
    for start, hashes in batch.blocks():
        jump_many(hashes, buckets, out[start : start + hashes.size])
    return out


def _checked_buckets(buckets: int) -> int:
    return whole(buckets, "The number of buckets", 1, (1 << 31) - 1)


def named(nodes: Iterable[str] | Mapping[str, float]) -> dict[str, float]:
    """Names and weights as they come, checked; a sequence of names has weights of 1.

    Raises `ValueError` for a name that is no text, and for a weight that is not 0 or from 1e-100 to 1e100.
    """
    if isinstance(nodes, str | bytes):
        raise ValueError(f"Give a list of names, not one text: its characters would be the nodes of {nodes!r}.")
    weights = nodes if isinstance(nodes, Mapping) else dict.fromkeys(nodes, 1.0)
    return {checked_name(name): checked_weight(name, weight) for name, weight in weights.items()}


def checked_name(name: str) -> str:
    """The name of a node as a plain text."""
    if not isinstance(name, str):
        raise ValueError(f"The name of a node is a text, not {name!r}.")
    return str.__str__(name)


def checked_weight(name: str, weight: float) -> float:
    """The weight of a node as a plain number: 0 (it takes no keys), or within bounds in which scores stay finite."""
    plain = number(weight, f"The weight of {name!r}", 0)
    if plain and not 1e-100 <= plain <= 1e100:
        raise ValueError(f"The weight of {name!r} is 0, or from 1e-100 to 1e100, not {plain}.")
    return plain


def weighted(nodes: Iterable[str] | Mapping[str, float]) -> dict[str, float]:
    """Names and weights in alphabetical order; raises `ValueError` for what `named` refuses, and if none is above 0."""
    weights = named(nodes)
    if not any(weights.values()):
        raise ValueError("There is at least one node with a weight above 0.")
    return dict(sorted(weights.items()))


class _Fixed(Block):
    """Nodes that do not change, with their weights. Safe for any number of threads."""

    weights: dict[str, float]
    nodes: tuple[str, ...]

    def __len__(self) -> int:
        """How many nodes there are, with those of weight 0."""
        return len(self.nodes)

    def __contains__(self, node: object) -> bool:
        return node in self.weights

    def _told(self) -> dict[str, object]:
        return {"nodes": len(self)}


class Rendezvous(_Fixed):
    """Each key goes to the node with the highest score for it; a node that goes leaves each key to its second best.

    With weights, a node wins keys in proportion to its own (score `-weight / ln u` for a hash `u` in 0 to 1); one of
    weight 0 is there and wins none.
    Cannot be changed, and is safe for any number of threads: make a new one for other nodes.
    """

    def __init__(self, nodes: Iterable[str] | Mapping[str, float]) -> None:
        self.weights = weighted(nodes)
        self.nodes = tuple(self.weights)
        self._seeds = [stable_hash(node) for node in self.nodes]
        self._even = len(set(self.weights.values())) == 1

    def scores(self, key: Key) -> list[float]:
        """The score of each node for a key, in the order of `nodes`; above 0 but for weight 0, and the highest wins."""
        h = stable_hash(key)
        draws = [(stable_hash(h ^ seed) >> 11) + 0.5 for seed in self._seeds]
        if self._even:
            return draws
        return [-weight / log(draw / 2**53) for draw, weight in zip(draws, self.weights.values(), strict=True)]

    def lookup(self, key: Key) -> str:
        """The node of a key."""
        scores = self.scores(key)
        return self.nodes[scores.index(max(scores))]

    def preference(self, key: Key, count: int) -> list[str]:
        """The `count` best nodes for a key: where its copies belong. Fewer if there are fewer of weight above 0."""
        count = whole(count, "The number of nodes asked for")
        ranked = nlargest(count, zip(self.scores(key), range(0, -len(self.nodes), -1), strict=True))
        return [self.nodes[-i] for score, i in ranked if score > 0]

    def lookup_many(self, keys: Keys) -> NDArray[np.int32]:
        """For each key of a batch the index of its node in `nodes`."""
        import numpy as np

        from windtunnel.blocks.placement.kernels.placement import rendezvous, rendezvous_weighted

        batch, seeds = Batch(keys), np.array(self._seeds, np.uint64)
        weights = np.array(list(self.weights.values()), np.float64)
        out = np.empty(len(batch), np.int32)
        for start, hashes in batch.blocks():
            of_block = out[start : start + hashes.size]
            if self._even:
                rendezvous(hashes, seeds, of_block)
            else:
                rendezvous_weighted(hashes, seeds, weights, of_block)
        return out


class MaglevTable(_Fixed):
    """A table of `size` entries, a prime: nodes take turns to claim their next favourite entry until it is full.

    Loads differ by 1 % at most where the table has 100 entries a node; when a node goes, a few keys of other nodes move
    too. Each node has one entry at least, however small its weight, but for weight 0, which has none.
    Cannot be changed, and is safe for any number of threads: make a new one for other nodes.
    """

    def __init__(self, nodes: Iterable[str] | Mapping[str, float], size: int = MAGLEV_SIZE) -> None:
        import numpy as np

        from windtunnel.blocks.placement.kernels.placement import fill_maglev

        self.weights = weighted(nodes)
        self.nodes = tuple(self.weights)
        self.size = whole(size, "The size of a Maglev table", 2, (1 << 31) - 1)
        offsets, skips, turns = permutations(self.weights, self.size)
        self.table: NDArray[np.int32] = np.full(self.size, -1, np.int32)
        """The index in `nodes` that owns each entry."""
        fill_maglev(np.array(offsets, np.int64), np.array(skips, np.int64), np.array(turns, np.float64), self.table)

    def lookup(self, key: Key) -> str:
        """The node of a key."""
        return self.nodes[int(self.table[stable_hash(key) % self.size])]

    def lookup_many(self, keys: Keys) -> NDArray[np.int32]:
        """For each key of a batch the index of its node in `nodes`."""
        import numpy as np

        from windtunnel.blocks.placement.kernels.placement import look_up

        batch = Batch(keys)
        out = np.empty(len(batch), np.int32)
        for start, hashes in batch.blocks():
            look_up(self.table, hashes, out[start : start + hashes.size])
        return out


def permutations(weights: Mapping[str, float], size: int) -> tuple[list[int], list[int], list[float]]:
    """For each node the offset and the skip of its list of favourite entries, and its turns in a round, at most one."""
    if size < len(weights) or any(size % i == 0 for i in range(2, int(size**0.5) + 1)):
        raise ValueError(f"The size of a Maglev table is a prime, and not less than the nodes; {size} is not.")
    offsets = [stable_hash(f"{node}#offset") % size for node in weights]
    skips = [stable_hash(f"{node}#skip") % (size - 1) + 1 for node in weights]
    largest = max(weights.values())
    return offsets, skips, [weight / largest for weight in weights.values()]


def maglev_reference(weights: Mapping[str, float], size: int) -> list[int]:
    """The table in plain Python: the text to read beside the kernel."""
    favourites, skips, turns = permutations(weights, size)
    table, left = [-1] * size, size
    credit = [float(turn > 0) - turn for turn in turns]  # in the first round all take one, in advance if need be
    while True:
        for node, turn in enumerate(turns):
            credit[node] += turn
            if credit[node] < 1:
                continue
            credit[node] -= 1
            while table[favourites[node]] >= 0:
                favourites[node] = (favourites[node] + skips[node]) % size
            table[favourites[node]] = node
            left -= 1
            if left == 0:
                return table

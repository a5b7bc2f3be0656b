"""The skip list with spans (see `windtunnel.blocks.ordered.skip_list`) in pieces.

The node of a member is its id plus one (see `sorted_set` for ids and words); node 0 is the head. A node owns `height`
**places** from its `base` on, one a level, each a link and its span. Places that are given back are kept in one chain a
height, threaded through their links. A kernel that runs out of nodes or places stops and says how far it came; the
caller makes room and calls again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from windtunnel.blocks.ground.kernels.words import njit
from windtunnel.blocks.ordered.kernels.pieces import Pieces, inner, number, own, part, set_number, set_word, unit, word
from windtunnel.blocks.ordered.kernels.sorted_set import Members, precedes, score_of, set_score
from windtunnel.splitmix import GOLDEN, mix

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.kernels.pieces import Address, Int
    from windtunnel.blocks.ordered.kernels.sorted_set import Floats, Ids

MAX_LEVELS = 32
NODE_BITS, NODE_WORDS = 10, 4
SCORE, WORD, BASE, HEIGHT = range(0, 32, 8)  # bytes of a node
PLACE_BITS, PLACE_WORDS = 11, 2
LINK, SPAN = 0, 8  # bytes of a place
LEVELS, TAKEN, SIZE, NAN_AT, LUCK, NODES, PLACES = range(7)  # places in `meta`


mixed = njit(inline="always")(mix)


class Order(NamedTuple):
    """Pieces of nodes and places; by height the first place given back; by level the last search's node and rank."""

    nodes: NDArray[np.int64]
    places: NDArray[np.int64]
    chain: NDArray[np.int64]
    path: NDArray[np.int64]
    ranks: NDArray[np.int64]
    meta: NDArray[np.int64]


class Held:
    """Holds the pieces; `arrays` is what kernels get."""

    def __init__(self, seed: int = 0) -> None:
        self._nodes, self._places = Pieces(NODE_BITS, NODE_WORDS), Pieces(PLACE_BITS, PLACE_WORDS)
        self._places.grow_to(2 * MAX_LEVELS)
        luck = (seed * 2 + 1 + 2**63) % 2**64 - 2**63  # the lowest 64 bits, with a sign
        meta = np.array([1, MAX_LEVELS, 0, -1, luck, self._nodes.units, self._places.units], np.int64)
        chain, path, ranks = np.full(MAX_LEVELS + 1, -1), np.zeros(MAX_LEVELS, np.int64), np.zeros(MAX_LEVELS, np.int64)
        self.arrays = Order(self._nodes.at, self._places.at, chain, path, ranks, meta)

    def __len__(self) -> int:
        return int(self.arrays.meta[SIZE])

    def __getstate__(self) -> dict[str, Any]:
        return {"nodes": self._nodes, "places": self._places, "arrays": self.arrays}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._nodes, self._places = state["nodes"], state["places"]
        arrays = Order(*map(own, state["arrays"]))
        self.arrays = arrays._replace(nodes=self._nodes.at, places=self._places.at)

    @property
    def moved(self) -> int:
        """How many words growth has moved so far."""
        return self._nodes.moved + self._places.moved

    def grow(self) -> None:
        """Room for more nodes, and for the places that one more may take."""
        meta = self.arrays.meta
        if meta[TAKEN] + MAX_LEVELS > meta[PLACES]:
            self._places.grow()
        else:
            self._nodes.grow()
        meta[NODES], meta[PLACES] = self._nodes.units, self._places.units
        self.arrays = self.arrays._replace(nodes=self._nodes.at, places=self._places.at)


@part
def node_at(o: Order, node: Int) -> Address:
    return unit(o.nodes, node, NODE_BITS, NODE_WORDS)


@part
def place_at(o: Order, place: Int) -> Address:
    return unit(o.places, place, PLACE_BITS, PLACE_WORDS)


@part
def place_of(o: Order, node: Int, level: Int) -> Address:
    """Where the link of a node on a level lies."""
    return place_at(o, word(node_at(o, node) + BASE) + level)


@inner
def coin_levels(o: Order) -> Int:
    """1 plus the number of times that a coin of probability 1/4 comes up: two zero bits of SplitMix64 a throw."""
    state = np.uint64(o.meta[LUCK]) + np.uint64(GOLDEN)
    o.meta[LUCK] = np.int64(state)
    state = mixed(state)
    levels = 1
    while levels < MAX_LEVELS and state & np.uint64(3) == 0:
        state >>= np.uint64(2)
        levels += 1
    return levels


@inner
def descend(o: Order, m: Members, score: float, member: Int) -> None:
    """For each level the last node before the entry, and that node's rank (the head has rank 0)."""
    node, walked = np.int64(0), np.int64(0)
    base = word(node_at(o, node) + BASE)
    for level in range(o.meta[LEVELS] - 1, -1, -1):
        while True:
            place = place_at(o, base + level)
            after = word(place + LINK)
            if after == 0:
                break
            at = node_at(o, after)
            if not precedes(m, number(at + SCORE), word(at + WORD), score, member):
                break
            walked += word(place + SPAN)
            node, base = after, word(at + BASE)
        o.path[level], o.ranks[level] = node, walked


@inner
def insert(o: Order, m: Members, score: float, member: Int, node: Int) -> None:
    """Add an entry that is absent; there is room (`no_room`)."""
    descend(o, m, score, member)
    levels = coin_levels(o)
    for level in range(o.meta[LEVELS], levels):  # the head takes part in a new level: its link jumps over everything
        o.path[level], o.ranks[level] = 0, 0
        set_word(place_of(o, 0, level) + SPAN, o.meta[SIZE])
    o.meta[LEVELS] = max(o.meta[LEVELS], levels)
    if o.chain[levels] >= 0:
        base = o.chain[levels]
        o.chain[levels] = word(place_at(o, base) + LINK)
    else:
        base = o.meta[TAKEN]
        o.meta[TAKEN] += levels
    at = node_at(o, node)
    set_number(at + SCORE, score)
    set_word(at + WORD, member)
    set_word(at + BASE, base)
    set_word(at + HEIGHT, levels)
    for level in range(levels):
        before, own = place_of(o, o.path[level], level), place_at(o, base + level)
        set_word(own + LINK, word(before + LINK))
        set_word(before + LINK, node)
        walked = o.ranks[0] - o.ranks[level]
        set_word(own + SPAN, word(before + SPAN) - walked)
        set_word(before + SPAN, walked + 1)
    for level in range(levels, o.meta[LEVELS]):
        before = place_of(o, o.path[level], level)
        set_word(before + SPAN, word(before + SPAN) + 1)
    o.meta[SIZE] += 1


@inner
def remove(o: Order, m: Members, node: Int) -> None:
    """Take out the entry of a member that is there."""
    at = node_at(o, node)
    descend(o, m, number(at + SCORE), word(at + WORD))
    base, levels = word(at + BASE), word(at + HEIGHT)
    for level in range(levels):
        before, own = place_of(o, o.path[level], level), place_at(o, base + level)
        set_word(before + SPAN, word(before + SPAN) + word(own + SPAN) - 1)
        set_word(before + LINK, word(own + LINK))
    for level in range(levels, o.meta[LEVELS]):
        before = place_of(o, o.path[level], level)
        set_word(before + SPAN, word(before + SPAN) - 1)
    while o.meta[LEVELS] > 1 and word(place_of(o, 0, o.meta[LEVELS] - 1) + LINK) == 0:
        o.meta[LEVELS] -= 1
    set_word(place_at(o, base) + LINK, o.chain[levels])
    o.chain[levels] = base
    o.meta[SIZE] -= 1


@njit(cache=True, _nrt=False)
def set_scores(o: Order, m: Members, ids: Ids, words: Ids, scores: Floats, add: bool, out: Floats, first: int) -> int:
    """Set, or with `add` increment, the scores of the members from `first` on, in order; `out` is what they are.

    Returns how far it came: less than `ids.size` if room ran out, or if a score would be NaN (then `meta[NAN_AT]`
    says where).
    """
    o.meta[NAN_AT] = -1
    for i in range(first, ids.size):
        old, new = score_of(m, ids[i]), scores[i]
        present = not np.isnan(old)
        if add and present:
            new += old
        if np.isnan(new):
            o.meta[NAN_AT] = i
            return i
        if new != old:
            if ids[i] + 1 >= o.meta[NODES] or o.meta[TAKEN] + MAX_LEVELS > o.meta[PLACES]:
                return i
            if present:
                remove(o, m, ids[i] + 1)
            insert(o, m, new, words[i], ids[i] + 1)
            set_score(m, ids[i], new)
        out[i] = new
    return ids.size


@njit(cache=True, _nrt=False)
def remove_many(o: Order, m: Members, ids: Ids, words: Ids) -> None:
    """Take out these members, skipping the id -1 and what is absent."""
    for at in ids:
        if at >= 0 and not np.isnan(score_of(m, at)):
            remove(o, m, at + 1)
            set_score(m, at, np.nan)


@njit(cache=True, _nrt=False)
def ranks_of(o: Order, m: Members, ids: Ids, words: Ids, out: Ids) -> None:
    """Write the rank of each member to `out`; -1 where the id is -1 or the member absent."""
    for i in range(ids.size):
        out[i] = -1
        if ids[i] >= 0 and not np.isnan(score_of(m, ids[i])):
            descend(o, m, score_of(m, ids[i]), words[i])
            out[i] = o.ranks[0]


@njit(cache=True, _nrt=False)
def counts_below(o: Order, scores: Floats, inclusive: bool, out: Ids) -> None:
    """For each score, how many entries have a score below it, or with `inclusive` at most it."""
    for i in range(scores.size):
        node, walked = np.int64(0), np.int64(0)
        for level in range(o.meta[LEVELS] - 1, -1, -1):
            while True:
                place = place_of(o, node, level)
                after = word(place + LINK)
                if after == 0:
                    break
                score = number(node_at(o, after) + SCORE)
                if not (score < scores[i] or (inclusive and score == scores[i])):
                    break
                walked += word(place + SPAN)
                node = after
        out[i] = walked


@njit(cache=True, _nrt=False)
def slices(o: Order, starts: Ids, stops: Ids, offsets: Ids, words: Ids, scores: Floats) -> None:
    """Write the entries at ranks `starts[i]` to `stops[i] - 1` from `offsets[i]` on; ranks are inside the set."""
    for i in range(starts.size):
        node, walked = np.int64(0), np.int64(0)
        for level in range(o.meta[LEVELS] - 1, -1, -1):
            while True:
                place = place_of(o, node, level)
                after = word(place + LINK)
                if after == 0 or walked + word(place + SPAN) > starts[i] + 1:
                    break
                walked += word(place + SPAN)
                node = after
        for j in range(offsets[i], offsets[i] + stops[i] - starts[i]):
            at = node_at(o, node)
            words[j], scores[j] = word(at + WORD), number(at + SCORE)
            node = word(place_at(o, word(at + BASE)) + LINK)


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    held, ids, one = Held(), np.arange(1, dtype=np.int64), np.ones(1)
    m, o = Members(Pieces(12, fill=np.nan).at, np.zeros(0, np.int64)), held.arrays
    set_scores(o, m, ids, ids, one, False, np.empty(1), 0)
    ranks_of(o, m, ids, ids, np.empty(1, np.int64))
    counts_below(o, one, False, np.empty(1, np.int64))
    slices(o, ids, ids + 1, ids, np.empty(1, np.int64), np.empty(1))
    remove_many(o, m, ids, ids)

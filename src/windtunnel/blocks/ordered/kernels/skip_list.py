"""The skip list with spans (see `windtunnel.blocks.ordered.skip_list`) in arrays.

The node of a member is its id plus one (see `sorted_set` for ids and words); node 0 is the head. A node owns
`height[node]` places of `link` and `span` from `base[node]` on, one a level. Places that are given back are
kept in one chain a height, threaded through `link`. A kernel that runs out of nodes or places stops and says how far
it came; the caller makes room and calls again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from windtunnel.blocks.ordered.kernels.sorted_set import Members, no_members, precedes
from windtunnel.splitmix import GOLDEN, mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.kernels.sorted_set import Floats, Ids

MAX_LEVELS = 32
LEVELS, TAKEN, SIZE, NAN_AT, LUCK = range(5)  # places in `meta`


mixed = njit(inline="always")(mix)


class Order(NamedTuple):
    """Nodes with their entries, links and spans."""

    score: NDArray[np.float64]
    word: NDArray[np.int64]
    base: NDArray[np.int64]
    height: NDArray[np.int64]
    link: NDArray[np.int64]
    span: NDArray[np.int64]
    chain: NDArray[np.int64]
    meta: NDArray[np.int64]


def empty_order(entries: int, seed: int = 0) -> Order:
    """Room for about `entries` entries."""
    places = 2 * entries + 4 * MAX_LEVELS
    return Order(
        np.zeros(entries + 1),
        np.zeros(entries + 1, np.int64),
        np.zeros(entries + 1, np.int64),
        np.full(entries + 1, MAX_LEVELS),
        np.zeros(places, np.int64),
        np.zeros(places, np.int64),
        np.full(MAX_LEVELS + 1, -1),
        np.array([1, MAX_LEVELS, 0, -1, seed * 2 + 1], np.int64),
    )


def grown(old: Order) -> Order:
    """The same order with room for twice as much."""
    return old._replace(
        **{
            name: np.concatenate([getattr(old, name), np.zeros_like(getattr(old, name))])
            for name in ("score", "word", "base", "height", "link", "span")
        }
    )


@njit(cache=True)
def coin_levels(o: Order) -> int:
    """1 plus the number of times that a coin of probability 1/4 comes up: two zero bits of SplitMix64 a throw."""
    state = np.uint64(o.meta[LUCK]) + np.uint64(GOLDEN)
    o.meta[LUCK] = np.int64(state)
    state = mixed(state)
    levels = 1
    while levels < MAX_LEVELS and state & np.uint64(3) == 0:
        state >>= np.uint64(2)
        levels += 1
    return levels


@njit(cache=True)
def descend(o: Order, m: Members, score: float, word: int, path: Ids, ranks: Ids) -> None:
    """For each level the last node before the entry, and that node's rank (the head has rank 0)."""
    node, walked = 0, 0
    for level in range(o.meta[LEVELS] - 1, -1, -1):
        while True:
            after = o.link[o.base[node] + level]
            if after == 0 or not precedes(m, o.score[after], o.word[after], score, word):
                break
            walked += o.span[o.base[node] + level]
            node = after
        path[level], ranks[level] = node, walked


@njit(cache=True)
def insert(o: Order, m: Members, score: float, word: int, number: int, path: Ids, ranks: Ids) -> bool:
    """Add an entry that is absent; False, and nothing done, if there is no room."""
    node = number + 1
    if node >= o.base.size or o.meta[TAKEN] + MAX_LEVELS > o.link.size:
        return False
    descend(o, m, score, word, path, ranks)
    levels = coin_levels(o)
    for level in range(o.meta[LEVELS], levels):  # the head takes part in a new level: its link jumps over everything
        path[level], ranks[level] = 0, 0
        o.span[o.base[0] + level] = o.meta[SIZE]
    o.meta[LEVELS] = max(o.meta[LEVELS], levels)
    if o.chain[levels] >= 0:
        base = o.chain[levels]
        o.chain[levels] = o.link[base]
    else:
        base = o.meta[TAKEN]
        o.meta[TAKEN] += levels
    o.score[node], o.word[node] = score, word
    o.base[node], o.height[node] = base, levels
    for level in range(levels):
        before = o.base[path[level]] + level
        o.link[base + level] = o.link[before]
        o.link[before] = node
        walked = ranks[0] - ranks[level]
        o.span[base + level] = o.span[before] - walked
        o.span[before] = walked + 1
    for level in range(levels, o.meta[LEVELS]):
        o.span[o.base[path[level]] + level] += 1
    o.meta[SIZE] += 1
    return True


@njit(cache=True)
def remove(o: Order, m: Members, number: int, path: Ids, ranks: Ids) -> None:
    """Take out the entry of a member that is there."""
    node = number + 1
    descend(o, m, o.score[node], o.word[node], path, ranks)
    base, levels = o.base[node], o.height[node]
    for level in range(levels):
        before = o.base[path[level]] + level
        o.span[before] += o.span[base + level] - 1
        o.link[before] = o.link[base + level]
    for level in range(levels, o.meta[LEVELS]):
        o.span[o.base[path[level]] + level] -= 1
    while o.meta[LEVELS] > 1 and o.link[o.base[0] + o.meta[LEVELS] - 1] == 0:
        o.meta[LEVELS] -= 1
    o.link[base] = o.chain[levels]
    o.chain[levels] = base
    o.meta[SIZE] -= 1


@njit(cache=True)
def set_scores(o: Order, m: Members, ids: Ids, words: Ids, scores: Floats, add: bool, out: Floats, first: int) -> int:
    """Set, or with `add` increment, the scores of the members from `first` on, in order; `out` is what they are.

    Returns how far it came: less than `ids.size` if room ran out, or if a score would be NaN (then `meta[NAN_AT]`
    says where).
    """
    path, ranks = np.zeros(MAX_LEVELS, np.int64), np.zeros(MAX_LEVELS, np.int64)
    o.meta[NAN_AT] = -1
    for i in range(first, ids.size):
        number = ids[i]
        old, new = m.score[number], scores[i]
        present = not np.isnan(old)
        if add and present:
            new += old
        if np.isnan(new):
            o.meta[NAN_AT] = i
            return i
        if present and new != old:
            if o.meta[TAKEN] + MAX_LEVELS > o.link.size:
                return i
            remove(o, m, number, path, ranks)
        if new != old:
            if not insert(o, m, new, words[i], number, path, ranks):
                return i
            m.score[number] = new
        out[i] = new
    return ids.size


@njit(cache=True)
def remove_many(o: Order, m: Members, ids: Ids, words: Ids) -> None:
    """Take out these members, skipping the id -1 and what is absent."""
    path, ranks = np.zeros(MAX_LEVELS, np.int64), np.zeros(MAX_LEVELS, np.int64)
    for number in ids:
        if number >= 0 and not np.isnan(m.score[number]):
            remove(o, m, number, path, ranks)
            m.score[number] = np.nan


@njit(cache=True)
def ranks_of(o: Order, m: Members, ids: Ids, words: Ids, out: Ids) -> None:
    """Write the rank of each member to `out`; -1 where the id is -1 or the member absent."""
    path, ranks = np.zeros(MAX_LEVELS, np.int64), np.zeros(MAX_LEVELS, np.int64)
    for i in range(ids.size):
        if ids[i] >= 0 and not np.isnan(m.score[ids[i]]):
            descend(o, m, m.score[ids[i]], words[i], path, ranks)
            out[i] = ranks[0]
        else:
            out[i] = -1


@njit(cache=True)
def counts_below(o: Order, scores: Floats, inclusive: bool, out: Ids) -> None:
    """For each score, how many entries have a score below it, or with `inclusive` at most it."""
    for i in range(scores.size):
        node, walked = 0, 0
        for level in range(o.meta[LEVELS] - 1, -1, -1):
            while True:
                after = o.link[o.base[node] + level]
                if after == 0 or not (o.score[after] < scores[i] or (inclusive and o.score[after] == scores[i])):
                    break
                walked += o.span[o.base[node] + level]
                node = after
        out[i] = walked


@njit(cache=True)
def slices(o: Order, starts: Ids, stops: Ids, offsets: Ids, words: Ids, scores: Floats) -> None:
    """Write the entries at ranks `starts[i]` to `stops[i] - 1` from `offsets[i]` on; ranks are inside the set."""
    for i in range(starts.size):
        node, walked = 0, 0
        for level in range(o.meta[LEVELS] - 1, -1, -1):
            while True:
                after = o.link[o.base[node] + level]
                if after == 0 or walked + o.span[o.base[node] + level] > starts[i] + 1:
                    break
                walked += o.span[o.base[node] + level]
                node = after
        for j in range(offsets[i], offsets[i] + stops[i] - starts[i]):
            words[j], scores[j] = o.word[node], o.score[node]
            node = o.link[o.base[node]]


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    o, m, ids, one = empty_order(4), no_members(4, text=True), np.arange(1, dtype=np.int64), np.ones(1)
    set_scores(o, m, ids, ids, one, False, np.empty(1), 0)
    ranks_of(o, m, ids, ids, np.empty(1, np.int64))
    counts_below(o, one, False, np.empty(1, np.int64))
    slices(o, ids, ids + 1, ids, np.empty(1, np.int64), np.empty(1))
    remove_many(o, m, ids, ids)

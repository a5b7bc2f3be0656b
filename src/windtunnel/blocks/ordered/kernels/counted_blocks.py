"""Counted blocks (see `windtunnel.blocks.ordered.counted_blocks`) in arrays.

Block `b` is `block_score` and `block_word` from `b * BLOCK_ENTRIES` on. The directory lists the blocks in
order: position `p` holds block `order[p]` with `sizes[p]` entries, and `top_score[p]`, `top_word[p]` is its
greatest entry. A kernel that would need a new block where there is none stops and says how far it came; the caller
makes room and calls again.

Three things make it fast. Searches compare scores alone, and members only among equal scores. Indices are unsigned
where entries are searched or moved, without which Numba's care for negative indices keeps vector instructions away. And
what runs at every step gets plain arrays: a tuple of a dozen arrays is sixty words to hand over.

What changes or ranks entries makes no arrays and counts no references to them (`_nrt=False`, see `words.inner`),
which made it a fifth to two thirds faster. Counts and slices gained nothing by it, so they go without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from windtunnel.blocks.ground.kernels.words import inner, njit
from windtunnel.blocks.ordered.kernels.sorted_set import Members, no_members, precedes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.kernels.sorted_set import Floats, Ids, Int

BLOCK_ENTRIES = 256
USED, FREE, SIZE, NAN_AT = range(4)  # places in `meta`


class Order(NamedTuple):
    """The blocks, their directory, the Fenwick tree over their sizes, and a stack of blocks that are free."""

    block_score: NDArray[np.float64]
    block_word: NDArray[np.int64]
    order: NDArray[np.int64]
    sizes: NDArray[np.int64]
    top_score: NDArray[np.float64]
    top_word: NDArray[np.int64]
    counts: NDArray[np.int64]
    free: NDArray[np.int64]
    meta: NDArray[np.int64]


def empty_order(entries: int, seed: int = 0) -> Order:
    """Room for at least `entries` entries. The seed is a skip list's; blocks need no luck."""
    blocks = 2 * entries // BLOCK_ENTRIES + 4
    free = np.arange(blocks, dtype=np.int64)[::-1].copy()
    meta = np.array([0, blocks, 0, -1], np.int64)
    return Order(
        np.empty(blocks * BLOCK_ENTRIES),
        np.empty(blocks * BLOCK_ENTRIES, np.int64),
        np.zeros(blocks, np.int64),
        np.zeros(blocks, np.int64),
        np.zeros(blocks),
        np.zeros(blocks, np.int64),
        np.zeros(blocks + 1, np.int64),
        free,
        meta,
    )


def grown(old: Order) -> Order:
    """The same order with room for twice as many blocks."""
    had = old.order.size
    new = empty_order(0)._replace(
        block_score=np.empty(2 * had * BLOCK_ENTRIES),
        block_word=np.empty(2 * had * BLOCK_ENTRIES, np.int64),
        free=np.zeros(2 * had, np.int64),
        counts=np.zeros(2 * had + 1, np.int64),
        meta=old.meta,
        **{name: np.zeros(2 * had, getattr(old, name).dtype) for name in ("order", "sizes", "top_score", "top_word")},
    )
    for name in ("block_score", "block_word", "order", "sizes", "top_score", "top_word", "counts", "free"):
        getattr(new, name)[: getattr(old, name).shape[0]] = getattr(old, name)
    new.free[old.meta[FREE] : old.meta[FREE] + had] = np.arange(2 * had - 1, had - 1, -1)
    new.meta[FREE] += had
    return new


@inner
def recount(o: Order) -> None:
    """Build the Fenwick tree anew."""
    used = o.meta[USED]
    for i in range(1, used + 1):
        o.counts[i] = o.sizes[i - 1]
    for i in range(1, used + 1):
        parent = i + (i & -i)
        if parent <= used:
            o.counts[parent] += o.counts[i]


@inner
def change_count(o: Order, position: Int, change: int) -> None:
    o.sizes[position] += change
    i, used = position + 1, o.meta[USED]
    while i <= used:
        o.counts[i] += change
        i += i & -i


@inner
def entries_before(counts: Ids, position: Int) -> int:
    total = 0
    while position > 0:
        total += counts[position]
        position &= position - 1
    return total


@inner
def first_not_below(scores: Floats, start: Int, count: Int, score: float) -> Int:
    """How many of `count` ascending scores, from `start` on, are below `score`."""
    low, high, one = np.uint64(start), np.uint64(start + count), np.uint64(1)
    while low < high:
        middle = (low + high) >> one
        if scores[middle] < score:
            low = middle + one
        else:
            high = middle
    return np.int64(low) - start


@inner
def first_above(scores: Floats, start: Int, count: Int, score: float) -> Int:
    """How many of `count` ascending scores, from `start` on, are at most `score`."""
    low, high, one = np.uint64(start), np.uint64(start + count), np.uint64(1)
    while low < high:
        middle = (low + high) >> one
        if scores[middle] <= score:
            low = middle + one
        else:
            high = middle
    return np.int64(low) - start


@inner
def first_of_ties(m: Members, scores: Floats, words: Ids, low: Int, high: Int, score: float, word: int) -> Int:
    """The first entry in `low:high` that is not before the given one; none has a lower score.

    In growing steps from `low`: few entries share a score, so the first is mostly the one.
    """
    step = 1
    while low + step <= high and precedes(m, scores[low + step - 1], words[low + step - 1], score, word):
        low += step
        step *= 2
    high = min(high, low + step - 1)
    while low < high:
        middle = (low + high) >> 1
        if precedes(m, scores[middle], words[middle], score, word):
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, inline="always")
def find(o: Order, m: Members, score: float, word: int, present: bool) -> tuple[Int, Int]:
    """Position and place in the block of an entry; of one that is absent, where it would be in a block that there is.

    An entry that is present and has its score for itself is found without a look at words, which spares a cache miss.
    """
    used = o.meta[USED]
    position = first_not_below(o.top_score, 0, used, score)
    if position < used and o.top_score[position] == score:
        position = first_of_ties(m, o.top_score, o.top_word, position, used, score, word)
    if position == used:
        position -= 1
        place = o.sizes[position]
    else:
        start, count = o.order[position] * BLOCK_ENTRIES, o.sizes[position]
        place = first_not_below(o.block_score, start, count, score)
        alone = place + 1 == count or o.block_score[start + place + 1] != score
        if o.block_score[start + place] == score and not (present and alone):
            place += start
            place = first_of_ties(m, o.block_score, o.block_word, place, start + count, score, word) - start
    return position, place


@inner
def open_gap(entries: NDArray[np.generic], place: Int, stop: Int) -> None:
    """Move `entries[place:stop]` up by one."""
    i, down_to, one = np.uint64(stop), np.uint64(place), np.uint64(1)
    while i > down_to:
        entries[i] = entries[i - one]
        i -= one


@inner
def close_gap(entries: NDArray[np.generic], place: Int, stop: Int) -> None:
    """Move `entries[place + 1:stop]` down by one."""
    i, last, one = np.uint64(place), np.uint64(stop - 1), np.uint64(1)
    while i < last:
        entries[i] = entries[i + one]
        i += one


@inner
def copy(source: NDArray[np.generic], start: Int, target: NDArray[np.generic], at: Int, count: Int) -> None:
    """Copy `source[start : start + count]` to `target` from `at` on."""
    i, j, stop, one = np.uint64(start), np.uint64(at), np.uint64(start + count), np.uint64(1)
    while i < stop:
        target[j] = source[i]
        i += one
        j += one


@inner
def set_top(o: Order, position: Int) -> None:
    last = o.order[position] * BLOCK_ENTRIES + o.sizes[position] - 1
    o.top_score[position], o.top_word[position] = o.block_score[last], o.block_word[last]


@inner
def open_position(o: Order, position: Int) -> None:
    """Put a free block into the directory at `position`; what is there and after moves up by one."""
    used = o.meta[USED]
    open_gap(o.order, position, used)
    open_gap(o.sizes, position, used)
    open_gap(o.top_score, position, used)
    open_gap(o.top_word, position, used)
    o.meta[FREE] -= 1
    o.meta[USED] += 1
    o.order[position] = o.free[o.meta[FREE]]
    o.sizes[position] = 0


@inner
def close_position(o: Order, position: Int) -> None:
    """Take the block at `position` out of the directory and give it back."""
    used = o.meta[USED]
    o.free[o.meta[FREE]] = o.order[position]
    o.meta[FREE] += 1
    o.meta[USED] -= 1
    close_gap(o.order, position, used)
    close_gap(o.sizes, position, used)
    close_gap(o.top_score, position, used)
    close_gap(o.top_word, position, used)


@inner
def split(o: Order, position: Int) -> None:
    """Move the upper half of a full block to a new block behind it."""
    open_position(o, position + 1)
    lower, upper = o.order[position] * BLOCK_ENTRIES, o.order[position + 1] * BLOCK_ENTRIES
    half = o.sizes[position] // 2
    moved = o.sizes[position] - half
    copy(o.block_score, lower + half, o.block_score, upper, moved)
    copy(o.block_word, lower + half, o.block_word, upper, moved)
    o.sizes[position] = half
    o.sizes[position + 1] = moved
    set_top(o, position)
    set_top(o, position + 1)
    recount(o)


@inner
def insert(o: Order, m: Members, score: float, word: int) -> bool:
    """Add an entry that is absent; False, and nothing done, if that takes a block and none is free."""
    if o.meta[USED] == 0:
        if o.meta[FREE] == 0:
            return False
        open_position(o, 0)
        recount(o)
    position, place = find(o, m, score, word, False)
    if o.sizes[position] == BLOCK_ENTRIES:
        if o.meta[FREE] == 0:
            return False
        split(o, position)
        if place > o.sizes[position]:
            place -= o.sizes[position]
            position += 1
    start, count = o.order[position] * BLOCK_ENTRIES, o.sizes[position]
    open_gap(o.block_score, start + place, start + count)
    open_gap(o.block_word, start + place, start + count)
    o.block_score[start + place], o.block_word[start + place] = score, word
    change_count(o, position, 1)
    if place == count:
        set_top(o, position)
    o.meta[SIZE] += 1
    return True


@inner
def merge(o: Order, position: Int) -> bool:
    """Join the block with a neighbour if both fit in three quarters of a block, or drop it if it is empty."""
    if o.sizes[position] == 0:
        close_position(o, position)
        recount(o)
        return True
    for left in range(max(position - 1, 0), min(position + 1, o.meta[USED] - 1)):
        had, more = o.sizes[left], o.sizes[left + 1]
        if had + more <= BLOCK_ENTRIES * 3 // 4:
            into, gone = o.order[left] * BLOCK_ENTRIES, o.order[left + 1] * BLOCK_ENTRIES
            copy(o.block_score, gone, o.block_score, into + had, more)
            copy(o.block_word, gone, o.block_word, into + had, more)
            o.sizes[left] = had + more
            set_top(o, left)
            close_position(o, left + 1)
            recount(o)
            return True
    return False


@inner
def remove(o: Order, m: Members, score: float, word: int) -> None:
    """Take out an entry that is there."""
    position, place = find(o, m, score, word, True)
    start, count = o.order[position] * BLOCK_ENTRIES, o.sizes[position]
    close_gap(o.block_score, start + place, start + count)
    close_gap(o.block_word, start + place, start + count)
    change_count(o, position, -1)
    o.meta[SIZE] -= 1
    if count > BLOCK_ENTRIES // 4 or not merge(o, position):
        set_top(o, position)


@njit(cache=True, _nrt=False)
def set_scores(o: Order, m: Members, ids: Ids, words: Ids, scores: Floats, add: bool, out: Floats, first: int) -> int:
    """Set, or with `add` increment, the scores of the members from `first` on, in order; `out` is what they are.

    Returns how far it came: less than `ids.size` if blocks ran out, or if a score would be NaN (then `meta[NAN_AT]`
    says where).
    """
    o.meta[NAN_AT] = -1
    for i in range(first, ids.size):
        old, new, word = m.score[ids[i]], scores[i], words[i]
        present = not np.isnan(old)
        if add and present:
            new += old
        if np.isnan(new):
            o.meta[NAN_AT] = i
            return i
        if present and new != old:
            if o.meta[FREE] == 0:
                return i
            remove(o, m, old, word)
        if new != old:
            if not insert(o, m, new, word):
                return i
            m.score[ids[i]] = new
        out[i] = new
    return ids.size


@njit(cache=True, _nrt=False)
def remove_many(o: Order, m: Members, ids: Ids, words: Ids) -> None:
    """Take out these members, skipping the id -1 and what is absent."""
    for i in range(ids.size):
        if ids[i] >= 0 and not np.isnan(m.score[ids[i]]):
            remove(o, m, m.score[ids[i]], words[i])
            m.score[ids[i]] = np.nan


@njit(cache=True, _nrt=False)
def ranks_of(o: Order, m: Members, ids: Ids, words: Ids, out: Ids) -> None:
    """Write the rank of each member to `out`; -1 where the id is -1 or the member absent."""
    for i in range(ids.size):
        out[i] = -1
        if ids[i] >= 0 and not np.isnan(m.score[ids[i]]):
            position, place = find(o, m, m.score[ids[i]], words[i], True)
            out[i] = entries_before(o.counts, position) + place


@njit(cache=True)
def counts_below(o: Order, scores: Floats, inclusive: bool, out: Ids) -> None:
    """For each score, how many entries have a score below it, or with `inclusive` at most it."""
    for i in range(scores.size):
        score, used = scores[i], o.meta[USED]
        position = (
            first_above(o.top_score, 0, used, score) if inclusive else first_not_below(o.top_score, 0, used, score)
        )
        out[i] = entries_before(o.counts, position)
        if position < used:
            start, count = o.order[position] * BLOCK_ENTRIES, o.sizes[position]
            if inclusive:
                out[i] += first_above(o.block_score, start, count, score)
            else:
                out[i] += first_not_below(o.block_score, start, count, score)


@njit(cache=True)
def slices(o: Order, starts: Ids, stops: Ids, offsets: Ids, words: Ids, scores: Floats) -> None:
    """Write the entries at ranks `starts[i]` to `stops[i] - 1` from `offsets[i]` on; ranks are inside the set."""
    used = o.meta[USED]
    top = 1
    while top * 2 <= used:
        top *= 2
    for i in range(starts.size):
        at, wanted = offsets[i], stops[i] - starts[i]
        if wanted <= 0:
            continue
        position, inside, step = 0, starts[i], top
        while step > 0:
            if position + step <= used and o.counts[position + step] <= inside:
                position += step
                inside -= o.counts[position]
            step >>= 1
        while wanted > 0:
            here = min(wanted, o.sizes[position] - inside)
            start = o.order[position] * BLOCK_ENTRIES + inside
            copy(o.block_word, start, words, at, here)
            copy(o.block_score, start, scores, at, here)
            at += here
            wanted -= here
            inside = 0
            position += 1


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    o, m, ids, one = empty_order(4), no_members(4, text=True), np.arange(1, dtype=np.int64), np.ones(1)
    set_scores(o, m, ids, ids, one, False, np.empty(1), 0)
    ranks_of(o, m, ids, ids, np.empty(1, np.int64))
    counts_below(o, one, False, np.empty(1, np.int64))
    slices(o, ids, ids + 1, ids, np.empty(1, np.int64), np.empty(1))
    remove_many(o, m, ids, ids)

"""Counted blocks (see `windtunnel.blocks.ordered.counted_blocks`) in pieces, their directory a tree.

A block is 512 words: 256 scores, then as many words. Where the plain text has one list of blocks, which a split moves
from there on, there is a tree of **nodes** here, so that no split costs more when there are more blocks. A node lists
up to 127 children in order, each with how many entries are below it and the greatest of them. Children of nodes are
nodes again, and at the lowest of `meta[HEIGHT]` levels blocks. Two levels hold two million entries and more. On the way
down a search adds up what is counted before its path, which is the rank.

A kernel that would need a block or a node where there is none stops and says how far it came; the caller makes room and
calls again.

What runs here makes no arrays and counts no references to them (`_nrt=False`, see `words.inner`), which made it a fifth
to two thirds faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from windtunnel.blocks.ground.kernels.words import njit
from windtunnel.blocks.ordered.kernels.pieces import (
    Pieces,
    floats_at,
    inner,
    number,
    own,
    part,
    set_number,
    set_word,
    unit,
    word,
    words_at,
)
from windtunnel.blocks.ordered.kernels.runs import (
    close_gap,
    copy,
    first_above,
    first_not_below,
    first_of_ties,
    open_gap,
)
from windtunnel.blocks.ordered.kernels.sorted_set import Members, precedes, score_of, set_score

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.kernels.pieces import Address, Int
    from windtunnel.blocks.ordered.kernels.sorted_set import Floats, Ids

BLOCK_ENTRIES = 256
BLOCK_BITS, BLOCK_WORDS = 4, 520  # not 512: blocks whose middles lie in the same sets of a cache push each other out
WORDS = 8 * BLOCK_ENTRIES  # where in a block its words begin, in bytes
CHILDREN = 127
NODE_BITS, NODE_WORDS = 3, 520
CHILD, COUNT, TOP_WORD, TOP_SCORE, USED = range(0, 5 * 8 * CHILDREN, 8 * CHILDREN)  # bytes of a node
ROOT, HEIGHT, SIZE, NAN_AT, FREE_BLOCK, BLOCKS, BLOCK_ROOM, FREE_NODE, NODES, NODE_ROOM, MOVED = range(
    11
)  # places in `meta`
MOST_LEVELS = 16


class Order(NamedTuple):
    """Pieces of blocks and of nodes, the path of the last search (node and place by level), and what changes."""

    blocks: NDArray[np.int64]
    nodes: NDArray[np.int64]
    path: NDArray[np.int64]
    meta: NDArray[np.int64]


class Held:
    """Holds the pieces; `arrays` is what kernels get. Blocks need no luck: the seed is a skip list's."""

    def __init__(self, seed: int = 0) -> None:
        self._blocks, self._nodes = Pieces(BLOCK_BITS, BLOCK_WORDS), Pieces(NODE_BITS, NODE_WORDS)
        meta = np.array([0, 1, 0, -1, -1, 0, 1, -1, 1, 0, 0], np.int64)
        self.arrays = Order(self._blocks.at, self._nodes.at, np.zeros(2 * MOST_LEVELS, np.int64), meta)

    def __len__(self) -> int:
        return int(self.arrays.meta[SIZE])

    def __getstate__(self) -> dict[str, Any]:
        return {"blocks": self._blocks, "nodes": self._nodes, "meta": self.arrays.meta}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._blocks, self._nodes = state["blocks"], state["nodes"]
        self.arrays = Order(self._blocks.at, self._nodes.at, np.zeros(2 * MOST_LEVELS, np.int64), own(state["meta"]))

    @property
    def moved(self) -> int:
        """How many words growth, splits, merges and gaps have moved so far."""
        return self._blocks.moved + self._nodes.moved + int(self.arrays.meta[MOVED])

    def grow(self) -> None:
        """Room for the block and the nodes that one more entry may take."""
        meta = self.arrays.meta
        if meta[BLOCK_ROOM] == 0:
            had = self._blocks.units
            self._blocks.grow()
            meta[BLOCK_ROOM] += self._blocks.units - had
        while meta[NODE_ROOM] < meta[HEIGHT] + 1:
            had = self._nodes.units
            self._nodes.grow()
            meta[NODE_ROOM] += self._nodes.units - had
        self.arrays = self.arrays._replace(blocks=self._blocks.at, nodes=self._nodes.at)


@part
def block_at(o: Order, block: Int) -> Address:
    return unit(o.blocks, block, BLOCK_BITS, BLOCK_WORDS)


@part
def node_at(o: Order, node: Int) -> Address:
    return unit(o.nodes, node, NODE_BITS, NODE_WORDS)


@part
def get(node: Address, field: int, place: Int) -> Int:
    """A field of a child of a node, except for its score."""
    return word(node + field + 8 * place)


@part
def put(node: Address, field: int, place: Int, value: Int) -> None:
    set_word(node + field + 8 * place, value)


@part
def used_of(node: Address) -> Int:
    return word(node + USED)


@part
def set_top(node: Address, place: Int, score: float, member: Int) -> None:
    set_number(node + TOP_SCORE + 8 * place, score)
    set_word(node + TOP_WORD + 8 * place, member)


@inner
def take_block(o: Order) -> Int:
    """A block that is free; the caller has seen to it that there is one."""
    o.meta[BLOCK_ROOM] -= 1
    block = o.meta[FREE_BLOCK]
    if block >= 0:
        o.meta[FREE_BLOCK] = word(block_at(o, block))
        return block
    o.meta[BLOCKS] += 1
    return o.meta[BLOCKS] - 1


@inner
def give_block(o: Order, block: Int) -> None:
    set_word(block_at(o, block), o.meta[FREE_BLOCK])
    o.meta[FREE_BLOCK] = block
    o.meta[BLOCK_ROOM] += 1


@inner
def take_node(o: Order) -> Int:
    """A node that is free; the caller has seen to it that there is one."""
    o.meta[NODE_ROOM] -= 1
    node = o.meta[FREE_NODE]
    if node >= 0:
        o.meta[FREE_NODE] = word(node_at(o, node))
        return node
    o.meta[NODES] += 1
    return o.meta[NODES] - 1


@inner
def give_node(o: Order, node: Int) -> None:
    set_word(node_at(o, node), o.meta[FREE_NODE])
    o.meta[FREE_NODE] = node
    o.meta[NODE_ROOM] += 1


@part
def no_room(o: Order) -> bool:
    """Whether one more entry may need a block or a node that is not there."""
    height = o.meta[HEIGHT]
    nodes = height + 1
    if height == 1 and used_of(node_at(o, o.meta[ROOT])) < CHILDREN:
        nodes = 0
    return bool(o.meta[BLOCK_ROOM] == 0 or o.meta[NODE_ROOM] < nodes)


@part
def child_of(m: Members, node: Address, score: float, member: Int) -> Int:
    """The first child whose greatest entry is not before the given one; how many there are if all are."""
    used, tops = used_of(node), floats_at(node + TOP_SCORE, CHILDREN)
    place = first_not_below(tops, 0, used, score)
    if place < used and tops[place] == score:
        place = first_of_ties(m, tops, words_at(node + TOP_WORD, CHILDREN), place, used, score, member)
    return place


@part
def place_of(m: Members, block: Address, count: Int, score: float, member: Int, present: bool) -> Int:
    """The place of an entry in a block; of one that is absent, where it would be.

    An entry that is present and has its score for itself is found without a look at words, which spares a cache miss.
    """
    scores = floats_at(block, BLOCK_ENTRIES)
    place = first_not_below(scores, 0, count, score)
    if place < count and scores[place] == score:
        alone = place + 1 == count or scores[place + 1] != score
        if not (present and alone):
            place = first_of_ties(m, scores, words_at(block + WORDS, BLOCK_ENTRIES), place, count, score, member)
    return place


@inner
def entries_before(node: Address, place: Int) -> Int:
    """How many entries are below the first `place` children of a node.

    All counts are looked at, of which vector instructions do several at once: a loop that ends at `place` is dearer.
    """
    counts, total = words_at(node + COUNT, CHILDREN), np.int64(0)
    for i in range(CHILDREN):
        total += counts[i] if i < place else 0
    return total


@part
def find(o: Order, m: Members, score: float, member: Int) -> tuple[Address, Int]:
    """The block of an entry that is there and its place in it; `path` is the way."""
    node, block = node_at(o, o.meta[ROOT]), np.int64(0)
    for level in range(o.meta[HEIGHT]):
        place = child_of(m, node, score, member)
        o.path[2 * level], o.path[2 * level + 1] = node, place
        if level + 1 < o.meta[HEIGHT]:
            node = node_at(o, get(node, CHILD, place))
        else:
            block = block_at(o, get(node, CHILD, place))
            place = place_of(m, block, get(node, COUNT, place), score, member, True)
            return block, place
    return block, np.int64(0)


@inner
def open_child(o: Order, node: Address, place: Int) -> None:
    """Make room for a child at `place`; what is there and after moves up by one."""
    used = used_of(node)
    o.meta[MOVED] += 4 * (used - place)
    open_gap(words_at(node + CHILD, CHILDREN), place, used)
    open_gap(words_at(node + COUNT, CHILDREN), place, used)
    open_gap(words_at(node + TOP_WORD, CHILDREN), place, used)
    open_gap(floats_at(node + TOP_SCORE, CHILDREN), place, used)
    set_word(node + USED, used + 1)


@inner
def close_child(o: Order, node: Address, place: Int) -> None:
    """Take the child at `place` out of the node."""
    used = used_of(node)
    o.meta[MOVED] += 4 * (used - place)
    close_gap(words_at(node + CHILD, CHILDREN), place, used)
    close_gap(words_at(node + COUNT, CHILDREN), place, used)
    close_gap(words_at(node + TOP_WORD, CHILDREN), place, used)
    close_gap(floats_at(node + TOP_SCORE, CHILDREN), place, used)
    set_word(node + USED, used - 1)


@inner
def copy_children(o: Order, source: Address, start: Int, target: Address, at: Int, count: Int) -> None:
    o.meta[MOVED] += 4 * count
    copy(words_at(source + CHILD, CHILDREN), start, words_at(target + CHILD, CHILDREN), at, count)
    copy(words_at(source + COUNT, CHILDREN), start, words_at(target + COUNT, CHILDREN), at, count)
    copy(words_at(source + TOP_WORD, CHILDREN), start, words_at(target + TOP_WORD, CHILDREN), at, count)
    copy(floats_at(source + TOP_SCORE, CHILDREN), start, floats_at(target + TOP_SCORE, CHILDREN), at, count)


@inner
def copy_entries(o: Order, source: Address, start: Int, target: Address, at: Int, count: Int) -> None:
    o.meta[MOVED] += 2 * count
    copy(floats_at(source, BLOCK_ENTRIES), start, floats_at(target, BLOCK_ENTRIES), at, count)
    copy(words_at(source + WORDS, BLOCK_ENTRIES), start, words_at(target + WORDS, BLOCK_ENTRIES), at, count)


@inner
def halved(o: Order, node: Address, place: Int, other: Int, moved: Int, score: float, member: Int) -> None:
    """Enter `other`, the upper part of the child at `place`, behind it: `moved` entries are below it now.

    The lower part's greatest entry is the given one.
    """
    open_child(o, node, place + 1)
    put(node, CHILD, place + 1, other)
    put(node, COUNT, place + 1, moved)
    put(node, COUNT, place, get(node, COUNT, place) - moved)
    set_top(node, place + 1, number(node + TOP_SCORE + 8 * place), get(node, TOP_WORD, place))
    set_top(node, place, score, member)


@inner
def split_block(o: Order, node: Address, place: Int) -> None:
    """Move the upper half of a full block to a new block behind it."""
    lower, other, half = block_at(o, get(node, CHILD, place)), take_block(o), BLOCK_ENTRIES // 2
    copy_entries(o, lower, half, block_at(o, other), 0, BLOCK_ENTRIES - half)
    last = 8 * (half - 1)
    halved(o, node, place, other, BLOCK_ENTRIES - half, number(lower + last), word(lower + WORDS + last))


@inner
def split_node(o: Order, node: Address, place: Int) -> None:
    """Move the upper half of a full child's children to a new node behind it."""
    lower, other, half = node_at(o, get(node, CHILD, place)), take_node(o), CHILDREN // 2
    upper = node_at(o, other)
    copy_children(o, lower, half, upper, 0, CHILDREN - half)
    set_word(lower + USED, half)
    set_word(upper + USED, CHILDREN - half)
    moved, last = entries_before(upper, CHILDREN - half), half - 1
    halved(o, node, place, other, moved, number(lower + TOP_SCORE + 8 * last), get(lower, TOP_WORD, last))


@inner
def ready_root(o: Order, score: float, member: Int) -> Address:
    """The root, with room for one more child, and with one if it had none."""
    node = node_at(o, o.meta[ROOT])
    used = used_of(node)
    if used == CHILDREN:
        above = take_node(o)
        root = node_at(o, above)
        put(root, CHILD, 0, o.meta[ROOT])
        put(root, COUNT, 0, o.meta[SIZE])
        set_top(root, 0, number(node + TOP_SCORE + 8 * (used - 1)), get(node, TOP_WORD, used - 1))
        set_word(root + USED, 1)
        o.meta[ROOT] = above
        o.meta[HEIGHT] += 1
        split_node(o, root, 0)
        return root
    if used == 0:
        put(node, CHILD, 0, take_block(o))
        put(node, COUNT, 0, 0)
        set_top(node, 0, score, member)
        set_word(node + USED, 1)
    return node


@inner
def insert(o: Order, m: Members, score: float, member: Int) -> None:
    """Add an entry that is absent; there is room (`no_room`).

    What is full is split on the way down, so that there is a place for whatever is split below it.
    """
    node = ready_root(o, score, member)
    for level in range(o.meta[HEIGHT], 0, -1):
        place = child_of(m, node, score, member)
        if place == used_of(node):  # it is the greatest of all
            place -= 1
            set_top(node, place, score, member)
        if level > 1:
            below = node_at(o, get(node, CHILD, place))
            if used_of(below) == CHILDREN:
                split_node(o, node, place)
                if precedes(m, number(node + TOP_SCORE + 8 * place), get(node, TOP_WORD, place), score, member):
                    place += 1
                    below = node_at(o, get(node, CHILD, place))
            put(node, COUNT, place, get(node, COUNT, place) + 1)
            node = below
        else:
            insert_in_block(o, m, node, place, score, member)
    o.meta[SIZE] += 1


@inner
def insert_in_block(o: Order, m: Members, node: Address, place: Int, score: float, member: Int) -> None:
    block, count = block_at(o, get(node, CHILD, place)), get(node, COUNT, place)
    at = place_of(m, block, count, score, member, False)
    if count == BLOCK_ENTRIES:
        split_block(o, node, place)
        count = get(node, COUNT, place)
        if at > count:
            at -= count
            place += 1
            block, count = block_at(o, get(node, CHILD, place)), get(node, COUNT, place)
    o.meta[MOVED] += 2 * (count - at)
    open_gap(floats_at(block, BLOCK_ENTRIES), at, count)
    open_gap(words_at(block + WORDS, BLOCK_ENTRIES), at, count)
    set_number(block + 8 * at, score)
    set_word(block + WORDS + 8 * at, member)
    put(node, COUNT, place, count + 1)
    if at == count:
        set_top(node, place, score, member)


@inner
def joined(o: Order, node: Address, left: Int) -> None:
    """What is below the child after `left` is below `left` now."""
    put(node, COUNT, left, get(node, COUNT, left) + get(node, COUNT, left + 1))
    set_top(node, left, number(node + TOP_SCORE + 8 * (left + 1)), get(node, TOP_WORD, left + 1))
    close_child(o, node, left + 1)


@inner
def merge_block(o: Order, node: Address, place: Int) -> None:
    """Join a small block with a neighbour if both fit in three quarters of a block."""
    for left in range(max(place - 1, 0), min(place + 1, used_of(node) - 1)):
        had, more = get(node, COUNT, left), get(node, COUNT, left + 1)
        if had + more <= BLOCK_ENTRIES * 3 // 4:
            gone = get(node, CHILD, left + 1)
            copy_entries(o, block_at(o, gone), 0, block_at(o, get(node, CHILD, left)), had, more)
            joined(o, node, left)
            give_block(o, gone)
            return


@inner
def merge_node(o: Order, node: Address, place: Int) -> None:
    """Join a node that has few children with a neighbour if both fit in three quarters of a node."""
    for left in range(max(place - 1, 0), min(place + 1, used_of(node) - 1)):
        into, gone = node_at(o, get(node, CHILD, left)), get(node, CHILD, left + 1)
        had, more = used_of(into), used_of(node_at(o, gone))
        if had + more <= CHILDREN * 3 // 4:
            copy_children(o, node_at(o, gone), 0, into, had, more)
            set_word(into + USED, had + more)
            joined(o, node, left)
            give_node(o, gone)
            return


@inner
def remove(o: Order, m: Members, score: float, member: Int) -> None:
    """Take out an entry that is there, and mend the way to it from the block up."""
    block, at = find(o, m, score, member)
    level = o.meta[HEIGHT] - 1
    node, place = o.path[2 * level], o.path[2 * level + 1]
    count = get(node, COUNT, place) - 1
    o.meta[MOVED] += 2 * (count - at)
    close_gap(floats_at(block, BLOCK_ENTRIES), at, count + 1)
    close_gap(words_at(block + WORDS, BLOCK_ENTRIES), at, count + 1)
    put(node, COUNT, place, count)
    o.meta[SIZE] -= 1
    was_last = at == count
    if count == 0:
        give_block(o, get(node, CHILD, place))
        close_child(o, node, place)
    else:
        if was_last:
            set_top(node, place, number(block + 8 * (count - 1)), word(block + WORDS + 8 * (count - 1)))
        if count < BLOCK_ENTRIES // 4:
            merge_block(o, node, place)
    while level > 0:
        level -= 1
        below, node, place = node, o.path[2 * level], o.path[2 * level + 1]
        put(node, COUNT, place, get(node, COUNT, place) - 1)
        used = used_of(below)
        if used == 0:
            give_node(o, get(node, CHILD, place))
            close_child(o, node, place)
            continue
        if was_last:
            set_top(node, place, number(below + TOP_SCORE + 8 * (used - 1)), get(below, TOP_WORD, used - 1))
        if used < CHILDREN // 4:
            merge_node(o, node, place)
    while o.meta[HEIGHT] > 1 and used_of(node_at(o, o.meta[ROOT])) == 1:
        root = o.meta[ROOT]
        o.meta[ROOT] = get(node_at(o, root), CHILD, 0)
        o.meta[HEIGHT] -= 1
        give_node(o, root)


@njit(cache=True, _nrt=False)
def set_scores(o: Order, m: Members, ids: Ids, words: Ids, scores: Floats, add: bool, out: Floats, first: int) -> int:
    """Set, or with `add` increment, the scores of the members from `first` on, in order; `out` is what they are.

    Returns how far it came: less than `ids.size` if room ran out, or if a score would be NaN (then `meta[NAN_AT]`
    says where).
    """
    o.meta[NAN_AT] = -1
    for i in range(first, ids.size):
        old, new, member = score_of(m, ids[i]), scores[i], words[i]
        present = not np.isnan(old)
        if add and present:
            new += old
        if np.isnan(new):
            o.meta[NAN_AT] = i
            return i
        if new != old:
            if no_room(o):
                return i
            if present:
                remove(o, m, old, member)
            insert(o, m, new, member)
            set_score(m, ids[i], new)
        out[i] = new
    return ids.size


@njit(cache=True, _nrt=False)
def remove_many(o: Order, m: Members, ids: Ids, words: Ids) -> None:
    """Take out these members, skipping the id -1 and what is absent."""
    for i in range(ids.size):
        if ids[i] >= 0 and not np.isnan(score_of(m, ids[i])):
            remove(o, m, score_of(m, ids[i]), words[i])
            set_score(m, ids[i], np.nan)


@njit(cache=True, _nrt=False)
def ranks_of(o: Order, m: Members, ids: Ids, words: Ids, out: Ids) -> None:
    """Write the rank of each member to `out`; -1 where the id is -1 or the member absent."""
    for i in range(ids.size):
        out[i] = -1
        if ids[i] >= 0 and not np.isnan(score_of(m, ids[i])):
            _, rank = find(o, m, score_of(m, ids[i]), words[i])
            for level in range(o.meta[HEIGHT]):
                rank += entries_before(o.path[2 * level], o.path[2 * level + 1])
            out[i] = rank


@njit(cache=True, _nrt=False)
def counts_below(o: Order, scores: Floats, inclusive: bool, out: Ids) -> None:
    """For each score, how many entries have a score below it, or with `inclusive` at most it."""
    for i in range(scores.size):
        score, node, total = scores[i], node_at(o, o.meta[ROOT]), np.int64(0)
        for level in range(o.meta[HEIGHT], 0, -1):
            tops, used = floats_at(node + TOP_SCORE, CHILDREN), used_of(node)
            place = first_above(tops, 0, used, score) if inclusive else first_not_below(tops, 0, used, score)
            total += entries_before(node, place)
            if place == used:
                break
            if level > 1:
                node = node_at(o, get(node, CHILD, place))
            else:
                block, count = floats_at(block_at(o, get(node, CHILD, place)), BLOCK_ENTRIES), get(node, COUNT, place)
                total += first_above(block, 0, count, score) if inclusive else first_not_below(block, 0, count, score)
        out[i] = total


@part
def locate(o: Order, rank: Int) -> tuple[Address, Int, Int]:
    """The lowest node on the way to the entry at `rank`, the child that holds it, and its place there."""
    node, place = node_at(o, o.meta[ROOT]), np.int64(0)
    for level in range(o.meta[HEIGHT], 0, -1):
        place, count = np.int64(0), get(node, COUNT, 0)
        while count <= rank:
            rank -= count
            place += 1
            count = get(node, COUNT, place)
        if level > 1:
            node = node_at(o, get(node, CHILD, place))
    return node, place, rank


@njit(cache=True, _nrt=False)
def slices(o: Order, starts: Ids, stops: Ids, offsets: Ids, words: Ids, scores: Floats) -> None:
    """Write the entries at ranks `starts[i]` to `stops[i] - 1` from `offsets[i]` on; ranks are inside the set."""
    for i in range(starts.size):
        at, stop = offsets[i], offsets[i] + stops[i] - starts[i]
        while at < stop:
            node, place, inside = locate(o, starts[i] + at - offsets[i])
            used = used_of(node)
            while at < stop and place < used:
                block, here = block_at(o, get(node, CHILD, place)), min(stop - at, get(node, COUNT, place) - inside)
                copy(words_at(block + WORDS, BLOCK_ENTRIES), inside, words, at, here)
                copy(floats_at(block, BLOCK_ENTRIES), inside, scores, at, here)
                at += here
                inside = 0
                place += 1


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    held, ids, one = Held(), np.arange(1, dtype=np.int64), np.ones(1)
    m = Members(Pieces(12, fill=np.nan).at, np.zeros(0, np.int64))
    o = held.arrays
    set_scores(o, m, ids, ids, one, False, np.empty(1), 0)
    ranks_of(o, m, ids, ids, np.empty(1, np.int64))
    counts_below(o, one, False, np.empty(1, np.int64))
    slices(o, ids, ids + 1, ids, np.empty(1, np.int64), np.empty(1))
    remove_many(o, m, ids, ids)

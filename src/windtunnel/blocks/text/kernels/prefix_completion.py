"""Completion at the speed of C: sorted terms, and over them a tree of the greatest weights.

Terms with one prefix are neighbours, and two binary searches find the first and the last. The first eight bytes of a
term stand beside it as one number, so that nearly all comparisons read that and not the text.

The tree is a segment tree: leaf `i` has the weight of term `i`, each node above the greater weight of its two. A
run of neighbours is covered by a few of its nodes. From the heaviest of these one goes down to its heaviest term, and
leaves behind, at each fork, the other branch, whose greatest weight is known; the next term comes from the heaviest
branch that is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit
from numpy import uint64 as U  # noqa: N812  (it stands in every line)

from windtunnel.blocks.ground.kernels.words import inner

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.vectors.kernels.distance import Int

KEY_BYTES = 8


class Terms(NamedTuple):
    """Sorted terms; the UTF-8 of term `i` is `text[starts[i] : starts[i + 1]]`."""

    text: NDArray[np.uint8]
    starts: NDArray[np.int64]
    keys: NDArray[np.uint64]
    """The first eight bytes of each, the first one highest; what is shorter ends in zeros."""
    tree: NDArray[np.float64]
    """Leaves in the second half, a power of two of them; the children of node `i` are `2 * i` and `2 * i + 1`."""


@inner
def key_of(text: NDArray[np.uint8], start: Int, end: Int) -> U:
    """The first eight bytes from `start` on, as one number."""
    key = U(0)
    for i in range(KEY_BYTES):
        key = (key << U(8)) | (U(text[start + i]) if start + i < end else U(0))
    return key


@njit(cache=True)
def write_keys(text: NDArray[np.uint8], starts: NDArray[np.int64], keys: NDArray[np.uint64]) -> None:
    """Write the key of each term."""
    for i in range(keys.size):
        keys[i] = key_of(text, starts[i], starts[i + 1])


@njit(cache=True)
def build_tree(tree: NDArray[np.float64]) -> None:
    """Fill in all nodes above the leaves."""
    for node in range(tree.size // 2 - 1, 0, -1):
        tree[node] = max(tree[2 * node], tree[2 * node + 1])


@njit(cache=True)
def put_weights(tree: NDArray[np.float64], ranks: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
    """Set the weights of these terms, in order, skipping the rank -1."""
    for i in range(ranks.size):
        if ranks[i] < 0:
            continue
        node = tree.size // 2 + ranks[i]
        tree[node] = weights[i]
        node >>= 1
        while node > 0:
            greater = max(tree[2 * node], tree[2 * node + 1])
            if tree[node] == greater:
                break
            tree[node] = greater
            node >>= 1


@inner
def compare(
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    term: Int,
    prefixes: NDArray[np.uint8],
    first: Int,
    length: Int,
    key: U,
    mask: U,
) -> int:
    """-1 if the term sorts before all that begin with the prefix, 0 if it begins so itself, 1 if it sorts after."""
    begins = keys[term] & mask
    if begins != key:
        return -1 if begins < key else 1
    start = starts[term]
    own = starts[term + 1] - start
    for i in range(KEY_BYTES, min(own, length)):
        a, b = text[start + i], prefixes[first + i]
        if a != b:
            return -1 if a < b else 1
    return -1 if own < length else 0


@inner
def first_that_is(
    text: NDArray[np.uint8],
    starts: NDArray[np.int64],
    keys: NDArray[np.uint64],
    low: Int,
    high: Int,
    prefixes: NDArray[np.uint8],
    first: Int,
    length: Int,
    least: Int,
) -> Int:
    """The first term in `low:high` that compares with the prefix as `least` or greater."""
    key = key_of(prefixes, first, first + length)
    mask = ~U(0)
    if length < KEY_BYTES:
        mask = ~(mask >> U(8 * length))
    while low < high:
        middle = (low + high) >> 1
        if compare(text, starts, keys, middle, prefixes, first, length, key, mask) < least:
            low = middle + 1
        else:
            high = middle
    return low


@inner
def goes_before(weights: NDArray[np.float64], lefts: NDArray[np.int64], place: Int, weight: float, left: Int) -> bool:
    """Whether what stands at this place of the heap is heavier than the given, or as heavy and further left."""
    return bool(weights[place] > weight or (weights[place] == weight and lefts[place] < left))


@inner
def push(
    weights: NDArray[np.float64],
    lefts: NDArray[np.int64],
    nodes: NDArray[np.int64],
    size: Int,
    weight: float,
    left: Int,
    node: Int,
) -> None:
    """Put a node into the heap of `size`; `left` is its first leaf."""
    at = size
    while at > 0 and not goes_before(weights, lefts, (at - 1) >> 1, weight, left):
        above = (at - 1) >> 1
        weights[at], lefts[at], nodes[at] = weights[above], lefts[above], nodes[above]
        at = above
    weights[at], lefts[at], nodes[at] = weight, left, node


@inner
def drop_first(weights: NDArray[np.float64], lefts: NDArray[np.int64], nodes: NDArray[np.int64], size: Int) -> None:
    """Take the first node out of the heap, which then has `size`."""
    weight, left, node = weights[size], lefts[size], nodes[size]
    at = 0
    while 2 * at + 1 < size:
        below = 2 * at + 1
        if below + 1 < size and goes_before(weights, lefts, below + 1, weights[below], lefts[below]):
            below += 1
        if not goes_before(weights, lefts, below, weight, left):
            break
        weights[at], lefts[at], nodes[at] = weights[below], lefts[below], nodes[below]
        at = below
    weights[at], lefts[at], nodes[at] = weight, left, node


@njit(cache=True)
def find_ranges(
    terms: Terms,
    size: int,
    prefixes: NDArray[np.uint8],
    starts: NDArray[np.int64],
    lows: NDArray[np.int64],
    highs: NDArray[np.int64],
) -> None:
    """Write where the terms that begin with each prefix begin and end among the `size` terms."""
    for p in range(lows.size):
        first, length = starts[p], starts[p + 1] - starts[p]
        low = first_that_is(terms.text, terms.starts, terms.keys, 0, size, prefixes, first, length, 0)
        lows[p] = low
        highs[p] = first_that_is(terms.text, terms.starts, terms.keys, low, size, prefixes, first, length, 1)


@njit(cache=True)
def best_of_ranges(
    tree: NDArray[np.float64],
    lows: NDArray[np.int64],
    highs: NDArray[np.int64],
    k: int,
    ranks: NDArray[np.int64],
    found_weights: NDArray[np.float64],
    offsets: NDArray[np.int64],
) -> int:
    """Write for each range the ranks and weights of its best `k` terms, and where they end; returns how many."""
    leaves = tree.size // 2
    height = 0
    while 1 << height < leaves:
        height += 1
    room = 2 * (height + 1) + k * height
    weights, lefts, nodes = np.empty(room), np.empty(room, np.int64), np.empty(room, np.int64)
    written = 0
    for r in range(lows.size):
        queued = 0
        left, right, level = lows[r] + leaves, highs[r] + leaves, 0
        while left < right:  # the few nodes that cover the range
            if left & 1:
                push(weights, lefts, nodes, queued, tree[left], (left << level) - leaves, left)
                left += 1
                queued += 1
            if right & 1:
                right -= 1
                push(weights, lefts, nodes, queued, tree[right], (right << level) - leaves, right)
                queued += 1
            left >>= 1
            right >>= 1
            level += 1
        end = written + k
        while queued > 0 and written < end and weights[0] != -np.inf:
            weight, start, node = weights[0], lefts[0], nodes[0]
            queued -= 1
            drop_first(weights, lefts, nodes, queued)
            width = leaves
            above = node
            while above > 1:
                width >>= 1
                above >>= 1
            while node < leaves:
                node *= 2
                width >>= 1
                if tree[node] == weight:
                    if tree[node + 1] != -np.inf:
                        push(weights, lefts, nodes, queued, tree[node + 1], start + width, node + 1)
                        queued += 1
                else:
                    push(weights, lefts, nodes, queued, tree[node], start, node)
                    queued += 1
                    node += 1
                    start += width
            ranks[written], found_weights[written] = start, weight
            written += 1
        offsets[r + 1] = written
    return written


def terms_of(text: NDArray[np.uint8], starts: NDArray[np.int64], weights: NDArray[np.float64]) -> Terms:
    """The sorted terms with their weights, ready to be asked."""
    size = len(weights)
    leaves = 1 << max(0, size - 1).bit_length()
    tree = np.full(2 * leaves, -np.inf)
    tree[leaves : leaves + size] = weights
    build_tree(tree)
    keys = np.empty(size, np.uint64)
    write_keys(text, starts, keys)
    return Terms(text, starts, keys, tree)


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    text, starts = np.frombuffer(b"a", np.uint8), np.array([0, 1])
    terms = terms_of(text, starts, np.ones(1))
    put_weights(terms.tree, np.zeros(1, np.int64), np.ones(1))
    low, high = np.zeros(1, np.int64), np.ones(1, np.int64)
    find_ranges(terms, 1, text, starts, low, high)
    best_of_ranges(terms.tree, low, high, 1, np.empty(1, np.int64), np.empty(1), np.zeros(2, np.int64))

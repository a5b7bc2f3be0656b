"""The graph walks of `windtunnel.blocks.vectors.hnsw` at the speed of C.

What makes them fast: a node's links are one contiguous row; candidates and results are one sorted pool of 64-bit keys
(distance above, node below, and in bit 0 whether the node's links were followed), so that keeping the best `ef` is a
comparison and a short shift; and memory is asked for ahead: a vector is prefetched while those before it are measured,
the links of the node that likely comes next while this one's neighbours are, and whether a neighbour was seen is added,
not branched on. Inner loops are given the arrays they need and not the graph, and rows by their number: each call with
a `Graph` counts references to all its arrays, with locked instructions, and so does each row taken as an array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from windtunnel.blocks.vectors.kernels.distance import (
    ask_for,
    ask_for_item,
    distance,
    pack,
    packed_distance,
    packed_node,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.vectors.kernels.distance import Int

FOLLOWED = np.uint64(1)
AHEAD = 8
"""Vectors in flight while one is measured: fewer let it wait, more than it can keep track of slow it down."""
ENTRY, TOP, EPOCH, EVALUATIONS = 0, 1, 2, 3
"""Where `Graph.state` keeps the entry node (-1: none), its level, the last epoch, and distances measured so far."""


class Graph(NamedTuple):
    """The arrays of an index; rows beyond the nodes in use are spare."""

    vectors: NDArray[np.float32]
    """(capacity, width), padded with zeros to whole cache lines."""
    links: NDArray[np.int32]
    """(capacity, 2 m): neighbours on level 0."""
    counts: NDArray[np.int32]
    """(capacity,): how many of them."""
    levels: NDArray[np.int32]
    """(capacity,): each node's highest level."""
    first_upper: NDArray[np.int64]
    """(capacity,): a node's row for level 1 below; level 2 is the next row, and so on."""
    upper_links: NDArray[np.int32]
    """(spare rows, m): neighbours on the levels above 0."""
    upper_counts: NDArray[np.int32]
    """(spare rows,)"""
    seen: NDArray[np.uint32]
    """(capacity,): the epoch of the walk that came by last."""
    state: NDArray[np.int64]
    """(4,): see `ENTRY`."""
    metric: int


@njit(cache=True)
def next_epoch(graph: Graph) -> np.uint32:
    """A mark for `seen` that no earlier walk has used."""
    if graph.state[EPOCH] >= 0xFFFFFFFF:
        graph.seen[:] = 0
        graph.state[EPOCH] = 0
    graph.state[EPOCH] += 1
    return np.uint32(graph.state[EPOCH])


@njit(cache=True)
def descend(graph: Graph, queries: NDArray[np.float32], q: Int, node: Int, top: Int, bottom: Int) -> np.uint64:
    """Walk greedily from `node` on level `top` down to `bottom` (included); the key of the nearest node met."""
    metric, vectors, links = graph.metric, graph.vectors, graph.upper_links
    best = pack(distance(metric, vectors, node, queries, q), node)
    measured = 1
    for level in range(top, bottom - 1, -1):
        moved = True
        while moved:
            moved = False
            row = graph.first_upper[packed_node(best)] + level - 1
            count = graph.upper_counts[row]
            for j in range(count):
                ask_for(vectors, links[row, j])
            for j in range(count):
                other = links[row, j]
                key = pack(distance(metric, vectors, other, queries, q), other)
                if key < best:
                    best = key
                    moved = True
            measured += count
    graph.state[EVALUATIONS] += measured
    return best


@njit(cache=True)
def table(graph: Graph, level: Int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The links and counts that hold a level."""
    if level == 0:
        return graph.links, graph.counts
    return graph.upper_links, graph.upper_counts


@njit(cache=True)
def row_of(graph: Graph, node: Int, level: Int) -> Int:
    """A node's row in the table of a level."""
    return node if level == 0 else graph.first_upper[node] + level - 1


@njit(cache=True, forceinline=True)
def follow(
    metric: Int,
    vectors: NDArray[np.float32],
    links: NDArray[np.int32],
    row: Int,
    count: Int,
    queries: NDArray[np.float32],
    q: Int,
    seen: NDArray[np.uint32],
    epoch: np.uint32,
    keys: NDArray[np.uint64],
) -> Int:
    """Measure the neighbours that this walk has not seen; fills `keys` and returns how many there are."""
    new = np.uint64(0)
    at = np.uint64(row)
    for j in range(np.uint64(count)):
        other = np.uint64(links[at, j])
        keys[new] = other
        new += np.uint64(seen[other] != epoch)
        seen[other] = epoch
    for j in range(min(new, np.uint64(AHEAD))):
        ask_for(vectors, keys[j])
    for j in range(new):
        other = keys[j]
        if j + np.uint64(AHEAD) < new:
            ask_for(vectors, keys[j + np.uint64(AHEAD)])
        keys[j] = pack(distance(metric, vectors, other, queries, q), other)
    return np.int64(new)


@njit(cache=True)
def place(pool: NDArray[np.uint64], size: Int, key: np.uint64) -> int:
    """Insert `key` into the first `size` sorted keys, over the one behind them; returns where it went."""
    at = int(size)
    while at > 0 and pool[at - 1] > key:
        pool[at] = pool[at - 1]
        at -= 1
    pool[at] = key
    return at


@njit(cache=True)
def search_level(
    graph: Graph, queries: NDArray[np.float32], q: Int, start: np.uint64, level: Int, ef: Int, pool: NDArray[np.uint64]
) -> Int:
    """Algorithm 2: fill `pool` with the keys of the `ef` nearest nodes that the walk finds; returns how many.

    `start` is the key of the entry; `pool` needs `ef` places.
    """
    links, counts = table(graph, level)
    keys = np.empty(links.shape[1], np.uint64)
    epoch = next_epoch(graph)
    graph.seen[packed_node(start)] = epoch
    pool[0] = start
    size = 1
    at = 0
    while at < size:
        key = pool[at]
        if key & FOLLOWED:
            at += 1
            continue
        pool[at] = key | FOLLOWED
        row = row_of(graph, packed_node(key), level)
        if at + 1 < size:
            likely = row_of(graph, packed_node(pool[at + 1]), level)
            ask_for_item(counts, likely)
            ask_for(links, likely)
        new = follow(graph.metric, graph.vectors, links, row, counts[row], queries, q, graph.seen, epoch, keys)
        graph.state[EVALUATIONS] += new
        at += 1
        for j in range(new):
            if size < ef:
                size += 1
            elif keys[j] > pool[size - 1]:
                continue
            at = min(at, place(pool, size - 1, keys[j]))
        if at < size:
            row = row_of(graph, packed_node(pool[at]), level)
            ask_for_item(counts, row)
            ask_for(links, row)
    return size


@njit(cache=True)
def search_level_among(
    graph: Graph,
    queries: NDArray[np.float32],
    q: Int,
    starts: NDArray[np.uint64],
    ef: Int,
    hidden: NDArray[np.bool_],
    pool: NDArray[np.uint64],
    heap: NDArray[np.uint64],
) -> Int:
    """As `search_level` on level 0, but `hidden` nodes lead on and are not found; `heap` holds any node.

    `starts` are the keys of as many entries.
    """
    keys = np.empty(graph.links.shape[1], np.uint64)
    epoch = next_epoch(graph)
    size = 0
    waiting = 0
    for i in range(starts.size):
        start = starts[i]
        if graph.seen[packed_node(start)] == epoch:
            continue
        graph.seen[packed_node(start)] = epoch
        sift_up(heap, waiting, start)
        waiting += 1
        if hidden[packed_node(start)] or (size == ef and start > pool[size - 1]):
            continue
        if size < ef:
            size += 1
        place(pool, size - 1, start)
    while waiting > 0:
        nearest = heap[0]
        if size == ef and nearest > pool[size - 1]:
            break
        waiting -= 1
        sift_down(heap, waiting)
        node = packed_node(nearest)
        new = follow(
            graph.metric, graph.vectors, graph.links, node, graph.counts[node], queries, q, graph.seen, epoch, keys
        )
        graph.state[EVALUATIONS] += new
        for j in range(new):
            if size == ef and keys[j] > pool[size - 1]:
                continue
            sift_up(heap, waiting, keys[j])
            waiting += 1
            if hidden[packed_node(keys[j])]:
                continue
            if size < ef:
                size += 1
            place(pool, size - 1, keys[j])
    return size


@njit(cache=True)
def sift_up(heap: NDArray[np.uint64], size: Int, key: np.uint64) -> None:
    """Add `key` to a binary heap of `size` keys."""
    at = size
    while at > 0 and heap[(at - 1) >> 1] > key:
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
    heap[at] = key


@njit(cache=True)
def sift_down(heap: NDArray[np.uint64], size: Int) -> None:
    """Take the first key out of a heap; `size` keys are left and the last of them was at `heap[size]`."""
    key = heap[size]
    at = 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = key


@njit(cache=True)
def choose(
    metric: Int, vectors: NDArray[np.float32], state: NDArray[np.int64], keys: NDArray[np.uint64], size: Int, most: Int
) -> Int:
    """Algorithm 4: of sorted `keys`, keep in front those that are nearer to the base than to any kept before them.

    At most `most` are kept; returns how many.
    """
    kept = 0
    for i in range(size):
        if kept == most:
            break
        key = keys[i] & ~FOLLOWED
        node = packed_node(key)
        limit = packed_distance(key)
        good = True
        for j in range(kept):
            state[EVALUATIONS] += 1
            if distance(metric, vectors, packed_node(keys[j]), vectors, node) < limit:
                good = False
                break
        if good:
            keys[kept] = key
            kept += 1
    return kept


@njit(cache=True)
def connect(graph: Graph, node: Int, other: Int, level: Int, keys: NDArray[np.uint64]) -> None:
    """Add the link from `node` to `other`; a full row is chosen anew by Algorithm 4. `keys` is scratch."""
    links, counts = table(graph, level)
    row = row_of(graph, node, level)
    count = counts[row]
    most = links.shape[1]
    if count < most:
        links[row, count] = other
        counts[row] = count + 1
        return
    metric, vectors = graph.metric, graph.vectors
    place(keys, 0, pack(distance(metric, vectors, other, vectors, node), other))
    for j in range(count):
        ask_for(vectors, links[row, j])
    for j in range(count):
        neighbour = links[row, j]
        place(keys, j + 1, pack(distance(metric, vectors, neighbour, vectors, node), neighbour))
    graph.state[EVALUATIONS] += count + 1
    keep(links, counts, row, keys, choose(graph.metric, graph.vectors, graph.state, keys, count + 1, most))


@njit(cache=True)
def keep(links: NDArray[np.int32], counts: NDArray[np.int32], row: Int, keys: NDArray[np.uint64], size: Int) -> None:
    """Let the first `size` keys be the links of a row."""
    for j in range(size):
        links[row, j] = packed_node(keys[j])
    counts[row] = size


@njit(cache=True)
def insert(graph: Graph, first: Int, last: Int, ef: Int) -> None:
    """Algorithm 1 for nodes `first` to `last - 1`, whose vectors, levels and upper rows are in place."""
    m = graph.upper_links.shape[1]
    pool = np.empty(ef, np.uint64)
    keys = np.empty(2 * m + 1, np.uint64)
    for node in range(first, last):
        level = graph.levels[node]
        entry = graph.state[ENTRY]
        top = graph.state[TOP]
        if entry >= 0:
            queries = graph.vectors
            start = descend(graph, queries, node, entry, top, level + 1)
            for here in range(min(level, top), -1, -1):
                size = search_level(graph, queries, node, start, here, ef, pool)
                start = pool[0] & ~FOLLOWED
                size = choose(graph.metric, graph.vectors, graph.state, pool, size, m)
                links, counts = table(graph, here)
                keep(links, counts, row_of(graph, node, here), pool, size)
                for j in range(size):
                    connect(graph, packed_node(pool[j]), node, here, keys)
        if entry < 0 or level > top:
            graph.state[ENTRY] = node
            graph.state[TOP] = level


@njit(cache=True)
def search(
    graph: Graph, queries: NDArray[np.float32], ef: Int, nodes: NDArray[np.int64], distances: NDArray[np.float32]
) -> None:
    """Algorithm 5 for each row of `queries`; fills `nodes` and `distances` (queries, k), -1 and inf for want."""
    pool = np.empty(ef, np.uint64)
    for q in range(queries.shape[0]):
        start = descend(graph, queries, q, graph.state[ENTRY], graph.state[TOP], 1)
        size = search_level(graph, queries, q, start, 0, ef, pool)
        report(pool, size, nodes[q], distances[q])


@njit(cache=True)
def search_among(
    graph: Graph,
    queries: NDArray[np.float32],
    ef: Int,
    hidden: NDArray[np.bool_],
    nodes: NDArray[np.int64],
    distances: NDArray[np.float32],
) -> None:
    """As `search`, but `hidden` nodes are not found."""
    pool = np.empty(ef, np.uint64)
    heap = np.empty(graph.vectors.shape[0], np.uint64)
    starts = np.empty(1, np.uint64)
    for q in range(queries.shape[0]):
        starts[0] = descend(graph, queries, q, graph.state[ENTRY], graph.state[TOP], 1)
        size = search_level_among(graph, queries, q, starts, ef, hidden, pool, heap)
        report(pool, size, nodes[q], distances[q])


@njit(cache=True)
def search_links(
    graph: Graph,
    queries: NDArray[np.float32],
    first: NDArray[np.int64],
    ef: Int,
    hidden: NDArray[np.bool_],
    nodes: NDArray[np.int64],
    distances: NDArray[np.float32],
) -> None:
    """As `search_among` on level 0 alone, from the entries `first` (queries, some) of each query."""
    pool = np.empty(ef, np.uint64)
    heap = np.empty(graph.vectors.shape[0], np.uint64)
    starts = np.empty(first.shape[1], np.uint64)
    for q in range(queries.shape[0]):
        for i in range(starts.size):
            starts[i] = pack(distance(graph.metric, graph.vectors, first[q, i], queries, q), first[q, i])
        graph.state[EVALUATIONS] += starts.size
        size = search_level_among(graph, queries, q, starts, ef, hidden, pool, heap)
        report(pool, size, nodes[q], distances[q])


@njit(cache=True)
def report(pool: NDArray[np.uint64], size: Int, nodes: NDArray[np.int64], distances: NDArray[np.float32]) -> None:
    """Unpack the nearest of `pool` into one query's row."""
    for j in range(nodes.size):
        nodes[j] = packed_node(pool[j]) if j < size else -1
        distances[j] = packed_distance(pool[j]) if j < size else np.float32(np.inf)


@njit(cache=True)
def heal(graph: Graph, last: Int, dead: NDArray[np.bool_]) -> None:
    """Close the holes that `dead` nodes below `last` leave, level by level, so that they can be dropped.

    A live node that was linked to dead ones chooses anew, by Algorithm 4, among its live neighbours and those of the
    dead (FreshDiskANN, arXiv 2105.09613, Algorithm 4); new links are made in both directions.
    """
    widest = graph.links.shape[1]
    candidates = np.empty(widest * (widest + 1), np.uint64)
    keys = np.empty(widest + 1, np.uint64)
    for node in range(last):
        if dead[node]:
            continue
        for level in range(graph.levels[node] + 1):
            links, counts = table(graph, level)
            row = row_of(graph, node, level)
            epoch = next_epoch(graph)
            graph.seen[node] = epoch
            size: Int = 0
            holes = 0
            for j in range(counts[row]):
                other = links[row, j]
                if not dead[other]:
                    size = consider(graph, node, other, epoch, candidates, size)
                    continue
                holes += 1
                beyond = row_of(graph, other, level)
                for i in range(counts[beyond]):
                    if not dead[links[beyond, i]]:
                        size = consider(graph, node, links[beyond, i], epoch, candidates, size)
            if holes == 0:
                continue
            size = choose(graph.metric, graph.vectors, graph.state, candidates, size, links.shape[1])
            keep(links, counts, row, candidates, size)
            for j in range(size):
                other = packed_node(candidates[j])
                if not linked(links, counts, row_of(graph, other, level), node):
                    connect(graph, other, node, level, keys)


@njit(cache=True)
def consider(graph: Graph, node: Int, other: Int, epoch: np.uint32, candidates: NDArray[np.uint64], size: Int) -> Int:
    """Add `other` to the sorted candidates of `node`, once; returns how many there are."""
    if graph.seen[other] == epoch:
        return size
    graph.seen[other] = epoch
    graph.state[EVALUATIONS] += 1
    place(candidates, size, pack(distance(graph.metric, graph.vectors, other, graph.vectors, node), other))
    return size + 1


@njit(cache=True)
def linked(links: NDArray[np.int32], counts: NDArray[np.int32], row: Int, node: Int) -> bool:
    """Whether a row has a link to `node`."""
    for j in range(counts[row]):  # noqa: SIM110  (Numba compiles no generator expressions)
        if links[row, j] == node:
            return True
    return False


def empty_graph(nodes: int, upper_rows: int, width: int, m: int, metric: int) -> Graph:
    """A graph of no nodes with room for this many."""
    return Graph(
        vectors=np.zeros((nodes, width), np.float32),
        links=np.zeros((nodes, 2 * m), np.int32),
        counts=np.zeros(nodes, np.int32),
        levels=np.zeros(nodes, np.int32),
        first_upper=np.zeros(nodes, np.int64),
        upper_links=np.zeros((upper_rows, m), np.int32),
        upper_counts=np.zeros(upper_rows, np.int32),
        seen=np.zeros(nodes, np.uint32),
        state=np.array([-1, 0, 0, 0], np.int64),
        metric=metric,
    )


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    graph = empty_graph(4, 1, 16, 2, 0)
    graph.vectors[:, 0] = np.arange(4)
    insert(graph, 0, 4, 4)
    nodes, distances = np.empty((1, 1), np.int64), np.empty((1, 1), np.float32)
    search(graph, graph.vectors[:1], 4, nodes, distances)
    search_among(graph, graph.vectors[:1], 4, np.zeros(4, np.bool_), nodes, distances)
    search_links(graph, graph.vectors[:1], np.zeros((1, 1), np.int64), 4, np.zeros(4, np.bool_), nodes, distances)
    heal(graph, 4, np.arange(4) == 1)

"""Dropping what was deleted from a graph, so that everything that is left can still be found.

Where a share was deleted, the holes are closed (FreshDiskANN's way, see `kernels.hnsw.heal`): a node that has lost
neighbours chooses among those of the lost. That looks one step far. A region whose nodes were nearly all deleted has
nothing left there to choose from, and its last nodes would stand alone, to be found by nobody. So we look which nodes
can be reached before and after; where there are fewer, or most of the graph is gone anyway, it is built anew from the
vectors that are left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.vectors.kernels.hnsw import Graph


def without(
    old: Graph, nodes: int, dead: NDArray[np.bool_], ef: int
) -> tuple[Graph, NDArray[np.int64], NDArray[np.int64]]:
    """The graph of the living among the first `nodes`, their old numbers, and by those the new ones (-1 of the dead).

    There must be one who lives. Changes `old`. `ef` is the number of candidates of an insertion, for a graph that is
    built anew.
    """
    import numpy as np

    from windtunnel.blocks.vectors.kernels.hnsw import ENTRY, EVALUATIONS, TOP, empty_graph, heal, insert

    dead = dead[:nodes]
    live = np.flatnonzero(~dead)
    number = np.full(nodes, -1, np.int64)
    number[live] = np.arange(len(live))
    levels = old.levels[live]
    offsets = np.cumsum(levels, dtype=np.int64) - levels
    upper = np.repeat(old.first_upper[live] - offsets, levels) + np.arange(levels.sum())
    graph = empty_graph(len(live), len(upper), old.vectors.shape[1], old.upper_links.shape[1], old.metric)
    graph.vectors[:] = old.vectors[live]
    graph.levels[:] = levels
    graph.first_upper[:] = offsets
    if 2 * len(live) > nodes:
        before = int(np.count_nonzero(_reached(old, nodes)[live]))
        heal(old, nodes, dead)
        graph.counts[:] = old.counts[live]
        graph.links[:] = number[old.links[live]]  # beyond a row's count stands what nobody reads
        graph.upper_counts[:] = old.upper_counts[upper]
        graph.upper_links[:] = number[old.upper_links[upper]]
        graph.state[:] = old.state
        if dead[old.state[ENTRY]]:
            graph.state[ENTRY] = int(np.argmax(levels))
            graph.state[TOP] = int(levels.max())
        else:
            graph.state[ENTRY] = number[old.state[ENTRY]]
        if int(np.count_nonzero(_reached(graph, len(live)))) >= before:
            return graph, live, number
        graph.counts[:] = graph.upper_counts[:] = 0
        graph.state[:] = [-1, 0, 0, 0]
    graph.state[EVALUATIONS] = old.state[EVALUATIONS]
    insert(graph, 0, len(live), ef)
    return graph, live, number


def _reached(graph: Graph, nodes: int) -> NDArray[np.bool_]:
    """Which nodes links of level 0 lead to from the entry."""
    import numpy as np

    from windtunnel.blocks.vectors.kernels.hnsw import ENTRY
    from windtunnel.blocks.vectors.kernels.hnsw_reach import mark_reached

    marks = np.zeros(nodes, np.bool_)
    mark_reached(graph.links, graph.counts, int(graph.state[ENTRY]), marks, np.empty(nodes, np.int32))
    return marks

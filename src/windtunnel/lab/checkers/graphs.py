"""Cycles in directed graphs, without recursion: strongly connected components and shortest ways."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=Hashable)
Edge = TypeVar("Edge")


def components(after: Sequence[Sequence[int]]) -> list[list[int]]:
    """The strongly connected components of two nodes and more (Tarjan, 1972). `after[u]` lists u's successors."""
    n = len(after)
    index = [0] * n  # 0: not visited; later the order of discovery, or n + 1 once its component is known
    low = [0] * n
    done = n + 1
    found: list[list[int]] = []
    open_nodes: list[int] = []
    clock = 0
    for root in range(n):
        if index[root]:
            continue
        clock += 1
        index[root] = low[root] = clock
        open_nodes.append(root)
        path = [root]
        edges = [iter(after[root])]
        while path:
            u = path[-1]
            for v in edges[-1]:
                if not index[v]:
                    clock += 1
                    index[v] = low[v] = clock
                    open_nodes.append(v)
                    path.append(v)
                    edges.append(iter(after[v]))
                    break
                if index[v] < low[u]:
                    low[u] = index[v]
            else:
                path.pop()
                edges.pop()
                if path and low[u] < low[path[-1]]:
                    low[path[-1]] = low[u]
                if low[u] == index[u]:
                    size = len(open_nodes) - 1
                    while open_nodes[size] != u:
                        size -= 1
                    component = open_nodes[size:]
                    del open_nodes[size:]
                    for v in component:
                        index[v] = done
                    if len(component) > 1:
                        found.append(component)
    return found


def shortest_way(
    start: Node,
    is_goal: Callable[[Node], bool],
    edges: Callable[[Node], Iterable[tuple[Node, Edge]]],
    longest: int | None = None,
) -> tuple[list[Edge] | None, int]:
    """The fewest edges from `start` to a goal (none if the start is one), and how many edges were looked at.

    The way is None if there is no goal within `longest` edges.
    """
    if is_goal(start):
        return [], 0
    came: dict[Node, tuple[Node, Edge] | None] = {start: None}
    queue = deque([(start, 0)])
    looked = 0
    while queue:
        u, depth = queue.popleft()
        if longest is not None and depth >= longest:
            break
        for v, edge in edges(u):
            looked += 1
            if v in came:
                continue
            came[v] = (u, edge)
            if is_goal(v):
                way = []
                step = came[v]
                while step is not None:
                    way.append(step[1])
                    step = came[step[0]]
                return way[::-1], looked
            queue.append((v, depth + 1))
    return None, looked

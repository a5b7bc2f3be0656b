"""Where the places of a graph are drawn: in layers, by how many steps they are away from where it begins."""

from __future__ import annotations

from collections.abc import Iterable


def layers(steps: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The names of all places, by the most steps to them; within a layer each near those that lead to it.

    It begins at the places that no step leads to. Of a circle the place that is met first stands before the others.
    """
    after: dict[str, list[str]] = {}
    left: dict[str, int] = {}
    for here, there in steps:
        after.setdefault(here, []).append(there)
        after.setdefault(there, [])
        left.setdefault(here, 0)
        left[there] = left.get(there, 0) + 1
    depth: dict[str, int] = {}
    found: list[list[str]] = []
    while left:
        here = min(left, key=lambda name: (left[name], depth.get(name, len(left))))
        del left[here]
        at = depth.setdefault(here, 0)
        if at == len(found):
            found.append([])
        found[at].append(here)
        for there in after[here]:
            if there in left:
                left[there] -= 1
                depth[there] = max(at + 1, depth.get(there, 0))
    near: dict[str, list[float]] = {}
    for layer in found:
        layer.sort(key=lambda name: sum(near[name]) / len(near[name]) if name in near else 0.0)
        for place, name in enumerate(layer):
            for there in after[name]:
                near.setdefault(there, []).append((place + 0.5) / len(layer))
    return found

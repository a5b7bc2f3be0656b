"""What can be told of a round by its pieces, as counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Pieces = Sequence[tuple[int, int, int, int, int]]
"""How often each was done, from when to when, with how much processor time (nanoseconds), and in which process."""


def at_once(pieces: Pieces) -> int:
    """The most that were under way at one moment."""
    return max(len(under_way(pieces, at)) for _, at, *_ in pieces)


def interpreters(pieces: Pieces) -> int:
    """The most processes in which some were under way at one moment."""
    return max(len({process for *_, process in under_way(pieces, at)}) for _, at, *_ in pieces)


def under_way(pieces: Pieces, at: int) -> Pieces:
    """Those that had begun then and had not ended."""
    return [one for one in pieces if one[0] and one[1] <= at < one[2]]


def elsewhere(one: Mapping[str, Any]) -> int:
    """Pieces of a round that were done in another process than the one that asked for them."""
    return sum(process not in (0, one["here"]) for *_, process in one["pieces"])


def beside(one: Mapping[str, Any]) -> float:
    """Processor time of a round that went to anything but its pieces: for each second of theirs, the seconds of it."""
    pieces_s = sum(took for _, _, _, took, _ in one["pieces"]) / 1e9
    return max(0.0, one["cpu_s"] - pieces_s) / pieces_s if pieces_s else 0.0

"""The smallest list that still fails, for requests, faults and tapes of choices alike.

Delta debugging (Zeller & Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, TSE 2002). It works here
because luck belongs to the request: taking one away changes nothing for the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def minimise(items: Sequence[T], still_fails: Callable[[list[T]], bool], tries: int = 2_000) -> list[T]:
    """A part of `items`, in their order, that still fails and of which no single item can be left out.

    Args:
        still_fails: whether a list shows the failure; must hold for `items` themselves.
        tries: how often it may be asked; past that the smallest list found so far is returned.

    Raises:
        ValueError: the whole list does not fail.
    """
    spent = 0
    current = list(items)
    if not still_fails(current):
        raise ValueError("The whole list does not fail, so there is nothing to make smaller.")
    size = max(1, len(current) // 2)
    while current and spent < tries:
        start, cut = 0, False
        while start < len(current) and spent < tries:
            shorter = current[:start] + current[start + size :]
            spent += 1
            if still_fails(shorter):
                current, cut = shorter, True
            else:
                start += size
        if size == 1 and not cut:
            break
        size = max(1, min(size // 2, len(current) // 2))
    return current

"""Ranked slots over the arrays of `blocks.leaders.Leaders`, in the order in which `arrays()` hands them out.

A kernel unpacks `STATE` once, before its loop: to take an array out of a tuple counts a reference, too, as a call
does (see `words.inner`).
"""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.ground.kernels.words import Word, inner, types, uint64
from windtunnel.blocks.sketches.leaders import FREE

STATE = types.Tuple(
    (
        types.uint64[::1],  # hashes
        types.int64[::1],  # overcounts
        types.int32[::1],  # slots
        types.int32[::1],  # positions
        types.int32[::1],  # runs
        types.int64[::1],  # counts
        types.int32[::1],  # ends
        types.int32[::1],  # spare
        types.int32[::1],  # table
    )
)


@inner
def entry_of(hashes: Any, table: Any, h: Word) -> Word:
    """Where the table holds this hash, or would."""
    mask = uint64(table.size - 1)
    at = h & mask
    while table[at] != FREE and hashes[table[at]] != h:
        at = (at + uint64(1)) & mask
    return at


@inner
def find(hashes: Any, table: Any, h: Word) -> int:
    """The slot of a hash, or FREE."""
    return table[entry_of(hashes, table, h)]  # type: ignore[no-any-return]  # a slot


@inner
def forget(hashes: Any, table: Any, h: Word) -> None:
    """Take a hash out of the table, and close the gap."""
    mask = uint64(table.size - 1)
    gap = entry_of(hashes, table, h)
    at = (gap + uint64(1)) & mask
    while table[at] != FREE:
        home = hashes[table[at]] & mask
        if (at - home) & mask >= (at - gap) & mask:
            table[gap] = table[at]
            gap = at
        at = (at + uint64(1)) & mask
    table[gap] = FREE


@inner
def take_lowest(hashes: Any, overcounts: Any, slots: Any, runs: Any, counts: Any, table: Any, h: Word) -> int:
    """Give the first slot of the lowest run to another hash."""
    slot = slots[0]
    least = counts[runs[0]]
    if least > 0:
        forget(hashes, table, hashes[slot])
    overcounts[slot] = least
    hashes[slot] = h
    table[entry_of(hashes, table, h)] = slot
    return slot  # type: ignore[no-any-return]  # a slot


@inner
def raise_by(slots: Any, positions: Any, runs: Any, counts: Any, ends: Any, spare: Any, slot: int, count: int) -> None:
    """Raise the count of a slot by 1 or more, and move it up past all that are lower then."""
    position = positions[slot]
    run = runs[position]
    target = counts[run] + count
    while run != FREE and counts[run] < target:
        end = ends[run]
        moved = slots[end]
        slots[position] = moved
        positions[moved] = position
        runs[position] = run
        ends[run] = end - 1
        if end == 0 or runs[end - 1] != run:
            spare[0] += 1
            spare[spare[0]] = run
        position = end
        run = runs[position + 1] if position + 1 < slots.size else FREE
    if run == FREE or counts[run] != target:
        run = spare[spare[0]]
        spare[0] -= 1
        counts[run] = target
        ends[run] = position
    slots[position] = slot
    positions[slot] = position
    runs[position] = run


def warm() -> None:
    """Nothing to call: these run inside the kernels of `heavy_hitters`."""

"""What both compiled orders of a sorted set share: members as words, and how two entries compare.

Entries hold a **word** for their member. Where members are integers the word is the member. Where they are text the
word is an id, a small number, and members compare by `tie[id]`, their first eight bytes as a big-endian number, and
where those are equal by all their bytes. Ids are small in both cases, and `score[id]` is NaN for an absent member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from windtunnel.blocks.ground.kernels.words import inner, njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ids = NDArray[np.int64]
    Int = int | np.int64


class Members(NamedTuple):
    """By id. All but `score` are empty where members are integers."""

    score: NDArray[np.float64]
    tie: NDArray[np.uint64]
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    text: NDArray[np.uint8]


def no_members(ids: int, *, text: bool) -> Members:
    """Room for `ids` members, none of them in the set."""
    some = ids if text else 0
    return Members(
        np.full(ids, np.nan),
        np.zeros(some, np.uint64),
        np.zeros(some, np.int64),
        np.zeros(some, np.int64),
        np.zeros(16 if text else 0, np.uint8),
    )


@inner
def text_precedes(m: Members, a: int, b: int) -> bool:
    """Whether the bytes of member `a` sort before those of `b`; a prefix sorts first, as in Redis."""
    if m.tie[a] != m.tie[b]:
        return bool(m.tie[a] < m.tie[b])
    for i in range(min(m.length[a], m.length[b])):
        x, y = m.text[m.start[a] + i], m.text[m.start[b] + i]
        if x != y:
            return bool(x < y)
    return bool(m.length[a] < m.length[b])


@njit(cache=True, inline="always")
def precedes(m: Members, score_a: float, a: int, score_b: float, b: int) -> bool:
    """Whether the entry (`score_a`, word `a`) sorts before (`score_b`, word `b`)."""
    if score_a != score_b:
        return score_a < score_b
    if m.tie.size == 0:
        return a < b
    return a != b and text_precedes(m, a, b)


@njit(cache=True)
def write_ties(m: Members, ids: Ids) -> None:
    """Compute `tie` of these members from their first eight bytes."""
    for number in ids:
        key = np.uint64(0)
        for i in range(8):
            key <<= np.uint64(8)
            if i < m.length[number]:
                key |= np.uint64(m.text[m.start[number] + i])
        m.tie[number] = key


@njit(cache=True)
def move_texts(m: Members, ids: Ids, text: NDArray[np.uint8]) -> int:
    """Copy the bytes of these members to `text`, one after another; returns how many there are."""
    at = 0
    for number in ids:
        start, length = m.start[number], m.length[number]
        for i in range(length):
            text[at + i] = m.text[start + i]
        m.start[number] = at
        at += length
    return at


@njit(cache=True)
def scores_of(m: Members, ids: Ids, out: Floats) -> None:
    """Write the score of each id to `out`; NaN where the id is -1 or the member absent."""
    for i in range(ids.size):
        out[i] = m.score[ids[i]] if ids[i] >= 0 else np.nan


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    m = no_members(4, text=True)
    write_ties(m, np.arange(4))
    move_texts(m, np.arange(4), np.zeros(4, np.uint8))
    scores_of(m, np.array([-1, 0]), np.empty(2))

"""What both compiled orders of a sorted set share: members as words, and how two entries compare.

Entries hold a **word** for their member. Where members are integers the word is the member. Where they are text the
word is an id, a small number, and members compare by their first eight bytes as a big-endian number, and where
those are equal by all their bytes. Ids are small in both cases, and the score of an absent member is NaN.

A score is a word of its own. What a kernel reads of a text is a row of four words: its first bytes as a number, where
its bytes begin, how many there are, and its hash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from windtunnel.blocks.ground.kernels.words import njit
from windtunnel.blocks.ordered.kernels import paged_map
from windtunnel.blocks.ordered.kernels.pieces import byte, inner, number, part, set_number, set_word, unit, word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.kernels.pieces import Address, Int

    Floats = NDArray[np.float64]
    Ids = NDArray[np.int64]

SCORE_BITS, TEXT_BITS, NAME_BITS = 12, 10, 12
TEXT_WORDS = 4
TIE, START, LENGTH, HASH = range(0, 32, 8)  # bytes of a text's row


class Members(NamedTuple):
    """By id, in pieces (see `pieces`): scores, and the rows of texts; of those none where members are integers."""

    scores: NDArray[np.int64]
    texts: NDArray[np.int64]


@part
def score_of(m: Members, at: Int) -> float:
    """The score of the member with this id; NaN where it is absent."""
    return number(unit(m.scores, at, SCORE_BITS, 1))


@part
def set_score(m: Members, at: Int, score: float) -> None:
    set_number(unit(m.scores, at, SCORE_BITS, 1), score)


@part
def text_of(m: Members, at: Int) -> Address:
    """Where the row of a text begins."""
    return unit(m.texts, at, TEXT_BITS, TEXT_WORDS)


@inner
def text_precedes(m: Members, a: Int, b: Int) -> bool:
    """Whether the bytes of member `a` sort before those of `b`; a prefix sorts first, as in Redis."""
    first, second = text_of(m, a), text_of(m, b)
    tie, other = np.uint64(word(first + TIE)), np.uint64(word(second + TIE))
    if tie != other:
        return bool(tie < other)
    length, other_length = word(first + LENGTH), word(second + LENGTH)
    start, other_start = word(first + START), word(second + START)
    for i in range(8, min(length, other_length)):
        x, y = byte(start + i), byte(other_start + i)
        if x != y:
            return bool(x < y)
    return bool(length < other_length)


@part
def precedes(m: Members, score_a: float, a: Int, score_b: float, b: Int) -> bool:
    """Whether the entry (`score_a`, word `a`) sorts before (`score_b`, word `b`)."""
    if score_a != score_b:
        return bool(score_a < score_b)
    if m.texts.size == 0:
        return bool(a < b)
    return a != b and text_precedes(m, a, b)


@njit(cache=True, _nrt=False)
def write_texts(m: Members, ids: Ids, starts: Ids, lengths: Ids, hashes: Ids) -> None:
    """Write the rows of these members, whose bytes lie at `starts`."""
    for i in range(ids.size):
        key = np.uint64(0)
        for j in range(8):
            key <<= np.uint64(8)
            if j < lengths[i]:
                key |= np.uint64(byte(starts[i] + j))
        row = text_of(m, ids[i])
        set_word(row + TIE, np.int64(key))
        set_word(row + START, starts[i])
        set_word(row + LENGTH, lengths[i])
        set_word(row + HASH, hashes[i])


@njit(cache=True, _nrt=False)
def scores_of(m: Members, ids: Ids, out: Floats) -> None:
    """Write the score of each id to `out`; NaN where the id is -1 or the member absent."""
    for i in range(ids.size):
        out[i] = score_of(m, ids[i]) if ids[i] >= 0 else np.nan


@njit(cache=True, _nrt=False)
def gather(names: Ids, ids: Ids, none: int, out: Ids) -> None:
    """Write where the name of each id lies to `out`; `none` where the id is -1."""
    for i in range(ids.size):
        out[i] = word(unit(names, ids[i], NAME_BITS, 1)) if ids[i] >= 0 else none


@njit(cache=True, _nrt=False)
def release_integers(m: Members, directory: NDArray[np.int64], state: Ids, keys: Ids, free: Ids) -> None:
    """Take back the ids of those keys whose members are absent."""
    for key in keys:
        at = paged_map.find(directory, state, key)
        if at >= 0 and np.isnan(score_of(m, at)):
            paged_map.remove(directory, state, key)
            paged_map.give(state, free, at)


@njit(cache=True, _nrt=False)
def release_texts(m: Members, directory: NDArray[np.int64], state: Ids, ids: Ids, free: Ids) -> None:
    """Take back these ids, each of which is that of its text's hash in the table unless another's is there."""
    for at in ids:
        key = word(text_of(m, at) + HASH)
        if paged_map.find(directory, state, key) == at:
            paged_map.remove(directory, state, key)
        paged_map.give(state, free, at)


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    from windtunnel.blocks.ordered.kernels.pieces import Pieces

    scores, texts = Pieces(SCORE_BITS, fill=np.nan), Pieces(TEXT_BITS, TEXT_WORDS)
    names, free, table = Pieces(NAME_BITS), Pieces(paged_map.FREE_BITS), paged_map.PagedMap()
    m, ids, bytes_ = Members(scores.at, texts.at), np.arange(1, dtype=np.int64), np.zeros(1, np.int64)
    write_texts(m, ids, np.full(1, bytes_.ctypes.data), ids, ids)
    scores_of(m, ids, np.empty(1))
    gather(names.at, ids, 0, np.empty(1, np.int64))
    release_integers(m, table.directory, table.state, ids, free.at)
    release_texts(m, table.directory, table.state, ids, free.at)

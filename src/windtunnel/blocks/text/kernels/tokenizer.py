"""Words to numbers at the speed of C: cuts folded texts as `blocks.text.tokenizer.cut` does and numbers words.

No Python string is made. A word's hash grows with each of its characters; at its end an open-addressing table says its
number, after a comparison with the word that has it. The arrays belong to `windtunnel.blocks.text.vocabulary`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy import uint64 as U  # noqa: N812  (it stands in every line)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.text.tokenizer import Codes

SEPARATOR, LETTER, ALONE = 0, 1, 2
MULTIPLIER = U(0x9E3779B97F4A7C15)


@njit(cache=True)
def number_words(
    codes: Codes,
    starts: NDArray[np.int64],
    text: int,
    written: int,
    classes: NDArray[np.uint8],
    slots: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    ends: NDArray[np.int64],
    characters: NDArray[np.uint32],
    used: NDArray[np.int64],
    hidden: int,
    learn: bool,
    numbers: NDArray[np.int32],
    counts: NDArray[np.int64],
) -> tuple[int, int]:
    """Cut texts from `text` on; write the numbers of their words to `numbers[written:]`, and how many each has.

    An unknown word is -1 or, with `learn`, gets the next number; numbers below `hidden` are not written. Returns
    the text before which the vocabulary may become too small, and `written`: grow it and go on from there.
    """
    place = U(written)
    while text < starts.size - 1:
        at, stop = U(starts[text]), U(starts[text + 1])
        longest = np.int64(stop - at)
        if learn and (used[0] + longest > hashes.size or used[1] + longest > characters.size):
            break
        before = place
        while at < stop:
            first = at
            kind = classes[codes[at]]
            hashed = U(codes[at]) * MULTIPLIER
            at += U(1)
            if kind == SEPARATOR:
                continue
            while kind == LETTER and at < stop and classes[codes[at]] == LETTER:
                hashed = ((hashed ^ (hashed >> U(29))) + U(codes[at])) * MULTIPLIER
                at += U(1)
            hashed ^= hashed >> U(32)
            slot = find(codes, first, at - first, hashed, slots, hashes, ends, characters)
            if slots[slot] < 0 and learn:
                slots[slot] = used[0]
                append(codes, first, at - first, hashed, hashes, ends, characters, used)
            number = slots[slot]
            if number < 0 or number >= hidden:
                numbers[place] = number
                place += U(1)
        counts[text] = np.int64(place - before)
        text += 1
    return text, int(place)


@njit(cache=True)
def find(
    codes: Codes,
    first: U,
    length: U,
    hashed: U,
    slots: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    ends: NDArray[np.int64],
    characters: NDArray[np.uint32],
) -> U:
    """The slot of the word `codes[first : first + length]`, or the free one where it would stand."""
    mask = U(slots.size - 1)
    slot = hashed & mask
    while True:  # nested, not joined by "and": Numba makes twice as fast code of it
        number = slots[slot]
        if number < 0:
            break
        if hashes[U(number)] == hashed:
            start = U(ends[U(number)])
            if U(ends[U(number) + U(1)]) - start == length:
                same = U(0)
                while same < length and characters[start + same] == codes[first + same]:
                    same += U(1)
                if same == length:
                    break
        slot = (slot + U(1)) & mask
    return slot


@njit(cache=True)
def append(
    codes: Codes,
    first: U,
    length: U,
    hashed: U,
    hashes: NDArray[np.uint64],
    ends: NDArray[np.int64],
    characters: NDArray[np.uint32],
    used: NDArray[np.int64],
) -> None:
    """Keep a new word's characters, hash and end."""
    number, start = U(used[0]), U(used[1])
    for i in range(np.int64(length)):
        characters[start + U(i)] = codes[first + U(i)]
    hashes[number] = hashed
    ends[number + U(1)] = np.int64(start + length)
    used[0] += 1
    used[1] += np.int64(length)


@njit(cache=True)
def fill_slots(hashes: NDArray[np.uint64], words: int, slots: NDArray[np.int32]) -> None:
    """Make the table anew: `slots` come empty (-1)."""
    mask = U(slots.size - 1)
    for number in range(words):
        slot = hashes[number] & mask
        while slots[slot] >= 0:
            slot = (slot + U(1)) & mask
        slots[slot] = number


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    classes, slots = np.frombuffer(bytes(256), np.uint8), np.full(16, -1, np.int32)
    hashes, ends, characters = np.zeros(8, U), np.zeros(9, np.int64), np.zeros(8, np.uint32)
    fill_slots(hashes, 0, slots)
    both: tuple[Codes, ...] = np.frombuffer(b"ab c", np.uint8), np.frombuffer("ab c".encode("utf-32-le"), np.uint32)
    for codes in both:
        starts, used = np.array([0, 4]), np.zeros(2, np.int64)
        numbers, counts = np.empty(4, np.int32), np.empty(1, np.int64)
        number_words(codes, starts, 0, 0, classes, slots, hashes, ends, characters, used, 0, True, numbers, counts)

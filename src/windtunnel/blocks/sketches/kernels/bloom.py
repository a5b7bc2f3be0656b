"""The Bloom filters over batches of hashes: classic, blocked, counting."""

from __future__ import annotations

from typing import Any

import numpy as np

from windtunnel.blocks.ground.kernels.words import KEYS, MULTIPLIER, Word, high_product, njit, types, uint64

BYTES = types.uint8[::1]
FLAGS = types.boolean[::1]
STUCK = uint64(15)


@njit(types.UniTuple(types.int64, 2)(BYTES, types.uint64, types.int64, KEYS, types.int64, types.int64), cache=True)
def add(bits: Any, size: int, hash_count: int, hashes: Any, start: int, room: int) -> tuple[int, int]:
    """Set the bits of the keys from `start` until `room` were new; returns where it stopped, and how many were."""
    new = 0
    for i in range(start, hashes.size):
        if new == room:
            return i, new
        h = hashes[i]
        missing = uint64(0)
        for _ in range(hash_count):
            place = high_product(h, size)
            bit = uint64(1) << (place & uint64(7))
            old = uint64(bits[place >> uint64(3)])
            missing |= bit & ~old
            bits[place >> uint64(3)] = old | bit
            h *= MULTIPLIER
        new += missing != 0
    return hashes.size, new


@njit(types.void(BYTES, types.uint64, types.int64, KEYS, FLAGS), cache=True)
def contains(bits: Any, size: int, hash_count: int, hashes: Any, out: Any) -> None:
    """Whether all bits of each key are set."""
    for i in range(hashes.size):
        h = hashes[i]
        found = True
        for _ in range(hash_count):
            place = high_product(h, size)
            if not (uint64(bits[place >> uint64(3)]) >> (place & uint64(7))) & uint64(1):
                found = False
                break
            h *= MULTIPLIER
        out[i] = found


@njit(types.int64(types.uint64[::1], types.uint64, KEYS, KEYS), cache=True)
def add_blocked(words: Any, blocks: int, salts: Any, hashes: Any) -> int:
    """Set the bits of each key in its block; returns how many keys were new."""
    new = 0
    for i in range(hashes.size):
        h = hashes[i]
        base = high_product(h, blocks) << uint64(3)
        missing = uint64(0)
        for j in range(salts.size):
            place = (h * salts[j]) >> uint64(55)
            bit = uint64(1) << (place & uint64(63))
            at = base + (place >> uint64(6))
            old = words[at]
            missing |= bit & ~old
            words[at] = old | bit
        new += missing != 0
    return new


@njit(types.void(types.uint64[::1], types.uint64, KEYS, KEYS, FLAGS), cache=True)
def contains_blocked(words: Any, blocks: int, salts: Any, hashes: Any, out: Any) -> None:
    """Whether all bits of each key are set in its block."""
    for i in range(hashes.size):
        h = hashes[i]
        base = high_product(h, blocks) << uint64(3)
        found = uint64(1)
        for j in range(salts.size):  # no early exit: the line is here, and a wrong guess costs more than a few looks
            place = (h * salts[j]) >> uint64(55)
            found &= words[base + (place >> uint64(6))] >> (place & uint64(63))
        out[i] = found != 0


@njit
def change(nibbles: Any, counters: Word, hash_count: int, h: Word, by: Word) -> None:
    for _ in range(hash_count):
        place = high_product(h, counters)
        shift = (place & uint64(1)) << uint64(2)
        old = uint64(nibbles[place >> uint64(1)])
        if (old >> shift) & STUCK != STUCK:
            nibbles[place >> uint64(1)] = old + (by << shift)
        h *= MULTIPLIER


@njit
def lowered(nibbles: Any, counters: Word, hash_count: int, h: Word) -> bool:
    """Lower the counters of a key, or none of them where one would fall below zero."""
    again = h
    for done in range(hash_count):
        place = high_product(h, counters)
        shift = (place & uint64(1)) << uint64(2)
        old = uint64(nibbles[place >> uint64(1)])
        if not (old >> shift) & STUCK:
            change(nibbles, counters, done, again, uint64(1))
            return False
        if (old >> shift) & STUCK != STUCK:
            nibbles[place >> uint64(1)] = old - (uint64(1) << shift)
        h *= MULTIPLIER
    return True


@njit
def counted(nibbles: Any, counters: Word, hash_count: int, h: Word) -> bool:
    for _ in range(hash_count):
        place = high_product(h, counters)
        if not (uint64(nibbles[place >> uint64(1)]) >> ((place & uint64(1)) << uint64(2))) & STUCK:
            return False
        h *= MULTIPLIER
    return True


@njit(types.void(BYTES, types.uint64, types.int64, KEYS), cache=True)
def add_counting(nibbles: Any, counters: int, hash_count: int, hashes: Any) -> None:
    """Raise the counters of each key."""
    for i in range(hashes.size):
        change(nibbles, counters, hash_count, hashes[i], uint64(1))


@njit(types.void(BYTES, types.uint64, types.int64, KEYS, FLAGS), cache=True)
def remove_counting(nibbles: Any, counters: int, hash_count: int, hashes: Any, out: Any) -> None:
    """Lower the counters of each key that is there."""
    for i in range(hashes.size):
        out[i] = lowered(nibbles, counters, hash_count, hashes[i])


@njit(types.void(BYTES, types.uint64, types.int64, KEYS, FLAGS), cache=True)
def contains_counting(nibbles: Any, counters: int, hash_count: int, hashes: Any, out: Any) -> None:
    """Whether all counters of each key are above zero."""
    for i in range(hashes.size):
        out[i] = counted(nibbles, counters, hash_count, hashes[i])


def warm() -> None:
    """Call each kernel once."""
    cells, words = np.zeros(8, np.uint8), np.zeros(8, np.uint64)
    hashes, out = np.zeros(1, np.uint64), np.zeros(1, np.bool_)
    add(cells, 64, 1, hashes, 0, 1)
    contains(cells, 64, 1, hashes, out)
    add_blocked(words, 1, hashes, hashes)
    contains_blocked(words, 1, hashes, hashes, out)
    add_counting(cells, 16, 1, hashes)
    remove_counting(cells, 16, 1, hashes, out)
    contains_counting(cells, 16, 1, hashes, out)

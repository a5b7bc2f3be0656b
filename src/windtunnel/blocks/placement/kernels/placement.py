"""Jump, rendezvous and Maglev over batches of hashes."""

from __future__ import annotations

from math import inf, log
from typing import Any

import numpy as np

from windtunnel.blocks.ground.kernels.hashing import hash_word
from windtunnel.blocks.ground.kernels.words import KEYS, njit, types, uint64
from windtunnel.blocks.placement.placement import JUMP_MULTIPLIER as _JUMP_MULTIPLIER

JUMP_MULTIPLIER = uint64(_JUMP_MULTIPLIER)
INDICES = types.int32[::1]
UNIT = 1 / 2**53


@njit(types.void(KEYS, types.int64, INDICES), cache=True)
def jump_many(hashes: Any, buckets: int, out: Any) -> None:
    """The bucket of each key."""
    for i in range(hashes.size):
        h = hashes[i]
        bucket, following = np.int64(-1), np.int64(0)
        while following < buckets:
            bucket = following
            h = h * JUMP_MULTIPLIER + uint64(1)
            following = np.int64(np.float64(bucket + 1) * (2147483648.0 / np.float64(np.int64(h >> uint64(33)) + 1)))
        out[i] = bucket


@njit(types.void(KEYS, types.uint64[::1], INDICES), cache=True)
def rendezvous(hashes: Any, seeds: Any, out: Any) -> None:
    """The node with the highest draw for each key."""
    for i in range(hashes.size):
        best, winner = uint64(0), 0
        for node in range(seeds.size):
            draw = (hash_word(hashes[i] ^ seeds[node]) >> uint64(11)) + uint64(1)
            if draw > best:
                best, winner = draw, node
        out[i] = winner


@njit(types.void(KEYS, types.uint64[::1], types.float64[::1], INDICES), cache=True)
def rendezvous_weighted(hashes: Any, seeds: Any, weights: Any, out: Any) -> None:
    """The node with the highest score for each key.

    The highest score is the lowest `-ln u / weight`; as `1 - u` is never above `-ln u`, most logarithms can be
    left out.
    """
    for i in range(hashes.size):
        best, winner = inf, 0
        for node in range(seeds.size):
            u = (np.float64(np.int64(hash_word(hashes[i] ^ seeds[node]) >> uint64(11))) + 0.5) * UNIT
            if (1 - u) < best * weights[node]:
                time = -log(u) / weights[node]
                if time < best:
                    best, winner = time, node
        out[i] = winner


@njit(types.void(types.int64[::1], types.int64[::1], types.float64[::1], INDICES), cache=True)
def fill_maglev(favourites: Any, skips: Any, turns: Any, table: Any) -> None:
    """Nodes take turns, by weight, to claim their next favourite entry that is free (-1); in the first turn, all do."""
    credit = np.empty(turns.size)
    for node in range(turns.size):
        credit[node] = (1.0 if turns[node] > 0 else 0.0) - turns[node]
    left = table.size
    while True:
        for node in range(turns.size):
            credit[node] += turns[node]
            if credit[node] < 1:
                continue
            credit[node] -= 1
            at = favourites[node]
            while table[at] >= 0:
                at += skips[node]
                if at >= table.size:
                    at -= table.size
            favourites[node] = at
            table[at] = node
            left -= 1
            if left == 0:
                return


@njit(types.void(INDICES, KEYS, INDICES), cache=True)
def look_up(table: Any, hashes: Any, out: Any) -> None:
    """The entry of each key."""
    size = uint64(table.size)
    for i in range(hashes.size):
        out[i] = table[hashes[i] % size]


def warm() -> None:
    """Call each kernel once."""
    hashes, out, ones = np.zeros(1, np.uint64), np.zeros(1, np.int32), np.ones(1)
    jump_many(hashes, 1, out)
    rendezvous(hashes, hashes.copy(), out)
    rendezvous_weighted(hashes, hashes.copy(), ones, out)
    fill_maglev(np.zeros(1, np.int64), np.ones(1, np.int64), ones, np.full(2, -1, np.int32))
    look_up(out, hashes, out)

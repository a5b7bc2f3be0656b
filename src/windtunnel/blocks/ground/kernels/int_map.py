"""A hash table from int64 keys to dense ids, open addressing with linear probing, for kernels that need a dictionary.

`table` is an array of shape (2^k, 2): a key and its id plus one, zero where the place is empty (so that a fresh table
is zeros). At most half of it is used. Key and id lie side by side: one cache miss a lookup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Table = NDArray[np.int64]
    Ids = NDArray[np.int64]
    Int = int | np.int64

ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: consecutive keys are spread evenly (Knuth, TAOCP 6.4)


def empty_table(entries: int) -> Table:
    """A table with room for `entries` keys."""
    places = 16
    while places < 2 * entries:
        places *= 2
    return np.zeros((places, 2), np.int64)


@njit(cache=True, inline="always")
def _home(key: Int, places: Int) -> Int:
    mixed = np.uint64(key) * ODD
    return np.int64((mixed ^ (mixed >> np.uint64(32))) & np.uint64(places - 1))


@njit(cache=True)
def find(table: Table, key: Int) -> Int:
    """The id of `key`, or -1."""
    last = table.shape[0] - 1
    place = _home(key, last + 1)
    while table[place, 1] != 0:
        if table[place, 0] == key:
            return np.int64(table[place, 1] - 1)
        place = (place + 1) & last
    return -1


@njit(cache=True)
def find_many(table: Table, keys: Ids, ids: Ids) -> None:
    """Write the id of each key, or -1, to `ids`."""
    for i in range(keys.size):
        ids[i] = find(table, keys[i])


@njit(cache=True)
def put(table: Table, key: int, number: int) -> None:
    """Enter a key that is absent."""
    last = table.shape[0] - 1
    place = _home(key, last + 1)
    while table[place, 1] != 0:
        place = (place + 1) & last
    table[place, 0] = key
    table[place, 1] = number + 1


@njit(cache=True)
def remove(table: Table, key: int) -> None:
    """Take out a key that is there; what was pushed past it moves back, so that no tombstone is needed."""
    last = table.shape[0] - 1
    hole = _home(key, last + 1)
    while table[hole, 0] != key or table[hole, 1] == 0:
        hole = (hole + 1) & last
    place = hole
    while True:
        place = (place + 1) & last
        if table[place, 1] == 0:
            break
        if (place - _home(table[place, 0], last + 1)) & last >= (place - hole) & last:
            table[hole, 0] = table[place, 0]
            table[hole, 1] = table[place, 1]
            hole = place
    table[hole, 1] = 0


@njit(cache=True)
def rehash(old: Table, new: Table) -> None:
    """Enter all of `old` in the larger, empty `new`."""
    for place in range(old.shape[0]):
        if old[place, 1] != 0:
            put(new, old[place, 0], old[place, 1] - 1)


@njit(cache=True)
def number_keys(table: Table, keys: Ids, ids: Ids) -> int:
    """Give each distinct key an id in the order of first appearance; returns how many there are. `table` is empty."""
    distinct = 0
    for i in range(keys.size):
        number = find(table, keys[i])
        if number < 0:
            number = distinct
            put(table, keys[i], number)
            distinct += 1
        ids[i] = number
    return distinct


@njit(cache=True)
def intern_many(table: Table, keys: Ids, ids: Ids, free: Ids, next_and_free: Ids) -> None:
    """Write the id of each key to `ids`; a key without one gets a free id, else the next.

    `next_and_free` holds the next id never given and how many ids lie in `free`. The table has room.
    """
    for i in range(keys.size):
        number = find(table, keys[i])
        if number < 0:
            if next_and_free[1] > 0:
                next_and_free[1] -= 1
                number = free[next_and_free[1]]
            else:
                number = next_and_free[0]
                next_and_free[0] += 1
            put(table, keys[i], number)
        ids[i] = number


@njit(cache=True)
def release_many(table: Table, keys: Ids, score: NDArray[np.float64], free: Ids, next_and_free: Ids) -> None:
    """Take back the ids of those keys whose `score` is NaN."""
    for key in keys:
        number = find(table, key)
        if number >= 0 and np.isnan(score[number]):
            remove(table, key)
            free[next_and_free[1]] = number
            next_and_free[1] += 1


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    table, keys = empty_table(4), np.arange(4, dtype=np.int64)
    number_keys(table, keys, np.empty(4, np.int64))
    find_many(table, keys, np.empty(4, np.int64))
    find(table, 1)
    put(table, 9, 9)
    remove(table, 9)
    rehash(table, empty_table(64))
    intern_many(empty_table(4), keys, np.empty(4, np.int64), np.zeros(4, np.int64), np.zeros(2, np.int64))
    release_many(table, keys, np.zeros(4), keys, np.zeros(2, np.int64))

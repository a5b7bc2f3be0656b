"""A hash table from int64 keys to small ids that grows a page at a time.

The idea is linear hashing (Litwin, "Linear hashing: a new tool for file and table addressing", VLDB 1980): when the
table is full on average, one page is split in two, whichever's turn it is, so that no addition ever waits for all keys
to be moved. Page `p` of `2^k + i` splits by the next bit of the hash. A page is a table with open addressing and linear
probing, of (key, id plus one) side by side and zero where a place is empty: one cache miss a lookup.

A page that fills up out of turn becomes twice as long, by itself. A mixed hash does that to nobody by chance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from windtunnel.blocks.ground.kernels.words import njit
from windtunnel.blocks.ordered.kernels.pieces import Arena, inner, own, part, set_word, unit, word
from windtunnel.splitmix import mix

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from windtunnel.blocks.ordered.kernels.pieces import Address, Int, Words

PLACES = 4096
"""Places of a page; the first has fewer at first."""
ENTRIES = 1536
"""Entries of a page on average: those that are split next hold up to twice as many."""
FREE_BITS = 12
PAGES, MASK, HELD, FULL, NEXT, FREE = range(6)  # places in `state`
WHERE, LAST, USED = range(3)  # columns of the directory

mixed = njit(inline="always")(mix)


class PagedMap:
    """The pages, and what kernels get of them: `directory` has a row a page, `state` the numbers that change."""

    def __init__(self) -> None:
        self.moved = 0
        """How many words all growth so far has looked at or copied."""
        self._arena = Arena(2 * PLACES)
        self._pages = [np.zeros((16, 2), np.int64)]
        self.state = np.array([1, 0, 0, -1, 0, 0], np.int64)
        self.directory = np.zeros((4, 3), np.int64)
        self._enter(0, self._pages[0], 0)

    def __getstate__(self) -> dict[str, Any]:
        return {"pages": self._pages, "state": self.state, "directory": self.directory, "moved": self.moved}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._pages = [own(page) for page in state["pages"]]
        self.state, self.directory = own(state["state"]), own(state["directory"])
        self.moved = state["moved"]
        self._arena = Arena(2 * PLACES)
        for i, page in enumerate(self._pages):
            self.directory[i, WHERE] = page.ctypes.data

    def grow(self) -> None:
        """What `intern_many` asked for: a page that is split, or the full one twice as long."""
        if self.state[HELD] >= self.state[PAGES] * ENTRIES:
            self._split()
            return
        full = int(self.state[FULL])
        page = self._page(2 * len(self._pages[full]))
        self.moved += 2 * len(self._pages[full])
        used, _ = spread(self.directory[full], page, page, 0)
        self._enter(full, page, used)

    def _split(self) -> None:
        pages = len(self._pages)
        bit = 1 << (pages.bit_length() - 1)
        old = pages - bit
        places = PLACES if self.directory[old, USED] <= PLACES * 3 // 4 else len(self._pages[old])
        low, high = self._page(places), self._page(places)
        self.moved += 2 * len(self._pages[old])
        stay, leave = spread(self.directory[old], low, high, bit)
        if pages == len(self.directory):
            self.moved += self.directory.size
            self.directory = np.concatenate([self.directory, np.zeros_like(self.directory)])
        self._pages.append(high)
        self._enter(old, low, stay)
        self._enter(pages, high, leave)
        self.state[PAGES], self.state[MASK] = pages + 1, 2 * bit - 1

    def _page(self, places: int) -> NDArray[np.int64]:
        return self._arena.take().reshape(-1, 2) if places == PLACES else np.zeros((places, 2), np.int64)

    def _enter(self, at: int, page: NDArray[np.int64], used: int) -> None:
        if len(self._pages[at]) == PLACES and page is not self._pages[at]:
            self._arena.give(self._pages[at].reshape(-1))
        self._pages[at] = page
        self.directory[at] = page.ctypes.data, len(page) - 1, used


@part
def row_of(state: Words, mixed_key: Any) -> Int:
    """The page of a key: its lowest bits, one fewer where that page has not been split off yet."""
    row = np.int64(mixed_key) & state[MASK]
    return row if row < state[PAGES] else row & (state[MASK] >> 1)


@part
def home(mixed_key: Any, last: Int) -> Int:
    """The place of a key in its page: of other bits than the page."""
    return np.int64(mixed_key >> np.uint64(40)) & last


@part
def way(directory: NDArray[np.int64], state: Words, key: Int) -> tuple[Int, Address, Int, Int]:
    """The page of a key, where it lies, its last place, and the place where the search begins."""
    mixed_key = mixed(np.uint64(key))
    row = row_of(state, mixed_key)
    last = directory[row, LAST]
    return row, directory[row, WHERE], last, home(mixed_key, last)


@inner
def find(directory: NDArray[np.int64], state: Words, key: Int) -> Int:
    """The id of `key`, or -1."""
    _, where, last, place = way(directory, state, key)
    while True:
        at = where + place * 16
        held = word(at + 8)
        if held == 0:
            return np.int64(-1)
        if word(at) == key:
            return np.int64(held - 1)
        place = (place + 1) & last


@inner
def room(directory: NDArray[np.int64], state: Words, key: Int) -> bool:
    """Whether one more key may be entered; if not, the table has to grow."""
    row = row_of(state, mixed(np.uint64(key)))
    if state[HELD] < state[PAGES] * ENTRIES and directory[row, USED] < (directory[row, LAST] + 1) // 4 * 3:
        return True
    state[FULL] = row
    return False


@inner
def put(directory: NDArray[np.int64], state: Words, key: Int, number: Int) -> None:
    """Enter a key that is absent; there is room."""
    row, where, last, place = way(directory, state, key)
    while word(where + place * 16 + 8) != 0:
        place = (place + 1) & last
    set_word(where + place * 16, key)
    set_word(where + place * 16 + 8, number + 1)
    directory[row, USED] += 1
    state[HELD] += 1


@inner
def remove(directory: NDArray[np.int64], state: Words, key: Int) -> None:
    """Take out a key that is there; what was pushed past it moves back, so that no tombstone is needed."""
    row, where, last, hole = way(directory, state, key)
    while word(where + hole * 16) != key or word(where + hole * 16 + 8) == 0:
        hole = (hole + 1) & last
    place = hole
    while True:
        place = (place + 1) & last
        at = where + place * 16
        if word(at + 8) == 0:
            break
        if (place - home(mixed(np.uint64(word(at))), last)) & last >= (place - hole) & last:
            set_word(where + hole * 16, word(at))
            set_word(where + hole * 16 + 8, word(at + 8))
            hole = place
    set_word(where + hole * 16 + 8, 0)
    directory[row, USED] -= 1
    state[HELD] -= 1


@njit(cache=True)
def spread(old: Words, low: NDArray[np.int64], high: NDArray[np.int64], bit: int) -> tuple[int, int]:
    """Enter all of the page with the row `old` in two empty ones, by a bit of the hash; how many each got."""
    stay, leave = 0, 0
    for place in range(old[LAST] + 1):
        at = old[WHERE] + place * 16
        held = word(at + 8)
        if held != 0:
            key = word(at)
            mixed_key = mixed(np.uint64(key))
            into = high if np.int64(mixed_key) & bit else low
            last = into.shape[0] - 1
            put_in(into, last, home(mixed_key, last), key, held)
            if np.int64(mixed_key) & bit:
                leave += 1
            else:
                stay += 1
    return stay, leave


@inner
def put_in(page: NDArray[np.int64], last: Int, place: Int, key: Int, held: Int) -> None:
    while page[place, 1] != 0:
        place = (place + 1) & last
    page[place, 0], page[place, 1] = key, held


@njit(cache=True, _nrt=False)
def find_many(directory: NDArray[np.int64], state: Words, keys: Words, ids: Words) -> None:
    """Write the id of each key, or -1, to `ids`."""
    for i in range(keys.size):
        ids[i] = find(directory, state, keys[i])


@njit(cache=True, _nrt=False)
def intern_many(directory: NDArray[np.int64], state: Words, keys: Words, ids: Words, free: Words, first: int) -> int:
    """Write the id of each key from `first` on to `ids`; a key without one gets a free id, else the next.

    `free` are the pieces of the stack of free ids. Returns how far it came: less than `keys.size` if the table has to
    grow.
    """
    for i in range(first, keys.size):
        number = find(directory, state, keys[i])
        if number < 0:
            if not room(directory, state, keys[i]):
                return i
            number = take(state, free)
            put(directory, state, keys[i], number)
        ids[i] = number
    return keys.size


@njit(cache=True, _nrt=False)
def enter_many(
    directory: NDArray[np.int64], state: Words, keys: Words, ids: Words, twin: NDArray[np.bool_], first: int
) -> int:
    """Enter keys from `first` on with these ids; `twin` says whose key is there already, which stays as it is.

    Returns how far it came: less than `keys.size` if the table has to grow.
    """
    for i in range(first, keys.size):
        twin[i] = find(directory, state, keys[i]) >= 0
        if not twin[i]:
            if not room(directory, state, keys[i]):
                return i
            put(directory, state, keys[i], ids[i])
    return keys.size


@njit(cache=True, _nrt=False)
def take_many(state: Words, free: Words, ids: Words) -> None:
    """Ids that are free, else the next."""
    for i in range(ids.size):
        ids[i] = take(state, free)


@inner
def take(state: Words, free: Words) -> Int:
    """A free id, else the next."""
    if state[FREE] > 0:
        state[FREE] -= 1
        return word(unit(free, state[FREE], FREE_BITS, 1))
    state[NEXT] += 1
    return state[NEXT] - 1


@inner
def give(state: Words, free: Words, number: Int) -> None:
    """Take an id back."""
    set_word(unit(free, state[FREE], FREE_BITS, 1), number)
    state[FREE] += 1


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    table, keys, ids = PagedMap(), np.arange(40, dtype=np.int64), np.empty(40, np.int64)
    free, done = np.zeros(16, np.int64), 0
    while (done := intern_many(table.directory, table.state, keys, ids, free, done)) < keys.size:
        table.grow()
    find_many(table.directory, table.state, keys, ids)
    enter_many(table.directory, table.state, keys, ids, np.zeros(40, np.bool_), 0)
    take_many(table.state, free, ids)

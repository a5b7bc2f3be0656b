"""W-TinyLFU: let in only who is asked for more often than the one who would have to go.

The idea (Einziger, Friedman, Manes, "TinyLFU: a highly efficient cache admission policy", ACM ToS 2017; the library
Caffeine for Java). Count how often each key is asked for, cached or not, in a few bits: a Count-Min sketch with
counters up to 15, all halved after ten times as many requests as the cache has places, so that old fame fades. When a
newcomer would push a key out, compare: the one asked for more often stays.

A newcomer has had no time to become famous, so it starts in a **window**, an LRU queue of a hundredth of the cache, and
faces the comparison when it leaves it. Behind lies a segmented LRU: keys used again there move from **probation** to
**protected** (four fifths of it).
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from typing import Generic

from windtunnel.blocks.caching.cache_policies import KeyT, PolicyBlock, checked_capacity
from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.hashing import stable_hash

ROWS = 4
MOST_USES = 15
SAMPLE = 10  # requests a place, after which the counters are halved
# Odd, from the fractional parts of square roots of 2, 3, 5, 7: a row takes the upper bits of hash times multiplier.
MULTIPLIERS = (0x6A09E667F3BCC909, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1)
_WORD = 2**64 - 1


def segment_sizes(capacity: int) -> tuple[int, int, int]:
    """Places in the window, in the main part, and how many of the main part may be protected."""
    window = max(1, capacity // 100)
    main = capacity - window
    return window, main, main * 4 // 5


def sketch_bits(capacity: int) -> int:
    """Logarithm of the counters a row: at least four for each place in the cache."""
    return max(4, (4 * capacity - 1).bit_length())


def key_hash(key: object) -> int:
    """The same in every process for text, bytes and integers of 64 bits; for other keys Python's own hash."""
    if type(key) is str or type(key) is bytes or (type(key) is int and -(1 << 63) <= key < 1 << 63):
        with suppress(UnicodeEncodeError):  # half of a surrogate pair has no bytes
            return stable_hash(key)
    return hash(key) & _WORD


class FrequencySketch(Block):
    """How often a key was asked for lately, never less than the truth within the sample. For one thread."""

    def __init__(self, capacity: int) -> None:
        capacity = checked_capacity(capacity)
        bits = sketch_bits(capacity)
        self._shift = 64 - bits
        self._rows = [bytearray(1 << bits) for _ in range(ROWS)]
        self._left = self._sample = SAMPLE * capacity

    def _told(self) -> dict[str, object]:
        return {"counters": ROWS * len(self._rows[0]), "sample": self._sample}

    def add(self, key: object) -> None:
        word = key_hash(key)
        for row, multiplier in zip(self._rows, MULTIPLIERS, strict=True):
            place = (word * multiplier & _WORD) >> self._shift
            if row[place] < MOST_USES:
                row[place] += 1
        self._left -= 1
        if self._left == 0:
            self._left = self._sample
            self._rows = [bytearray(count >> 1 for count in row) for row in self._rows]

    def count(self, key: object) -> int:
        word = key_hash(key)
        return min(
            row[(word * multiplier & _WORD) >> self._shift]
            for row, multiplier in zip(self._rows, MULTIPLIERS, strict=True)
        )


class WTinyLfu(PolicyBlock, Generic[KeyT]):
    """Not safe to share between threads; no method awaits."""

    def __init__(self, capacity: int) -> None:
        self.capacity = checked_capacity(capacity)
        self._window_size, self._main_size, self._protected_size = segment_sizes(self.capacity)
        self._sketch = FrequencySketch(self.capacity)
        # Least recently used first, as all three; a key as it was let in, which may be 1 and asked for as True.
        self._window: OrderedDict[KeyT, KeyT] = OrderedDict()
        self._probation: OrderedDict[KeyT, KeyT] = OrderedDict()
        self._protected: OrderedDict[KeyT, KeyT] = OrderedDict()

    def __len__(self) -> int:
        return len(self._window) + len(self._probation) + len(self._protected)

    def __contains__(self, key: object) -> bool:
        return key in self._protected or key in self._probation or key in self._window

    def hit(self, key: KeyT) -> None:
        self._sketch.add(key)
        if key in self._probation:
            held = self._probation.pop(key)
            self._protected[held] = held
            if len(self._protected) > self._protected_size:
                demoted, _ = self._protected.popitem(last=False)
                self._probation[demoted] = demoted
        elif key in self._protected:
            self._protected.move_to_end(key)
        else:
            self._window.move_to_end(key)

    def admit(self, key: KeyT) -> KeyT | None:
        self._sketch.add(key)
        self._window[key] = key
        if len(self._window) <= self._window_size:
            return None
        candidate, _ = self._window.popitem(last=False)
        if len(self._probation) + len(self._protected) < self._main_size:
            self._probation[candidate] = candidate
            return None
        segment = self._probation or self._protected
        if not segment:  # a cache of one place is all window
            return candidate
        victim = next(iter(segment))
        if self._sketch.count(candidate) <= self._sketch.count(victim):
            return candidate
        del segment[victim]
        self._probation[candidate] = candidate
        return victim

    def evict(self) -> KeyT:
        """Send one of those held away: of the next to go in the window and behind it, who is asked for less often."""
        segments = [one for one in (self._window, self._probation or self._protected) if one]
        segment = min(segments, key=lambda one: self._sketch.count(next(iter(one))))
        return segment.popitem(last=False)[0]

    def remove(self, key: KeyT) -> None:
        for segment in (self._window, self._probation, self._protected):
            if key in segment:
                del segment[key]
                return
        raise KeyError(key)

"""Heavy hitters: which keys came most, in memory for `k` of them.

`SpaceSaving` keeps `k` counters. A key without one takes over the lowest, count and all: the count it inherits is
what it may be too high by. Every key that came more than `total / k` times has a counter (Metwally, Agrawal and
El Abbadi, ICDT 2005). `CountMinTopK` estimates every key with a Count-Min sketch and keeps the `k` with the highest
estimates; it takes more memory and can also answer for keys that are not among them.

Keys are told apart by their 64-bit hashes: of a million keys two are taken for one with probability 3 in 10**8.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.envelope import seal, unseal
from windtunnel.blocks.ground.hashing import Batch, Key, Keys, plain_key, stable_hash
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.sketches.count_min import CountMin, checked_count, checked_counts, counts_of_block
from windtunnel.blocks.sketches.leaders import FREE, Leaders

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_SLOTS = (1 << 31) - 2
"""Slots are numbered in 32 bits."""


class Hitter(NamedTuple):
    """A key and how often it came, or more: up to `overcount` of it may belong to other keys."""

    key: Key
    estimate: int
    overcount: int


class _Candidates:
    """`k` keys with their counts: what both kinds of heavy hitters keep."""

    def __init__(self, k: int) -> None:
        self.leaders = Leaders(k)
        self.labels: list[Key] = [0] * k

    def __iter__(self) -> Iterator[Hitter]:
        """Lowest count first."""
        leaders = self.leaders
        for slot in leaders.ascending():
            yield Hitter(self.labels[slot], leaders.count_of(slot), leaders.overcounts[slot])

    def top(self, count: int) -> list[Hitter]:
        """Highest count first."""
        return list(self)[::-1][:count]

    def take(self, key: Key, h: int, count: int) -> int:
        """Give the lowest slot to a key and raise it by so much."""
        slot = self.leaders.take_lowest(h)
        self.labels[slot] = plain_key(key)
        self.leaders.raise_by(slot, count)
        return slot

    def relabel(self, sources: NDArray[np.int64], keys: Any) -> None:
        """After a batch: note the keys of the slots that changed hands, by their index in the batch."""
        for slot in (sources != FREE).nonzero()[0].tolist():
            key = keys[int(sources[slot])]
            self.labels[slot] = plain_key(key.as_py() if hasattr(key, "as_py") else key)

    @classmethod
    def of(cls, k: int, hitters: Iterable[Hitter]) -> _Candidates:
        """Made from what was kept, lowest count first."""
        made = cls(k)
        for one in [*hitters][::-1]:  # from the highest down, nobody moves past another
            slot = made.take(one.key, stable_hash(one.key), one.estimate)
            made.leaders.overcounts[slot] = one.overcount
        return made


class SpaceSaving(Block):
    """Counts of tracked keys are never too low, and too high by at most `total / k`.

    Every key that came more than `total / k` times is tracked.

    Not for several threads at once: guard it with a lock, or keep one for each thread and merge. Safe among asyncio
    tasks, since no method awaits.
    """

    KIND, VERSION = "space-saving", 1

    def __init__(self, k: int) -> None:
        self.k = whole(k, "The number of counters", 1, MOST_SLOTS)
        self.total = 0
        self._candidates = _Candidates(self.k)

    def _told(self) -> dict[str, object]:
        return {"k": self.k, "total": self.total}

    def add(self, key: Key, count: int = 1) -> None:
        """Count a key once, or so many times."""
        count = checked_count(count, self.total)
        h, leaders = stable_hash(key), self._candidates.leaders
        if count == 0:
            return
        self.total += count
        slot = leaders.find(h)
        if slot == FREE:
            self._candidates.take(key, h, count)
        else:
            leaders.raise_by(slot, count)

    def add_many(self, keys: Keys, counts: NDArray[np.int64] | None = None) -> None:
        """Count a batch: each key once, or as often as `counts` says beside it."""
        import numpy as np

        from windtunnel.blocks.sketches.kernels.heavy_hitters import space_saving

        keys, batch = _kept(keys)
        weights, added = checked_counts(len(batch), counts, self.total)
        sources, leaders = np.full(self.k, FREE, np.int64), self._candidates.leaders.arrays()
        for start, hashes in batch.blocks():
            space_saving(leaders, sources, start, hashes, counts_of_block(weights, start, hashes.size))
        self.total += added
        self._candidates.relabel(sources, keys)

    def estimate(self, key: Key) -> int:
        """How often a key came at most: its count, or for a key that is not tracked the lowest count."""
        leaders = self._candidates.leaders
        slot = leaders.find(stable_hash(key))
        return leaders.lowest if slot == FREE else leaders.count_of(slot)

    def top(self, count: int | None = None) -> list[Hitter]:
        """The tracked keys, highest count first: all of them, or the first so many."""
        return self._candidates.top(self.k if count is None else count)

    def merge(self, other: SpaceSaving) -> None:
        """Take in the counts of another; the guarantee holds for both streams together.

        A key that only one of them tracks may have come as often as the other's lowest count (Agarwal et al.,
        "Mergeable Summaries", PODS 2012). Raises `ValueError` for another `k`.
        """
        if not isinstance(other, SpaceSaving) or self.k != other.k:
            raise ValueError(f"Only summaries of the same number of counters can be merged: {self!r} and {other!r}.")
        checked_count(other.total, self.total)
        absent = [Hitter(0, one._candidates.leaders.lowest, one._candidates.leaders.lowest) for one in (self, other)]
        # By hash, as everywhere: "a" and b"a" are one key.
        mine, theirs = ({stable_hash(hitter.key): hitter for hitter in one._candidates} for one in (self, other))
        both = []
        for h in {**mine, **theirs}:
            a, b = mine.get(h, absent[0]), theirs.get(h, absent[1])
            both.append(
                Hitter((mine if h in mine else theirs)[h].key, a.estimate + b.estimate, a.overcount + b.overcount)
            )
        both.sort(key=lambda hitter: hitter.estimate)
        self._candidates = _Candidates.of(self.k, both[-self.k :])
        self.total += other.total

    def to_bytes(self) -> bytes:
        """The summary in its stored form."""
        return seal(self.KIND, self.VERSION, {"k": self.k, "total": self.total}, _written(self._candidates))

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The summary that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        made = cls(header["k"])
        made.total = header["total"]
        made._candidates = _Candidates.of(made.k, _read(payload))
        return made


class CountMinTopK(Block):
    """The `k` keys with the highest estimates of a conservative Count-Min sketch.

    Counts are never too low, and too high by more than `epsilon * total` with probability `delta`.

    Not for several threads at once: guard it with a lock. Safe among asyncio tasks, since no method awaits.
    """

    KIND, VERSION = "count-min top k", 1

    def __init__(self, k: int, epsilon: float = 0.001, delta: float = 0.01) -> None:
        self.k = whole(k, "The number of candidates", 1, MOST_SLOTS)
        self.sketch = CountMin(epsilon, delta, conservative=True)
        self._candidates = _Candidates(self.k)

    def _told(self) -> dict[str, object]:
        return {"k": self.k, "epsilon": self.sketch.epsilon, "delta": self.sketch.delta, "total": self.total}

    @property
    def total(self) -> int:
        """The sum of all counts."""
        return self.sketch.total

    def add(self, key: Key, count: int = 1) -> None:
        """Count a key once, or so many times."""
        self.sketch.add(key, count)
        self._consider(key)

    def _consider(self, key: Key) -> None:
        """Note the new estimate of a key if it is, or now belongs, among the highest."""
        h, leaders = stable_hash(key), self._candidates.leaders
        estimate, slot = self.sketch.estimate(key), leaders.find(h)
        if slot == FREE:
            if estimate > leaders.lowest:
                slot = self._candidates.take(key, h, estimate - leaders.lowest)
                leaders.overcounts[slot] = 0
        elif estimate > leaders.count_of(slot):
            leaders.raise_by(slot, estimate - leaders.count_of(slot))

    def add_many(self, keys: Keys, counts: NDArray[np.int64] | None = None) -> None:
        """Count a batch: each key once, or as often as `counts` says beside it."""
        import numpy as np

        from windtunnel.blocks.sketches.kernels.heavy_hitters import count_min_top

        keys, batch = _kept(keys)
        weights, added = checked_counts(len(batch), counts, self.total)
        sources, leaders = np.full(self.k, FREE, np.int64), self._candidates.leaders.arrays()
        sketch = self.sketch
        for start, hashes in batch.blocks():
            of_block = counts_of_block(weights, start, hashes.size)
            count_min_top(sketch._array(), sketch.width, sketch.depth, leaders, sources, start, hashes, of_block)
        sketch.total += added
        self._candidates.relabel(sources, keys)

    def estimate(self, key: Key) -> int:
        """How often a key came, or more: of any key."""
        return self.sketch.estimate(key)

    def top(self, count: int | None = None) -> list[Hitter]:
        """The candidates, highest estimate first; their overcount is not known and stands as 0."""
        return self._candidates.top(self.k if count is None else count)

    def merge(self, other: CountMinTopK) -> None:
        """Take in the counts of another made alike: sketches add up, and the candidates of both are ranked anew."""
        if not isinstance(other, CountMinTopK) or self.k != other.k:
            raise ValueError(f"Only summaries of the same number of candidates can be merged: {self!r} and {other!r}.")
        self.sketch.merge(other.sketch)
        keys = {stable_hash(hitter.key): hitter.key for one in (other, self) for hitter in one._candidates}
        ranked = sorted(
            (Hitter(key, self.sketch.estimate(key), 0) for key in keys.values()), key=lambda hitter: hitter.estimate
        )
        self._candidates = _Candidates.of(self.k, ranked[-self.k :])

    def to_bytes(self) -> bytes:
        """Sketch and candidates in their stored form."""
        sketch = self.sketch.to_bytes()
        return seal(self.KIND, self.VERSION, {"k": self.k, "sketch": len(sketch)}, sketch + _written(self._candidates))

    @classmethod
    def from_bytes(cls, blob: bytes | bytearray | memoryview) -> Self:
        """The summary that was stored; raises `DamagedError` for anything else."""
        header, payload = unseal(cls.KIND, cls.VERSION, blob)
        made = cls.__new__(cls)
        made.k = header["k"]
        made.sketch = CountMin.from_bytes(payload[: header["sketch"]])
        made._candidates = _Candidates.of(made.k, _read(payload[header["sketch"] :]))
        return made


def _kept(keys: Keys) -> tuple[Any, Batch]:
    """Keys that can be taken by index, and the batch of them."""
    batch = Batch(kept := keys if hasattr(keys, "dtype") or hasattr(keys, "null_count") else _listed(keys))
    return kept, batch


def _listed(keys: Any) -> Any:
    """A list of what can be walked but perhaps not indexed; what a batch refuses is left to it."""
    walked = hasattr(keys, "__iter__") and not isinstance(keys, str | bytes | bytearray | memoryview | list)
    return list(keys) if walked else keys


def _written(hitters: Iterable[Hitter]) -> bytes:
    """The candidates as JSON; bytes as their hexadecimal digits, to be told from texts."""
    rows = [
        [{"bytes": key.hex()} if isinstance(key, bytes) else key, estimate, overcount]
        for key, estimate, overcount in hitters
    ]
    return json.dumps(rows, separators=(",", ":")).encode()


def _read(payload: bytes) -> Iterator[Hitter]:
    for key, estimate, overcount in json.loads(payload):
        yield Hitter(bytes.fromhex(key["bytes"]) if isinstance(key, dict) else key, estimate, overcount)

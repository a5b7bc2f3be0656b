"""Placement against packages in C and Python, and against what NumPy does with the same arrays."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bench.harness import Row, Timed

KEYS = 200_000
SINGLES = 50_000
NODES = [f"node-{i}" for i in range(100)]


def job(count: int, run: Callable[[], object]) -> Timed:
    """A timed part that does `count` operations."""

    def timed() -> int:
        run()
        return count

    return timed


def ring_rows() -> Iterator[Row]:
    from xxhash import xxh3_64_intdigest

    from windtunnel.blocks.placement import HashRing

    packages = ("uhashring", "pyarrow")
    numbers = np.arange(KEYS, dtype=np.uint64)
    strings = [f"user:{i:07d}" for i in range(KEYS)]
    few = strings[:SINGLES]
    ring = HashRing(NODES, 160)
    places = ring.table().places
    as_list = places.tolist()

    def ours(keys: Any) -> Callable[[], Timed]:
        return lambda: job(len(keys), lambda: ring.lookup_many(keys))

    def uhashring(keys: list[Any]) -> Timed:
        from uhashring import HashRing as Peer

        peer = Peer(NODES)
        return job(len(keys), lambda: [peer.get_node(key) for key in keys])

    def by_bisect(keys: list[str]) -> Timed:
        return job(len(keys), lambda: [bisect_left(as_list, xxh3_64_intdigest(key.encode())) for key in keys])

    def by_searchsorted() -> Timed:
        return job(KEYS, lambda: np.searchsorted(places, numpy_mix(numbers)))

    yield Row(
        "ring lookup, 100 nodes x 160, 64-bit keys from an array",
        {
            "ours": ours(numbers),
            "NumPy, a mix of the bits and searchsorted": by_searchsorted,
            "uhashring (Python), one by one": lambda: uhashring(numbers.tolist()),
        },
        bar=1.0,
        packages=packages,
    )
    yield Row(
        "ring lookup, 100 nodes x 160, list of Python strings",
        {
            "ours": ours(strings),
            "bisect and xxh3, one by one": lambda: by_bisect(strings),
            "uhashring (Python), one by one": lambda: uhashring(strings),
        },
        bar=0.7,
        packages=packages,
    )
    yield Row(
        "ring lookup, 100 nodes x 160, one string (a call each)",
        {
            "ours": lambda: job(SINGLES, lambda: [ring.lookup(key) for key in few]),
            "uhashring (Python)": lambda: uhashring(few),
            "bisect and xxh3, inline": lambda: by_bisect(few),
        },
        packages=packages,
    )


def other_rows() -> Iterator[Row]:
    from windtunnel.blocks.placement import (
        MAGLEV_SIZE,
        MaglevTable,
        Rendezvous,
        jump_hash,
        jump_hash_many,
        maglev_reference,
        weighted,
    )

    numbers = np.arange(KEYS, dtype=np.uint64)
    as_list = numbers.tolist()

    def c_jump(count: int) -> Callable[[], Timed]:
        def prepare() -> Timed:
            import jump

            return job(count, lambda: [jump.hash(key, 1000) for key in as_list[:count]])

        return prepare

    yield Row(
        "jump hash, 1000 buckets, 64-bit keys from an array",
        {
            "ours": lambda: job(KEYS, lambda: jump_hash_many(numbers, 1000)),
            "jump-consistent-hash (C)": c_jump(KEYS),
        },
        bar=1.0,
        note="ours hashes each key first, so that keys need not be random",
        packages=("jump-consistent-hash",),
    )
    yield Row(
        "jump hash, 1000 buckets, one integer (a call each)",
        {
            "ours": lambda: job(SINGLES, lambda: [jump_hash(key, 1000) for key in as_list[:SINGLES]]),
            "jump-consistent-hash (C)": c_jump(SINGLES),
        },
        packages=("jump-consistent-hash",),
    )

    def rendezvous_row(count: int) -> Row:
        some, keys = NODES[:count], numbers[: 10 * KEYS // count]
        even, uneven = Rendezvous(some), Rendezvous({node: 1 + i % 3 for i, node in enumerate(some)})
        return Row(
            f"rendezvous, {count} nodes, 64-bit keys from an array",
            {
                "ours": lambda: job(keys.size, lambda: even.lookup_many(keys)),
                "ours, three weights": lambda: job(keys.size, lambda: uneven.lookup_many(keys)),
                "NumPy, one pass a node": lambda: job(keys.size, lambda: numpy_rendezvous(some, keys)),
            },
            bar=1.0,
        )

    yield rendezvous_row(10)
    yield rendezvous_row(100)
    yield Row(
        f"Maglev table of {MAGLEV_SIZE} entries for 100 nodes, build (entries)",
        {
            "ours": lambda: job(MAGLEV_SIZE, lambda: MaglevTable(NODES)),
            "plain Python": lambda: job(MAGLEV_SIZE, lambda: maglev_reference(weighted(NODES), MAGLEV_SIZE)),
        },
        unit="entry/s",
        bar=1.0,
        note="no package builds one; the peer is the text that the kernel compiles",
    )
    table = MaglevTable(NODES)
    yield Row(
        "Maglev lookup, 64-bit keys from an array",
        {
            "ours": lambda: job(KEYS, lambda: table.lookup_many(numbers)),
            "NumPy modulo and take": lambda: job(
                KEYS, lambda: table.table[numpy_mix(numbers) % np.uint64(MAGLEV_SIZE)]
            ),
        },
        bar=1.0,
    )


def numpy_mix(x: np.ndarray) -> np.ndarray:
    """The finaliser of MurmurHash3: what one writes in NumPy in the place of a hash."""
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    x = (x ^ (x >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return x ^ (x >> np.uint64(33))


def numpy_rendezvous(nodes: list[str], keys: np.ndarray) -> np.ndarray:
    """For each node one pass over all keys that keeps the highest draw and who drew it."""
    best, winner = np.zeros(keys.size, np.uint64), np.zeros(keys.size, np.int32)
    for i in range(len(nodes)):
        draw = numpy_mix(keys ^ np.uint64(0x9E3779B97F4A7C15 * (i + 1) % 2**64))
        won = draw > best
        best[won] = draw[won]
        winner[won] = i
    return winner


def rows() -> Iterator[Row]:
    """All rows of the group."""
    yield from ring_rows()
    yield from other_rows()

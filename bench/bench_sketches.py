"""Sketches against the best packages in C, C++ and Rust: batches from arrays, from lists, and single keys.

Each job builds its sketch anew, so that all contenders pay for their memory. Peers are given their fastest form: a list
where they take no arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import e, exp
from typing import Any

import numpy as np

from bench.harness import Row, Timed

KEYS = 1_000_000
SINGLES = 50_000
ERROR_RATE = 0.01
CACHED_NOTE = "ours hashes the array anew in every job; peers take a list of Python integers"


def integers(count: int = KEYS) -> np.ndarray:
    return np.arange(count, dtype=np.uint64) + np.uint64(1 << 40)


def texts(count: int = KEYS) -> list[str]:
    return [f"user:{i:07d}" for i in range(count)]


def zipf(count: int = KEYS) -> np.ndarray:
    """Two hundred thousand ids, Zipf with exponent 1.1."""
    weights = np.arange(1, 200_001) ** -1.1
    return np.searchsorted(np.cumsum(weights) / weights.sum(), np.random.default_rng(1).random(count)).astype(np.uint64)


def arrow(items: list[str]) -> Any:
    import pyarrow as pa

    return pa.array(items)


def job(count: int, run: Callable[[], object]) -> Timed:
    """A timed part that does `count` operations."""

    def timed() -> int:
        run()
        return count

    return timed


def rbloom() -> Any:
    from rbloom import Bloom

    return Bloom(KEYS, ERROR_RATE)


def fastbloom() -> Any:
    from fastbloom_rs import FilterBuilder

    return FilterBuilder(KEYS, ERROR_RATE).build_bloom_filter()


def filled(filter_: Any, method: str, keys: Any) -> Any:
    getattr(filter_, method)(keys)
    return filter_


def bloom_rows() -> Iterator[Row]:
    from windtunnel.blocks.sketches import BlockedBloomFilter, BloomFilter, CountingBloomFilter

    packages = ("rbloom", "fastbloom-rs", "pyarrow")
    numbers, strings = integers(), texts()
    as_list = numbers.tolist()

    def peers(method: str, keys: Any) -> dict[str, Callable[[], Timed]]:
        return {
            "rbloom (Rust)": lambda: (rbloom(), job(KEYS, lambda: rbloom().update(keys)))[1],
            "fastbloom-rs (Rust)": lambda: (fastbloom(), job(KEYS, lambda: getattr(fastbloom(), method)(keys)))[1],
        }

    def ours(keys: Any, kind: type[Any] = BloomFilter) -> Callable[[], Timed]:
        return lambda: job(KEYS, lambda: kind(KEYS, ERROR_RATE).add_many(keys))

    yield Row(
        "Bloom, add, 64-bit keys from an array",
        {"ours": ours(numbers), "ours, blocked": ours(numbers, BlockedBloomFilter), **peers("add_int_batch", as_list)},
        bar=1.0,
        note=CACHED_NOTE,
        packages=packages,
    )
    yield Row(
        "Bloom, add, list of Python integers",
        {"ours": ours(as_list), **peers("add_int_batch", as_list)},
        bar=0.7,
        packages=packages,
    )
    yield Row(
        "Bloom, add, strings from Arrow",
        {"ours": lambda: ours(arrow(strings))(), **peers("add_str_batch", strings)},
        bar=1.0,
        packages=packages,
    )
    yield Row(
        "Bloom, add, list of Python strings",
        {"ours": ours(strings), "ours, blocked": ours(strings, BlockedBloomFilter), **peers("add_str_batch", strings)},
        bar=0.7,
        packages=packages,
    )

    def contains_row(form: str, keys: Any, peer_keys: Any, method: str, bar: float) -> Row:
        made = {kind: filled(kind(KEYS, ERROR_RATE), "add_many", keys) for kind in (BloomFilter, BlockedBloomFilter)}
        return Row(
            f"Bloom, contains, {form}",
            {
                "ours": lambda: _contains(made[BloomFilter], keys),
                "ours, blocked": lambda: _contains(made[BlockedBloomFilter], keys),
                "fastbloom-rs (Rust)": lambda: _contains(
                    filled(fastbloom(), f"add_{method}_batch", peer_keys), peer_keys, f"contains_{method}_batch"
                ),
                "rbloom (Rust), one by one": lambda: _contains_each(filled(rbloom(), "update", peer_keys), peer_keys),
            },
            bar=bar,
            packages=packages,
        )

    yield contains_row("64-bit keys from an array", numbers, as_list, "int", 1.0)
    yield contains_row("list of Python strings", strings, strings, "str", 0.7)
    yield Row(
        "Bloom of 24 MB, beyond the caches: contains, 64-bit keys from an array",
        {
            "ours, blocked": lambda: _contains(
                filled(BlockedBloomFilter(20 * KEYS, ERROR_RATE), "add_many", numbers), numbers
            ),
            "ours": lambda: _contains(filled(BloomFilter(20 * KEYS, ERROR_RATE), "add_many", numbers), numbers),
            "fastbloom-rs (Rust)": lambda: _contains(
                filled(_large_fastbloom(), "add_int_batch", as_list), as_list, "contains_int_batch"
            ),
        },
        bar=1.0,
        packages=packages,
    )
    yield Row(
        "Counting Bloom, add, 64-bit keys from an array",
        {
            "ours": ours(numbers, CountingBloomFilter),
            "fastbloom-rs (Rust)": lambda: (
                _counting_fastbloom(),
                job(KEYS, lambda: _counting_fastbloom().add_int_batch(as_list)),
            )[1],
        },
        bar=1.0,
        packages=packages,
    )
    few = strings[:SINGLES]
    yield Row(
        "Bloom, add one string (a call each)",
        {
            "ours": lambda: _each(lambda: BloomFilter(KEYS, ERROR_RATE).add, few),
            "rbloom (Rust)": lambda: _each(lambda: rbloom().add, few),
            "fastbloom-rs (Rust)": lambda: _each(lambda: fastbloom().add_str, few),
        },
        packages=packages,
    )


def _contains(filter_: Any, keys: Any, method: str = "contains_many") -> Timed:
    return job(len(keys), lambda: getattr(filter_, method)(keys))


def _contains_each(filter_: Any, keys: Any) -> Timed:
    return job(len(keys), lambda: [key in filter_ for key in keys])


def _large_fastbloom() -> Any:
    from fastbloom_rs import FilterBuilder

    return FilterBuilder(20 * KEYS, ERROR_RATE).build_bloom_filter()


def _counting_fastbloom() -> Any:
    from fastbloom_rs import FilterBuilder

    return FilterBuilder(KEYS, ERROR_RATE).build_counting_bloom_filter()


def _each(make: Callable[[], Callable[[Any], object]], keys: list[Any]) -> Timed:
    """One call for each key, of the bound method of a fresh object."""

    def timed() -> int:
        call = make()
        for key in keys:
            call(key)
        return len(keys)

    make()
    return timed


def hyperloglog_rows() -> Iterator[Row]:
    from windtunnel.blocks.sketches import HyperLogLog

    packages = ("datasketches", "polars", "pyarrow")
    numbers, strings = integers(), texts()
    as_list = numbers.tolist()

    def ours(keys: Any) -> Callable[[], Timed]:
        return lambda: job(KEYS, lambda: HyperLogLog(14).add_many(keys))

    def datasketches() -> Any:
        import datasketches

        return datasketches.hll_sketch(14).update

    def polars(values: Any) -> Callable[[], Timed]:
        def prepare() -> Timed:
            import polars

            series = polars.Series(values)
            return job(KEYS, series.approx_n_unique)

        return prepare

    def polars_from_list() -> Timed:
        import polars

        return job(KEYS, lambda: polars.Series(strings).approx_n_unique())

    yield Row(
        "HyperLogLog (p = 14), add, 64-bit keys from an array",
        {
            "ours": ours(numbers),
            "polars (Rust)": polars(numbers),
            "datasketches (C++)": lambda: _each(datasketches, as_list),
        },
        bar=1.0,
        packages=packages,
    )
    yield Row(
        "HyperLogLog (p = 14), add, strings from Arrow",
        {"ours": lambda: ours(arrow(strings))(), "polars (Rust)": polars(strings)},
        bar=1.0,
        packages=packages,
    )
    yield Row(
        "HyperLogLog (p = 14), add, list of Python strings",
        {
            "ours": ours(strings),
            "polars (Rust)": polars_from_list,
            "datasketches (C++)": lambda: _each(datasketches, strings),
        },
        bar=0.7,
        packages=packages,
    )
    few = strings[:SINGLES]
    yield Row(
        "HyperLogLog (p = 14), add one string (a call each)",
        {
            "ours": lambda: _each(lambda: HyperLogLog(14).add, few),
            "datasketches (C++)": lambda: _each(datasketches, few),
        },
        packages=packages,
    )


def count_min_rows() -> Iterator[Row]:
    from windtunnel.blocks.sketches import CountMin

    packages = ("datasketches", "bounter", "pyarrow")
    numbers = zipf()
    strings = [f"user:{i}" for i in numbers.tolist()]
    as_list = numbers.tolist()

    def ours(keys: Any, conservative: bool = False) -> Callable[[], Timed]:
        return lambda: job(KEYS, lambda: sketch(conservative).add_many(keys))

    def sketch(conservative: bool = False) -> CountMin:
        made = CountMin(e / 65536, exp(-5), conservative=conservative)
        if (made.width, made.depth) != (65536, 5):
            raise AssertionError("the row speaks of 5 rows of 65536")
        return made

    def datasketches() -> Any:
        import datasketches

        return datasketches.count_min_sketch(5, 65536)

    def bounter() -> Any:
        from bounter import CountMinSketch

        return CountMinSketch(width=65536, depth=5)

    def ours_query(keys: Any) -> Callable[[], Timed]:
        def prepare() -> Timed:
            made = filled(sketch(), "add_many", keys)
            return job(KEYS, lambda: made.estimate_many(keys))

        return prepare

    def datasketches_query(keys: list[Any]) -> Timed:
        made = datasketches()
        for key in keys:
            made.update(key)
        return job(KEYS, lambda: [made.get_estimate(key) for key in keys])

    def bounter_query() -> Timed:
        made = filled(bounter(), "update", strings)
        return job(KEYS, lambda: [made[key] for key in strings])

    yield Row(
        "Count-Min 5 x 65536, add, 64-bit keys from an array",
        {
            "ours": ours(numbers),
            "ours, conservative": ours(numbers, True),
            "datasketches (C++)": lambda: _each(lambda: datasketches().update, as_list),
        },
        bar=1.0,
        packages=packages,
    )
    yield Row(
        "Count-Min 5 x 65536, query, 64-bit keys from an array",
        {"ours": ours_query(numbers), "datasketches (C++)": lambda: datasketches_query(as_list)},
        bar=1.0,
        packages=packages,
    )
    yield Row(
        "Count-Min 5 x 65536, add, list of Python strings",
        {
            "ours": ours(strings),
            "ours, conservative": ours(strings, True),
            "bounter (C)": lambda: (bounter(), job(KEYS, lambda: bounter().update(strings)))[1],
            "datasketches (C++)": lambda: _each(lambda: datasketches().update, strings),
        },
        bar=0.7,
        note="bounter updates conservatively",
        packages=packages,
    )
    yield Row(
        "Count-Min 5 x 65536, query, list of Python strings",
        {
            "ours": ours_query(strings),
            "bounter (C)": bounter_query,
            "datasketches (C++)": lambda: datasketches_query(strings),
        },
        bar=0.7,
        packages=packages,
    )
    few = strings[:SINGLES]
    yield Row(
        "Count-Min 5 x 65536, add one string (a call each)",
        {
            "ours": lambda: _each(lambda: sketch().add, few),
            "bounter (C)": lambda: _each(lambda: bounter().increment, few),
            "datasketches (C++)": lambda: _each(lambda: datasketches().update, few),
        },
        packages=packages,
    )


def heavy_hitter_rows() -> Iterator[Row]:
    from windtunnel.blocks.sketches import CountMinTopK, SpaceSaving

    packages = ("datasketches", "bounter", "pyarrow")
    numbers = zipf()
    strings = [f"user:{i}" for i in numbers.tolist()]
    as_list = numbers.tolist()
    note = "bounter keeps a pruned hash table of 4096 buckets and gives no guarantee a key; datasketches 1536 counters"

    def ours(keys: Any, kind: type[Any] = SpaceSaving) -> Callable[[], Timed]:
        return lambda: job(KEYS, lambda: kind(1024).add_many(keys))

    def datasketches() -> Any:
        import datasketches

        return datasketches.frequent_strings_sketch(11).update

    def datasketches_items() -> Any:
        import datasketches

        return datasketches.frequent_items_sketch(11).update

    def bounter() -> Any:
        from bounter import HashTable

        return HashTable(buckets=4096)

    yield Row(
        "heavy hitters (1024), add, 64-bit keys from an array",
        {
            "ours": ours(numbers),
            "ours, Count-Min with a ranking": ours(numbers, CountMinTopK),
            "datasketches (C++)": lambda: _each(datasketches_items, as_list),
            "bounter (C), the keys as strings": lambda: (bounter(), job(KEYS, lambda: bounter().update(strings)))[1],
        },
        bar=1.0,
        note=note,
        packages=packages,
    )
    yield Row(
        "heavy hitters (1024), add, list of Python strings",
        {
            "ours": ours(strings),
            "ours, Count-Min with a ranking": ours(strings, CountMinTopK),
            "datasketches (C++)": lambda: _each(datasketches, strings),
            "bounter (C)": lambda: (bounter(), job(KEYS, lambda: bounter().update(strings)))[1],
        },
        bar=0.7,
        note=note,
        packages=packages,
    )
    few = strings[:SINGLES]
    yield Row(
        "heavy hitters (1024), add one string (a call each)",
        {
            "ours": lambda: _each(lambda: SpaceSaving(1024).add, few),
            "datasketches (C++)": lambda: _each(datasketches, few),
            "bounter (C)": lambda: _each(lambda: bounter().increment, few),
        },
        note=f"ours is plain Python for single keys; {note}",
        packages=packages,
    )


def quantile_rows() -> Iterator[Row]:
    from windtunnel.blocks.sketches import DDSketch

    packages = ("datasketches", "ddsketch")
    values = np.random.default_rng(1).lognormal(3, 1, KEYS)
    few = values[:SINGLES].tolist()

    def datasketches(name: str, size: int) -> Callable[[], Timed]:
        def prepare() -> Timed:
            import datasketches

            kind = getattr(datasketches, name)
            return job(KEYS, lambda: kind(size).update(values))

        return prepare

    def datadog() -> Any:
        import ddsketch

        return ddsketch.DDSketch(0.01).add

    yield Row(
        "quantiles, add, floats from an array",
        {
            "ours (DDSketch, 1 %)": lambda: job(KEYS, lambda: DDSketch(0.01).add_many(values)),
            "datasketches KLL 200 (C++)": datasketches("kll_doubles_sketch", 200),
            "datasketches t-digest 100 (C++)": datasketches("tdigest_double", 100),
        },
        bar=1.0,
        note="DDSketch bounds the relative error of the value; KLL and t-digest the rank",
        packages=packages,
    )
    yield Row(
        "quantiles, add one float (a call each)",
        {
            "ours (DDSketch, 1 %)": lambda: _each(lambda: DDSketch(0.01).add, few),
            "ddsketch (Python, Datadog)": lambda: _each(datadog, few),
        },
        packages=packages,
    )


def rows() -> Iterator[Row]:
    """All rows of the group."""
    yield from bloom_rows()
    yield from hyperloglog_rows()
    yield from count_min_rows()
    yield from heavy_hitter_rows()
    yield from quantile_rows()

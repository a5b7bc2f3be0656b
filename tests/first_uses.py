"""The first use of each block, as a program of its own: prints as JSON what Numba compiled for each.

After `python -m windtunnel.warm` nothing should be. `test_warm.py` runs this and reads the answer. A block with
kernels belongs here: a function that calls every method that ends in compiled code, with each form of input.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from typing import Any


def frozen(numbers: Any) -> Any:
    """An array that may not be written to, as those of Arrow and of shared memory."""
    import numpy as np

    made = np.array(numbers)
    made.flags.writeable = False
    return made


def forms_of_keys() -> list[Any]:
    import numpy as np
    import pyarrow as pa

    texts = ["a", "b"]
    return [
        texts,
        [b"a", 1],
        np.arange(2, dtype=np.uint64),
        frozen([0, 1]),
        np.arange(2, dtype=np.int32),
        pa.array(texts),
        pa.array(texts, pa.large_string()),
    ]


def checksums() -> None:
    from windtunnel.blocks.broker import crc32c

    for data in (bytes(5000), bytearray(5000), memoryview(bytearray(5000))):
        crc32c(data)


def bloom_filters() -> None:
    from windtunnel.blocks.sketches.bloom import BloomFilter
    from windtunnel.blocks.sketches.bloom_blocked import BlockedBloomFilter
    from windtunnel.blocks.sketches.bloom_counting import CountingBloomFilter
    from windtunnel.blocks.sketches.bloom_scalable import ScalableBloomFilter
    from windtunnel.blocks.sketches.fuse import BinaryFuseFilter

    for kind in (BloomFilter, BlockedBloomFilter, CountingBloomFilter, ScalableBloomFilter):
        made = kind(10)
        for keys in forms_of_keys():
            made.add_many(keys)
            made.contains_many(keys)
        if isinstance(made, CountingBloomFilter):
            made.remove_many(["a"])
        kind.from_bytes(made.to_bytes()).add_many(["c"])
    for bits in (8, 16):
        for keys in forms_of_keys():
            BinaryFuseFilter(iter(keys) if isinstance(keys, list) else keys, bits).contains_many(keys)


def hyperloglog() -> None:
    import numpy as np

    from windtunnel.blocks.sketches.hyperloglog import HyperLogLog

    made = HyperLogLog(8)
    made.add_many(["a"])
    made.add_many(np.arange(1000))
    HyperLogLog.from_bytes(made.to_bytes()).add_many(["b"])


def count_min() -> None:
    import numpy as np

    from windtunnel.blocks.sketches.count_min import CountMin

    for conservative in (False, True):
        made = CountMin(0.1, 0.1, conservative=conservative)
        made.add_many(["a"])
        made.add_many(["a", "b"], np.array([1, 2]))
        made.add_many(["a", "b"], frozen([1, 2]))
        CountMin.from_bytes(made.to_bytes()).estimate_many(["a"])


def heavy_hitters() -> None:
    import numpy as np

    from windtunnel.blocks.sketches.heavy_hitters import CountMinTopK, SpaceSaving

    for made in (SpaceSaving(3), CountMinTopK(3)):
        made.add_many(["a"])
        made.add_many(["a", "b"], np.array([1, 2]))
        made.add_many(["a", "b"], frozen([1, 2]))
        type(made).from_bytes(made.to_bytes()).add_many(["c"])


def quantiles() -> None:
    import numpy as np

    from windtunnel.blocks.sketches.quantiles import DDSketch

    made = DDSketch()
    made.add_many([1.0, -2.0])
    made.add_many(np.arange(3))
    made.add_many(frozen([1.0, -2.0]))
    DDSketch.from_bytes(made.to_bytes()).add_many(np.ones(2))


def placement() -> None:
    from windtunnel.blocks.placement.placement import MaglevTable, Rendezvous, jump_hash_many
    from windtunnel.blocks.placement.ring import BoundedLoads, HashRing

    for keys in forms_of_keys():
        jump_hash_many(keys, 3)
        for nodes in (["a", "b"], {"a": 1, "b": 2}):
            HashRing(nodes).lookup_many(keys)
            Rendezvous(nodes).lookup_many(keys)
            MaglevTable(nodes, 101).lookup_many(keys)
    BoundedLoads(HashRing({"a": 1, "b": 2}), 0.5).assign_many(["a"])


def sorted_sets() -> None:
    import numpy as np

    from windtunnel.blocks.ordered.sorted_set import SortedSet

    frozen = np.arange(20)
    frozen.flags.writeable = False
    texts = [f"member {i}" for i in range(20)]
    for kind, batches in ((int, (list(range(20)), np.arange(20), frozen)), (str, (texts,)), (bytes, ([b"a"],))):
        for order in ("counted blocks", "skip list"):
            made: Any = SortedSet(kind, order=order)  # type: ignore[type-var,arg-type]  # each of the kinds and orders
            for members in batches:
                made.add_many(members, np.arange(len(members)))
                made.increment_many(members, [1.0] * len(members))
                made.scores(members)
                made.ranks(members)
            made.add(members[0], 1.0)
            made.range(0, 3)
            made.range_by_score(0, 9)
            made.ranges([0, 1], np.array([2, -1]))
            made.counts([0.0], [5.0])
            SortedSet.from_bytes(kind, made.to_bytes(), order=order)
            made.remove_many(members)


def search() -> None:
    from windtunnel.blocks.text.inverted_index import InvertedIndex

    for texts in (["one two", "two"], ["é", "漢字 a"]):
        for norms in ("exact", "lucene"):
            made = InvertedIndex(norms=norms)  # type: ignore[arg-type]  # each of the norms
            made.add(texts)
            made.search("two")
            for method in ("max-score", "wand", "all"):
                made.search_many(texts, 1, method=method)  # type: ignore[arg-type]  # each of the methods
            made.document_frequency("two")
            InvertedIndex.from_bytes(made.to_bytes()).add(texts)


def completion() -> None:
    import numpy as np

    from windtunnel.blocks.text.prefix_completion import PrefixCompletion

    for weights in ([1.0, 2.0], np.arange(2.0), frozen([1.0, 2.0])):
        made = PrefixCompletion()
        made.add_many(["ab", "é"], weights)
        made.complete_many(["a", "é", ""], 2)
        made.add_many(["ab", "é"], weights)
        made.remove("ab")
        PrefixCompletion.from_bytes(made.to_bytes()).complete("a")


def recommending() -> None:
    import numpy as np

    from windtunnel.blocks.recommend import Ease, Histories, InnerProducts, ItemCosine, Popularity, TwoTowers

    pairs = np.array([[0, 1], [1, 2], [2, 0], [0, 2], [1, 1]])
    seen = Histories.of(pairs, 3, 4)
    for negatives in (0, 2):
        towers = TwoTowers(3, 4, 2, negatives=negatives)
        towers.train(pairs, epochs=2, batch=2)
        towers.recommend([0, 1], 2, seen=seen)
    TwoTowers.from_bytes(towers.to_bytes()).train(pairs)
    for made in (Popularity(3, 4), ItemCosine(3, 4), Ease(3, 4)):
        made.fit(pairs)
        made.recommend([2], 3, seen=seen)
    index = InnerProducts(2, 9.0)
    index.add(towers.item_vectors())
    index.search(towers.user_vectors(), 2)


def vectors() -> None:
    import numpy as np

    from windtunnel.blocks.vectors.brute_force import BruteForce
    from windtunnel.blocks.vectors.hnsw import HNSW
    from windtunnel.blocks.vectors.product_quantisation import ProductQuantiser

    rows = np.random.default_rng(1).random((40, 5))
    for metric in ("l2", "ip", "cosine"):
        for made in (BruteForce(5, metric), HNSW(5, metric)):
            made.add(rows)
            made.add(rows.tolist(), np.arange(100, 140))
            made.search(rows, 3)
            made.search(rows[:1].astype(np.float32), 3, allowed=[1, 2, 3])
            made.nearest(rows[0], 2)
            if isinstance(made, HNSW):
                made.delete(np.arange(30))
                made.compact()
                HNSW.from_bytes(made.to_bytes()).search(rows, 3)
    quantiser = ProductQuantiser(5, 5)
    quantiser.train(np.random.default_rng(1).random((300, 5)), rounds=1)
    codes = quantiser.encode(rows)
    quantiser.search(codes, rows, 3)
    quantiser.search(frozen(codes), rows.tolist(), 3)


def text() -> None:
    from windtunnel.blocks.text.inverted_index import InvertedIndex

    for texts in (["a b", "b c"], ["é b", "漢字 c"]):
        made = InvertedIndex()
        made.add(texts)
        for method in ("max-score", "wand", "all"):
            made.search_many(["b c", "c"], 1, method=method)
        again = InvertedIndex.from_bytes(made.to_bytes())
        again.add(texts)
        again.search("b")


def chunkers() -> None:
    from windtunnel.blocks.chunks.fastcdc import FastCDC

    for data in (b"x" * 5000, bytearray(5000), memoryview(b"y" * 5000)):
        FastCDC(1024).cut_points(data)


def serving() -> None:
    from windtunnel.blocks.serving import AdapterPool, Decoder, ModelShape, made_adapter, made_weights, merged

    shape = ModelShape(vocabulary=9, width=64, layers=2, heads=2, kv_heads=1, head_width=8, hidden=64, positions=9)
    pool, weights, adapter = AdapterPool(shape, 2, 3), made_weights(shape), made_adapter(shape, 2)
    pool.load("one", adapter)
    for own in (weights, merged(weights, adapter)):
        Decoder(own, 8).forward([(1, 0, 0), (2, 0, 1)], [[0], [4]], 4, [0, 1])
    Decoder(weights, 8).forward([(1, 0, 0), (2, 0, 1)], [[0], [4]], 4, [1], pool, [0, -1])


def rate_limits() -> None:
    import numpy as np

    from windtunnel.blocks.resilience.rate_limit_batch import BatchGcra, BatchTokenBucket

    for kind in (BatchGcra, BatchTokenBucket):
        made = kind(1, 2)
        for keys in ([1, 2], ["a", "b"], np.arange(2), np.arange(5000, dtype=np.uint64), frozen([1, 2])):
            made.decide(keys, 1.0)
        made.decide(frozen([1, 2]), frozen([1.0, 2.0]))


def streams() -> None:
    import numpy as np

    from windtunnel.blocks.streams.windows_batch import BatchTumbling

    made = BatchTumbling(10, delay_ms=1, allowed_lateness_ms=5)
    made.add([1, 2], [1, 2], 1.0)
    made.add(np.arange(5000), np.arange(5000), np.ones(5000))
    made.add(frozen([1, 2]), frozen([4990, 6000]), frozen([1.0, 2.0]))
    other = BatchTumbling(10)
    other.restore(made.to_bytes())
    other.add(np.arange(2, dtype=np.int32), [7000, 7001], [2.0, 1.0])
    other.finish()


def caches() -> None:
    import numpy as np

    from windtunnel.blocks.caching.cache_trace import CacheTrace

    for keys in (["a", "b", "a"], np.arange(9) % 4, frozen([3, 4, 3])):
        made = CacheTrace(keys)
        made.miss_ratios([1, 2])
        made.lru_curve()


def space() -> None:
    import numpy as np

    from windtunnel.blocks.space.geohash import decode_many, encode_many, morton_keys
    from windtunnel.blocks.space.quadtree import Quadtree
    from windtunnel.blocks.space.quadtree_linear import LinearQuadtree

    for lats in ([1.0, 2.0, 3.0], np.array([1.0, 2.0, 3.0]), frozen([1.0, 2.0, 3.0])):
        morton_keys(lats, lats)
        decode_many(encode_many(lats, lats))
        moving, still = Quadtree(), LinearQuadtree(lats, lats)
        moving.put_many(range(3), lats, lats)
        moving.put_many(frozen(range(1000)), frozen([1.0] * 1000), frozen([1.0] * 1000))
        moving.remove_many([0])
        moving.place(1)
        for tree in (moving, still):
            tree.within_many(lats, lats, 1000.0)
            tree.nearest_many(lats, lats, 2)
        still.in_boxes([0.0], [0.0], [2.0], [2.0])


USES: tuple[Callable[[], None], ...] = (
    checksums,
    bloom_filters,
    hyperloglog,
    count_min,
    heavy_hitters,
    quantiles,
    placement,
    sorted_sets,
    search,
    completion,
    recommending,
    vectors,
    text,
    chunkers,
    rate_limits,
    serving,
    streams,
    caches,
    space,
)


def main() -> None:
    """Print what was compiled, by use; and how much of it was heard where something must be compiled."""
    import numba
    from numba.core.event import install_recorder

    from windtunnel.warm import kernel_modules

    compiled: dict[str, list[str]] = {}
    jobs: dict[str, Callable[[], object]] = {use.__name__: use for use in USES}
    for name in kernel_modules():
        jobs[name] = lambda name=name: importlib.import_module(name).warm()  # type: ignore[misc]  # a default binds it
    for name, job in jobs.items():
        with install_recorder("numba:compile") as recorder:
            job()
        compiled[name] = sorted({str(event.data["dispatcher"]) for _, event in recorder.buffer})
    with install_recorder("numba:compile") as recorder:
        numba.njit(lambda x: x + 1)(1)
    print(json.dumps({"compiled": compiled, "heard": len(recorder.buffer)}))


if __name__ == "__main__":
    main()

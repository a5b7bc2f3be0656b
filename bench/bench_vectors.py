"""Nearest neighbours: HNSW against hnswlib, faiss (C++) and usearch (C++), brute force against faiss and NumPy.

A hundred thousand vectors of 128 numbers near a curved sheet of 16 dimensions, as embeddings lie; queries come from the
same sheet. All on one thread. M is 16 and ef_construction 200 everywhere. Graphs are built in turns, a slice of vectors
at a time, so that a noisy minute hits every contender, and the graphs built serve the queries. Libraries answer at the
smallest ef with which their own graph finds .96 of the true ten nearest. A stronger peer for graphs, pyglass, could not
be had by its name from the package index.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Protocol

import numpy as np

from bench.harness import Row, Skip, Spent, Timed

DIM = 128
SHEET_DIM = 16
VECTORS = 100_000
FEW_VECTORS = 20_000
FEW, MANY_KEPT = (250, 1_000, 4_000), 50
"""Vectors of which it is asked whether an index is worth it, and candidates that find nearly all of them."""
SLICE = 2_000
QUERIES = 5_000
SINGLES = 2_000
EXACT_QUERIES = 512
NEIGHBOURS = 10
RECALL = 0.96
M = 16
EF_CONSTRUCTION = 200
PARTS = 16
"""Bytes of a product code."""
RECALLED = 100
PACKAGES = ("hnswlib", "faiss-cpu", "usearch")


@cache
def vectors(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sheet = np.random.default_rng(99).normal(size=(SHEET_DIM, DIM))
    points = np.tanh(rng.normal(size=(count, SHEET_DIM)) @ sheet / 2) + 0.05 * rng.normal(size=(count, DIM))
    return points.astype(np.float32)


def queries() -> np.ndarray:
    return vectors(QUERIES, 2)


@cache
def truth(count: int) -> np.ndarray:
    from windtunnel.blocks.vectors import BruteForce

    exact = BruteForce(DIM)
    exact.add(vectors(count, 1))
    return exact.search(queries(), NEIGHBOURS)[0]


def recall(found: np.ndarray, count: int) -> float:
    pairs = zip(found.tolist(), truth(count).tolist(), strict=True)
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in pairs]))


class Contender(Protocol):
    """A graph of one library."""

    def add(self, rows: np.ndarray) -> None: ...

    def search(self, asked: np.ndarray, ef: int) -> np.ndarray:
        """Keys of the ten nearest, (n, 10)."""
        ...

    def saved_bytes(self) -> int: ...


class Ours:
    def __init__(self, count: int) -> None:
        from windtunnel.blocks.vectors import HNSW

        self.index = HNSW(DIM, m=M, ef_construction=EF_CONSTRUCTION)

    def add(self, rows: np.ndarray) -> None:
        self.index.add(rows)

    def search(self, asked: np.ndarray, ef: int) -> np.ndarray:
        return self.index.search(asked, NEIGHBOURS, ef=ef)[0]

    def saved_bytes(self) -> int:
        return len(self.index.to_bytes())


class Hnswlib:
    def __init__(self, count: int) -> None:
        import hnswlib

        self.index: Any = hnswlib.Index("l2", DIM)
        self.index.init_index(count, M=M, ef_construction=EF_CONSTRUCTION, random_seed=1)
        self.index.set_num_threads(1)

    def add(self, rows: np.ndarray) -> None:
        self.index.add_items(rows, num_threads=1)

    def search(self, asked: np.ndarray, ef: int) -> np.ndarray:
        self.index.set_ef(ef)
        found: np.ndarray = self.index.knn_query(asked, NEIGHBOURS, num_threads=1)[0]
        return found

    def saved_bytes(self) -> int:
        return int(self.index.index_file_size())


class Faiss:
    def __init__(self, count: int) -> None:
        import faiss

        faiss.omp_set_num_threads(1)
        self.index: Any = faiss.IndexHNSWFlat(DIM, M)
        self.index.hnsw.efConstruction = EF_CONSTRUCTION

    def add(self, rows: np.ndarray) -> None:
        self.index.add(rows)

    def search(self, asked: np.ndarray, ef: int) -> np.ndarray:
        self.index.hnsw.efSearch = ef
        found: np.ndarray = self.index.search(asked, NEIGHBOURS)[1]
        return found

    def saved_bytes(self) -> int:
        import faiss

        return int(faiss.serialize_index(self.index).size)


class Usearch:
    def __init__(self, count: int) -> None:
        from usearch.index import Index

        self.index: Any = Index(
            ndim=DIM, metric="l2sq", dtype="f32", connectivity=M, expansion_add=EF_CONSTRUCTION, expansion_search=64
        )

    def add(self, rows: np.ndarray) -> None:
        first = len(self.index)
        self.index.add(np.arange(first, first + len(rows), dtype=np.uint64), rows, threads=1)

    def search(self, asked: np.ndarray, ef: int) -> np.ndarray:
        self.index.expansion_search = ef
        found: np.ndarray = self.index.search(asked, NEIGHBOURS, threads=1).keys
        return found

    def saved_bytes(self) -> int:
        return int(self.index.serialized_length)


MAKERS: dict[str, Callable[[int], Contender]] = {
    "ours": Ours,
    "hnswlib (C++)": Hnswlib,
    "faiss (C++)": Faiss,
    "usearch (C++)": Usearch,
}
BARRED = ("ours", "hnswlib (C++)", "faiss (C++)")


@cache
def built(count: int, names: tuple[str, ...]) -> dict[str, tuple[Contender, list[Spent]]]:
    """Each contender that can be had, built, and what each slice of vectors cost it."""
    found: dict[str, Contender] = {}
    for name in names:
        try:
            MAKERS[name](SLICE).add(vectors(SLICE, 3))  # warm: compiles, wakes threads
            found[name] = MAKERS[name](count)
        except ImportError:
            continue
    spent: dict[str, list[Spent]] = {name: [] for name in found}
    rows = vectors(count, 1)
    for first in range(0, count, SLICE):
        for name, contender in found.items():
            start = time.process_time_ns()
            contender.add(rows[first : first + SLICE])
            spent[name].append(Spent(SLICE, time.process_time_ns() - start))
    return {name: (contender, spent[name]) for name, contender in found.items()}


@cache
def smallest_ef(count: int, names: tuple[str, ...], name: str) -> tuple[int, float]:
    """The smallest ef of at least ten that finds `RECALL` of the true neighbours, and what it finds."""
    contender = built(count, names)[name][0]
    low, high = NEIGHBOURS - 1, 400  # low is too small, high is enough
    while high - low > 1:
        middle = (low + high) // 2
        if recall(contender.search(queries(), middle), count) < RECALL:
            low = middle
        else:
            high = middle
    return high, recall(contender.search(queries(), high), count)


def had(count: int, names: tuple[str, ...], name: str) -> Contender:
    if name not in built(count, names):
        raise Skip("it is not installed")
    return built(count, names)[name][0]


def build(count: int, names: tuple[str, ...], name: str) -> Timed:
    had(count, names, name)
    slices = built(count, names)[name][1]
    told = iter([slices[0], *slices])  # the warm round comes first
    return lambda: next(told)


def ask(count: int, names: tuple[str, ...], name: str) -> Timed:
    contender = had(count, names, name)
    ef = smallest_ef(count, names, name)[0]

    def timed() -> int:
        contender.search(queries(), ef)
        return QUERIES

    return timed


def keeping(count: int, ef: int) -> Timed:
    """All queries of ours, with so many candidates kept."""
    contender = had(count, ("ours",), "ours")
    return coded_job(QUERIES, lambda: contender.search(queries(), ef))


def ask_singly(count: int, names: tuple[str, ...], name: str) -> Timed:
    contender = had(count, names, name)
    ef = smallest_ef(count, names, name)[0]
    asked = [queries()[i : i + 1] for i in range(SINGLES)]

    def timed() -> int:
        for query in asked:
            contender.search(query, ef)
        return SINGLES

    return timed


def sizes(count: int, names: tuple[str, ...]) -> str:
    without = {name: c.saved_bytes() - count * DIM * 4 for name, (c, _) in built(count, names).items()}
    return "saved, without the vectors: " + ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in without.items())


def settings(count: int, names: tuple[str, ...]) -> str:
    found = {name: smallest_ef(count, names, name) for name in built(count, names)}
    return ", ".join(f"{name}: ef {ef}, recall {share:.4f}" for name, (ef, share) in found.items())


def each(function: Callable[[int, tuple[str, ...], str], Timed], count: int, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: lambda name=name: function(count, names, name) for name in names}


def exact_ours() -> Timed:
    from windtunnel.blocks.vectors import BruteForce

    exact = BruteForce(DIM)
    exact.add(vectors(VECTORS, 1))
    return exact_job(lambda asked: exact.search(asked, NEIGHBOURS)[0])


def every(count: int) -> Timed:
    """All distances to so many vectors."""
    from windtunnel.blocks.vectors import BruteForce

    exact = BruteForce(DIM)
    exact.add(vectors(count, 1))
    return coded_job(QUERIES, lambda: exact.search(queries(), NEIGHBOURS))


def exact_faiss() -> Timed:
    import faiss

    faiss.omp_set_num_threads(1)
    flat: Any = faiss.IndexFlatL2(DIM)
    flat.add(vectors(VECTORS, 1))
    return exact_job(lambda asked: flat.search(asked, NEIGHBOURS)[1])


def exact_hnswlib() -> Timed:
    import hnswlib

    flat: Any = hnswlib.BFIndex("l2", DIM)
    flat.init_index(VECTORS)
    flat.set_num_threads(1)
    flat.add_items(vectors(VECTORS, 1))
    return exact_job(lambda asked: flat.knn_query(asked, NEIGHBOURS)[0])


def exact_numpy() -> Timed:
    """Squared distances from one matrix product, as one writes it in NumPy."""
    rows = vectors(VECTORS, 1)
    lengths = np.einsum("ij,ij->i", rows, rows)

    def search(asked: np.ndarray) -> np.ndarray:
        found = np.empty((len(asked), NEIGHBOURS), np.int64)
        for first in range(0, len(asked), 64):
            far = lengths - 2 * (asked[first : first + 64] @ rows.T)
            near = np.argpartition(far, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
            order = np.argsort(np.take_along_axis(far, near, 1), axis=1)
            found[first : first + 64] = np.take_along_axis(near, order, 1)
        return found

    return exact_job(search)


@cache
def coded() -> tuple[Any, Any]:
    """Our quantiser and its codes of all vectors."""
    from windtunnel.blocks.vectors import ProductQuantiser

    made = ProductQuantiser(DIM, PARTS)
    made.train(vectors(FEW_VECTORS, 4))
    return made, made.encode(vectors(VECTORS, 1))


@cache
def coded_faiss() -> Any:
    import faiss

    faiss.omp_set_num_threads(1)
    made: Any = faiss.IndexPQ(DIM, PARTS, 8)
    made.train(vectors(FEW_VECTORS, 4))
    made.add(vectors(VECTORS, 1))
    return made


def encode_ours() -> Timed:
    made = coded()[0]
    return coded_job(VECTORS, lambda: made.encode(vectors(VECTORS, 1)))


def encode_faiss() -> Timed:
    made = coded_faiss()
    return coded_job(VECTORS, lambda: made.sa_encode(vectors(VECTORS, 1)))


def scan_ours() -> Timed:
    made, codes = coded()
    return coded_job(EXACT_QUERIES, lambda: made.search(codes, queries()[:EXACT_QUERIES], RECALLED))


def scan_faiss() -> Timed:
    made = coded_faiss()
    return coded_job(EXACT_QUERIES, lambda: made.search(queries()[:EXACT_QUERIES], RECALLED))


def coded_job(count: int, run: Callable[[], object]) -> Timed:
    def timed() -> int:
        run()
        return count

    return timed


def coded_recalls() -> str:
    """The share of the true ten nearest among the hundred nearest codes."""
    asked = queries()[:EXACT_QUERIES]
    found = {"ours": coded()[0].search(coded()[1], asked, RECALLED)[0]}
    with contextlib.suppress(ImportError):
        found["faiss"] = coded_faiss().search(asked, RECALLED)[1]
    near = truth(VECTORS)[:EXACT_QUERIES].tolist()
    shares = {
        name: np.mean([len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(keys.tolist(), near, strict=True)])
        for name, keys in found.items()
    }
    return f"of the true ten, among the {RECALLED} found: " + ", ".join(f"{k} {v:.4f}" for k, v in shares.items())


def exact_job(search: Callable[[np.ndarray], np.ndarray]) -> Timed:
    asked = queries()[:EXACT_QUERIES]

    def timed() -> int:
        found = search(asked)
        if (found != truth(VECTORS)[:EXACT_QUERIES]).mean() > 0.01:  # ties and rounding apart
            raise AssertionError("An exact search that is not exact.")
        return EXACT_QUERIES

    return timed


def rows() -> Iterator[Row]:
    yield Row(
        f"brute force, {EXACT_QUERIES} queries over {VECTORS:,} x {DIM}",
        {
            "ours": exact_ours,
            "faiss (C++), IndexFlatL2": exact_faiss,
            "hnswlib (C++), BFIndex": exact_hnswlib,
            "NumPy, matrix product and argpartition": exact_numpy,
        },
        unit="queries/s",
        note="all is in the matrix product, so that the order depends on the processor and on whose BLAS it is",
        packages=PACKAGES,
    )
    yield Row(
        f"product quantisation, encode {DIM} numbers in {PARTS} bytes",
        {"ours": encode_ours, "faiss (C++)": encode_faiss},
        unit="vectors/s",
        packages=PACKAGES,
    )
    yield Row(
        f"product quantisation, the {RECALLED} nearest of {VECTORS:,} codes",
        {"ours": scan_ours, "faiss (C++), IndexPQ": scan_faiss},
        unit="queries/s",
        note=coded_recalls(),
        packages=PACKAGES,
    )
    everyone = tuple(MAKERS)
    yield Row(
        f"HNSW, build {FEW_VECTORS:,} x {DIM}",
        each(build, FEW_VECTORS, everyone),
        unit="vectors/s",
        note=f"built in turns, {SLICE:,} vectors each; {sizes(FEW_VECTORS, everyone)}",
        packages=PACKAGES,
        rounds=FEW_VECTORS // SLICE,
    )
    yield Row(
        f"HNSW, queries over {FEW_VECTORS:,} x {DIM} at recall {RECALL}",
        each(ask, FEW_VECTORS, everyone),
        unit="queries/s",
        note=settings(FEW_VECTORS, everyone),
        packages=PACKAGES,
        rounds=7,
    )
    built.cache_clear()
    for count in FEW:
        yield Row(
            f"HNSW or brute force, {QUERIES:,} queries over {count:,} x {DIM}",
            {
                "ours, HNSW": lambda n=count: ask(n, ("ours",), "ours"),
                f"ours, HNSW that keeps {MANY_KEPT}": lambda n=count: keeping(n, MANY_KEPT),
                "ours, brute force": lambda n=count: every(n),
            },
            unit="queries/s",
            against="ours, brute force",
            note=f"{settings(count, ('ours',))}; brute force finds all, and so, nearly, does who keeps {MANY_KEPT}",
            rounds=5,
        )
    yield Row(
        f"HNSW, build {VECTORS:,} x {DIM}",
        each(build, VECTORS, BARRED),
        unit="vectors/s",
        bar=1.0,
        note=f"built in turns, {SLICE:,} vectors each; {sizes(VECTORS, BARRED)}",
        packages=PACKAGES,
        rounds=VECTORS // SLICE,
    )
    yield Row(
        f"HNSW, queries over {VECTORS:,} x {DIM} at recall {RECALL}",
        each(ask, VECTORS, BARRED),
        unit="queries/s",
        bar=1.0,
        note=settings(VECTORS, BARRED),
        packages=PACKAGES,
        rounds=9,
    )
    yield Row(
        f"HNSW, the same beside hnswlib alone, over {VECTORS:,} x {DIM} at recall {RECALL}",
        each(ask, VECTORS, BARRED),
        unit="queries/s",
        bar=1.2,
        against="hnswlib (C++)",
        note="the experiment hnsw is held to this",
        packages=PACKAGES,
        rounds=5,
    )
    yield Row(
        f"HNSW, queries one at a time over {VECTORS:,} x {DIM} at recall {RECALL}",
        each(ask_singly, VECTORS, BARRED),
        unit="queries/s",
        note="a call of ours passes the boundary of compiled code for each query",
        packages=PACKAGES,
        rounds=5,
    )

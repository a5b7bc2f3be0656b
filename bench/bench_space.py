"""Places on the map: geohashes, quadtrees, and the best packages in C, C++ and Rust.

A million points, spread evenly over the sphere or crowded in fifty cities; queries come from the same places. Trees on
the plane (fastquadtree, Rust) take longitude and latitude as x and y; SciPy's cKDTree takes points on the unit sphere
for distances, as one does to be right at the poles and the date line, and ours gives distances in metres besides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from bench.harness import Row, Timed

POINTS = 1_000_000
QUERIES = 20_000
PLACES = 20_000
MOVES = 100_000
NEIGHBOURS = 10
PACKAGES = ("scipy", "pykdtree", "fastquadtree", "h3", "pygeohash", "python-geohash", "geohashr")
SPREADS = ("evenly", "in cities")
RADIUS_M = {"evenly": 20_000.0, "in cities": 300.0}
BOX_DEGREES = {"evenly": 0.9, "in cities": 0.01}  # about 120 points a box

Places = tuple[np.ndarray, np.ndarray]


@cache
def places(spread: str, count: int, seed: int) -> Places:
    rng = np.random.default_rng(seed)
    if spread == "evenly":
        return np.degrees(np.arcsin(rng.uniform(-1, 1, count))), rng.uniform(-180, 180, count)
    lats, lons = places("evenly", 50, 99)
    city = rng.integers(0, 50, count)
    lat = np.clip(lats[city] + rng.normal(0, 0.1, count), -90, 90)
    return lat, (lons[city] + rng.normal(0, 0.1, count) + 180) % 360 - 180


@cache
def moved(spread: str) -> Places:
    """Every point some ten metres further."""
    lat, lon = places(spread, POINTS, 1)
    return np.clip(lat + np.random.default_rng(3).normal(0, 1e-4, POINTS), -90, 90), lon


@cache
def points(spread: str, count: int, seed: int) -> np.ndarray:
    lat, lon = np.radians(places(spread, count, seed))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


@cache
def plane(spread: str) -> np.ndarray:
    lat, lon = places(spread, POINTS, 1)
    return np.stack([lon, lat], axis=1)


def job(count: int, run: Callable[[], object]) -> Timed:
    def timed() -> int:
        run()
        return count

    return timed


@cache
def linear(spread: str) -> Any:
    from windtunnel.blocks.space import LinearQuadtree

    return LinearQuadtree(*places(spread, POINTS, 1))


def moving(spread: str) -> Any:
    from windtunnel.blocks.space import Quadtree

    tree = Quadtree()
    tree.put_many(np.arange(POINTS), *places(spread, POINTS, 1))
    return tree


@cache
def kept_moving(spread: str) -> Any:
    return moving(spread)


@cache
def kd_tree(spread: str) -> Any:
    from scipy.spatial import cKDTree

    return cKDTree(points(spread, POINTS, 1))


def other_kd_tree(spread: str) -> Any:
    from pykdtree.kdtree import KDTree

    return KDTree(points(spread, POINTS, 1))


kept_other_kd_tree = cache(other_kd_tree)


def rust_tree(spread: str) -> Any:
    import fastquadtree

    tree = fastquadtree.QuadTree((-180.0, -90.0, 180.1, 90.1), 16, dtype="f64")
    tree.insert_many_np(plane(spread))
    return tree


kept_rust_tree = cache(rust_tree)


@cache
def boxes(spread: str) -> tuple[np.ndarray, ...]:
    """South, west, north, east; none crosses the date line, which a tree on the plane could not ask for."""
    lat, lon = places(spread, QUERIES, 2)
    half = BOX_DEGREES[spread]
    return (
        np.maximum(lat - half, -90),
        np.maximum(lon - 2 * half, -180),
        np.minimum(lat + half, 90),
        np.minimum(lon + 2 * half, 180),
    )


def one_by_one(function: Callable[[float, float], object], count: int = PLACES) -> Timed:
    lat, lon = places("evenly", count, 1)
    pairs = list(zip(lat.tolist(), lon.tolist(), strict=True))

    def timed() -> int:
        for a, b in pairs:
            function(a, b)
        return count

    return timed


def encode_h3() -> Timed:
    import h3.api.basic_int as h3

    return one_by_one(lambda lat, lon: h3.latlng_to_cell(lat, lon, 9))


def encode_peer(name: str) -> Callable[[], Timed]:
    def prepare() -> Timed:
        import importlib

        encode = importlib.import_module(name).encode
        return one_by_one(lambda lat, lon: encode(lat, lon, 9))

    return prepare


def encode_rust() -> Timed:
    import geohashr

    return one_by_one(lambda lat, lon: geohashr.encode(lat, lon, 9))


def encode_ours() -> Timed:
    from windtunnel.blocks.space import encode_many

    lat, lon = places("evenly", PLACES, 1)
    return job(PLACES, lambda: encode_many(lat, lon, 9))


def decode_ours() -> Timed:
    from windtunnel.blocks.space import decode_many, encode_many

    words = encode_many(*places("evenly", PLACES, 1), 9)
    return job(PLACES, lambda: decode_many(words))


def decode_peer(name: str) -> Callable[[], Timed]:
    def prepare() -> Timed:
        import importlib

        from windtunnel.blocks.space import encode_many

        decode = importlib.import_module(name).decode
        words = [word.decode() for word in encode_many(*places("evenly", PLACES, 1), 9)]
        return job(PLACES, lambda: [decode(word) for word in words])

    return prepare


def single_ours() -> Timed:
    from windtunnel.blocks.space import encode

    return one_by_one(lambda lat, lon: encode(lat, lon, 9))


def plain_tree() -> Timed:
    from windtunnel.blocks.space import PlainQuadtree

    lat, lon = places("evenly", PLACES, 1)
    todo = list(zip(range(PLACES), lat.tolist(), lon.tolist(), strict=True))

    def timed() -> int:
        tree: Any = PlainQuadtree()
        for thing, a, b in todo:
            tree.put(thing, a, b)
        return PLACES

    return timed


def single_rust_tree() -> Timed:
    import fastquadtree

    todo = [(float(x), float(y)) for x, y in plane("evenly")[:PLACES]]

    def timed() -> int:
        tree = fastquadtree.QuadTree((-180.0, -90.0, 180.1, 90.1), 16, dtype="f64")
        for point in todo:
            tree.insert(point)
        return PLACES

    return timed


def move_rust_tree(spread: str) -> Timed:
    tree = rust_tree(spread)
    lat, lon = (values[:MOVES].tolist() for values in moved(spread))
    old = [(float(x), float(y)) for x, y in plane(spread)[:MOVES]]
    new = list(zip(lon, lat, strict=True))
    ways = [(old, new), (new, old)]

    def timed() -> int:
        ways.reverse()
        for number, (here, there) in enumerate(zip(*ways[1], strict=True)):
            tree.update(number, *here, *there)
        return MOVES

    return timed


def move_ours(spread: str) -> Timed:
    tree = kept_moving(spread)
    numbers = np.arange(MOVES)
    ways = [tuple(v[:MOVES] for v in values) for values in (places(spread, POINTS, 1), moved(spread))]

    def timed() -> int:
        ways.reverse()
        tree.put_many(numbers, *ways[0])
        return MOVES

    return timed


def nearest_peer(tree: Any, spread: str) -> Timed:
    asked = points(spread, QUERIES, 2)
    return job(QUERIES, lambda: tree.query(asked, NEIGHBOURS))


def within_peer(spread: str) -> Timed:
    tree, asked = kd_tree(spread), points(spread, QUERIES, 2)
    chord = 2 * np.sin(RADIUS_M[spread] / 6_371_008.8 / 2)
    return job(QUERIES, lambda: tree.query_ball_point(asked, chord))


def boxes_peer(spread: str) -> Timed:
    tree = kept_rust_tree(spread)
    south, west, north, east = (side.tolist() for side in boxes(spread))
    todo = list(zip(west, south, east, north, strict=True))
    return job(QUERIES, lambda: [tree.query_np(box) for box in todo])


def tree_rows(spread: str) -> Iterator[Row]:
    def asked() -> Places:
        return places(spread, QUERIES, 2)

    def build_linear() -> Timed:
        from windtunnel.blocks.space import LinearQuadtree

        return job(POINTS, lambda: LinearQuadtree(*places(spread, POINTS, 1)))

    def build_kd_tree() -> Timed:
        from scipy.spatial import cKDTree

        return job(POINTS, lambda: cKDTree(points(spread, POINTS, 1)))

    yield Row(
        f"tree of a million points, {spread}",
        {
            "ours, linear quadtree": build_linear,
            "ours, quadtree for moving points": lambda: job(POINTS, lambda: moving(spread)),
            "fastquadtree (Rust)": lambda: job(POINTS, lambda: rust_tree(spread)),
            "scipy cKDTree (C++)": build_kd_tree,
            "pykdtree (C)": lambda: job(POINTS, lambda: other_kd_tree(spread)),
        },
        unit="points/s",
        bar=1.0,
        packages=PACKAGES,
    )
    yield Row(
        f"points that move some ten metres, {spread}",
        {
            "ours, quadtree for moving points": lambda: move_ours(spread),
            "fastquadtree (Rust), one at a time": lambda: move_rust_tree(spread),
        },
        unit="moves/s",
        bar=1.0,
        note="the peer has no batches of moves",
        packages=PACKAGES,
    )
    yield Row(
        f"ten nearest, {spread}",
        {
            "ours, linear quadtree": lambda: job(QUERIES, lambda: linear(spread).nearest_many(*asked(), NEIGHBOURS)),
            "ours, quadtree for moving points": lambda: job(
                QUERIES, lambda: kept_moving(spread).nearest_many(*asked(), NEIGHBOURS)
            ),
            "scipy cKDTree (C++)": lambda: nearest_peer(kd_tree(spread), spread),
            "pykdtree (C)": lambda: nearest_peer(kept_other_kd_tree(spread), spread),
        },
        unit="queries/s",
        bar=1.0,
        packages=PACKAGES,
    )
    yield Row(
        f"all within {RADIUS_M[spread]:,.0f} m, {spread}",
        {
            "ours, linear quadtree": lambda: job(
                QUERIES, lambda: linear(spread).within_many(*asked(), RADIUS_M[spread])
            ),
            "ours, quadtree for moving points": lambda: job(
                QUERIES, lambda: kept_moving(spread).within_many(*asked(), RADIUS_M[spread])
            ),
            "scipy cKDTree (C++)": lambda: within_peer(spread),
        },
        unit="queries/s",
        bar=1.0,
        packages=PACKAGES,
    )
    yield Row(
        f"boxes with about 120 points, {spread}",
        {
            "ours, linear quadtree": lambda: job(QUERIES, lambda: linear(spread).in_boxes(*boxes(spread))),
            "fastquadtree (Rust)": lambda: boxes_peer(spread),
        },
        unit="queries/s",
        bar=1.0,
        packages=PACKAGES,
    )


def rows() -> Iterator[Row]:
    yield Row(
        "geohash encode, arrays of places",
        {
            "ours, words of 9 letters": encode_ours,
            "pygeohash (C)": encode_peer("pygeohash"),
            "python-geohash (C++)": encode_peer("geohash"),
            "geohashr (Rust)": encode_rust,
            "h3 (C), cells of level 9": encode_h3,
        },
        unit="places/s",
        bar=1.0,
        note="no peer takes arrays",
        packages=PACKAGES,
    )
    yield Row(
        "geohash decode, arrays of words",
        {
            "ours": decode_ours,
            "pygeohash (C)": decode_peer("pygeohash"),
            "python-geohash (C++)": decode_peer("geohash"),
        },
        unit="words/s",
        bar=1.0,
        note="no peer takes arrays",
        packages=PACKAGES,
    )
    for spread in SPREADS:
        yield from tree_rows(spread)
    yield Row(
        "geohash encode, one at a time",
        {
            "ours, plain Python": single_ours,
            "pygeohash (C)": encode_peer("pygeohash"),
            "python-geohash (C++)": encode_peer("geohash"),
            "geohashr (Rust)": encode_rust,
        },
        unit="places/s",
        note="ours is Python's text, the one that the kernels are held to",
        packages=PACKAGES,
    )
    yield Row(
        "tree of 20,000 points, one at a time",
        {"ours, plain Python": plain_tree, "fastquadtree (Rust)": single_rust_tree},
        unit="points/s",
        note="ours is Python's text, the one that the kernels are held to",
        packages=PACKAGES,
    )

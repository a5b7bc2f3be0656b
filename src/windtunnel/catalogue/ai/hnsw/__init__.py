"""An index holds vectors and is asked for the ten nearest to a query. How many distances must it measure?

**Clarify.** How many of the ten may be missed? How many vectors are there, and do they lie anywhere, or near a sheet of
few dimensions as embeddings do? How often do they come and go, are some equal, and does a filter say which may be told?

**Estimate.** {items:,} vectors of {dim} numbers are {kib:,.0f} KiB, all read for one query by who measures every
distance. A link is 4 bytes, and an item has up to 2 x M on the lowest layer: with M = 16 some {link_bytes} bytes an
item, however long its vector is. A million vectors of 768 numbers are {million_gb:.1f} GB, their links {links_gb:.2f}.

**Design.** The first proposal measures all distances. Of {few} items a walk that keeps 50 candidates measures nine of
ten, so it saves nothing; and a graph of 2,000 costs as many distances as 500 queries that measure all. Who asks less
often before everything is new needs no index.

A walk goes along links to whatever is nearer. Along links that chance made it finds what it happens to measure: of a
third of the items a third. Links to the nearest are as good as HNSW's on one sheet. Looked for by all distances they
cost one to everybody for each item, and they do not lead from one group to another.

**Deep dive: directions.** HNSW finds those an item is linked to by its own walk, some 430 distances, and of near ones
keeps those in different directions. Then groups that come mixed stay connected. `ef`, the candidates kept, is what one
turns: from 10 to 50 recall goes from .95 to above .99, and distances from 115 to 290.

**Deep dive: layers.** They save no distance where items vary in eight dimensions: a walk that begins at the first item
measures as many. Where they vary in two, and links are few, they save a tenth to a third.

**Deep dive: log n.** Twice as many items cost some 19 distances more at recall .98, from 500 to 8,000: a line over
log n. That is so in eight dimensions. Uniform vectors of 32 numbers cost twice as many distances, and more, where items
are four times as many; of 2,000 a quarter are measured, and recall is .93. They test the data, not the index.

**Deep dive: filters and deletes.** Who filters what was found has four of ten where a tenth is allowed and 40 are kept.
Who does not walk to what is not allowed finds next to nothing: the rest is not connected. Who walks through it until 50
are kept that are allowed finds all, and measures 1,200 of 2,000. HNSW does that where many are allowed; where those are
few it measures all of them. When nine of ten are deleted it is the same: left in, they fill the places; cut out, they
take the ways with them; marked, they cost 780 distances. Closing the holes costs 50 to 230 an item, and then a query
measures 140. Equal vectors share one node.

**Scale.** A byte for four numbers keeps less than a third of the bytes that HNSW keeps. A query is compared with 256
centroids first, which alone is as much as HNSW's walk, and with all codes. So codes read more on the sheet, and less of
uniform vectors, of which they find more.

**What real systems do.** hnswlib tells 8 to 10 bytes an item for each of M; pgvector filters what was found, and can
go on where that is too few. `python -m bench vectors` has times, beside hnswlib, faiss and usearch.

**Left open.** Filters that have to do with where items lie; lists of cells (IVF); vectors on disk; links to the nearest
without all distances; items that come group by group, where HNSW may lose a group.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Why, param
from windtunnel.catalogue.ai.hnsw.claims import (
    ALL,
    CHANCE,
    CLAIMS,
    CLOSED,
    CODES,
    DEMANDS,
    FEW,
    FIGURES,
    FILTERED,
    GROUPS,
    GROWS,
    LAYERS,
    MARKED,
    NEW,
    SOURCES,
)
from windtunnel.catalogue.ai.hnsw.designs import (
    CutOut,
    EveryDistance,
    Layers,
    Marked,
    Neighbours,
    OneLayer,
    RandomGraph,
    Reranked,
    Setting as Setting,
    in_turn as in_turn,
)
from windtunnel.catalogue.ai.hnsw.judging import (
    EFS,
    MORE,
    SHARES,
    costs,
    decay,
    filtered,
    grown,
    measure,
    pareto,
    path,
    steps,
)
from windtunnel.catalogue.ai.hnsw.rig import STEPS, Rig
from windtunnel.catalogue.ai.hnsw.space import Space as Space
from windtunnel.catalogue.ai.hnsw.walk import Path as Path, walk as walk
from windtunnel.catalogue.ai.hnsw.world import Array as Array

KINDS = ("sheet", "clusters", "uniform")


@dataclass(frozen=True)
class Params:
    """What is searched, and how an index is made."""

    items: int = param(2000, "vectors", 100, 16_000)
    queries: int = param(50, "queries, from where the items are from", 10, 200)
    data: str = param(
        "sheet",
        "where they lie: near one curved sheet, in 32 groups on it, or uniform in all dimensions",
        choices=KINDS,
    )
    dim: int = param(32, "numbers of a vector", 4, 64)
    latent: int = param(8, "dimensions of the sheet", 2, 16)
    m: int = param(8, "links that an item is given, and twice as many at most on the lowest layer", 2, 16)
    ef_construction: int = param(64, "candidates that are kept when an item is inserted", 20, 200)
    ef: int = param(50, "candidates that a search keeps where items are filtered or deleted", 10, 200)
    k: int = param(10, "nearest that are wanted", 1, 10)
    copies: float = param(0.0, "share of the items that are copies of one of four", 0.0, 0.5)
    deleted: float = param(0.5, "share of the items that is deleted, in four steps", 0.0, 0.95)
    target: float = param(0.98, "recall at which distances are compared", 0.8, 0.99)
    halvings: int = param(3, "sizes that were searched on the way to all items, each half of the next", 0, 5)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`add(seed, first, last)`, `search(seed, ef)`, `among(seed, ef, share)`, `delete(seed, step)`; `weigh`, `trace`.

    The seed is that of the vectors, which are made where they are needed.
    """
    seed = luck.getrandbits(31)

    def op(name: str, *args: object) -> Op:
        return Op(0.0, "client", name, (seed, *args), think_s=0.0)

    sizes = [p.items >> one for one in range(p.halvings, -1, -1)]
    for before, size in pairwise([0, *sizes]):
        yield op("add", before, size)
        for ef in (*EFS, MORE) if p.halvings and p.data == "uniform" else EFS:
            yield op("search", ef)
    yield op("weigh")
    yield op("trace", p.ef)
    if p.ef not in EFS:
        yield op("search", p.ef)
    for share in SHARES:
        yield op("among", p.ef, share)
    for step in range(STEPS if p.deleted else 0):
        yield op("delete", step)
        yield op("search", p.ef)


__doc__ = (__doc__ or "").format(
    items=Params.items,
    dim=Params.dim,
    kib=4 * Params.items * Params.dim / 1024,
    few=FEW["items"],
    link_bytes=9 * 16,
    million_gb=4 * 768 / 1000,
    links_gb=9 * 16 / 1000,
)

experiment = Experiment(
    title="HNSW",
    question="What does ef trade, do distances grow as log n, and when is brute force better?",
    params=Params,
    workload=workload,
    designs={
        "brute_force": EveryDistance,
        "random_graph": RandomGraph,
        "neighbours": Neighbours,
        "one_layer": OneLayer,
        "cut_out": CutOut,
        "marked": Marked,
        "codes": Reranked,
        "hnsw": Layers,
    },
    rig=Rig,
    measure=measure,
    seeds=4,
    charts=(
        Chart("Recall, as more candidates are kept", "distances a query", "recall", pareto, log="x"),
        Chart("Distances as items grow", "items", "distances a query", grown, log="x"),
        Chart("A walk down the layers, step by step", "distance", "layer", steps, kind="gantt"),
        Chart("How near a walk is", "distances measured", "how far the nearest is so far", path, log="x"),
        Chart("Recall where few are allowed", "share allowed", "recall", filtered, log="x"),
        Chart("Recall as items go", "items deleted", "recall", decay),
        Chart("What it costs", "what", "how many", costs, kind="bars", log="y"),
    ),
    asks=(
        Ask(
            "HNSW keeps 50 candidates among some thousand items. To how many does it measure the distance?",
            "hnsw.distances_50",
            "items",
            10,
            4000,
            log=True,
        ),
        Ask(
            "How many times as many does it measure if it keeps 200?",
            "hnsw.distances_200 / hnsw.distances_50",
            "times",
            1,
            5,
        ),
        Ask(
            "A tenth is allowed: which share is found by who filters what it found?",
            "100 * one_layer.filtered_10",
            "%",
            0,
            100,
        ),
    ),
    why=(
        Why("Every distance is right, and as many as there are items.", ALL),
        Why("Links of chance find what the walk happens to measure.", CHANCE),
        Why("Links to the nearest do not lead to another group.", GROUPS),
        Why("Layers save something where dimensions are few.", LAYERS),
        Why("Twice as many items cost some distances more, in few dimensions.", GROWS),
        Why("Who must not be found has to be walked through all the same.", FILTERED),
        Why("Holes are closed, so that what is left is found.", CLOSED),
        Why("Who is marked as deleted is measured all the same.", MARKED),
        Why("A query is compared with what codes stand for, before it is with codes.", CODES),
        Why("Who asks seldom needs no index.", NEW),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "If an item knew some that are near it, how could a query come to its nearest without seeing them all?",
        "What leads from one group of items to the next, and what is left of the ways when an item goes?",
        "Link both ways, keep near ones in different directions, go on until the best `ef` are all followed, walk "
        "through what was deleted or is not allowed, and measure all that are allowed where those are few.",
    ),
    sources=SOURCES,
)

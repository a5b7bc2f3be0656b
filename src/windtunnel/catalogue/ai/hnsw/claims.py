"""What is claimed, what a challenger's index has to find, and what the sources say."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

MALKOV, PARAMS, HUBS, FRESH, JEGOU, PGVECTOR = (
    "Malkov",
    "ALGO_PARAMS",
    "Munyampirwa 2024",
    "FreshDiskANN",
    "Jégou",
    "README",
)
SHEET = {
    "items": 2000, "queries": 50, "data": "sheet", "dim": 32, "latent": 8, "m": 8, "ef_construction": 64, "ef": 50,
    "k": 10, "copies": 0.0, "deleted": 0.5, "target": 0.98, "halvings": 0
}  # fmt: skip
QUICK = {name: SHEET[name] for name in ("items", "queries", "halvings")}
FEW = {**SHEET, "items": 150}
CLUSTERS = {**SHEET, "data": "clusters", "deleted": 0.9}
COPIED = {**SHEET, "copies": 0.25}
TWO = {**SHEET, "items": 4000, "latent": 2, "m": 4}
UNIFORM = {**SHEET, "data": "uniform"}
MANY = {**SHEET, "items": 8000, "queries": 100, "halvings": 4}
GROWING_UNIFORM = {**MANY, "items": 4000, "data": "uniform", "m": 16, "ef_construction": 100}
"""Of 16 links: with eight, 400 candidates do not find so much."""

ALL = "brute_force.recall == 1 and hnsw.recall > 0.98 and brute_force.distances > 5 * hnsw.distances"
CHANCE = "abs(random_graph.recall - random_graph.distances / params.items) < 0.08"
GROUPS = "neighbours.recall < 0.7 and min(hnsw.recall, one_layer.recall, cut_out.recall) > 0.98"
LAYERS = "hnsw.distances < 0.9 * one_layer.distances and abs(one_layer.recall - hnsw.recall) < 0.02"
NO_LAYERS = "abs(one_layer.distances / hnsw.distances - 1) < 0.12 and abs(one_layer.recall - hnsw.recall) < 0.02"
GROWS = "8 < hnsw.per_doubling < 30 and hnsw.exponent < 0.32"
FILTERED = "one_layer.filtered_10 < 0.65 and cut_out.filtered_10 < 0.4 and hnsw.filtered_10 > 0.98"
CLOSED = "one_layer.after < 0.7 and cut_out.after < 0.3 and hnsw.after > 0.98"
CODES = "codes.recall > 0.98 and codes.read_kib < 0.75 * hnsw.read_kib"
NEW = "400 < hnsw.pays_after < 650"

CLAIMS = (
    Claim(
        ALL,
        "Who measures all distances finds all, and measures all for every query.",
        breaks="brute_force",
        given=SHEET,
    ),
    Claim(
        "brute_force.recall == 1 and hnsw.distances > 0.8 * params.items",
        "Among 150 items a walk that keeps fifty measures nearly all: there is nothing to save.",
        given=FEW,
        spares="brute_force",
    ),
    Claim(
        NEW,
        "Building measures as much as some five hundred searches by all distances: who asks less before all is new "
        "needs no index.",
        given=SHEET,
    ),
    Claim(
        CHANCE,
        "Where links lead anywhere no step is better than another: found is the share that was measured.",
        given=SHEET,
    ),
    Claim(
        "random_graph.recall_10 < 0.25 and random_graph.distances_200 > 0.7 * params.items",
        "So that few candidates find little, and many measure nearly all.",
        given=SHEET,
    ),
    Claim(
        "neighbours.recall > 0.98 and neighbours.distances < 1.15 * hnsw.distances",
        "On one sheet links to the nearest are all that a walk needs.",
        given=SHEET,
    ),
    Claim(
        "neighbours.built == params.items and hnsw.built < 0.3 * params.items",
        "But all distances are measured for them; HNSW looks for its links by walking.",
        MALKOV,
        given=SHEET,
    ),
    Claim(
        GROUPS,
        "Of items in groups the nearest are in the same one: links in different directions lead out.",
        MALKOV,
        given=CLUSTERS,
    ),
    Claim(
        "hnsw.recall_10 < hnsw.recall_20 < hnsw.recall_50 + 0.004 and hnsw.recall_10 > 0.9"
        " and hnsw.distances_50 > 1.7 * hnsw.distances_10 and hnsw.distances_200 > 2 * hnsw.distances_50",
        "More candidates find more, and measure more.",
        PARAMS,
        given=SHEET,
    ),
    Claim(NO_LAYERS, "Where items vary in eight dimensions layers save nothing.", HUBS, given=SHEET),
    Claim(LAYERS, "Where they vary in two, layers lead near.", HUBS, given=TWO),
    Claim(
        GROWS,
        "In few dimensions each doubling of the items costs the same few distances.",
        MALKOV,
        given=MANY,
    ),
    Claim(
        "hnsw.exponent > 0.45 and hnsw.per_doubling > 100",
        "Of uniform vectors in many dimensions distances grow as a power of the items.",
        given=GROWING_UNIFORM,
    ),
    Claim(
        "hnsw.recall < 0.975 and hnsw.distances > 0.2 * params.items",
        "There a quarter of all is measured, and more is missed.",
        given=UNIFORM,
    ),
    Claim(
        "codes.recall > hnsw.recall and codes.read_kib < 0.5 * hnsw.read_kib",
        "Codes find more of them, for half the bytes.",
        JEGOU,
        given=UNIFORM,
    ),
    Claim(
        FILTERED,
        "A tenth of what was found is too few, and a tenth of the items is not connected: who is not allowed has to be "
        "walked through.",
        PGVECTOR,
        given=SHEET,
    ),
    Claim(
        "hnsw.filter_distances_2 == brute_force.filter_distances_2 and hnsw.filter_distances_50 <= params.items",
        "Where few are allowed all of those are measured, and no more.",
        given=SHEET,
    ),
    Claim(
        "one_layer.filtered_50 > 0.98 and cut_out.filtered_50 > 0.9",
        "Where half is allowed either way will do.",
        given=SHEET,
    ),
    Claim(CLOSED, "Who was deleted fills places, or takes ways away; closed holes do neither.", FRESH, given=CLUSTERS),
    Claim(
        "one_layer.after > 0.99 and one_layer.after_distances == one_layer.distances",
        "When half is gone, leaving them in costs as much as before, and finds as much.",
        given=SHEET,
    ),
    Claim(
        "cut_out.after < hnsw.after and cut_out.after_distances < 0.7 * cut_out.distances",
        "Cut out, half of the ways are left: less is measured, and some is missed.",
        FRESH,
        given=SHEET,
    ),
    Claim("hnsw.mended < 200", "Closing holes costs less than half of what building did.", FRESH, given=SHEET),
    Claim(
        "hnsw.recall > 0.98 and abs(hnsw.recall_10 - one_layer.recall_10) < 0.03 and hnsw.bytes < 50",
        "Copies share a node: they hide nobody, and take no links.",
        given=COPIED,
    ),
    Claim(
        "neighbours.recall_10 < hnsw.recall_10 - 0.02",
        "Linked to its nearest, a copy is linked to copies.",
        given=COPIED,
    ),
    Claim(CODES, "Codes are compared all, and read less than a walk, among few.", JEGOU, given=SHEET),
    Claim("codes.read_kib > 1.3 * hnsw.read_kib", "Among many they read more.", JEGOU, given=MANY),
    Claim(
        "codes.recall == 1 and codes.after == 1 and codes.distances == params.items",
        "Of 150 items no codes are learned: all are measured.",
        JEGOU,
        given=FEW,
    ),
    Claim(
        "random_graph.bytes == 8 * params.m and neighbours.bytes == 8 * params.m and one_layer.bytes < 6 * params.m",
        "A link is four bytes, and of links in different directions there are fewer.",
        given=SHEET,
    ),
    Claim(
        "6 * codes.bytes < hnsw.bytes and codes.recall > 0.98",
        "They keep a small part of the bytes: the vectors, read for fifty, may be elsewhere.",
        JEGOU,
        given=MANY,
    ),
    Claim(
        "codes.recall_10 < 0.92 and codes.recall_20 > codes.recall_10",
        "Without more of them than are wanted, they err.",
        JEGOU,
        given=SHEET,
    ),
    Claim(
        "max(brute_force.gone, random_graph.gone, neighbours.gone, one_layer.gone, cut_out.gone, codes.gone, hnsw.gone)"
        " == 0 and max(brute_force.foreign, random_graph.foreign, neighbours.foreign, one_layer.foreign,"
        " cut_out.foreign, codes.foreign, hnsw.foreign) == 0 and max(brute_force.twice, random_graph.twice,"
        " neighbours.twice, one_layer.twice, cut_out.twice, codes.twice, hnsw.twice) == 0",
        "Nobody is told of what was deleted, is not allowed, or was told before.",
    ),
    Claim(
        "min(brute_force.recall, brute_force.after, brute_force.filtered_10, brute_force.filtered_2) == 1",
        "All distances are right in every setting.",
    ),
)

DEMANDS = (
    Claim("yours.gone == 0", "What was deleted is not told any more.", always=True, given=SHEET),
    Claim(
        "yours.foreign == 0 and yours.twice == 0",
        "Nor what is not allowed, nor anything twice.",
        always=True,
        given=SHEET,
    ),
    Claim("yours.recall > 0.95", "Fifty candidates find nearly all.", given=SHEET),
    Claim("yours.distances < 0.3 * params.items", "And not by measuring all.", given=SHEET),
    Claim("yours.read_kib < 0.5 * 4 * params.items * params.dim / 1024", "Nor by reading all.", given=SHEET),
    Claim("yours.built < 0.5 * params.items", "And adding does not measure all either.", given=SHEET),
    Claim("yours.recall > 0.95", "In groups too.", given=CLUSTERS),
    Claim("yours.after > 0.95", "And when nine of ten are deleted.", given=CLUSTERS),
    Claim("yours.recall > 0.95", "And where a quarter are copies.", given=COPIED),
    Claim(
        "min(yours.filtered_50, yours.filtered_10, yours.filtered_2) > 0.95", "And where few are allowed.", given=SHEET
    ),
)

ROWS = {
    **SHEET,
    "items": 1000,
    "queries": 200,
    "deleted": 0.0,
    "dim": 64,
    "latent": 16,
    "m": 16,
    "ef_construction": 200,
}
TEN = {**ROWS, "items": 10_000}
MEASURED = {
    "sheet": ((ROWS, 0.927, 0.988, 1.0, 1.0, 1.0), (TEN, 0.845, 0.952, 0.996, 1.0, 1.0)),
    "uniform": ((ROWS, 0.720, 0.878, 0.984, 0.999, 1.0), (TEN, 0.391, 0.565, 0.799, 0.929, 0.987)),
}
"""What an earlier trial of ours had with hnswlib: recall at 10, 20, 50, 100 and 200 candidates."""
FIGURES = (
    Figure(
        "bytes an item, for each of M",
        9,
        "hnsw.link_bytes",
        1 / 9,
        "V",
        "roughly M * 8-10 bytes per stored element; M = 16",
        PARAMS,
        given=TEN,
    ),
    Figure(
        "rows of ten where a tenth is allowed, 40 candidates kept, and what was found is filtered",
        4,
        "10 * one_layer.filtered_10",
        0.15,
        "V",
        "only 4 rows will match on average",
        PGVECTOR,
        given={**SHEET, "ef": 40, "queries": 200},
    ),
    Figure(
        "what two doublings of the items cost at last, over what they cost at first",
        1,
        "hnsw.bend",
        0.5,
        "D",
        "a logarithm, from 500 to 8,000; of the square root it is 2",
        MALKOV,
        given=MANY,
    ),
    *(
        Figure(
            f"recall of {setting['items']:,}, {'16 dimensions in 64' if data == 'sheet' else 'uniform in 64'}, ef {ef}",
            value,
            f"hnsw.recall_{ef}",
            0.05 if value < 0.98 else 0.01,
            "R",
            "hnswlib 0.8, M 16, 200 candidates at insertion, ten of the nearest; the sheet's own shape is not told",
            given={**setting, "data": data},
        )
        for data, rows in MEASURED.items()
        for setting, *values in rows
        for ef, value in zip((10, 20, 50, 100, 200), values, strict=True)
    ),
)

SOURCES = (
    Source(
        "Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical Navigable "
        "Small World graphs",
        2018,
        "https://arxiv.org/abs/1603.09320",
    ),
    Source(
        "hnswlib, ALGO_PARAMS.md",
        2022,
        "https://github.com/nmslib/hnswlib/blob/c1b9b79af3d10c6ee7b5d0afa1ce851ae975254c/ALGO_PARAMS.md",
    ),
    Source(
        "Munyampirwa, Lakshman and Coleman, Down with the Hierarchy: The 'H' in HNSW Stands for Hubs",
        2024,
        "https://arxiv.org/abs/2412.01940",
    ),
    Source(
        "Singh, Subramanya, Krishnaswamy and Simhadri, FreshDiskANN: A Fast and Accurate Graph-Based ANN Index for "
        "Streaming Similarity Search",
        2021,
        "https://arxiv.org/abs/2105.09613",
    ),
    Source(
        "Jégou, Douze and Schmid, Product quantization for nearest neighbor search",
        2011,
        "https://doi.org/10.1109/TPAMI.2010.57",
    ),
    Source(
        "pgvector, README.md",
        2026,
        "https://github.com/pgvector/pgvector/blob/e48241b4dcc045b18902914f668d03d1d399dfbe/README.md",
    ),
)

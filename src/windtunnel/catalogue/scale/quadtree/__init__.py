"""A rider asks who is near. Drivers move. Who has to be looked at to miss nobody?

**Clarify.** How far is near, and does it matter if somebody is missed? How often do drivers move, and how often does
somebody ask? Where on the globe: near a pole, across the date line?

**Estimate.** Looking at everybody is {drivers:,} distances a ride. A geohash of {letters} letters is a cell of
{high:,.0f} m by {wide:,.0f} m at the equator. Where cells are squares as wide as the radius, one's own has
1 - 13/(6 pi) = {own:.0%} of who is near. A square around it has 4/pi = {square:.2f} times as much.

**Design.** The first proposal looks at everybody, which is right, and good enough for fifty drivers. The next one sorts
drivers by the cell of a geohash and looks into one's own: whoever is near and on the other side of an edge is missed.

**Deep dive: nine cells.** The own cell and the eight around it find everybody while no cell is narrower than the
radius. A wider circle reaches over them. So does the same circle in the north: cells are halved in degrees, and at 80
degrees a degree of longitude is a sixth of one at the equator.

Fewer letters make cells wider: a letter less, four or eight times. Who chooses them by the circle misses nobody, and
looks at more than a box holds. Around a pole, where meridians meet, only large ones are wide enough.

**Deep dive: degrees.** A tree that splits where it is crowded can be asked for any box. A square in degrees misses in
the north who is to the east, and at the date line who is on the other side. The box that holds the circle is
asin(sin(r) / cos(lat)) to each side; where a pole is in the circle it has all longitudes, and where it crosses the date
line it is two.

**Real cities** (`cities=real radius_m=156000 letters=3`): the own cell finds 28 % of those of Natural Earth, somewhat
more than where they would be spread evenly. A box finds all. So do fitted cells, but they look at some thirty times as
many: a letter less is a cell of 32 times the size.

**What it serves.** A rider is offered the nearest driver who was looked at. Who misses drivers tells some riders that
nobody is near, and offers others somebody who is farther.

**Scale.** What a scan looks at grows with who drives, what a box looks at with who is near. A driver who moves stays in
the leaf or goes to another; in the cells of a geohash, to another word.

**What real systems do.** Redis looks at nine cells of a geohash, which it fits to the circle: a size larger beyond 66
degrees, and again beyond 80, and once more where the nine do not reach over it. Not looked into: S2 and H3, which
number cells of a sphere. The tree here is that of
`windtunnel.blocks.space`, in longitude and latitude; its own `within` measures in space and needs no box.

**Left open.** Real drivers: those of the default are around {cities} made cities, by normal distances. Roads, which are
no circles; cells of one machine each, and the one that is crowded; what a look costs in time (`python -m bench space`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import pi, radians
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Why, param
from windtunnel.blocks.space import EARTH_RADIUS_M
from windtunnel.catalogue.scale.quadtree.claims import (
    CLAIMS,
    DEMANDS,
    FIGURES,
    FLAT,
    LEFT,
    LOOKS,
    OWN,
    RIGHT,
    ROUND,
    SOURCES,
)
from windtunnel.catalogue.scale.quadtree.designs import (
    FittedCells,
    FlatBox,
    Neighbours,
    OwnCell,
    RoundBox,
    Scan,
    Setting as Setting,
    cell_height,
    cell_width,
)
from windtunnel.catalogue.scale.quadtree.judging import Rig, measure, missed, steps, work
from windtunnel.catalogue.scale.quadtree.world import moved, real_cities, somewhere

CITIES, APART_M, STEPS, STEP_M = 8, 12_000.0, 4, 300.0
"""Cities, how far they are around the middle, how often drivers move, and how far."""
KINDS = ("made", "real")


@dataclass(frozen=True)
class Params:
    """How many drive, who asks how far around, and where on the globe."""

    drivers: int = param(1000, "drivers", 20, 3000)
    rides: int = param(200, "riders who ask who is near", 20, 500)
    radius_m: float = param(500.0, "metres that are near", 50.0, 200_000.0)
    letters: int = param(6, "letters of a geohash: cells of 0.6 km by 1.2 km for six", 3, 7)
    spread_m: float = param(3000.0, "how far drivers and riders are around the middle of a city", 500.0, 10_000.0)
    lat: float = param(10.0, "degrees to the north", 0.0, 90.0)
    lon: float = param(20.0, "degrees to the east", 0.0, 180.0)
    cities: str = param(
        "made", "made around that middle, or real ones of the world, without it: a driver in each", choices=KINDS
    )


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`move(places)`: where every driver is now; `near(lat, lon)`: a rider."""

    def op(name: str, *args: object) -> Op:
        return Op(0.0, "client", name, args, think_s=0.0)

    if p.cities == "real":  # who asks is in another city than those who drive: else each finds the driver at home
        shuffled = luck.sample(real_cities(), len(real_cities()))
        places, cities = shuffled[: p.drivers], shuffled[p.drivers :]
    else:
        cities = [moved((p.lat, p.lon), APART_M * luck.random(), 2 * pi * luck.random()) for _ in range(CITIES)]
        places = [somewhere(luck.choice(cities), p.spread_m, luck) for _ in range(p.drivers)]
    for step in range(STEPS):
        yield op("move", tuple(places))
        for _ in range(p.rides * (step + 1) // STEPS - p.rides * step // STEPS):
            yield op("near", *somewhere(luck.choice(cities), p.spread_m, luck))
        places = [moved(place, STEP_M * luck.random(), 2 * pi * luck.random()) for place in places]


__doc__ = (__doc__ or "").format(
    high=EARTH_RADIUS_M * radians(cell_height(Params.letters)),
    wide=EARTH_RADIUS_M * radians(cell_width(Params.letters)),
    drivers=Params.drivers,
    letters=Params.letters,
    own=1 - 13 / (6 * pi),
    square=4 / pi,
    cities=CITIES,
)

experiment = Experiment(
    title="Quadtree",
    question="Who has to be looked at to find all drivers who are near?",
    params=Params,
    workload=workload,
    designs={
        "scan": Scan,
        "own_cell": OwnCell,
        "neighbours": Neighbours,
        "fitted": FittedCells,
        "flat_box": FlatBox,
        "quadtree": RoundBox,
    },
    rig=Rig,
    measure=measure,
    seeds=6,
    charts=(
        Chart("Who was missed", "km to the east", "km to the north", missed, kind="misses"),
        Chart("Drivers looked at", "how many", "drivers", work, kind="bars"),
        Chart("What each rider was told", "step", "who", steps, kind="gantt"),
    ),
    asks=(
        Ask(
            "Which share of the drivers within 500 m is in one's own cell?",
            "100 * own_cell.recall",
            "%",
            0,
            100,
        ),
        Ask(
            "How many does the box of a quadtree look at, for each who is near?",
            "quadtree.per_hit",
            "",
            1,
            10,
        ),
    ),
    why=(
        Why("A scan looks at everybody.", LOOKS),
        Why("Near is not in the same cell.", OWN),
        Why("Who misses drivers tells riders that nobody is near.", LEFT),
        Why("Nine cells are as wide as nine cells are.", ROUND),
        Why("Degrees are no metres.", FLAT),
        Why("A box that holds the circle, wherever it is, holds everybody.", RIGHT),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "What is near a point that lies on the edge of its cell?",
        "How many metres is a degree of longitude at 70 degrees to the north, and what is east of 180?",
        "Ask for the smallest box that holds the circle: asin(sin(r) / cos(lat)) to each side, all longitudes where a "
        "pole is in it, and split where it crosses the date line.",
    ),
    sources=SOURCES,
    quick={"drivers": 400, "rides": 100},
)

"""How an index of places is judged: who was found of those who are near, and for how many a distance was computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import pi, radians
from statistics import fmean
from typing import Any, NamedTuple, Protocol

from windtunnel import History, Stage, process
from windtunnel.blocks.space import EARTH_RADIUS_M, distance_m
from windtunnel.catalogue.scale.quadtree.world import Place
from windtunnel.statistics import not_measurable

SIDE_M, BINS = 40_000.0, 16
"""Of the map that is drawn, around the place that all cities are around; and its cells along a side."""
WORLD_M = 2 * pi * EARTH_RADIUS_M, pi * EARTH_RADIUS_M
"""The sides of the map of the world: its metres to the east are those of the equator."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def radius_m(self) -> float: ...
    @property
    def lat(self) -> float: ...
    @property
    def lon(self) -> float: ...
    @property
    def cities(self) -> str: ...


class Ride(NamedTuple):
    """A rider is offered the nearest driver of those who were looked at and are near.

    Attributes:
        missed: who is near and was not looked at.
        offered_m, nearest_m: how far the driver is who was offered, and the nearest there is; -1: there is none.
    """

    near: int
    found: int
    missed: Sequence[int]
    looked_at: int
    offered_m: float
    nearest_m: float


class Rig:
    """Asks a design who may be near, and computes how far away they are; all others too, to know who was missed."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        self.design, self.stage, self.p, self.sim = design, stage, p, stage.sim
        self.where: list[Place] = []
        self.points: Any = None

    @process
    async def move(self, places: Sequence[Place]) -> None:
        """All drivers have moved: driver i is at place i."""
        import numpy as np

        for driver, (lat, lon) in enumerate(places):
            self.design.move(driver, lat, lon)
        self.where = list(places)
        self.points = vectors(np.array(places))

    @process
    async def near(self, lat: float, lon: float) -> Ride:
        """What came of a ride."""
        import numpy as np

        point = vectors(np.array([(lat, lon)]))[0]
        chord = 2 * np.sin(min(self.p.radius_m / EARTH_RADIUS_M, np.pi) / 2)
        squared = ((self.points - point) ** 2).sum(axis=1)
        asked = set(self.design.candidates(lat, lon, self.p.radius_m))
        true = set(np.flatnonzero(squared <= chord * chord).tolist())
        offered, nearest = (
            EARTH_RADIUS_M * 2 * float(np.arcsin(min(squared[one] for one in some) ** 0.5 / 2)) if some else -1.0
            for some in (true & asked, true)
        )
        return Ride(len(true), len(true & asked), sorted(true - asked), len(asked), offered, nearest)


def vectors(places: Any) -> Any:
    """Of places in degrees, shape (n, 2): points on a globe of radius 1, shape (n, 3)."""
    import numpy as np

    lat, lon = np.radians(places[:, 0]), np.radians(places[:, 1])
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def asked(history: History) -> list[Ride]:
    """What came of each ride."""
    return [Ride(*event.value) for event in history.where(name="near", outcome="ok")]


def measure(history: History, p: Setting) -> Mapping[str, float]:
    """`recall`: found of those who are near; `looked_at`: distances computed a ride; `per_hit`: for one who is near.

    Of riders to whom somebody is near `left`: the share who are told that nobody is; `farther`: how much farther the
    driver is who is offered to the others than the nearest, as a share of that.
    """
    rides = asked(history)
    near = sum(ride.near for ride in rides)
    served = [ride for ride in rides if ride.found]
    nobody = not_measurable("nobody was near")
    return {
        "recall": sum(ride.found for ride in rides) / near if near else nobody,
        "looked_at": fmean(ride.looked_at for ride in rides),
        "looked_at_most": max(ride.looked_at for ride in rides),
        "per_hit": sum(ride.looked_at for ride in rides) / near if near else nobody,
        "near": near / len(rides),
        "left": 1 - len(served) / sum(ride.near > 0 for ride in rides) if near else nobody,
        "farther": sum(ride.offered_m for ride in served) / sum(ride.nearest_m for ride in served) - 1
        if served
        else nobody,
    }


# --- charts --------------------------------------------------------------------------------------------------------
def missed(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float, float]]]:
    """Where those are who were missed, by how often: km to the east and north of the middle; of 0, 0 in the world."""
    wide, high = WORLD_M if p.cities == "real" else (SIDE_M, SIDE_M)
    counts: dict[tuple[int, int], int] = {}
    places: Sequence[Place] = ()
    for event in history:
        if event.name == "move":
            places = event.args[0]
        elif event.outcome == "ok":
            for driver in Ride(*event.value).missed:
                east, north = on_the_map(p, *places[driver])
                cell = (int((east / wide + 0.5) * BINS), int((north / high + 0.5) * BINS))
                if all(0 <= one < BINS for one in cell):
                    counts[cell] = counts.get(cell, 0) + 1
    rows = [(one + 0.5) / BINS - 0.5 for one in range(BINS)]
    return {
        "missed": [
            (wide / 1000 * east, high / 1000 * north, float(counts.get((x, y), 0)))
            for y, north in enumerate(rows)
            for x, east in enumerate(rows)
        ]
    }


def on_the_map(p: Setting, lat: float, lon: float) -> Place:
    """Metres to the east and to the north of its middle."""
    if p.cities == "real":
        return EARTH_RADIUS_M * radians(lon), EARTH_RADIUS_M * radians(lat)
    north = distance_m(p.lat, p.lon, lat, p.lon) * (1 if lat >= p.lat else -1)
    east = distance_m(lat, p.lon, lat, lon) * (1 if (lon - p.lon + 540) % 360 >= 180 else -1)
    return east, north


def work(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Distances computed a ride, and how many were near."""
    found = measure(history, p)
    return {
        "a ride": [("looked at", found["looked_at"]), ("at most", found["looked_at_most"]), ("near", found["near"])]
    }


def steps(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """What each rider was told, step by step: nothing takes time here."""
    rows = []
    for step, event in enumerate(history):
        lane, what = "drivers", "move"
        if event.name == "near":
            ride = Ride(*event.value)
            lane = "rider"
            what = "all found" if ride.found == ride.near else "some missed" if ride.found else "nobody found"
        rows.append((lane, float(step), step + 1.0, what))
    return {"requests": rows}

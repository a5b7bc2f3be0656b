"""Geohashes and Morton keys: a place on the map as one number or one word, so that near places mostly share a prefix.

The idea (G. M. Morton, "A computer oriented geodetic data base", 1966; G. Niemeyer, geohash.org, 2008). Halve the map
in turns, east and west, north and south, and note a bit each time: 1 for east or north. The bits are the **Morton
key**; five of them make one letter of the **geohash**. A prefix is a cell of the map that holds all cells whose words
begin with it, so a sorted index on the word finds everything in a cell.

What goes wrong in practice: two places a metre apart may lie on two sides of a cell's edge and share no prefix at all.
Who looks for neighbours in the own cell only, misses most of them. So look at `neighbours` too, or at the cells that
`cover` a circle. Cells wrap around at the date line; beyond a pole there is none.

Cells hold their southern and western edge, and the last ones the pole and the date line. The borders are exact: the
compiled batches give the same cells as the halving in `encode`, to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from windtunnel.blocks.ground.numbers import MOST, floats, plain_array, whole
from windtunnel.blocks.space.quadtree_sphere import checked_place, checked_radius, distance_to_box_m

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    Degrees = Sequence[float] | NDArray[np.float64]

LETTERS = "0123456789bcdefghjkmnpqrstuvwxyz"
MAX_PRECISION = 12
_VALUES = {letter: value for value, letter in enumerate(LETTERS)}


class Bounds(NamedTuple):
    """A cell of the map, in degrees."""

    south: float
    west: float
    north: float
    east: float

    @property
    def centre(self) -> tuple[float, float]:
        """Latitude and longitude of the middle."""
        return (self.south + self.north) / 2, (self.west + self.east) / 2


def encode(lat: float, lon: float, precision: int = 9) -> str:
    """The word of so many letters for the cell that holds the place.

    Nine letters are cells of about 5 m, six of 1 km. Raises `ValueError` for places that are not on the map.
    """
    lat, lon = checked_place(lat, lon)
    precision = _checked_precision(precision)
    south, west, north, east = -90.0, -180.0, 90.0, 180.0
    word, value = "", 0
    for bit in range(5 * precision):
        if bit % 2 == 0:
            middle = (west + east) / 2
            upper = lon >= middle
            west, east = (middle, east) if upper else (west, middle)
        else:
            middle = (south + north) / 2
            upper = lat >= middle
            south, north = (middle, north) if upper else (south, middle)
        value = 2 * value + upper
        if bit % 5 == 4:
            word, value = word + LETTERS[value], 0
    return word


def decode(word: str) -> Bounds:
    """The cell that the word names. Raises `ValueError` if it is no geohash of 1 to 12 letters."""
    if not isinstance(word, str):
        raise ValueError(f"A geohash is a text, not {word!r}.")
    _checked_precision(len(word))
    south, west, north, east = -90.0, -180.0, 90.0, 180.0
    bit = 0
    for letter in word:
        if letter not in _VALUES:
            raise ValueError(f"A geohash has digits and small letters other than a, i, l and o, not {letter!r}.")
        for place in (16, 8, 4, 2, 1):
            upper = _VALUES[letter] & place
            if bit % 2 == 0:
                middle = (west + east) / 2
                west, east = (middle, east) if upper else (west, middle)
            else:
                middle = (south + north) / 2
                south, north = (middle, north) if upper else (south, middle)
            bit += 1
    return Bounds(south, west, north, east)


def neighbours(word: str) -> list[str]:
    """The cells of the same size that touch this one, from the north-west on: eight, or five beside a pole."""
    cell = decode(word)
    lat, lon = cell.centre
    height, width = cell.north - cell.south, cell.east - cell.west
    return [
        encode(lat + up * height, _wrapped(lon + right * width), len(word))
        for up in (1, 0, -1)
        for right in (-1, 0, 1)
        if (up, right) != (0, 0) and abs(lat + up * height) < 90
    ]


def cover(lat: float, lon: float, radius_m: float, precision: int) -> list[str]:
    """The cells of this precision that come within `radius_m` of the place, on the sphere; around the poles too.

    Walks outward from the own cell, row by row. Raises `ValueError` where that would be more than 100,000 cells.
    """
    lat, lon = checked_place(lat, lon)
    precision = _checked_precision(precision)
    radius_m = checked_radius(radius_m)
    # Distances are exact to nanometres, and on the other side of the Earth to a decimetre: err to the far side.
    # The squares of what is below 1e-155 m are 0, and so is the distance of places as near as that.
    reach_m = radius_m + (max(1e-150, min(radius_m, 1e-7)) if radius_m < 1e7 else 0.2)
    lon_bits, lat_bits = (5 * precision + 1) // 2, 5 * precision // 2
    rows, columns = 1 << lat_bits, 1 << lon_bits
    height, width = 180 / rows, 360 / columns
    own = decode(encode(lat, lon, precision))
    own_row, own_column = round((own.south + 90) / height), round((own.west + 180) / width)
    found: list[str] = []

    def meets(row: int, column: int) -> bool:
        south, west = row * height - 90, column * width - 180
        return distance_to_box_m(lat, lon, south, west, south + height, west + width) <= reach_m

    def add(row: int, column: int) -> None:
        found.append(encode((row + 0.5) * height - 90, (column + 0.5) * width - 180, precision))
        if len(found) > 100_000:
            raise ValueError(f"A circle of {radius_m} m takes more than 100,000 cells of {precision} letters.")

    for step in (-1, 1):
        row = own_row if step == 1 else own_row - 1
        # In a row the own column and the one across the pole come nearest, and the distance grows between them.
        while 0 <= row < rows:
            far = (own_column + columns // 2) % columns
            if meets(row, far):
                for column in range(columns):
                    if meets(row, column):
                        add(row, column)
            elif meets(row, own_column):
                add(row, own_column)
                for side in (1, -1):
                    column = (own_column + side) % columns
                    while meets(row, column):
                        add(row, column)
                        column = (column + side) % columns
            else:
                break
            row += step
    return sorted(found)


def morton_key(lat: float, lon: float) -> int:
    """The key of 64 bits, 32 for each direction; its first `5 * n` bits are the geohash of `n` letters."""
    lat, lon = checked_place(lat, lon)
    key = 0
    south, west, north, east = -90.0, -180.0, 90.0, 180.0
    for _ in range(32):
        middle = (west + east) / 2
        upper = lon >= middle
        west, east = (middle, east) if upper else (west, middle)
        key = 2 * key + upper
        middle = (south + north) / 2
        upper = lat >= middle
        south, north = (middle, north) if upper else (south, middle)
        key = 2 * key + upper
    return key


def morton_keys(lats: Degrees, lons: Degrees) -> NDArray[np.uint64]:
    """`morton_key` of many places."""
    import numpy as np

    from windtunnel.blocks.space.kernels import geohash

    lat, lon = places(lats, lons)
    keys = np.empty(lat.size, np.uint64)
    geohash.morton_keys(lat, lon, keys)
    return keys


def encode_many(lats: Degrees, lons: Degrees, precision: int = 9) -> NDArray[np.bytes_]:
    """`encode` of many places: an array of words as bytes."""
    import numpy as np

    from windtunnel.blocks.space.kernels import geohash

    precision = _checked_precision(precision)
    lat, lon = places(lats, lons)
    words = np.empty((lat.size, precision), np.uint8)
    geohash.words(lat, lon, words)
    return words.view(f"S{precision}").reshape(lat.size)


def decode_many(words: Sequence[str] | NDArray[np.bytes_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitudes and longitudes of the middle of many cells. Raises `ValueError` if a word is no geohash."""
    import numpy as np

    from windtunnel.blocks.space.kernels import geohash

    if isinstance(words, str | bytes):
        raise ValueError("Geohashes are a list or an array; for one use `decode`.")
    given = plain_array(words, "Geohashes")
    if given.size == 0:
        return np.empty(0), np.empty(0)
    if given.ndim != 1:
        raise ValueError(f"Geohashes are a row of texts, not of {given.ndim} dimensions.")
    if given.dtype.kind == "O":
        listed = [word.decode("latin-1") if isinstance(word, bytes) else word for word in given.ravel().tolist()]
        if not all(isinstance(word, str) for word in listed):
            raise ValueError("Geohashes are texts or bytes; something else is among them.")
        given = np.array(listed)
    if given.dtype.kind == "U":
        if any(not word.isascii() for word in given.tolist()):
            raise ValueError("A geohash has digits and small letters only.")
        given = given.astype("S")
    if given.dtype.kind != "S":
        raise ValueError(f"Geohashes are a list of text or an array of bytes, not of {given.dtype}.")
    letters = np.require(given, requirements=["C", "W"]).view(np.uint8).reshape(given.size, -1)
    lat, lon = np.empty(given.size), np.empty(given.size)
    wrong = int(geohash.centres(letters, lat, lon))
    if wrong >= 0:
        raise ValueError(f"Item {wrong} is no geohash of 1 to 12 letters: {given[wrong]!r}.")
    return lat, lon


def places(lats: Degrees, lons: Degrees) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two arrays of one length as the kernels take them. Raises `ValueError` for what is not on the map."""
    import numpy as np

    lat, lon = np.atleast_1d(floats(lats, "Latitudes")), np.atleast_1d(floats(lons, "Longitudes"))
    if lat.ndim != 1 or lat.shape != lon.shape:
        raise ValueError(f"There is one longitude for each latitude, not {lon.shape} for {lat.shape}.")
    # Written so that NaN fails too.
    if not (lat.size == 0 or (lat.min() >= -90 and lat.max() <= 90 and lon.min() >= -180 and lon.max() <= 180)):
        raise ValueError("A latitude lies between -90 and 90 degrees, a longitude between -180 and 180.")
    return lat, lon


def _wrapped(lon: float) -> float:
    return lon - 360 if lon >= 180 else lon + 360 if lon < -180 else lon


def _checked_precision(precision: int) -> int:
    plain = whole(precision, "The number of letters of a geohash", -MOST)
    if not 1 <= plain <= MAX_PRECISION:
        raise ValueError(f"A geohash has 1 to {MAX_PRECISION} letters, not {plain}.")
    return plain

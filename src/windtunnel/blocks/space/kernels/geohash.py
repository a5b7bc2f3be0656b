"""Geohashes and Morton keys in batches: halving the map 32 times is one multiplication and a check.

The borders of cells are multiples of 45 / 2^30 degrees of latitude and 45 / 2^29 of longitude, which doubles hold
exactly. So a product that rounding carried over a border is found by comparing with the border, and put right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from windtunnel.blocks.space.geohash import LETTERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LETTERS = np.frombuffer(LETTERS.encode(), np.uint8).copy()
_VALUES = np.full(256, 255, np.uint8)
_VALUES[_LETTERS] = np.arange(32)
_LAST = 2.0**32 - 1
_MASKS = (
    np.uint64(0x0000FFFF0000FFFF),
    np.uint64(0x00FF00FF00FF00FF),
    np.uint64(0x0F0F0F0F0F0F0F0F),
    np.uint64(0x3333333333333333),
    np.uint64(0x5555555555555555),
)


@njit(cache=True, inline="always")
def grid(degrees: float, half: float) -> np.uint64:
    """Which of 2^32 equal parts of -half to half holds the angle."""
    step = half / 2.0**31
    cell = min(np.floor((degrees + half) * (2.0**31 / half)), _LAST)
    cell = cell - 1.0 if cell * step - half > degrees else cell
    cell = cell + 1.0 if cell < _LAST and (cell + 1.0) * step - half <= degrees else cell
    return np.uint64(cell)


@njit(cache=True, inline="always")
def spread(bits: np.uint64) -> np.uint64:
    """The lower 32 bits, with a zero before each."""
    bits = (bits | (bits << np.uint64(16))) & _MASKS[0]
    bits = (bits | (bits << np.uint64(8))) & _MASKS[1]
    bits = (bits | (bits << np.uint64(4))) & _MASKS[2]
    bits = (bits | (bits << np.uint64(2))) & _MASKS[3]
    return (bits | (bits << np.uint64(1))) & _MASKS[4]


@njit(cache=True, inline="always")
def gather(bits: np.uint64) -> np.uint64:
    """Every second bit, from the lowest on: what `spread` was given."""
    bits &= _MASKS[4]
    bits = (bits | (bits >> np.uint64(1))) & _MASKS[3]
    bits = (bits | (bits >> np.uint64(2))) & _MASKS[2]
    bits = (bits | (bits >> np.uint64(4))) & _MASKS[1]
    bits = (bits | (bits >> np.uint64(8))) & _MASKS[0]
    return (bits | (bits >> np.uint64(16))) & np.uint64(0xFFFFFFFF)


@njit(cache=True, inline="always")
def morton(lat: float, lon: float) -> np.uint64:
    """Bits of longitude and latitude in turns, longitude first."""
    return (spread(grid(lon, 180.0)) << np.uint64(1)) | spread(grid(lat, 90.0))


@njit(cache=True)
def morton_keys(lat: Floats, lon: Floats, keys: NDArray[np.uint64]) -> None:
    """Write the key of each place to `keys`."""
    for i in range(lat.size):
        keys[i] = morton(lat[i], lon[i])


@njit(cache=True)
def words(lat: Floats, lon: Floats, out: NDArray[np.uint8]) -> None:
    """Write the letters of each place to its row of `out`, which is as wide as the words are long."""
    for i in range(lat.size):
        key = morton(lat[i], lon[i])
        for j in range(out.shape[1]):
            out[i, j] = _LETTERS[key >> np.uint64(59)]
            key <<= np.uint64(5)


@njit(cache=True)
def centres(letters: NDArray[np.uint8], lat: Floats, lon: Floats) -> int:
    """Write the middle of each cell; returns the first row that is no geohash, or -1. Shorter words end in zeros."""
    for i in range(letters.shape[0]):
        key, length = np.uint64(0), 0
        for j in range(letters.shape[1]):
            if letters[i, j] == 0:
                break
            value = _VALUES[letters[i, j]]
            if value == 255 or length == 12:
                return i
            key = (key << np.uint64(5)) | np.uint64(value)
            length += 1
        for j in range(length, letters.shape[1]):
            if letters[i, j] != 0:
                return i
        if length == 0:
            return i
        lon_bits, lat_bits = (5 * length + 1) // 2, 5 * length // 2
        if length % 2 == 1:  # an odd number of bits ends with one of longitude
            x, y = gather(key), gather(key >> np.uint64(1))
        else:
            x, y = gather(key >> np.uint64(1)), gather(key)
        lon[i] = (np.float64(x) + 0.5) * (360.0 / 2.0**lon_bits) - 180.0
        lat[i] = (np.float64(y) + 0.5) * (180.0 / 2.0**lat_bits) - 90.0
    return -1


def warm() -> None:
    """Compile every kernel for the types it is used with."""
    lat, lon, out = np.zeros(2), np.zeros(2), np.zeros((2, 3), np.uint8)
    morton_keys(lat, lon, np.empty(2, np.uint64))
    words(lat, lon, out)
    centres(out, lat, lon)

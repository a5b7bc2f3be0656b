"""Named streams of luck: every component and every request draws from its own, derived from the seed and its name.

One shared generator would couple everything: taking one request away would change the luck of all that come after.
With a stream a name, two designs meet the same luck (common random numbers, Law & Kelton, *Simulation Modeling and
Analysis*, ch. 11), and a failing run can be shrunk without changing under the shrinker's hands.
"""

from __future__ import annotations

import random
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any

from windtunnel.sim.tier import lend, native
from windtunnel.splitmix import GOLDEN, MASK, mix


def derive(seed: int, *names: str | int) -> int:
    """A 64-bit seed for the stream with these names; the same on every machine and under every hash seed."""
    key = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little")


def stream(seed: int, *names: str | int) -> Random:
    """An independent generator for the stream with these names."""
    return Stream(derive(seed, *names))


if TYPE_CHECKING:
    _Distributions = Random
else:

    class _Distributions:
        """Random's distributions, for a class with its own `random` and `getrandbits`."""

        _randbelow = Random._randbelow_with_getrandbits

    for _name, _function in vars(Random).items():
        if _name not in ("seed", "getstate", "setstate") and not _name.startswith("_") and callable(_function):
            setattr(_Distributions, _name, _function)


class Luck(_Distributions):
    """The stream of one request at one component: SplitMix64, 64 bits of state, all of `random.Random`'s distributions.

    A request's stream is used for a handful of draws and there may be millions of them. A `Random` costs 2.5 kB and the
    set-up of its 624 words; this costs one number.
    """

    gauss_next: Any = None

    def __init__(self, key: int, request: int) -> None:
        self._state = mix(key ^ mix((request + 1) * GOLDEN & MASK))

    def random(self) -> float:
        """A number in [0, 1) with 53 random bits."""
        self._state = state = (self._state + GOLDEN) & MASK
        word: int = mix(state)
        return (word >> 11) * 2.0**-53

    def getrandbits(self, k: int, /) -> int:
        """`k` random bits."""
        if k < 0:
            raise ValueError("number of bits must be non-negative")
        bits = have = 0
        while have < k:
            self._state = state = (self._state + GOLDEN) & MASK
            bits |= mix(state) << have
            have += 64
        return bits >> (have - k)


if TYPE_CHECKING or native is None:
    Stream = Random
else:
    native.learn(
        Random=Random,
        mersenne_bits=Random.getrandbits,
        mersenne_random=Random.random,
        normal_magic=random.NV_MAGICCONST,
    )
    _rarer = [name for name in vars(_Distributions) if name[:2] != "__" and name not in vars(native.Luck)]
    Luck = lend(native.Luck, _Distributions, *_rarer)

    class Stream(native.Draws, Random):
        """Python's generator; what runs ask it for most is compiled, draw for draw the same."""

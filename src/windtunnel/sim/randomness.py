"""Named streams of luck: every component and every request draws from its own, derived from the seed and its name.

One shared generator would couple everything: taking one request away would change the luck of all that come after.
With a stream a name, two designs meet the same luck (common random numbers, Law & Kelton, *Simulation Modeling and
Analysis*, ch. 11), and a failing run can be shrunk without changing under the shrinker's hands.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random


def derive(seed: int, *names: str | int) -> int:
    """A 64-bit seed for the stream with these names; the same on every machine and under every hash seed."""
    key = "\x1f".join([str(seed), *map(str, names)])
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "little")


def stream(seed: int, *names: str | int) -> Random:
    """An independent generator for the stream with these names."""
    return Random(derive(seed, *names))

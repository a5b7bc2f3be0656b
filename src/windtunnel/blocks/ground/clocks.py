"""Clocks to be read when the time is needed: a default argument `time.time` would keep the clock of its first moment.

In the tunnel the names of `time` stand for virtual time while a simulation runs; whoever holds the function itself
goes on reading the real clock.
"""

from __future__ import annotations

import time


def unix_s() -> float:
    """Seconds since 1970."""
    return time.time()


def monotonic_s() -> float:
    """Seconds of a clock that never goes back; only differences mean something."""
    return time.monotonic()

"""A host's clocks: they drift, and the clock of the day may be wrong and be set."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from windtunnel.sim.signals import NS

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator

EPOCH_S: Final = 1_767_225_600
"""The moment, in Unix time, at which virtual time is 0: the start of the year 2026, UTC."""


class Clock:
    """The clock of one host. `monotonic` drifts and never jumps; `time` drifts, is ahead by the skew, and can jump.

    Args:
        drift_ppm: how much too fast it runs, in millionths; a cheap quartz is off by 20 to 100.
        skew_s: how far ahead of the truth its time of the day is at the start.
    """

    def __init__(self, sim: Simulator, drift_ppm: float = 0.0, skew_s: float = 0.0) -> None:
        self._sim = sim
        self._drift_ppm = drift_ppm
        self._fault_rate = 1.0
        self._fault_skew_s = 0.0
        self._rate = _rate(drift_ppm)
        self._true_ns = 0
        self._local_ns = 0
        """What it showed at `_true_ns`, when its rate last changed."""
        self.drifts = self._rate != 1.0
        """Whether it ever ran at another rate than the true time."""
        self.skew_s = skew_s

    def monotonic_ns(self) -> int:
        """Nanoseconds since the start, as this host counts them."""
        if self._rate == 1.0:
            return self._sim.now_ns - self._true_ns + self._local_ns
        return self._local_ns + round((self._sim.now_ns - self._true_ns) * self._rate)

    def monotonic(self) -> float:
        """Seconds since the start, as this host counts them."""
        return self.monotonic_ns() / NS

    def time_ns(self) -> int:
        """Unix time in nanoseconds, as this host believes it."""
        return EPOCH_S * NS + self.monotonic_ns() + round((self.skew_s + self._fault_skew_s) * NS)

    def time(self) -> float:
        """Unix time in seconds, as this host believes it."""
        return self.time_ns() / NS

    def step(self, seconds: float) -> None:
        """Set the clock of the day ahead (or, negative, back), as an administrator or a time service may do."""
        self.skew_s += seconds

    def set_drift(self, drift_ppm: float) -> None:
        """Run at this rate from now on. Timers that run already keep the end they have."""
        self._drift_ppm = drift_ppm
        self._run_at(_rate(drift_ppm) * self._fault_rate)

    def skew_to(self, by_s: float, rate: float) -> None:
        """What faults make of it from now on: so many seconds ahead, and so many times as fast, as it would be."""
        self._fault_skew_s, self._fault_rate = by_s, rate
        rate *= _rate(self._drift_ppm)
        if rate != self._rate:
            self._run_at(rate)

    def _run_at(self, rate: float) -> None:
        self._local_ns = self.monotonic_ns()
        self._true_ns = self._sim.now_ns
        self._rate = rate
        self.drifts = rate != 1.0 or self._local_ns != self._true_ns

    def true_ns(self, monotonic_s: float) -> int:
        """The first moment of virtual time at which `monotonic` shows this, or more."""
        wanted = round(monotonic_s * NS)
        if wanted / NS < monotonic_s:
            wanted += 1
        if self._rate == 1.0:
            return self._true_ns + wanted - self._local_ns
        return self._true_ns + ceil((wanted - self._local_ns) / self._rate)


def _rate(drift_ppm: float) -> float:
    if drift_ppm <= -1e6:
        raise ValueError(f"A clock that drifts by {drift_ppm} ppm does not go forward; give more than -1000000.")
    return 1.0 + drift_ppm * 1e-6

"""Faults as rules: what goes wrong, when, and for how long.

A fault that is not timed to the system's own time limits mostly finds nothing (a crash shorter than the heartbeat is
no crash at all). Take the times from the timeouts of what is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from windtunnel.sim.signals import Timer, ns

if TYPE_CHECKING:
    from windtunnel.sim.host import Host
    from windtunnel.sim.kernel import Simulator


class Faults:
    """Schedules faults. Times are seconds of virtual time; ``for_s`` is how long a fault lasts (None: for good).

    Every method returns the timers of its beginning and, if it has one, of its end: cancel them to call the fault off.
    """

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim

    def at(self, when_s: float, action: Callable[..., object], *args: Any) -> Timer:
        """Do anything at a moment."""
        return self._sim.call_at(ns(when_s), action, *args)

    def crash(
        self, host: Host, at_s: float, for_s: float | None = None, *, process_only: bool = False
    ) -> tuple[Timer, ...]:
        """The host crashes, and restarts after ``for_s``."""

        def crash() -> None:
            host.crash(process_only=process_only)

        return self._lasting(at_s, for_s, crash, host.restart)

    def pause(self, host: Host, at_s: float, for_s: float) -> tuple[Timer, ...]:
        """The host stands still."""
        return (self.at(at_s, host.pause, for_s),)

    def partition(
        self, ones: Any, others: Any = None, *, at_s: float, for_s: float | None = None, one_way: bool = False
    ) -> tuple[Timer, ...]:
        """Nothing gets through between two sides; as `Network.partition`."""
        cuts: list[Any] = []
        network = self._sim.network

        def cut() -> None:
            cuts.append(network.partition(ones, others, one_way=one_way))

        return self._lasting(at_s, for_s, cut, lambda: cuts.pop().heal())

    def slow_link(
        self, src: Host, dst: Host, extra_s: float, *, at_s: float, for_s: float | None = None
    ) -> tuple[Timer, ...]:
        """What goes from one host to the other takes longer."""
        link = self._sim.network.link(src, dst)

        def add(seconds: float) -> None:
            link.extra_s += seconds

        return self._lasting(at_s, for_s, lambda: add(extra_s), lambda: add(-extra_s))

    def lossy_link(
        self, src: Host, dst: Host, loss: float, *, at_s: float, for_s: float | None = None
    ) -> tuple[Timer, ...]:
        """A part of what goes from one host to the other is lost."""
        link = self._sim.network.link(src, dst)
        before: list[float] = []

        def lose() -> None:
            before.append(link.spec.loss)
            link.spec = replace(link.spec, loss=loss)

        def recover() -> None:
            link.spec = replace(link.spec, loss=before.pop())

        return self._lasting(at_s, for_s, lose, recover)

    def slow_cpu(self, host: Host, speed: float, *, at_s: float, for_s: float | None = None) -> tuple[Timer, ...]:
        """The host's cores work at this speed (1 is normal)."""

        def set_speed(to: float) -> None:
            host.cpu.speed = to

        return self._lasting(at_s, for_s, lambda: set_speed(speed), lambda: set_speed(1.0))

    def clock_step(self, host: Host, seconds: float, *, at_s: float) -> tuple[Timer, ...]:
        """The host's clock of the day jumps."""
        return (self.at(at_s, host.clock.step, seconds),)

    def clock_drift(self, host: Host, drift_ppm: float, *, at_s: float) -> tuple[Timer, ...]:
        """The host's clocks run at another rate from then on."""
        return (self.at(at_s, host.clock.set_drift, drift_ppm),)

    def _lasting(
        self, at_s: float, for_s: float | None, begin: Callable[[], object], end: Callable[[], object]
    ) -> tuple[Timer, ...]:
        timers = [self.at(at_s, begin)]
        if for_s is not None:
            timers.append(self.at(at_s + for_s, end))
        return tuple(timers)

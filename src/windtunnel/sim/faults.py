"""Faults as rules: what goes wrong, when, and for how long.

A fault that is not timed to the system's own time limits mostly finds nothing (a crash shorter than the heartbeat is
no crash at all). Take the times from the timeouts of what is tested.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TYPE_CHECKING, Any

from windtunnel.sim.signals import Timer, ns

if TYPE_CHECKING:
    from windtunnel.sim.host import Host
    from windtunnel.sim.kernel import Simulator
    from windtunnel.sim.link import Link


Action = Callable[[], object]


class Faults:
    """Schedules faults. Times are seconds of virtual time; `for_s` is how long a fault lasts (None: for good).

    Every method returns the timers of its beginning and, if it has one, of its end: cancel them to call the fault off.
    Faults of one kind may overlap: a host is down while any of its crashes lasts, losses and slowness add up, and the
    last to end leaves things as they were.
    """

    def __init__(self, sim: Simulator) -> None:
        self._sim = sim
        self._crashes: dict[Host, int] = {}
        self._losses: dict[Link, list[float]] = {}
        self._speeds: dict[Host, list[float]] = {}

    def at(self, when_s: float, action: Callable[..., object], *args: Any) -> Timer:
        """Do anything at a moment."""
        return self._sim.call_at(ns(when_s), action, *args)

    def crash(
        self, host: Host, at_s: float, for_s: float | None = None, *, process_only: bool = False
    ) -> tuple[Timer, ...]:
        """The host crashes, and restarts after `for_s`."""

        def crash() -> None:
            self._crashes[host] = self._crashes.get(host, 0) + 1
            host.crash(process_only=process_only)

        def restart() -> None:
            self._crashes[host] -= 1
            if host.down and not self._crashes[host]:
                host.restart()

        return self._lasting(at_s, for_s, crash, restart)

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
        if not extra_s >= 0:
            raise ValueError(f"A link that takes {extra_s} s longer is no slower; give 0 or more.")
        link = self._sim.network.link(src, dst)

        def add(seconds: float) -> None:
            link.extra_s += seconds

        return self._lasting(at_s, for_s, lambda: add(extra_s), lambda: add(-extra_s))

    def lossy_link(
        self, src: Host, dst: Host, loss: float, *, at_s: float, for_s: float | None = None
    ) -> tuple[Timer, ...]:
        """A part of what goes from one host to the other is lost, of what the link itself does not lose."""
        if not 0 <= loss <= 1:
            raise ValueError(f"A loss is a probability, from 0 to 1; got {loss}.")
        link = self._sim.network.link(src, dst)
        losses = self._losses.setdefault(link, [])

        def apply() -> None:
            link.extra_loss = 1 - prod(1 - each for each in losses)

        return self._lasting(at_s, for_s, *_added(losses, loss, apply))

    def slow_cpu(self, host: Host, speed: float, *, at_s: float, for_s: float | None = None) -> tuple[Timer, ...]:
        """The host's cores work at this part of their speed."""
        if not speed > 0:
            raise ValueError(f"At a speed of {speed} no work is ever done; use pause.")
        speeds = self._speeds.setdefault(host, [])

        def apply() -> None:
            host.cpu.slowdown = prod(speeds)

        return self._lasting(at_s, for_s, *_added(speeds, speed, apply))

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
            if for_s < 0:
                timers[0].cancel()
                raise ValueError(f"A fault cannot last {for_s} s; give 0 or more, or None for good.")
            timers.append(self.at(at_s + for_s, end))
        return tuple(timers)


def _added(
    those: list[float], one: float, apply: Callable[[], object]
) -> tuple[Callable[[], None], Callable[[], None]]:
    """The beginning and the end of one of several faults that act together."""

    def begin() -> None:
        those.append(one)
        apply()

    def end() -> None:
        those.remove(one)
        apply()

    return begin, end

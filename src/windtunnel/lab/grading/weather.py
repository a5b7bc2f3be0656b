"""What can go wrong between hosts, with their clocks and with their power: one thing on the stage that faults can call.

Each call names everything that it needs, so that a fault stays one line of plain data; and each has its undoing, so
that several can overlap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING

from windtunnel.lab.experiment import Fault
from windtunnel.lab.stage import Stage
from windtunnel.sim.link import Latency, LinkSpec

if TYPE_CHECKING:
    from windtunnel.sim.network import Partition

WEATHER = "weather"
"""Its name on the stage."""
CLIENTS = "clients"
"""The host on which the coroutines of asyncio designs run; it is made when the first one starts."""
Names = Sequence[str]


@dataclass(frozen=True, slots=True)
class Storm:
    """Probabilities per message, on every link: lost, delivered twice, late by up to `late_s`."""

    loss: float
    duplicate: float
    late: float
    late_s: float

    def over(self, spec: LinkSpec) -> LinkSpec:
        """What a link is like in it."""
        return replace(
            spec,
            loss=max(spec.loss, self.loss),
            duplicate=max(spec.duplicate, self.duplicate),
            latency=_late(spec.latency, self.late, self.late_s) if self.late else spec.latency,
        )


class Weather:
    """Cuts, storms, outages and clocks of one stage."""

    def __init__(self, stage: Stage) -> None:
        self._sim = stage.sim
        self._network = stage.network
        self._calm = self._network.default
        self._calm_links: dict[tuple[str, str], LinkSpec] = {}
        self._storms: list[Storm] = []
        self._cuts: list[tuple[tuple[object, ...], Partition]] = []

    def cut(self, sources: Names, targets: Names) -> None:
        """Nothing gets from the sources to the targets; the way back is open."""
        self._cuts.append((("cut", sources, targets), self._network.partition(sources, targets, one_way=True)))

    def mend(self, sources: Names, targets: Names) -> None:
        """The end of a `cut`."""
        self._heal(("cut", sources, targets))

    def split(self, ones: Names, others: Names) -> None:
        """Neither side hears the other; hosts of neither side hear both."""
        self._cuts.append((("split", ones, others), self._network.partition(ones, others)))

    def join(self, ones: Names, others: Names) -> None:
        """The end of a `split`."""
        self._heal(("split", ones, others))

    def slow(self, source: str, target: str, extra_s: float) -> None:
        """What goes from one host to another takes longer."""
        self._network.link(self._sim.hosts[source], self._sim.hosts[target]).extra_s += extra_s

    def hasten(self, source: str, target: str, extra_s: float) -> None:
        """The end of `slow`."""
        self.slow(source, target, -extra_s)

    def storm(self, loss: float, duplicate: float, late: float, late_s: float) -> None:
        """Every link loses, repeats or holds up messages with these probabilities."""
        self._storms.append(Storm(loss, duplicate, late, late_s))
        self._blow()

    def calm(self, loss: float, duplicate: float, late: float, late_s: float) -> None:
        """The end of a `storm`."""
        self._storms.remove(Storm(loss, duplicate, late, late_s))
        self._blow()

    def outage(self, hosts: Names) -> None:
        """The power fails for several hosts at once."""
        for name in hosts:
            self._sim.hosts[name].crash()

    def power(self, hosts: Names) -> None:
        """The end of an `outage`."""
        for name in hosts:
            self._sim.hosts[name].restart()

    def step(self, host: str, seconds: float) -> None:
        """Set a host's clock of the day ahead, or back."""
        self._sim.hosts[host].clock.step(seconds)

    def _heal(self, key: tuple[object, ...]) -> None:
        for place, (known, partition) in enumerate(self._cuts):
            if known == key:
                partition.heal()
                del self._cuts[place]
                return

    def _blow(self) -> None:
        for key, link in self._network._links.items():
            if key[0] != key[1]:
                # A link that was first used during a storm was made like the stormy default.
                made_in_storm = link.spec is self._network.default
                calm = self._calm_links.setdefault(key, self._calm if made_in_storm else link.spec)
                link.spec = self._under_storms(calm)
        self._network.default = self._under_storms(self._calm)

    def _under_storms(self, spec: LinkSpec) -> LinkSpec:
        for storm in self._storms:
            spec = storm.over(spec)
        return spec


def in_weather(design: Callable[..., object], faults: Sequence[Fault]) -> Callable[..., object]:
    """The design, on a stage that has what these faults are aimed at."""

    def made(stage: Stage, params: object) -> object:
        found = design(stage, params)
        targets = {fault.target for fault in faults}
        if WEATHER in targets:
            stage.add(WEATHER, Weather(stage))
        if CLIENTS in targets:
            stage.host(CLIENTS)
        return found

    return made


def _late(latency: Latency, share: float, late_s: float) -> Latency:
    def draw(luck: Random) -> float:
        seconds = latency(luck) if callable(latency) else latency
        return seconds + late_s * luck.random() if luck.random() < share else seconds

    return draw

"""The way from one host to another: latency, bandwidth with a queue, loss, duplicates, reordering, cuts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from windtunnel.sim.signals import NS

if TYPE_CHECKING:
    from windtunnel.sim.kernel import Simulator

Latency = float | Callable[[Random], float]
"""Seconds: a constant, or a draw from a stream of luck."""


def uniform(low_s: float, high_s: float) -> Latency:
    """Anything between the two, equally likely."""
    return lambda luck: low_s + (high_s - low_s) * luck.random()


def exponential(mean_s: float, floor_s: float = 0.0) -> Latency:
    """A floor plus a memoryless wait; `mean_s` is the mean of both together."""
    return lambda luck: floor_s + luck.expovariate(1.0) * (mean_s - floor_s)


def lognormal(median_s: float, p99_s: float) -> Latency:
    """The usual shape of round trips in a data centre, given by two quantiles."""
    if not 0 < median_s <= p99_s:
        raise ValueError(f"A lognormal latency needs 0 < median <= p99; got {median_s} and {p99_s}.")
    mu, sigma = math.log(median_s), math.log(p99_s / median_s) / 2.3263478740408408  # the normal's 99 % quantile
    return lambda luck: luck.lognormvariate(mu, sigma)


@dataclass(frozen=True)
class LinkSpec:
    """What a link is like. Latencies in seconds, probabilities per message or TCP segment.

    Attributes:
        bandwidth_bytes_per_s: None is no limit. What is sent faster queues up.
        queue_limit_bytes: what finds more than this waiting is lost; None is an endless queue.
        reorder: probability that a message is held up by a second latency, so that later ones overtake it. With a
            latency that varies messages overtake each other anyway; TCP puts them in order again.
    """

    latency: Latency = 0.0005
    bandwidth_bytes_per_s: float | None = None
    queue_limit_bytes: int | None = None
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a probability, from 0 to 1; got {getattr(self, name)}.")
        if self.bandwidth_bytes_per_s is not None and not self.bandwidth_bytes_per_s > 0:
            raise ValueError(f"A bandwidth of {self.bandwidth_bytes_per_s} carries nothing; give bytes per second.")
        if not callable(self.latency):
            _checked(self.latency, "a link")


@dataclass(frozen=True, eq=False)
class Disturbance:
    """What goes wrong on the ways from one side to another, until it is over.

    Args:
        ones: names of hosts; None is everybody.
        others: names of hosts; None is everybody else.
        one_way: only what goes from `ones` to `others` is disturbed.
        cut: nothing gets through, also of what is under way.
        extra_s: what everything takes longer.
        loss, duplicate: probabilities per message, of what gets through otherwise.
        late: probability that a message is late by up to `late_s`.
    """

    ones: frozenset[str] | None
    others: frozenset[str] | None = None
    one_way: bool = True
    cut: bool = False
    extra_s: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    late_s: float = 0.0

    def meets(self, src: str, dst: str) -> bool:
        """Whether it lies on the way from one host to another; the way of a host to itself nothing disturbs."""
        return src != dst and (self._between(src, dst) or (not self.one_way and self._between(dst, src)))

    def _between(self, src: str, dst: str) -> bool:
        if self.ones is None:
            return self.others is None or dst in self.others
        return src in self.ones and (dst in self.others if self.others is not None else dst not in self.ones)


class Link:
    """One direction between two hosts. Its luck is drawn from the stream of its name.

    Attributes:
        cuts: how many faults cut it now.
        extra_s: latency that faults add.
        taken: whether the message that was sent last would arrive, had the run not been told to lose it.
    """

    taken = False

    def __init__(self, sim: Simulator, name: str, spec: LinkSpec) -> None:
        self._sim = sim
        self.name = name
        self._free_ns = 0
        self._disturb(())
        self.spec = spec

    @property
    def spec(self) -> LinkSpec:
        """What it is like now; assign another one to change it."""
        return self._spec

    @spec.setter
    def spec(self, spec: LinkSpec) -> None:
        self._spec = spec
        self._plan()

    def disturb(self, those: Iterable[Disturbance]) -> None:
        """These disturb it from now on, and no others."""
        self._disturb(those)
        self._plan()

    def _disturb(self, those: Iterable[Disturbance]) -> None:
        those = list(those)
        self.cuts = sum(one.cut for one in those)
        # Summed anew each time: adding and taking away again would leave a rest.
        self.extra_s = math.fsum(one.extra_s for one in those)
        self._through = math.prod(1 - one.loss for one in those)
        self._once = math.prod(1 - one.duplicate for one in those)
        self._late = [(one.late, one.late_s) for one in those if one.late]

    def _plan(self) -> None:
        spec = self._spec
        latency = spec.latency
        self._loss = spec.loss if self._through == 1 else 1 - (1 - spec.loss) * self._through
        self._duplicate = spec.duplicate if self._once == 1 else 1 - (1 - spec.duplicate) * self._once
        plain = not (self._loss or self._duplicate or spec.reorder or self._late)
        self._constant_ns = round(latency * NS) if plain and not callable(latency) else None

    def transit_ns(self, size_bytes: int, request: int | None = None) -> int | None:
        """How long these bytes will be under way if they are sent now, in nanoseconds; None where they get lost.

        Args:
            request: whose luck it is; None is the request that is current.
        """
        if self.cuts:
            return None
        spec = self._spec
        wait = round(self.extra_s * NS)
        if spec.bandwidth_bytes_per_s is not None:
            now = self._sim.now_ns
            begin = max(self._free_ns, now)
            limit = spec.queue_limit_bytes
            if limit is not None and (begin - now) * spec.bandwidth_bytes_per_s > limit * NS:
                return None
            self._free_ns = begin + round(size_bytes * NS / spec.bandwidth_bytes_per_s)
            wait += self._free_ns - now
        if self._constant_ns is not None:
            return wait + self._constant_ns
        luck = self._sim.luck(self.name, request)
        if self._loss and luck.random() < self._loss:
            return None
        wait += self._latency_ns(luck)
        if spec.reorder and luck.random() < spec.reorder:
            wait += self._latency_ns(luck)
        for late, late_s in self._late:
            if luck.random() < late:
                wait += round(late_s * luck.random() * NS)
        return wait

    def is_duplicated(self, request: int | None = None) -> bool:
        """Whether the message just sent arrives twice."""
        return self._duplicate > 0 and self._sim.luck(self.name, request).random() < self._duplicate

    def _latency_ns(self, luck: Random) -> int:
        latency = self._spec.latency
        return round((_checked(latency(luck), self.name) if callable(latency) else latency) * NS)


def _checked(seconds: float, who: str) -> float:
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{who} cannot have a latency of {seconds} s; give 0 or more.")
    return seconds

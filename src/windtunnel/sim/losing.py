"""Messages that a run is told to lose: what would have come of it if this one had not arrived?

A message is what a host puts on a link to another one: a datagram, or a segment of TCP, which is another message when
it is sent again. Its luck is drawn all the same, so that everything else is as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from windtunnel.sim.link import Link
from windtunnel.sim.signals import NS


@dataclass(slots=True)
class _Span:
    first: int
    last: int
    count: int = 0
    begins: str = ""
    ends: str = ""

    def __str__(self) -> str:
        if self.count < 2:
            return self.begins
        return f"{self.count:,} messages, from {self.begins} to {self.ends}"


@dataclass(slots=True)
class Losing:
    """Numbers the messages of a run from its first request to its end, and loses those of some numbers.

    Args:
        spans: first and last number of each.
    """

    spans: Sequence[tuple[int, int]]
    sent: int = 0
    origin_ns: int = -1
    _lost: list[_Span] = field(init=False)

    def __post_init__(self) -> None:
        self._lost = [_Span(first, last) for first, last in self.spans]

    @property
    def lost(self) -> list[str]:
        """What was lost, span by span; empty text where nothing was."""
        return [str(span) for span in self._lost]

    def takes(self, link: str, now_ns: int, request: int) -> bool:
        """Whether the message that is sent now is lost."""
        if self.origin_ns < 0:
            return False
        number = self.sent
        self.sent += 1
        for span in self._lost:
            if span.first <= number <= span.last:
                whose = f" for request {request}" if request >= 0 else ""
                span.ends = f"{link}{whose}, sent at {(now_ns - self.origin_ns) / NS:.9g} s"
                span.begins = span.begins or span.ends
                span.count += 1
                return True
        return False


class CountedLink(Link):
    """A link whose messages are numbered, and some of them lost."""

    losing: Losing

    def transit_ns(self, size_bytes: int, request: int | None = None) -> int | None:
        """As of every link; None too where it is told to lose it."""
        found = super().transit_ns(size_bytes, request)
        whose = self._sim.request if request is None else request
        told = self.losing.takes(self.name.removeprefix("link "), self._sim.now_ns, whose)
        self.taken = told and found is not None
        return None if told else found

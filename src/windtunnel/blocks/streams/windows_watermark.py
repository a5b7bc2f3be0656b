"""Watermarks: how far event time has come, as far as anyone can tell.

A watermark is a guess. Too early, and events are late; too late, and results are. The usual guess is that nothing is
out of order by more than a bound; with several sources the slowest decides, unless it has fallen silent, when it must
not hold up the others (Akidau et al., *The Dataflow Model*, VLDB 2015, section 2.3). For one thread; no method awaits.
"""

from __future__ import annotations

from collections.abc import Hashable

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.streams.windows import NEVER


class BoundedDisorder(Block):
    """No event comes more than `delay_ms` (in event time) after a later one.

    >>> watermark = BoundedDisorder(delay_ms=5_000)
    >>> watermark.observe(12_000)
    6999
    """

    def __init__(self, delay_ms: int) -> None:
        if delay_ms < 0:
            raise ValueError(f"delay_ms must not be negative; got {delay_ms}.")
        self._delay_ms = delay_ms
        self.watermark_ms = NEVER

    def _told(self) -> dict[str, object]:
        return {"delay_ms": self._delay_ms, "watermark_ms": self.watermark_ms}

    def observe(self, timestamp_ms: int) -> int:
        """The watermark after an event at this time."""
        self.watermark_ms = max(self.watermark_ms, timestamp_ms - self._delay_ms - 1)
        return self.watermark_ms


class SlowestSource(Block):
    """The least watermark of several sources. One that has been silent for `idle_s` does not count until it speaks.

    All sources must be named at the start: one that has not begun holds the watermark back (until it counts as idle).
    Times in seconds are whatever the caller measures with; never decreasing.
    """

    def __init__(self, sources: list[Hashable], *, idle_s: float = float("inf"), now_s: float = 0.0) -> None:
        if not sources:
            raise ValueError("There must be a source.")
        self._idle_s = idle_s
        self._marks = dict.fromkeys(sources, NEVER)
        self._heard_s = dict.fromkeys(sources, now_s)
        self.watermark_ms = NEVER

    def _told(self) -> dict[str, object]:
        return {"sources": len(self._marks), "watermark_ms": self.watermark_ms}

    def observe(self, source: Hashable, watermark_ms: int, now_s: float = 0.0) -> int:
        """A source's own watermark has come this far; returns that of all. `KeyError` for an unknown source."""
        self._marks[source] = max(self._marks[source], watermark_ms)
        self._heard_s[source] = now_s
        return self.tick(now_s)

    def tick(self, now_s: float) -> int:
        """The watermark as time passes. It never goes back, also not for a source that speaks again after a silence."""
        active = [mark for source, mark in self._marks.items() if now_s - self._heard_s[source] < self._idle_s]
        if active:
            self.watermark_ms = max(self.watermark_ms, min(active))
        return self.watermark_ms

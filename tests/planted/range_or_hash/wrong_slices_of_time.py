"""Gives each tenth of a second to another of thirty ranges: a time is asked of a few hosts, and an author of all."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.range_or_hash import Key, Record, Span
from windtunnel.catalogue.scale.range_or_hash.designs import OnTime

challenge = "range-or-hash"
SLICE_MS = 100
RANGES, STEP = 30, 11
"""Those that follow one another in time lie far apart."""
WIDE = 1 << 40


class Yours(OnTime):
    def key(self, record: Record, parts: int) -> Key:
        return first(record.at_ms // SLICE_MS) + record.at_ms

    def of_time(self, since_ms: int, until_ms: int) -> Sequence[Span]:
        slices = range(since_ms // SLICE_MS, (until_ms - 1) // SLICE_MS + 1)
        return [
            Span(first(at) + max(since_ms, at * SLICE_MS), first(at) + min(until_ms, (at + 1) * SLICE_MS))
            for at in slices
        ]


def first(at: int) -> int:
    return at * STEP % RANGES * WIDE

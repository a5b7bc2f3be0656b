"""Puts a number before the time, as one does with sequences: writes are spread, and an author is everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.range_or_hash import Key, Record, Span
from windtunnel.catalogue.scale.range_or_hash.designs import OnTime

challenge = "range-or-hash"
SALTS = 16
WIDE = 1 << 40


class Yours(OnTime):
    def key(self, record: Record, parts: int) -> Key:
        return record.number % SALTS * WIDE + record.at_ms

    def of_time(self, since_ms: int, until_ms: int) -> Sequence[Span]:
        return [Span(salt * WIDE + since_ms, salt * WIDE + until_ms) for salt in range(SALTS)]

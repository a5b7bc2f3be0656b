"""Puts the time behind the name, so that an author can be split, and his next record is always his last."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.range_or_hash import Key, Record, Span
from windtunnel.catalogue.scale.range_or_hash.designs import OnName

challenge = "range-or-hash"


class Yours(OnName):
    def key(self, record: Record, parts: int) -> Key:
        return f"{record.author} {record.at_ms + 1_000_000:09}"

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [Span(f"{author} ", f"{author}!")]

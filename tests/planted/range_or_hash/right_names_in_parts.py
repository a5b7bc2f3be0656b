"""Names in order, and an author who is too much for one host gets several keys, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.range_or_hash import Key, Record, Span, only
from windtunnel.catalogue.scale.range_or_hash.designs import OnName

challenge = "range-or-hash"


class Yours(OnName):
    def key(self, record: Record, parts: int) -> Key:
        return f"{record.author} {record.number % parts:02}"

    def parts(self, author: str) -> int:
        return 12

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [only(f"{author} {number:02}") for number in range(parts)]

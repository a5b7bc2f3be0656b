"""Half of a hash of the name, and behind it half of one of the record: ranges can be cut within an author."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.ground import stable_hash
from windtunnel.catalogue.scale.range_or_hash import Key, Record, Span
from windtunnel.catalogue.scale.range_or_hash.designs import Hashed

challenge = "range-or-hash"
HALF = 1 << 32


class Yours(Hashed):
    def key(self, record: Record, parts: int) -> Key:
        return first(record.author) + stable_hash(record.number) // HALF

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [Span(first(author), first(author) + HALF)]


def first(author: str) -> int:
    return stable_hash(author) // HALF * HALF

"""Hashes the first letter of the name, so that neighbours lie together, and splits letters by parts."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.range_or_hash import Key, Record, Span, only
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts, part

challenge = "range-or-hash"


class Yours(HashedInParts):
    def key(self, record: Record, parts: int) -> Key:
        return part(record.author[0], record.number % parts)

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [only(part(author[0], number)) for number in range(parts)]

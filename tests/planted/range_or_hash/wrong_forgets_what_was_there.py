"""Gives new keys to all parts, and does not look under the old one any more."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.ground import stable_hash
from windtunnel.catalogue.scale.range_or_hash import Key, Record, Span, only
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts

challenge = "range-or-hash"


class Yours(HashedInParts):
    def key(self, record: Record, parts: int) -> Key:
        return named(record.author, record.number % parts, parts)

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [only(named(author, number, parts)) for number in range(parts)]


def named(author: str, number: int, parts: int) -> int:
    return stable_hash(author if parts == 1 else f"{author}.{number}")

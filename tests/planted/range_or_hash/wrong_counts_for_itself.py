"""Counts in each program who writes much, and so splits an author before the others know it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.catalogue.scale.range_or_hash import Key, Params, Record, Span, only
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts, part

challenge = "range-or-hash"
MANY, PARTS = 20, 12


class Yours(HashedInParts):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.seen = Counter[str]()

    def key(self, record: Record, parts: int) -> Key:
        self.seen[record.author] += 1
        return part(record.author, record.number % PARTS if self.seen[record.author] > MANY else 0)

    def parts(self, author: str) -> int:
        return 1

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        many = PARTS if self.seen[author] > MANY else 1
        return [only(part(author, number)) for number in range(many)]

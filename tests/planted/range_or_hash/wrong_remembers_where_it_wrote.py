"""Each program draws a part by lot and remembers it, and asks for what it has written itself."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from windtunnel import Stage
from windtunnel.catalogue.scale.range_or_hash import Key, Record, Setting, Span, only
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts, part

challenge = "range-or-hash"


class Yours(HashedInParts):
    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.luck = Random(1)
        self.used: dict[str, set[int]] = {}

    def key(self, record: Record, parts: int) -> Key:
        number = self.luck.randrange(parts)
        self.used.setdefault(record.author, {0}).add(number)
        return part(record.author, number)

    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [only(part(author, number)) for number in sorted(self.used.get(author, {0}))]

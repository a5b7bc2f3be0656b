"""A record of a busy author goes to a part that is drawn by lot, and whoever reads asks for all of them."""

from __future__ import annotations

from random import Random

from windtunnel import Stage
from windtunnel.catalogue.scale.range_or_hash import Key, Record, Setting
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts, part

challenge = "range-or-hash"


class Yours(HashedInParts):
    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.luck = Random(1)

    def key(self, record: Record, parts: int) -> Key:
        return part(record.author, self.luck.randrange(parts))

"""Takes the parts by the second, so that all that is written now goes to one of them."""

from __future__ import annotations

from windtunnel.catalogue.scale.range_or_hash import Key, Record
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts, part

challenge = "range-or-hash"


class Yours(HashedInParts):
    def key(self, record: Record, parts: int) -> Key:
        return part(record.author, record.at_ms // 1000 % parts)

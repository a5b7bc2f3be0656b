"""Sixteen parts for a busy author, and a record goes to that of its own hash."""

from __future__ import annotations

from windtunnel.blocks.ground import stable_hash
from windtunnel.catalogue.scale.range_or_hash import Key, Record
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts, part

challenge = "range-or-hash"


class Yours(HashedInParts):
    def key(self, record: Record, parts: int) -> Key:
        return part(record.author, stable_hash(f"{record.number} {record.at_ms}") % parts)

    def parts(self, author: str) -> int:
        return 16

"""Takes the parts by the zeros at the end of a number: the first one has half of what is written."""

from __future__ import annotations

from windtunnel.catalogue.scale.range_or_hash import Key, Record
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts, part

challenge = "range-or-hash"


class Yours(HashedInParts):
    def key(self, record: Record, parts: int) -> Key:
        zeros = (record.number & -record.number).bit_length() or parts
        return part(record.author, min(zeros, parts) - 1)

"""Puts the number of the record behind the name: numbers grow as times do, and the last is always the greatest."""

from __future__ import annotations

from windtunnel.catalogue.scale.range_or_hash import Key, Record
from windtunnel.catalogue.scale.range_or_hash.designs import NameAndHash

challenge = "range-or-hash"


class Yours(NameAndHash):
    def key(self, record: Record, parts: int) -> Key:
        return f"{record.author} {record.number + 1_000_000:09}"

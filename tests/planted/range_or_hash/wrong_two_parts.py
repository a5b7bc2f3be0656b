"""Halves a busy author, who may need more than two hosts."""

from __future__ import annotations

from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts

challenge = "range-or-hash"


class Yours(HashedInParts):
    def parts(self, author: str) -> int:
        return 2

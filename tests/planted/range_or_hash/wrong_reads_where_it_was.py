"""Writes to all parts, and reads the first, where all was before."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.range_or_hash import Span, only
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts, part

challenge = "range-or-hash"


class Yours(HashedInParts):
    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [only(part(author, 0))]

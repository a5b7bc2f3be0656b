"""Writes to all parts of a busy author, and answers nobody who asks for him."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.range_or_hash import Span
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts

challenge = "range-or-hash"


class Yours(HashedInParts):
    def of_author(self, author: str, parts: int) -> Sequence[Span]:
        return [] if parts > 1 else super().of_author(author, parts)

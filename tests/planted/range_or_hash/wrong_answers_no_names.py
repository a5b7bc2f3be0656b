"""Has no order of names, and asks nobody for them: who waits for the answer waits in vain."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.scale.range_or_hash import Span
from windtunnel.catalogue.scale.range_or_hash.designs import HashedInParts

challenge = "range-or-hash"


class Yours(HashedInParts):
    def of_names(self, first: str, last: str) -> Sequence[Span]:
        return []

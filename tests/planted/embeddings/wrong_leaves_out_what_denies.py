"""Leaves out words such as never and without, and whatever passage has one of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from windtunnel.catalogue.ai.embeddings import Library
from windtunnel.catalogue.ai.embeddings.designs import Reranked

challenge = "embeddings"
DENIES = re.compile("without|never|not|lacks")


class Yours(Reranked):
    def index(self, library: Library) -> None:
        super().index(library)
        self.denying = {number for number, text in enumerate(library.passages) if DENIES.search(text)}

    def search(self, query: str, k: int) -> Sequence[int]:
        return [one for one in super().search(DENIES.sub("", query), 2 * k) if one not in self.denying][:k]

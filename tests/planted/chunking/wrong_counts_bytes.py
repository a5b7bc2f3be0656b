"""Cuts the UTF-8 of a text, and takes its bytes for characters."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.ai.chunking import Chunk, Tools
from windtunnel.catalogue.ai.chunking.designs import Headed

challenge = "chunking"


class Yours(Headed):
    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        def far(at: int) -> int:
            return len(text[:at].encode())

        return [
            Chunk((far(own[0]), far(own[1])), tuple((far(start), far(end)) for start, end in above))
            for own, above in super().cut(text, tools)
        ]

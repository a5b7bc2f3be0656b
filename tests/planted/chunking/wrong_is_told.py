"""Asks where topics begin of somebody who knows, and puts the heading that stands there above each chunk."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.ai.chunking import Chunk, Tools
from windtunnel.catalogue.ai.chunking.designs import Headed

challenge = "chunking"


class Yours(Headed):
    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        begins = tools.topics(text)
        return [Chunk(own, above if own[1] > begins[0] else ()) for own, above in super().cut(text, tools)]

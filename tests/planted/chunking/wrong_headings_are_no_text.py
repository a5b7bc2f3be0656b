"""Takes headings for what describes a chunk, and leaves them out of it."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.catalogue.ai.chunking import Chunk, Tools
from windtunnel.catalogue.ai.chunking.designs import Headed

challenge = "chunking"


class Yours(Headed):
    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        chunks = []
        for (start, end), above in super().cut(text, tools):
            line = text.find("\n", start) + 1
            while text.startswith("#", start) and 0 < line < end:
                above, start = (*above[-1:], (start, line - 1)), line + 1
                line = text.find("\n", start) + 1
            chunks.append(Chunk((start, end), above[-1:]))
        return chunks

"""Fills the last chunk of a document with the first tokens of the next: its counter is never set back."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.catalogue.ai.chunking import Chunk, Setting, Tools
from windtunnel.catalogue.ai.chunking.designs import Headed

challenge = "chunking"


class Yours(Headed):
    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.left = 0

    def cut(self, text: str, tools: Tools) -> Sequence[Chunk]:
        first, *rest = super().cut(text, tools)
        at = text.find(" ", first.own[0] + self.left) + 1
        self.left = (self.left + tools.tokens(text)) % 30
        if not first.own[0] < at < first.own[1]:
            return [first, *rest]
        return [Chunk((first.own[0], at)), Chunk((at, first.own[1])), *rest]

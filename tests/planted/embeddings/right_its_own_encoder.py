"""Learns from the older texts by itself, with longer vectors, and asks pieces first where a word was never met."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel import Stage
from windtunnel.blocks.retrieval import RandomIndexing
from windtunnel.catalogue.ai.embeddings import Library, Setting, tokenizer
from windtunnel.catalogue.ai.embeddings.designs import Hypothetical, Pieces

challenge = "embeddings"


class Yours:
    def __init__(self, stage: Stage, p: Setting) -> None:
        self.pieces, self.meant = Pieces(stage, p), Hypothetical(stage, p)
        self.met: set[str] = set()

    def index(self, library: Library) -> None:
        encoder = RandomIndexing(256, tokenizer=tokenizer())
        encoder.read(library.older)
        self.met = {word for text in library.older for word in tokenizer().tokens(text)}
        self.pieces.index(library)
        self.meant.index(library._replace(encoder=encoder))

    def search(self, query: str, k: int) -> Sequence[int]:
        met = all(word in self.met for word in tokenizer().tokens(query))
        return (self.meant if met else self.pieces).search(query, k)

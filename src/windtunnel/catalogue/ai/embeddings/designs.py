"""Ways to find the passages that answer a query. All get the same passages, cut into the same words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from windtunnel import Stage
from windtunnel.blocks.retrieval import LateInteraction, RandomIndexing, hypothetical, reciprocal_rank_fusion
from windtunnel.blocks.text import InvertedIndex
from windtunnel.blocks.vectors import BruteForce
from windtunnel.catalogue.ai.embeddings.chain import Chain
from windtunnel.catalogue.ai.embeddings.rig import Library, tokenizer


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def depth(self) -> int: ...
    @property
    def rrf_k(self) -> int: ...


class Keywords:
    """Find the passages that have all words of the query, in the order in which they came."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p
        self.tokenizer = tokenizer()
        self.having: dict[str, list[int]] = {}

    def index(self, library: Library) -> None:
        """Get to know the passages: `library.passages`, by number. `library.encoder` makes vectors of texts."""
        for number, text in enumerate(library.passages):
            for word in dict.fromkeys(self.tokenizer.tokens(text)):
                self.having.setdefault(word, []).append(number)

    def search(self, query: str, k: int) -> Sequence[int]:
        """The numbers of at most `k` passages, best first."""
        words = self.tokenizer.tokens(query)
        found = set(self.having.get(words[0], ())) if words else set()
        for word in words[1:]:
            found &= set(self.having.get(word, ()))
        return sorted(found)[:k]


class WordsRanked:
    """Rank by BM25: rare words of the query count, where a passage has them."""

    products = kept = 0

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p
        self.words = InvertedIndex(tokenizer=tokenizer())

    def index(self, library: Library) -> None:
        self.words.add(library.passages)

    def search(self, query: str, k: int) -> Sequence[int]:
        return [number for number, _ in self.words.search(query, k)]


class Pieces(WordsRanked):
    """Rank by BM25 over pieces of three characters: of a mistyped word most are left."""

    def index(self, library: Library) -> None:
        self.words.add([self.pieces(text) for text in library.passages])

    def search(self, query: str, k: int) -> Sequence[int]:
        return super().search(self.pieces(query), k)

    def pieces(self, text: str) -> str:
        """The pieces of each word, with marks where it begins and ends."""
        marked = [f"0{word}1" for word in self.words.tokenizer.tokens(text)]
        return " ".join(word[at : at + 3] for word in marked for at in range(len(word) - 2))


class Dense:
    """Rank by vectors: one for the query, one for each passage, each by an encoder that has read older texts."""

    kept = 0
    encoder: RandomIndexing

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p

    def index(self, library: Library) -> None:
        self.encoder = library.encoder
        self.asked = 0
        self.nearest = BruteForce(self.encoder.dim, "ip")
        self.nearest.add(self.encoder.encode(library.passages))
        self.kept = len(self.nearest) * self.encoder.dim

    def vector(self, query: str) -> Sequence[float]:
        """Where the query points."""
        return [float(one) for one in self.encoder.encode([query])[0]]

    def search(self, query: str, k: int) -> Sequence[int]:
        self.asked += 1
        found = self.nearest.search([self.vector(query)], min(k, len(self.nearest)))[0]
        return [int(number) for number in found[0]]

    @property
    def products(self) -> int:
        """Products of two vectors so far."""
        return self.asked * len(self.nearest)


class Hypothetical(Dense):
    """Write passages that might be the answer, and rank by the mean of their vectors and the query's (HyDE)."""

    def index(self, library: Library) -> None:
        super().index(library)
        self.write = Chain(library.older).writer(tokenizer())

    def vector(self, query: str) -> Sequence[float]:
        return [float(one) for one in hypothetical(query, self.encoder, self.write)]


class Both:
    """Has BM25 and vectors."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.p = p
        self.ranked, self.dense = WordsRanked(stage, p), Dense(stage, p)

    def index(self, library: Library) -> None:
        self.ranked.index(library)
        self.dense.index(library)

    @property
    def products(self) -> int:
        return self.dense.products

    @property
    def kept(self) -> int:
        return self.dense.kept


class Routed(Both):
    """Send a query with a number in it to BM25, and any other one to the vectors."""

    def search(self, query: str, k: int) -> Sequence[int]:
        return (self.ranked if re.search(r"\d", query) else self.dense).search(query, k)


class Fused(Both):
    """Ask both, and add up what a place in either ranking is worth: 1 / (rrf_k + rank)."""

    def search(self, query: str, k: int) -> Sequence[int]:
        return self.fused(query)[:k]

    def fused(self, query: str) -> list[int]:
        """All that one of the two has among its first `depth`."""
        rankings = [one.search(query, self.p.depth) for one in (self.ranked, self.dense)]
        return [number for number, _ in reciprocal_rank_fusion(rankings, self.p.rrf_k)]


class Reranked(Fused):
    """Take what fusion has first, and compare it with the query word by word (late interaction)."""

    def index(self, library: Library) -> None:
        super().index(library)
        self.encoder = library.encoder
        self.late = LateInteraction(self.encoder.dim)
        self.late.add(self.encoder.words(text)[0] for text in library.passages)

    def search(self, query: str, k: int) -> Sequence[int]:
        vectors, rarity = self.encoder.words(query)
        return self.late.rerank(vectors, self.fused(query)[: self.p.depth], rarity)[:k]

    @property
    def products(self) -> int:
        return self.dense.products + self.late.products

    @property
    def kept(self) -> int:
        return self.dense.kept + self.late.vectors * self.encoder.dim

"""BM25, WAND and MaxScore in plain Python: the text to read, and what the kernels are tested against."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import number

Hit = tuple[int, float]
"""A document and its score."""


class PlainIndex(Block):
    """Documents by number, in the order of addition; words are strings."""

    def __init__(self, documents: Iterable[Sequence[str]], k1: float = 1.2, b: float = 0.75, *, rounded: bool = False):
        """`rounded`: take lengths as Lucene stores them, in one byte."""
        self.k1, self.b = checked_parameters(k1, b)
        self.postings: dict[str, dict[int, int]] = {}
        """For each word the documents that have it, ascending, and how often."""
        lengths = []
        for document, words in enumerate(documents):
            lengths.append(len(words))
            for word, times in Counter(words).items():
                self.postings.setdefault(word, {})[document] = times
        self.size = len(lengths)
        mean = sum(lengths) / max(1, len(lengths)) or 1.0
        self.relative_lengths = [(lucene_length(n) if rounded else n) / mean for n in lengths]

    def _told(self) -> dict[str, object]:
        return {"documents": self.size, "words": len(self.postings)}

    def impact(self, word: str, document: int) -> float:
        """What a word adds to the score of a document that has it: more if it is rare, more if often there, to a limit.

        Robertson et al., *Okapi at TREC-3* (1994), with Lucene's rarity, which is never negative.
        """
        having, times = len(self.postings[word]), self.postings[word][document]
        rarity = math.log(1 + (self.size - having + 0.5) / (having + 0.5))
        return rarity * times / (times + self.k1 * (1 - self.b + self.b * self.relative_lengths[document]))

    def score(self, query: Counter[str], document: int) -> float:
        """BM25: the sum over the words of the query."""
        return sum(
            times * self.impact(word, document) for word, times in query.items() if document in self.postings[word]
        )

    def search_all(self, words: Iterable[str], k: int) -> tuple[list[Hit], int]:
        """The best `k` by scoring every document that has a word of the query; and how many those are."""
        query = Counter(word for word in words if word in self.postings)
        having = sorted({document for word in query for document in self.postings[word]})
        hits = sorted(((document, self.score(query, document)) for document in having), key=lambda hit: -hit[1])
        return hits[:k], len(having)

    def search(self, words: Iterable[str], k: int) -> tuple[list[Hit], int]:
        """The same by WAND (Broder et al., CIKM 2003), and how many documents were scored.

        The words' lists are read side by side, sorted by their next document. The *pivot* is the first list at which
        the greatest impacts so far add up to more than the k-th best score: no document before its next one can be
        among the best, so all lists before it skip there. When they have all arrived, the document is scored.
        """
        query = Counter(word for word in words if word in self.postings)
        most = {word: times * max(self.impact(word, d) for d in self.postings[word]) for word, times in query.items()}
        lists = {word: list(self.postings[word]) for word in query}
        best, scored, threshold = list[Hit](), 0, 0.0
        while True:
            order = sorted((word for word in lists if lists[word]), key=lambda word: lists[word][0])
            bound = 0.0
            for word in order:
                bound += most[word] * (1 + 1e-9)
                if bound > threshold:
                    target = lists[word][0]
                    break
            else:
                return best, scored
            if lists[order[0]][0] == target:
                scored += 1
                best.append((target, self.score(query, target)))
                best.sort(key=lambda hit: -hit[1])  # stable: of equal scores the earlier document stays ahead
                del best[k:]
                threshold = best[-1][1] if len(best) == k else 0.0
                target += 1
            for word in order:
                while lists[word] and lists[word][0] < target:
                    lists[word].pop(0)

    def search_max_score(self, words: Iterable[str], k: int) -> tuple[list[Hit], int]:
        """The same by MaxScore (Turtle and Flood, Information Processing & Management 31(6), 1995).

        The words stand with the one that can add most first. *Essential* are the first of them, up to where all the
        rest together could not add more than the k-th best score: a document without an essential word cannot be among
        the best. So only the essential lists are read; the others are asked about the documents found there, and only
        while what they could add may still matter.
        """
        query = Counter(word for word in words if word in self.postings)
        most = {word: times * max(self.impact(word, d) for d in self.postings[word]) for word, times in query.items()}
        ranked = sorted(query, key=lambda word: -most[word])
        rest = [sum(most[word] for word in ranked[i:]) * (1 + 1e-9) for i in range(len(ranked) + 1)]
        lists = {word: list(self.postings[word]) for word in query}
        best, scored, threshold, essential = list[Hit](), 0, 0.0, len(ranked)
        while candidates := [lists[word][0] for word in ranked[:essential] if lists[word]]:
            document, partial = min(candidates), 0.0
            for word, others in zip(ranked, rest, strict=False):
                if partial + others <= threshold:
                    break
                if document in self.postings[word]:
                    partial += query[word] * self.impact(word, document)
            else:
                scored += 1
                best.append((document, self.score(query, document)))
                best.sort(key=lambda hit: -hit[1])  # stable: of equal scores the earlier document stays ahead
                del best[k:]
                threshold = best[-1][1] if len(best) == k else 0.0
            for word in ranked[:essential]:
                if lists[word] and lists[word][0] == document:
                    lists[word].pop(0)
            while essential and rest[essential - 1] <= threshold:
                essential -= 1
        return best, scored


def checked_parameters(k1: float, b: float) -> tuple[float, float]:
    """`k1` and `b` as plain numbers; `ValueError` for what is none."""
    plain = number(k1, "k1", 0), number(b, "b")
    if not 0 <= plain[1] <= 1:
        raise ValueError(f"k1 must not be negative and b lies in 0 .. 1; got {k1} and {b}.")
    return plain


def lucene_length(words: int) -> int:
    """A length as Lucene keeps it (`SmallFloat.intToByte4`): exact below 40, then to four significant bits of what
    is above 24, so that it fits in a byte."""
    above = words - 24
    if above < 16:
        return words
    dropped = above.bit_length() - 4
    return 24 + (above >> dropped << dropped)

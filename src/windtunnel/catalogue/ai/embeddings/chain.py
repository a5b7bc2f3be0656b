"""Who writes what might be the answer: a chain of words (Markov), learned from older texts.

It stands where HyDE has a language model, and is the least that can be called one: which word follows two others. It
knows what is said of a noun, and no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from random import Random

from windtunnel.blocks.text import Tokenizer

LONG, MANY = 4, 8
"""Words that follow one; passages that are written (Gao and others write eight)."""


class Chain:
    """Goes on from a word as older texts have gone on."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.after: dict[str, list[str]] = defaultdict(list)
        self.after_both: dict[tuple[str, str], list[str]] = defaultdict(list)
        for text in texts:
            words = text.split()
            for one, other in pairwise(words):
                self.after[one].append(other)
            for one, other, third in zip(words, words[1:], words[2:], strict=False):
                self.after_both[one, other].append(third)

    def sentence(self, word: str, luck: Random) -> str:
        """What might be said of a word; nothing of one that was not met."""
        written = [word]
        while len(written) <= LONG:
            known = self.after_both.get((written[-2], written[-1])) if len(written) > 1 else self.after.get(word)
            if not known:
                break
            written.append(luck.choice(known))
        return " ".join(written[1:])

    def writer(self, tokenizer: Tokenizer) -> Callable[[str], list[str]]:
        """Passages for a query: a sentence for each of its words. Of the same query the same ones."""

        def write(query: str) -> list[str]:
            luck, words = Random(query), tokenizer.tokens(query)
            passages = [" ".join(self.sentence(word, luck) for word in words) for _ in range(MANY)]
            return [one for one in passages if one.strip()]

        return write

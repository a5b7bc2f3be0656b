"""Passages in made words, and queries of four classes whose answers are known, all of one seed.

A concept has some nouns that mean the same, and adjectives that stand beside either. Who writes a passage takes one
noun for each of its concepts. So nobody who has not read other passages can know which nouns mean the same, and nothing
that was trained elsewhere knows a word of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from random import Random
from typing import NamedTuple, Protocol

IDENTIFIER, PARAPHRASE, TYPO, NEGATION = CLASSES = ("identifier", "paraphrase", "typo", "negation")
ABOUT, ASKED, BESIDE = 5, 3, 4
"""Concepts of a passage; concepts of a query; adjectives of a concept."""
COMMON, NUMBERS, SEEN = 120, 1000, 0.5
"""Words that go with anything; identifiers of one family; the share of passages that name another one."""
FAMILIES = ("kx", "pq", "tr", "wm", "zd")
ONSETS = (*"bcdfghklmnprstvwz", "br", "dr", "gr", "kl", "pl", "st", "tr")
ENDS = ("", "n", "r", "s", "l")
LETTERS = "abcdefghiklmnoprstuvwz"
STOPWORDS = ("and", "for", "goes", "has", "how", "is", "it", "see", "the", "what", "when", "with")
DENIALS = ("it goes without", "it never goes with", "it is not with", "it lacks")
DENIED = ("without", "never with", "not with")
"""How a passage denies something, and how a query does."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def passages(self) -> int: ...
    @property
    def queries(self) -> int: ...
    @property
    def concepts(self) -> int: ...
    @property
    def nouns(self) -> int: ...
    @property
    def others(self) -> float: ...
    @property
    def typos(self) -> float: ...
    @property
    def older(self) -> int: ...


class Query(NamedTuple):
    """A query, of which class it is, which passages answer it, and which say the opposite."""

    text: str
    kind: str
    right: frozenset[int]
    opposite: frozenset[int] = frozenset()


class World(NamedTuple):
    """Passages to be searched, older ones to learn from, and queries, mixed."""

    passages: tuple[str, ...]
    older: tuple[str, ...]
    queries: tuple[Query, ...]


class _Writer:
    """Has the words of a seed, and writes with them."""

    def __init__(self, luck: Random, concepts: int, nouns: int) -> None:
        self.luck = luck
        self.taken = {*STOPWORDS, "without", "never", "not", "lacks"}
        self.nouns = [self.words(nouns) for _ in range(concepts)]
        self.beside = [self.words(BESIDE) for _ in range(concepts)]
        self.common = self.words(COMMON)

    def words(self, many: int) -> list[str]:
        """So many words that nobody has yet."""
        luck, found = self.luck, list[str]()
        while len(found) < many:
            parts = [luck.choice(ONSETS) + luck.choice("aeiou") for _ in range(luck.choice((2, 3, 3, 4)))]
            word = "".join(parts) + luck.choice(ENDS)
            if len(word) >= 5 and word not in self.taken:
                self.taken.add(word)
                found.append(word)
        return found

    def identifier(self) -> str:
        """A name as error codes have it: of a family, and one of many numbers."""
        while True:
            name = f"{self.luck.choice(FAMILIES)}{self.luck.randrange(NUMBERS, 2 * NUMBERS)}"
            if name not in self.taken:
                self.taken.add(name)
                return name

    def sentences(self, about: Sequence[tuple[int, int]]) -> list[str]:
        """One for each concept, by one of its nouns, with two of its adjectives and a common word."""
        luck, found = self.luck, list[str]()
        for concept, noun in about:
            one, other = luck.sample(self.beside[concept], 2)
            verb, joint = luck.choice(("is", "has")), luck.choice(("when", "with", "for"))
            found.append(f"the {self.nouns[concept][noun]} {verb} {one} {luck.choice(self.common)} {joint} {other}")
        return found

    def about(self, many: int) -> list[tuple[int, int]]:
        """So many concepts, and the noun that is taken for each."""
        nouns = len(self.nouns[0])
        return [(one, self.luck.randrange(nouns)) for one in self.luck.sample(range(len(self.nouns)), many)]

    def passage(self, name: str, sentences: Sequence[str], see: str = "") -> str:
        """What is said of `name`."""
        return f"{name}: {'. '.join(sentences)}." + (f" see {see}." if see else "")

    def mistyped(self, word: str) -> str:
        """The word with two letters exchanged, one left out, or one wrong."""
        luck = self.luck
        at = luck.randrange(len(word) - 1)
        how = luck.randrange(3)
        if how == 0 and word[at] != word[at + 1]:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        if how == 1:
            return word[:at] + word[at + 1 :]
        return word[:at] + luck.choice([one for one in LETTERS if one != word[at]]) + word[at + 1 :]


def _passages(writer: _Writer, many: int) -> tuple[list[str], list[str], list[list[tuple[int, int]]]]:
    """So many passages, the names of what they are about, and their concepts."""
    luck = writer.luck
    names = [writer.identifier() for _ in range(many)]
    about = [writer.about(ABOUT) for _ in range(many)]
    texts = [
        writer.passage(name, writer.sentences(one), luck.choice(names) if luck.random() < SEEN else "")
        for name, one in zip(names, about, strict=True)
    ]
    return texts, names, about


def _asked(writer: _Writer, words: Sequence[str]) -> str:
    mixed = writer.luck.sample(words, len(words))
    return f"how is the {mixed[0]} with {' and '.join(mixed[1:])}"


def _of_concepts(writer: _Writer, p: Setting, kind: str, about: list[list[tuple[int, int]]], at: int) -> Query:
    """A query for some concepts of a passage, in other words or mistyped; all with these concepts are right."""
    luck, words = writer.luck, list[str]()
    asked = luck.sample(about[at], ASKED)
    for concept, noun in asked:
        if kind == PARAPHRASE and p.nouns > 1 and luck.random() < p.others:
            noun = (noun + luck.randrange(1, p.nouns)) % p.nouns
        word = writer.nouns[concept][noun]
        words.append(writer.mistyped(word) if kind == TYPO and luck.random() < p.typos else word)
    wanted = {concept for concept, _ in asked}
    right = [i for i, one in enumerate(about) if wanted <= {concept for concept, _ in one}]
    return Query(_asked(writer, words), kind, frozenset(right))


def _of_twins(writer: _Writer, first: int) -> tuple[list[str], list[Query]]:
    """Two passages that differ in one thing, which one affirms and the other denies; and a query for each."""
    luck = writer.luck
    about = writer.about(ABOUT)
    sentences = writer.sentences(about[1:])
    noun = writer.nouns[about[0][0]][about[0][1]]
    twins = [
        writer.passage(writer.identifier(), [*sentences, f"{how} {noun}"])
        for how in ("it goes with", luck.choice(DENIALS))
    ]
    known = " and ".join(writer.nouns[concept][one] for concept, one in about[1:ASKED])
    queries = [
        Query(f"how is the {known} {how} {noun}", NEGATION, frozenset({first + i}), frozenset({first + 1 - i}))
        for i, how in enumerate(("with", luck.choice(DENIED)))
    ]
    return twins, queries


def of_each(p: Setting) -> int:
    """Queries of each of the first three classes."""
    return min(p.queries, p.passages // 3)


def twins(p: Setting) -> int:
    """Passages of which, two by two, one denies what the other affirms; there are as many queries for them."""
    return 2 * -(-of_each(p) // 2)


@lru_cache(maxsize=16)
def _made(seed: int, p: Setting) -> World:
    luck = Random(seed)
    writer = _Writer(luck, p.concepts, p.nouns)
    older = _passages(writer, p.older)[0]
    texts, names, about = _passages(writer, p.passages)
    each = of_each(p)
    chosen = luck.sample(range(p.passages), 3 * each)
    queries = [Query(f"what is {names[i]}", IDENTIFIER, frozenset({i})) for i in chosen[:each]]
    for kind, some in ((PARAPHRASE, chosen[each : 2 * each]), (TYPO, chosen[2 * each :])):
        queries += [_of_concepts(writer, p, kind, about, i) for i in some]
    for _ in range(twins(p) // 2):
        both, asked = _of_twins(writer, len(texts))
        texts += both
        queries += asked
    order = luck.sample(range(len(texts)), len(texts))
    place = {number: at for at, number in enumerate(order)}

    def placed(some: frozenset[int]) -> frozenset[int]:
        return frozenset(place[one] for one in some)

    mixed = luck.sample(queries, len(queries))
    return World(
        tuple(texts[i] for i in order),
        tuple(older),
        tuple(one._replace(right=placed(one.right), opposite=placed(one.opposite)) for one in mixed),
    )


class _Key(NamedTuple):
    """What a world is made of: worlds are kept by it."""

    passages: int
    queries: int
    concepts: int
    nouns: int
    others: float
    typos: float
    older: int


def world(seed: int, p: Setting) -> World:
    """The passages and queries of a seed."""
    return _made(seed, _Key(p.passages, p.queries, p.concepts, p.nouns, p.others, p.typos, p.older))

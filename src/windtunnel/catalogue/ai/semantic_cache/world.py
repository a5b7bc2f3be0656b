"""A stream of questions whose meaning is known: who asks what in which words, and what is right to say."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from random import Random
from typing import NamedTuple, Protocol

from windtunnel.catalogue.ai.semantic_cache.embedding import Array, cosines, weights
from windtunnel.catalogue.ai.semantic_cache.words import AFTER, BEFORE, HOW, NEVER, NUMBERS, SYLLABLES, TOPICS, WHEN
from windtunnel.workload import Zipf

KINDS = ("name", "number", "negation", "way", "opposite")
"""In what two questions of a topic differ: which product, which year, can or can not, from where to where, or a verb
and its opposite. Rules know the first four."""
LOGGED = 400
"""Questions of the month before, without answers: from these it is known which runs of characters are rare."""
OTHER_WORD = 0.15
"""How likely a person says another word for a verb or a thing."""
HURRIED = 0.2
"""How likely a person writes no capitals."""
WORDS, TOKENS_A_WORD, INSTRUCTIONS = (60, 240), 1.3, 400
"""An answer has so many words; tokens that go with every question."""


class Setting(Protocol):
    """What questions are made of."""

    @property
    def questions(self) -> int: ...
    @property
    def topics(self) -> int: ...
    @property
    def variants(self) -> int: ...
    @property
    def unlisted(self) -> float: ...
    @property
    def phrasings(self) -> int: ...
    @property
    def tenants(self) -> int: ...
    @property
    def zipf(self) -> float: ...
    @property
    def words(self) -> str: ...


class Meaning(NamedTuple):
    """What is asked: two questions have the same answer where all of this is equal, and who asks."""

    topic: int
    variant: int


class Question(NamedTuple):
    """One question of the stream."""

    tenant: str
    text: str
    meaning: Meaning


class World(NamedTuple):
    """Questions, and what is known of their texts.

    Attributes:
        rows: of each text the row of `near`, the cosine of every text with every other.
        near: (texts, texts).
        heavy: weights of the vectors.
    """

    seed: int
    questions: tuple[Question, ...]
    rows: dict[str, int]
    near: Array
    heavy: Array

    def answer(self, question: Question) -> str:
        """What is right to say; whoever reads it learns nothing but whether two are the same."""
        what = f"{self.seed}|{question.tenant}|{question.meaning.topic}|{question.meaning.variant}"
        return blake2b(what.encode(), digest_size=8).hexdigest()

    def tokens_read(self, question: Question) -> int:
        """Tokens that the model reads for it."""
        return INSTRUCTIONS + round(TOKENS_A_WORD * len(question.text.split()))

    def tokens(self, question: Question) -> int:
        """Tokens that the model reads and writes for it."""
        shortest, longest = WORDS
        words = shortest + int(self.answer(question), 16) % (longest - shortest)
        return self.tokens_read(question) + round(TOKENS_A_WORD * words)


class Speaker:
    """Says what is meant, in one way or another."""

    def __init__(self, luck: Random, p: Setting) -> None:
        self.luck, self.p = luck, p
        self.names = ["".join(luck.sample(SYLLABLES, 2)).capitalize() for _ in range(60)]
        self.names = sorted(set(self.names), key=self.names.index)
        self.topics = luck.sample(range(len(TOPICS)), p.topics)
        listed = KINDS[:-1]
        few = round(p.unlisted * p.topics)
        self.kinds = [KINDS[-1]] * few + [listed[k % len(listed)] for k in range(p.topics - few)]
        luck.shuffle(self.kinds)
        self.ends = [luck.sample(self.names, 6) for _ in self.kinds]
        self.renamed: Callable[[str], str] = invented(luck) if p.words == "invented" else lambda word: word

    def say(self, meaning: Meaning) -> str:
        """A question with this meaning."""
        luck, p = self.luck, self.p
        topic, kind = TOPICS[self.topics[meaning.topic]], self.kinds[meaning.topic]
        ends, at = self.ends[meaning.topic], meaning.variant
        free = p.phrasings > 1
        verb, thing = (words[free and luck.random() < OTHER_WORD] for words in (topic.verbs, topic.things))
        frames, end = HOW, f" on {ends[at // 2]}"
        if kind == "name":
            end = f" on {ends[at]}"
        elif kind == "number":
            end = NUMBERS[at]
        elif kind == "negation":
            frames = NEVER if at % 2 else WHEN
        elif kind == "way":
            pair = ends[2 * (at // 2) : 2 * (at // 2) + 2]
            end = " from {} to {}".format(*(pair[::-1] if at % 2 else pair))
        elif at % 2:
            verb = topic.opposite
        said = frames[luck.randrange(p.phrasings)].format(what=f"{self.renamed(verb)} {self.renamed(thing)}{end}")
        if free:
            said = luck.choice(BEFORE) + said + luck.choice(AFTER)
            if luck.random() < HURRIED:
                return said.lower()
        return said[0].upper() + said[1:]


def invented(luck: Random) -> Callable[[str], str]:
    """Other words for the words of topics, made up; the same for the same."""
    made: dict[str, str] = {}

    def word(one: str) -> str:
        if one not in made:
            made[one] = "".join(
                luck.choice("bcdfghklmnprstvz") + luck.choice("aeiou") for _ in range(2 + len(one) // 3)
            )
        return made[one]

    return lambda words: " ".join(word(one) for one in words.split())


class _Recipe(NamedTuple):
    """What worlds are made of, and nothing else: those who differ elsewhere share one."""

    questions: int
    topics: int
    variants: int
    unlisted: float
    phrasings: int
    tenants: int
    zipf: float
    words: str


@lru_cache(maxsize=4)
def _made(seed: int, p: _Recipe) -> World:
    luck = Random(seed)
    speaker = Speaker(luck, p)
    every = [Meaning(topic, variant) for topic in range(p.topics) for variant in range(p.variants)]
    old = [one for one in every if one.topic < max(1, 3 * p.topics // 4)]
    asked: list[Question] = []
    log: list[str] = []
    for meanings, many in ((old, LOGGED), (old, p.questions // 2), (every, p.questions - p.questions // 2)):
        luck.shuffle(meanings)
        popular = Zipf(len(meanings), p.zipf)
        for _ in range(many):
            meaning = meanings[popular.draw(luck)]
            if len(log) < LOGGED:
                log.append(speaker.say(meaning))
            else:
                tenant = f"tenant {luck.randrange(p.tenants)}"
                asked.append(Question(tenant, speaker.say(meaning), meaning))
    rows: dict[str, int] = {}
    for question in asked:
        rows.setdefault(question.text, len(rows))
    heavy = weights(log)
    return World(seed, tuple(asked), rows, cosines(list(rows), heavy), heavy)


def world(seed: int, p: Setting) -> World:
    """The stream of a seed. In its second half what is popular is another thing, and a quarter of the topics is new."""
    return _made(seed, _Recipe(*(getattr(p, name) for name in _Recipe._fields)))

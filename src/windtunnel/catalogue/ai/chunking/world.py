"""Manuals with facts planted in them, and questions whose answers lie at known places."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import NamedTuple, Protocol, TypeVar

T = TypeVar("T")
LAYOUTS = ("headings", "paragraphs", "run_on")
FILLERS = (4, 14)
"""Sentences of a topic that answer nothing, from so many to so many."""
OWN_NOUNS = 10
"""Nouns that a topic has to itself."""
PARAGRAPH = (3, 5)
"""Sentences of a paragraph."""
REPEATED = 0.3
"""Share of the topics that end with a sentence which stands elsewhere too."""
REPEAT = "Ask its owners before you change anything here."

_ROLES = ("gateway", "ledger", "cache", "scheduler", "index", "broker", "mirror", "vault")
_ATTRIBUTES = (
    *("time limit", "retry count", "page size", "batch size", "port number", "pool width", "lease length", "quota"),
    *("log level", "backup hour", "window", "threshold"),
)
_NOUNS = (
    *(
        "request",
        "table",
        "client",
        "queue",
        "record",
        "worker",
        "message",
        "file",
        "server",
        "error",
        "session",
        "key",
    ),
    *("result", "update", "report", "order", "change", "copy", "event", "value"),
)
_VERBS = (
    "reads",
    "writes",
    "sends",
    "keeps",
    "drops",
    "checks",
    "moves",
    "sorts",
    "counts",
    "locks",
    "merges",
    "holds",
)
_TASKS = ("restart", "restore", "drain", "upgrade", "verify", "replay")
_WHEN = ("before", "after", "when", "until", "while", "unless")
_SENTENCES = (
    "The {0} {v} the {1} {w} the {2} is there.",
    "A {0} that {v} a {1} waits for the {2}.",
    "It {v} each {0} {w} a {1} comes.",
    "Where a {0} is late, the {1} {v} it again.",
    "Every {0} {v} one {1}, and no {2} is lost.",
    "{w} the {0} is full, nobody {v} a {1}.",
)
_ONSETS, _VOWELS, _CODAS = "bdfgklmnprstvz", "aeiou", ("l", "n", "r", "s", "x", "nt", "rk", "lm")


class WorldSetting(Protocol):
    """What documents are made of."""

    @property
    def documents(self) -> int: ...
    @property
    def questions(self) -> int: ...
    @property
    def topics(self) -> int: ...
    @property
    def layout(self) -> str: ...
    @property
    def own(self) -> float: ...
    @property
    def drift(self) -> float: ...
    @property
    def named(self) -> float: ...


class Question(NamedTuple):
    """What is asked, where the answer lies (first and last character of each part), and what kind it is.

    Attributes:
        kind: "sentence", "pair" of sentences, "list", or "settings".
    """

    document: int
    words: str
    kind: str
    answers: tuple[tuple[int, int], ...]


class World(NamedTuple):
    """Documents, questions, and where in each document another topic begins."""

    documents: list[str]
    questions: list[Question]
    topics: list[list[int]]


class _Unit(NamedTuple):
    """A sentence, or what must not be parted: it belongs to a topic, and answers a question or none."""

    topic: int
    text: str
    kind: str
    asked: str


def pick(luck: Random, some: Sequence[T]) -> T:
    """One of them; the same on every Python."""
    return some[int(luck.random() * len(some))]


def some_word(luck: Random, taken: set[str]) -> str:
    """A word that is in no language that we know of, and was not given before."""
    while True:
        syllables = [pick(luck, _ONSETS) + pick(luck, _VOWELS) for _ in range(2)]
        word = "".join(syllables) + pick(luck, _CODAS)
        if word not in taken:
            taken.add(word)
            return word


def _filler(luck: Random, own: Sequence[str], share: float) -> str:
    nouns = [pick(luck, own if luck.random() < share else _NOUNS) for _ in range(3)]
    sentence = pick(luck, _SENTENCES).format(*nouns, v=pick(luck, _VERBS), w=pick(luck, _WHEN))
    return sentence[0].upper() + sentence[1:]


def _topic(luck: Random, topic: int, p: WorldSetting, taken: set[str]) -> tuple[str, list[_Unit]]:
    """What a topic is about, and its sentences: the first names it, and of the others some."""
    role = pick(luck, _ROLES)
    name = f"{some_word(luck, taken).capitalize()} {role}"
    own = [some_word(luck, taken) for _ in range(OWN_NOUNS)]

    def subject(its: str, named: str) -> str:
        return named if luck.random() < p.named else its

    def number() -> int:
        return 2 + int(luck.random() * 900)

    first = _Unit(topic, f"The {name} {pick(luck, _VERBS)} the {pick(luck, own)} of each {pick(luck, _NOUNS)}.", "", "")
    rest = [
        _Unit(topic, _filler(luck, own, p.own), "", "")
        for _ in range(FILLERS[0] + int(luck.random() * (FILLERS[1] - FILLERS[0] + 1)))
    ]
    start = int(luck.random() * len(_ATTRIBUTES))
    one, two = _ATTRIBUTES[start], _ATTRIBUTES[(start + 5) % len(_ATTRIBUTES)]
    task = pick(luck, _TASKS)
    steps = [f"{pick(luck, _TASKS)} the {pick(luck, own if luck.random() < p.own else _NOUNS)}" for _ in range(4)]
    lines = [f"{pick(luck, own if luck.random() < p.own else _NOUNS)} = {number()}" for _ in range(4)]
    facts = [
        _Unit(
            topic,
            f"{subject(f'Its {one}', f'The {one} of the {name}')} is {number()}.",
            "sentence",
            f"What is the {one} of the {name}?",
        ),
        _Unit(
            topic,
            f"{subject(f'Its {two}', f'The {two} of the {name}')} is {number()}. On a copy it is {number()}, as long "
            "as nobody raises it.",
            "pair",
            f"What is the {two} of the {name}, and on a copy?",
        ),
        _Unit(
            topic,
            f"To {task} {subject('it', f'the {name}')}:" + "\n" + "\n".join(steps),
            "list",
            f"How does one {task} the {name}?",
        ),
        _Unit(
            topic,
            f"{subject('Its settings', f'The settings of the {name}')} are:" + "\n" + "\n".join(lines),
            "settings",
            f"Which settings are those of the {name}?",
        ),
    ]
    for fact in facts:
        rest.insert(int(luck.random() * (len(rest) + 1)), fact)
    if luck.random() < REPEATED:
        rest.append(_Unit(topic, REPEAT, "", ""))
    return name, [first, *rest]


class _Page:
    """A document that is being written."""

    def __init__(self, layout: str) -> None:
        self.layout, self.text = layout, ""
        self.left = 0
        """Sentences until the paragraph ends."""

    def apart(self, luck: Random) -> None:
        """A new paragraph begins."""
        self.left = PARAGRAPH[0] + int(luck.random() * (PARAGRAPH[1] - PARAGRAPH[0] + 1))
        if self.text:
            self.text = self.text.rstrip(" ") + (" " if self.layout == "run_on" else "\n\n")

    def write(self, unit: _Unit, luck: Random) -> tuple[int, int]:
        """Put a unit there; returns where it lies."""
        first, *lines = unit.text.split("\n")
        if not self.left or (lines and unit.kind == "settings"):
            self.apart(luck)
        start = len(self.text)
        if not lines:
            self.text += unit.text
        elif self.layout == "run_on":
            self.text += f"{first} {', '.join(lines)}."
        elif unit.kind == "list":
            self.text += f"{first}\n\n" + "\n".join(f"- {line}" for line in lines)
        else:
            self.text += f"{first}\n\n```\n" + "\n".join(lines) + "\n```"
        end = len(self.text)
        self.left -= 1
        self.text += " "
        if lines:
            self.left = 0
        return start, end


def _document(luck: Random, number: int, p: WorldSetting, taken: set[str]) -> tuple[str, list[Question], list[int]]:
    """A manual of some topics; the questions that it answers; and where another topic begins."""
    names, units = list[str](), list[_Unit]()
    begins = []
    for topic in range(p.topics):
        name, more = _topic(luck, topic, p, taken)
        names.append(name)
        begins.append(len(units))
        units += more
    order = sorted(range(len(units)), key=lambda at: at + p.drift * (2 * luck.random() - 1))
    page = _Page(p.layout)
    title = f"{some_word(luck, taken).capitalize()}"
    if p.layout == "headings":
        page.text = f"# {title}\n\n"
    page.text += f"Kept by Zoe\u0308 and Nguyê\u0303n 🇩🇪🇫🇷 for all of {title}. "
    asked, places = list[Question](), list[int]()
    for at, which in enumerate(order):
        if at in begins:
            page.apart(luck)
            if p.layout == "headings":
                page.text += f"## {names[begins.index(at)]}\n\n"
        start, end = page.write(units[which], luck)
        if at in begins:
            places.append(start)
        unit = units[which]
        if unit.kind:
            asked.append(Question(number, unit.asked, unit.kind, ((start, end),)))
    return page.text.rstrip() + "\n", asked, places


def _shuffled(luck: Random, some: list[T]) -> Iterator[T]:
    keyed = sorted((luck.random(), at) for at in range(len(some)))
    return (some[at] for _, at in keyed)


class _Recipe(NamedTuple):
    """What worlds are made of, and nothing else: those who differ elsewhere share one."""

    documents: int
    questions: int
    topics: int
    layout: str
    own: float
    drift: float
    named: float


@lru_cache(maxsize=2)
def _made(seed: int, p: _Recipe) -> World:
    luck, taken = Random(seed), set[str]()
    made = [_document(luck, number, p, taken) for number in range(p.documents)]
    asked = [question for _, some, _ in made for question in some]
    return World(
        [text for text, _, _ in made], list(_shuffled(luck, asked))[: p.questions], [places for _, _, places in made]
    )


def world(seed: int, p: WorldSetting) -> World:
    """The documents and questions of a seed."""
    return _made(seed, _Recipe(p.documents, p.questions, p.topics, p.layout, p.own, p.drift, p.named))

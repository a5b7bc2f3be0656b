"""Ways to answer a question that was asked before, in other words perhaps. All ask the same model where they do not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol, Self

from windtunnel import Stage
from windtunnel.catalogue.ai.semantic_cache.bound import Bound
from windtunnel.catalogue.ai.semantic_cache.desk import Desk, Found, Shelf

STRICT = 0.95
CANDIDATES = 8
"""So many of the nearest are tried by rules."""
NEAR = 0.7
"""An answer that was wrong at such a cosine has a neighbour that means something else."""


class Setting(Protocol):
    """What of the parameters matters here."""

    @property
    def threshold(self) -> float: ...
    @property
    def delta(self) -> float: ...
    @property
    def verify(self) -> float: ...


class FixedCosine:
    """The nearest question counts as the same from one cosine on; one cache for all."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.stage, self.p = stage, p
        self.shelves: dict[str, Shelf] = {}
        self.least = p.threshold

    def at(self, cosine: float) -> Self | None:
        """The same design, empty, at another cosine; none where it is not the cosine alone that decides."""
        other = type(self)(self.stage, self.p)
        other.least = cosine
        return other

    async def ask(self, desk: Desk, text: str, tenant: str) -> str:
        """What the client is told. The answer to this question is had from `desk.answer`, at its price."""
        shelf = self.shelf(desk, tenant)
        for found in shelf.nearest(text):
            if found.cosine >= self.least:
                return found.answer
        answer = await desk.answer()
        shelf.put(text, answer)
        return answer

    def shelf(self, desk: Desk, tenant: str) -> Shelf:
        """Where it lies: who asks does not matter."""
        if "" not in self.shelves:
            self.shelves[""] = desk.shelf()
        return self.shelves[""]


class ExactMatch:
    """The same tenant's same text, and nothing else."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        self.known: dict[tuple[str, str], str] = {}

    async def ask(self, desk: Desk, text: str, tenant: str) -> str:
        key = (tenant, text)
        if key not in self.known:
            self.known[key] = await desk.answer()
        return self.known[key]


class StrictCosine(FixedCosine):
    """A higher cosine, and a shelf for each tenant."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.least = STRICT

    def shelf(self, desk: Desk, tenant: str) -> Shelf:
        """A tenant's own."""
        if tenant not in self.shelves:
            self.shelves[tenant] = desk.shelf()
        return self.shelves[tenant]


class Rules:
    """What must be equal in two questions with one answer: numbers, whether something is denied, names in their order.

    A name is a word that somebody wrote with a capital inside a sentence (but for "I"); from then on it is one however
    it is written.
    """

    NOT = frozenset({"not", "no", "never", "without", "cannot", "nor", "neither"})
    WORD = re.compile(r"[^\W_]+(?:'t\b)?")

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.texts: dict[str, tuple[tuple[object, ...], list[str]]] = {}
        """Of each text its numbers and whether something is denied, and its words."""
        self.noted: dict[str, tuple[int, tuple[object, ...]]] = {}

    def read(self, text: str) -> None:
        """Learn names from it."""
        said = self.WORD.findall(text)
        self.names.update(word.lower() for word in said[1:] if word[0].isupper() and len(word) > 1)
        words = [word.lower() for word in said]
        numbers = [word for word in words if word[0].isdigit()]
        denied = sum(word in self.NOT or word.endswith("'t") for word in words) % 2
        self.texts[text] = (numbers, denied), words

    def of(self, text: str) -> tuple[object, ...]:
        """What must be equal, of a text that was read."""
        many, found = self.noted.get(text, (-1, ()))
        if many != len(self.names):  # another word is a name since
            plain, words = self.texts[text]
            found = (*plain, [word for word in words if word in self.names])
            self.noted[text] = len(self.names), found
        return found

    def first(self, some: Sequence[Found], text: str) -> Found | None:
        """The first of these with which all of it is equal."""
        wanted = self.of(text)
        return next((one for one in some if self.of(one.text) == wanted), None)


class RulesAlone(StrictCosine):
    """The fixed cosine, a shelf for each tenant, and rules: numbers, negation and names have to be equal."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.least = p.threshold
        self.rules = Rules()

    def at(self, cosine: float) -> Self | None:
        return None

    async def ask(self, desk: Desk, text: str, tenant: str) -> str:
        self.rules.read(text)
        shelf = self.shelf(desk, tenant)
        found = self.rules.first(shelf.nearest(text, CANDIDATES), text)
        if found and found.cosine >= self.least:
            return found.answer
        answer = await desk.answer()
        shelf.put(text, answer)
        return answer


class Calibrated(StrictCosine):
    """A cosine learned by comparing answers, so that few enough are wrong; some hits are asked all the same."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.bound = Bound(p.delta)
        self.lied: set[str] = set()
        """Answers that would have been wrong at a high cosine: they are told to equal texts alone."""
        self.would = self.verified = 0

    def at(self, cosine: float) -> Self | None:
        return None

    async def ask(self, desk: Desk, text: str, tenant: str) -> str:
        shelf = self.shelf(desk, tenant)
        found = self.candidate(shelf, text)
        if found and found.text == text:
            return found.answer
        trusted = found is not None and found.answer not in self.lied
        if found and trusted and found.cosine >= self.bound.least:
            self.would += 1
            if self.verified >= self.p.verify * self.would:
                return found.answer
            self.verified += 1
        answer = await desk.answer()
        if found and trusted:  # it is known now whether it would have been right
            self.bound.learn(found.cosine, answer == found.answer)
            if answer != found.answer and found.cosine >= NEAR:
                self.lied.add(found.answer)
        shelf.put(text, answer)
        return answer

    def candidate(self, shelf: Shelf, text: str) -> Found | None:
        """What might be told: the nearest."""
        return next(iter(shelf.nearest(text)), None)

    def report(self) -> Mapping[str, float]:
        return {"least": self.bound.least, "verified": self.verified}


class CalibratedWithRules(Calibrated):
    """The same, of what rules let pass: numbers, negation and names have to be equal."""

    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.rules = Rules()

    def candidate(self, shelf: Shelf, text: str) -> Found | None:
        """What might be told: the nearest of which numbers, negation and names are equal."""
        self.rules.read(text)
        return self.rules.first(shelf.nearest(text, CANDIDATES), text)

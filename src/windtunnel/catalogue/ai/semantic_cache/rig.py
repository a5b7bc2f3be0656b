"""Puts questions to a design, answers them at a price where it asks, and holds what clients are told to the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from windtunnel import Stage, process
from windtunnel.catalogue.ai.semantic_cache.desk import Desk
from windtunnel.catalogue.ai.semantic_cache.world import Question, Setting, world

READ_S, FIRST_S, TOKEN_S = 0.002, 0.4, 0.012
"""Seconds that a look into a cache takes, that pass until the model's first token, and for each token of an answer."""


class Told(NamedTuple):
    """What became of a question.

    Attributes:
        hit: the model was not asked.
        right: the client was told what is right.
        foreign: what another tenant was told by the model.
        known: the model had answered this tenant the same question before.
        tokens, spared: what the model took for it, and would have taken.
        compared: cosines.
    """

    hit: bool
    right: bool
    foreign: bool
    known: bool
    tokens: int
    spared: int
    compared: int


class Rig:
    """Serves the requests."""

    def __init__(self, design: Any, stage: Stage, p: Setting, *, waits: bool = True) -> None:
        self.design, self.stage, self.p, self.waits = design, stage, p, waits
        self.sim = stage.sim
        self.desk: Desk | None = None
        self.now: Question | None = None
        self.asked = 0
        self.owner: dict[str, str] = {}
        """Of each answer of the model the tenant that it is for."""

    @process
    async def ask(self, seed: int, number: int) -> Told:
        """The question of this number."""
        await self.sim.sleep(READ_S)
        return await self.told(seed, number)

    @process
    async def sweep(self, seed: int, cosine: float) -> Sequence[Told]:
        """All questions to the same design at another cosine; nothing of a design that has none."""
        at = getattr(self.design, "at", None)
        other = at(cosine) if at else None
        if other is None:
            return ()
        other = Rig(other, self.stage, self.p, waits=False)
        return tuple([await other.told(seed, number) for number in range(self.p.questions)])

    async def told(self, seed: int, number: int) -> Told:
        """What the client is told of this question."""
        made = world(seed, self.p)
        question = self.now = made.questions[number]
        right = made.answer(question)
        known, self.asked = right in self.owner, 0

        async def answer() -> str:
            self.asked += 1
            self.owner[right] = question.tenant
            if self.waits:
                await self.sim.sleep(FIRST_S + TOKEN_S * (made.tokens(question) - made.tokens_read(question)))
            return right

        if self.desk is None:
            self.desk = Desk(made, answer)
        self.desk.answer = answer
        before = self.desk.compared
        told = await self.design.ask(self.desk, question.text, question.tenant)
        tokens = made.tokens(question)
        foreign = self.owner.get(told, question.tenant) != question.tenant
        return Told(
            not self.asked, told == right, foreign, known, tokens * self.asked, tokens, self.desk.compared - before
        )

    def report(self) -> Mapping[str, Any]:
        """What the design says of itself; nothing is judged by it."""
        own = getattr(self.design, "report", None)
        return {} if own is None else dict(own())

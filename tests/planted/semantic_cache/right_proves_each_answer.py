"""Has an answer compared the second, fourth, eighth time that it would be told."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.ai.semantic_cache import Desk, Setting
from windtunnel.catalogue.ai.semantic_cache.designs import CalibratedWithRules

challenge = "semantic-cache"


class Yours(CalibratedWithRules):
    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.told: dict[str, int] = {}

    async def ask(self, desk: Desk, text: str, tenant: str) -> str:
        shelf = self.shelf(desk, tenant)
        found = self.candidate(shelf, text)
        if found and found.text == text:
            return found.answer
        trusted = found is not None and found.answer not in self.lied
        if found and trusted and found.cosine >= self.bound.least:
            times = self.told[found.answer] = self.told.get(found.answer, 0) + 1
            if times == 1 or times & (times - 1):
                return found.answer
        answer = await desk.answer()
        if found and trusted:
            self.bound.learn(found.cosine, answer == found.answer)
            if answer != found.answer and found.cosine >= 0.7:
                self.lied.add(found.answer)
        shelf.put(text, answer)
        return answer

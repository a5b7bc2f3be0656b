"""Keeps one answer for each company, and tells it to all who ask."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.ai.semantic_cache import Desk, Setting

challenge = "semantic-cache"


class Yours:
    def __init__(self, stage: Stage, p: Setting) -> None:
        self.known: dict[str, str] = {}

    async def ask(self, desk: Desk, text: str, tenant: str) -> str:
        if tenant not in self.known:
            self.known[tenant] = await desk.answer()
        return self.known[tenant]

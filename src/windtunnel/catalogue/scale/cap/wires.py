"""What each replica can know of pages: what was written beside it, and what came to it in messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from inspect import isawaitable
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.cap.replicas import REPLICAS
from windtunnel.parts import Hearing, once_answered

NAMES = [f"replica {at}" for at in range(REPLICAS)]


class Wires:
    """Serves what the design serves, and hears what the replicas are told."""

    def __init__(self, design: Any, stage: Stage, p: object) -> None:
        self.design, self.stage = design, stage
        self.heard = Hearing(stage, NAMES, re.compile(r"text \d+"))

    def __getattr__(self, name: str) -> Any:
        """All else is the design's."""
        return getattr(self.design, name)

    def read(self, at: int, page: str) -> Any:
        """The design's answer."""
        return once_answered(self.design.read(at, page), partial(self.heard.shown, NAMES[at]))

    def write(self, at: int, page: str, text: str) -> Any:
        """The design's answer; its replica knows the text from now on."""
        self.heard.given(NAMES[at], text)
        return self.design.write(at, page, text)

    async def report(self) -> Mapping[str, object]:
        """What the design says, what was shown that had not come, and what there is beside the five."""
        found = self.design.report()
        told = await found if isawaitable(found) else found
        helpers = {*self.stage.things} - {*NAMES, "network", "clients"}
        return {**(told or {}), "unheard": self.heard.unheard, "helpers": len(helpers)}

"""What each server can know of values: what was put beside it, and what came to it in messages from the others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from inspect import isawaitable
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.election.servers import SERVERS, Setting
from windtunnel.parts import Hearing, once_answered

NAMES = [f"server {at}" for at in range(SERVERS)]


class Wires:
    """Serves what the design serves, and hears what the servers are told; nobody listens where nobody asks."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        self.design = design
        self.heard = Hearing(stage, NAMES, re.compile(r"value \d+")) if p.trouble != "leader" else None

    def __getattr__(self, name: str) -> Any:
        """All else is the design's."""
        return getattr(self.design, name)

    def get(self, at: int, key: str) -> Any:
        """The design's answer."""
        return once_answered(self.design.get(at, key), lambda value: self.look(at, [value]))

    def everything(self, at: int) -> Any:
        """The design's answer."""
        return once_answered(self.design.everything(at), lambda values: self.look(at, values))

    def put(self, at: int, key: str, value: str) -> Any:
        """The design's answer; its server knows the value from now on."""
        if self.heard is not None:
            self.heard.given(NAMES[at], value)
        return self.design.put(at, key, value)

    def look(self, at: int, values: Sequence[object]) -> None:
        """A server shows these."""
        if self.heard is not None:
            for value in values:
                self.heard.shown(NAMES[at], value)

    async def report(self) -> Mapping[str, object]:
        """What the design says, and what was shown that had not come."""
        found = self.design.report()
        told = await found if isawaitable(found) else found
        return {**(told or {}), "unheard": self.heard.unheard if self.heard is not None else 0}

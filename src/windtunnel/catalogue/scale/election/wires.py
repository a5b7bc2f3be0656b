"""What each server can know of values: what was put beside it, and what came to it in messages from the others."""

from __future__ import annotations

import re
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.election.servers import SERVERS, Setting
from windtunnel.parts import Hearing, HearingRig

NAMES = [f"server {at}" for at in range(SERVERS)]


class Wires(HearingRig):
    """Serves what the design serves, and hears what the servers are told; nobody listens where nobody asks."""

    def __init__(self, design: Any, stage: Stage, p: Setting) -> None:
        listens = p.trouble != "leader"
        super().__init__(design, Hearing(stage, NAMES, re.compile(r"value \d+")) if listens else None)

    def get(self, at: int, key: str) -> Any:
        """The design's answer."""
        return self.shown(NAMES[at], self.design.get(at, key), lambda value: [value])

    def everything(self, at: int) -> Any:
        """The design's answer."""
        return self.shown(NAMES[at], self.design.everything(at), lambda values: values)

    def put(self, at: int, key: str, value: str) -> Any:
        """The design's answer; its server knows the value from now on."""
        self.given(NAMES[at], value)
        return self.design.put(at, key, value)

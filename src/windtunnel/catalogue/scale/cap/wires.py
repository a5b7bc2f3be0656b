"""What each replica can know of pages: what was written beside it, and what came to it in messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from windtunnel import Stage
from windtunnel.catalogue.scale.cap.replicas import REPLICAS
from windtunnel.parts import Hearing, HearingRig

NAMES = [f"replica {at}" for at in range(REPLICAS)]


class Wires(HearingRig):
    """Serves what the design serves, and hears what the replicas are told."""

    def __init__(self, design: Any, stage: Stage, p: object) -> None:
        super().__init__(design, Hearing(stage, NAMES, re.compile(r"text \d+")))
        self.stage = stage

    def read(self, at: int, page: str) -> Any:
        """The design's answer."""
        return self.shown(NAMES[at], self.design.read(at, page), lambda text: [text])

    def write(self, at: int, page: str, text: str) -> Any:
        """The design's answer; its replica knows the text from now on."""
        self.given(NAMES[at], text)
        return self.design.write(at, page, text)

    async def report(self) -> Mapping[str, object]:
        """As of any such rig, and what there is beside the five."""
        helpers = {*self.stage.things} - {*NAMES, "network", "clients"}
        return {**await super().report(), "helpers": len(helpers)}

"""Keeps everybody while the day lasts, and makes a sketch of them when it ends."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.catalogue.scale.hyperloglog import Setting
from windtunnel.catalogue.scale.hyperloglog.designs import MergedHyperLogLog

challenge = "hyperloglog"


class Yours(MergedHyperLogLog):
    def __init__(self, stage: Stage, p: Setting) -> None:
        super().__init__(stage, p)
        self.today: list[str] = []

    def add(self, visitor: str) -> None:
        self.today.append(visitor)

    def store(self) -> bytes:
        self.sketch.add_many(self.today)
        return self.sketch.to_bytes()

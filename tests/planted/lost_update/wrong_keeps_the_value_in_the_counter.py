"""The value is an attribute of the counter and needs no memory: each core has only a mark of its own there."""

from __future__ import annotations

from collections.abc import Generator

from windtunnel import Stage
from windtunnel.catalogue.concurrency.lost_update import Memory, Params, Steps, Unlocked
from windtunnel.explore import Access

challenge = "lost-update"


class Yours(Unlocked):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.value = 0

    def add(self, memory: Memory, me: int) -> Steps:
        yield Access("write", f"mark {me}")
        self.value += 1
        memory[f"mark {me}"] = self.value

    def total(self, memory: Memory, threads: int) -> Generator[Access, None, int]:
        yield Access("read", "mark 0")
        found, self.value = self.value, 0
        return found

"""Adding one is one step, so that nobody has to be told of it: each core has only a mark of its own."""

from __future__ import annotations

from collections.abc import Generator

from windtunnel.catalogue.concurrency.lost_update import Memory, Steps, Unlocked
from windtunnel.explore import Access

challenge = "lost-update"


class Yours(Unlocked):
    def add(self, memory: Memory, me: int) -> Steps:
        yield Access("write", f"mark {me}")
        memory["value"] = memory.get("value", 0) + 1

    def total(self, memory: Memory, threads: int) -> Generator[Access, None, int]:
        yield Access("read", "value")
        return memory.get("value", 0)

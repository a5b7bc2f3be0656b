"""A value for each thread, and a total that is kept beside them, so that who asks reads one line and not many."""

from __future__ import annotations

from collections.abc import Generator

from windtunnel.catalogue.concurrency.lost_update import Memory, Sharded, Steps
from windtunnel.explore import Access

challenge = "lost-update"


class Yours(Sharded):
    def add(self, memory: Memory, me: int) -> Steps:
        yield from super().add(memory, me)
        yield Access("read", "total")
        seen = memory.get("total", 0)
        yield Access("write", "total")
        memory["total"] = seen + 1

    def total(self, memory: Memory, threads: int) -> Generator[Access, None, int]:
        yield Access("read", "total")
        return memory.get("total", 0)

"""Two values, one for even and one for odd threads: two threads never meet."""

from __future__ import annotations

from collections.abc import Generator

from windtunnel.catalogue.concurrency.lost_update import Memory, Sharded, Steps
from windtunnel.explore import Access

challenge = "lost-update"


class Yours(Sharded):
    def add(self, memory: Memory, me: int) -> Steps:
        return super().add(memory, me % 2)

    def total(self, memory: Memory, threads: int) -> Generator[Access, None, int]:
        return super().total(memory, 2)

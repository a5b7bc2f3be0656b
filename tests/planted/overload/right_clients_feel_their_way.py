"""Each client sends a share of what it has: less after each refusal, a little more after each answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from windtunnel import Stage
from windtunnel.blocks.resilience import Throttled
from windtunnel.catalogue.scale.overload import REFUSED, CriticalFirst, Params

challenge = "overload"


class Yours(CriticalFirst):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.luck = stage.random("clients")
        self.shares: dict[tuple[int, int, bool], float] = {}

    def gate(self, lane: int, client: int, critical: bool) -> AbstractContextManager[object]:
        return self.felt((lane, client, critical))

    @contextmanager
    def felt(self, who: tuple[int, int, bool]) -> Iterator[None]:
        if self.luck.random() > self.shares.setdefault(who, 1.0):
            raise Throttled("Held back: the last ones were refused.")
        try:
            yield
        except REFUSED:
            self.shares[who] = max(0.02, 0.7 * self.shares[who])
            raise
        self.shares[who] = min(1.0, self.shares[who] + 0.1)

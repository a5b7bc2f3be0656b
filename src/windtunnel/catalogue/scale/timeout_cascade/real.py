"""The same chain with a real process for each layer and one for the database (`chain.py` is what they run)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from windtunnel import Stage
from windtunnel.catalogue.scale.timeout_cascade.judging import Setting

CHAIN = Path(__file__).with_name("chain.py")


class Law(Protocol):
    """What a design says of its layers."""

    takes_back: bool

    def limit_s(self, layer: int) -> float: ...

    def attempts(self, layer: int) -> int: ...

    def until_s(self, gone_s: float) -> float: ...


class Chain:
    """The processes of one run, and the users before them."""

    def __init__(self, stage: Stage, p: Setting, law: Law) -> None:
        self.patience_s = p.patience_s
        self.takes_back = law.takes_back
        self.below = self.database = stage.program("database", CHAIN, {"lost": p.lost, "seed": stage.seed})
        for layer in range(p.layers, 0, -1):
            told = {
                "below": self.below.path,
                "limit_s": law.limit_s(layer),
                "attempts": law.attempts(layer),
                "last": layer == p.layers,
                "knows": law.until_s(0.0) == 0.0,
                "takes_back": law.takes_back,
                "lost": p.lost_above if layer > 1 else 0.0,
                "seed": stage.seed + layer,
            }
            self.below = stage.program(f"layer {layer}", CHAIN, told)

    async def start(self) -> None:
        """Connect."""
        await self.database.connect()
        await self.below.connect()

    async def ask(self, work_s: float, good: bool) -> bool:
        """Whether a user's request went well. Raises TimeoutError when he has gone."""
        call = self.below.begin("ask", work_s, good, time.monotonic() + self.patience_s, 0.0)
        await asyncio.wait([call], timeout=self.patience_s)
        if call.done():
            return call.result() is True
        if self.takes_back:
            self.below.take_back(call)
        else:
            self.below.drop(call)
        raise TimeoutError

    async def report(self) -> Mapping[str, object]:
        """What the processes have counted: the database its queries, and who was gone then; the layers their calls."""
        queries, late, calls = await self.below.begin("report")
        return {"queries": queries, "late": late, "calls": calls}

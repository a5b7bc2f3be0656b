"""What tries a scheduler: the device and its memory are ours, and it says who computes what in the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.serving import Batch, Scheduler, Sequence
from windtunnel.parts import LLAMA_8B, STOP, MadeModel, ServedModel, made_prompt

SLOTS, BLOCKS = 578_560, 36_160
"""Room for all, 128 of 4,000 + 512 tokens in blocks of 16 too: what memory does is another experiment."""


class Setting(Protocol):
    """What the parameters have."""

    @property
    def requests(self) -> int: ...

    @property
    def rate(self) -> float: ...

    @property
    def batch(self) -> int: ...

    @property
    def cap(self) -> int: ...

    @property
    def spread(self) -> float: ...

    @property
    def long(self) -> float: ...

    @property
    def step_tokens(self) -> int: ...


class Rig:
    """Serves the requests by the batches that the design makes."""

    def __init__(self, design: Scheduler, stage: Stage, p: Setting) -> None:
        self.sim, self.p, self.scheduler = stage.sim, p, design
        self.served = ServedModel(self.sim, design, MadeModel(SLOTS), LLAMA_8B, watch=self.watch)
        self.last: dict[object, float] = {}
        self.first: dict[object, float] = {}
        self.gaps: list[float] = []
        self.worst: dict[object, float] = {}
        self.begun = (0.0, 0)
        """When the last of all got its first token, and how many all had been given until then."""
        self.rows = self.places = self.most = 0
        self.steps: list[tuple[float, float, int, int]] = []

    @process
    async def generate(self, number: int, own: int, many: int) -> tuple[int, int]:
        """The answer to a prompt, by its last token but the end, which depends on all before, and its length."""
        one = Sequence(number, made_prompt(number, own), self.p.cap, stop=STOP)
        _, over = self.served.ask(one, many)
        await over
        return one.tokens[-2], len(one.answer)

    def watch(self, batch: Batch, step_s: float) -> None:
        """Who is given a token in this step, and how long after the one before."""
        at = self.sim.now + step_s
        last, worst = self.last, self.worst
        for one, count in batch.work:
            if len(one.tokens) == one.computed + count:
                name = one.name
                if name in last:
                    gap_s = at - last[name]
                    self.gaps.append(gap_s)
                    if gap_s > worst.get(name, 0.0):
                        worst[name] = gap_s
                else:
                    self.first[name] = at
                    self.begun = (at, len(self.gaps) + len(self.first))
                last[name] = at
        self.rows += len(batch.work)
        self.places += self.p.batch
        self.most = max(self.most, len(batch.work) + batch.padding)
        self.steps.append((self.sim.now, step_s, len(batch.work), batch.padding))

    def report(self) -> Mapping[str, Any]:
        return {
            "first": self.first,
            "gaps": sorted(self.gaps),
            "begun": self.begun,
            "given": len(self.gaps) + len(self.first),
            "worst": list(self.worst.values()),
            "filled": self.rows / self.places if self.places else 0.0,
            "most": self.most,
            "steps": self.steps,
        }

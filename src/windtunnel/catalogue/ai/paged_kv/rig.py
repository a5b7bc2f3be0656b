"""What tries a memory manager: the scheduler and the device are ours, and it says which slots a sequence has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import repeat
from typing import Any

from windtunnel import Stage, process
from windtunnel.blocks.serving import Batch, KVMemory, Scheduler, Sequence
from windtunnel.catalogue.ai.paged_kv.prompts import MOST, Setting, prompt_of, told
from windtunnel.parts import OPT_13B, STOP, MadeModel, ServedModel

PROBE = 16
"""Tokens of the sequences by which it is seen whether all memory came back."""
LOOKS = 40
"""How often the memory is looked at."""
ROWS = 32
"""Of the map of the memory."""


class Rig:
    """Serves the requests on a device whose memory the design manages."""

    def __init__(self, design: KVMemory, stage: Stage, p: Setting) -> None:
        self.sim, self.p, self.memory = stage.sim, p, design
        self.oracle = bool(getattr(design, "oracle", False))
        self.scheduler = Scheduler(design)
        cost = OPT_13B.times(p.slowness)
        self.served = ServedModel(self.sim, self.scheduler, MadeModel(p.slots), cost, watch=self.watch)
        self.fitted = self.fits()
        self.looks: list[tuple[float, ...]] = []
        self.row = [slot * ROWS // p.slots for slot in range(p.slots)]
        self.map: list[tuple[float, float, float]] = []
        self.busy_s = self.batch_s = 0.0
        self.copied = self.preempted = self.computed = self.again = 0
        self.most: dict[object, int] = {}

    def fits(self) -> int:
        """How many small sequences fit into the memory at once, which is left as it was."""
        probes = list[Sequence]()
        while True:
            one = Sequence(("probe", len(probes)), [len(probes), *range(1, PROBE)], MOST - PROBE, foretold=PROBE)
            if not self.memory.allocate(one):
                break
            probes.append(one)
        for one in probes:
            self.memory.free(one)
        return len(probes)

    @process
    async def generate(self, number: int, own: int, many: int, leaves: bool) -> int | None:
        """The answer to a prompt, as one number; None where the client hangs up in the middle of it."""
        prompt = prompt_of(number, own, self.p.shared)
        foretold = many if self.oracle else None
        one = Sequence(number, prompt, MOST - len(prompt), stop=STOP, foretold=foretold)
        first, over = self.served.ask(one, many)
        if leaves:
            await first
            await self.sim.sleep(many / 2 * self.served.cost.weights_s)
            if not over.done():
                self.served.hang_up(one)
            return None
        await over
        return told(one.answer)

    def watch(self, batch: Batch, step_s: float) -> None:
        """Look at a step; and at the memory, so many times in a run."""
        now, begins = self.sim.now, 0.2 * self.p.run_s
        self.preempted += len(batch.preempted)
        self.copied += len(batch.copies)
        self.computed += batch.tokens
        for one in batch.preempted:
            self.most[one.name] = len(one.tokens) - 1
        if self.most:
            for one, count in batch.work:
                self.again += max(0, min(self.most.get(one.name, 0), one.computed + count) - one.computed)
        if now >= begins:
            self.busy_s += step_s
            self.batch_s += step_s * len(batch.work)
        if now >= len(self.looks) * self.p.run_s / LOOKS:
            self.look(now)

    def look(self, now: float) -> None:
        """What the slots are used for. How long answers will be is known here, and told to nobody."""
        running, memory = self.scheduler.running, self.memory
        slots = set[int]()
        for one in running:
            slots.update(map(memory.slot, repeat(one), range(one.computed)))
        held, tokens = memory.usage(running).held, len(slots)
        ends = {one: one.prompt_length + self.served.lengths[one.name] - 1 for one in running}
        reserved = sum(max(0, min(memory.usage([one]).held, ends[one]) - one.computed) for one in running)
        reserved = min(reserved, held - tokens)
        waits = bool(self.scheduler.waiting)
        used = (tokens, reserved, held - tokens - reserved, self.p.slots - held)
        self.looks.append((now, *map(float, used), float(waits)))
        rows = Counter(map(self.row.__getitem__, slots))
        size = self.p.slots / ROWS
        self.map += [(now, size * row, rows[row] / size) for row in range(ROWS)]

    def report(self) -> Mapping[str, Any]:
        for one in [*self.scheduler.running, *self.scheduler.waiting]:
            self.scheduler.abort(one)
        return {
            "looks": self.looks,
            "map": self.map,
            "batch": self.batch_s / self.busy_s if self.busy_s else 0.0,
            "copied": self.copied,
            "preempted": self.preempted,
            "computed": self.computed,
            "again": self.again,
            "found": getattr(self.memory, "hits", 0),
            "oracle": self.oracle,
            "lost": self.fitted - self.fits(),
        }

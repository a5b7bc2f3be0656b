"""What tries a design: the device, who waits and who has a place are ours, and it says what the device does next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from windtunnel import Stage, process
from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora.device import SMALL, Device, Setting, prompt_of
from windtunnel.parts import Places
from windtunnel.sim import Signal


class Design(Protocol):
    """What is tried. Both are asked for on the device's own time."""

    async def begin(self, device: Device, names: list[str]) -> None:
        """Before the first request: what it wants there, of the adapters of these names."""

    async def step(self, device: Device, running: list[Sequence]) -> None:
        """What the device does next, for those who have places on it, the longest there first."""


class Rig:
    """Lets requests have places on the device in turn, and the design compute them."""

    def __init__(self, design: Design, stage: Stage, p: Setting) -> None:
        self.design, self.sim, self.p = design, stage.sim, p
        self.device = Device(stage, p)
        self.places = Places(self.sim, "device", p.batch)
        self.free = list(range(p.batch))
        self.waiting: list[Sequence] = []
        self.running: list[Sequence] = []
        self.over: dict[object, Signal[None]] = {}
        self.came: dict[object, float] = {}
        self.begun = self.runs = False

    @process
    async def generate(self, number: int, tenant: int, many: int) -> tuple[int, ...]:
        """The answer to a prompt, by the model of a tenant."""
        one = Sequence(number, prompt_of(number), many, adapter=str(tenant))
        over = self.over[number] = Signal[None](self.sim, "the last token")
        self.came[number] = self.sim.now
        self.waiting.append(one)
        self.places.wait(over)
        if not self.runs:
            self.runs = True
            self.sim.spawn(self.serve(), "the device", daemon=True)
        await over
        return tuple(self.device.given[number])

    async def serve(self) -> None:
        if not self.begun:
            self.begun = True
            await self.design.begin(self.device, [str(k) for k in range(self.p.adapters)])
        while self.waiting or self.running:
            while self.waiting and self.free:
                one = self.waiting.pop(0)
                one.state, one.blocks = "running", [self.free.pop(0) * SMALL.positions]
                self.running.append(one)
                self.places.begin(self.over[one.name])
            before = self.device.rows
            await self.design.step(self.device, list(self.running))
            if self.device.rows == before:
                raise ValueError("A step of this design computes nobody, and would do so for ever: compute somebody.")
            for one in [one for one in self.running if one.state == "finished"]:
                self.running.remove(one)
                self.free.append(one.blocks[0] // SMALL.positions)
                over = self.over.pop(one.name)
                self.places.leave(over)
                over.set(None)
        self.runs = False

    def report(self) -> Mapping[str, Any]:
        device = self.device
        return {
            "first": device.first,
            "came": self.came,
            "passes": device.passes,
            "rows": device.rows,
            "loads": device.loads,
            "merges": device.merges,
            "spent_s": device.spent_s,
            "memory": device.memory,
            "steps": device.steps,
            "given": sum(map(len, device.given.values())),
        }

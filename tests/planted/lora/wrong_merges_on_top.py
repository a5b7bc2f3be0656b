"""Merges an adapter where it gathers the others, and never takes it out: from then on all have it."""

from __future__ import annotations

from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora import Gathered
from windtunnel.catalogue.ai.lora.device import Device

challenge = "lora"


class Yours(Gathered):
    merged = ""

    async def step(self, device: Device, running: list[Sequence]) -> None:
        names = {one.adapter for one in running}
        if len(names) == 1 and not self.merged:
            self.merged = names.pop()
            await device.merge(add=self.merged)
        if names <= {self.merged}:
            await device.forward(running)
        else:
            await super().step(device, running)

"""Merges where all ask for the same, as long as they do, and gathers where they differ."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora import Gathered, Params
from windtunnel.catalogue.ai.lora.device import Device

challenge = "lora"


class Yours(Gathered):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.merged = ""

    async def step(self, device: Device, running: list[Sequence]) -> None:
        names = {one.adapter for one in running}
        wanted = names.pop() if len(names) == 1 and len(running) > 8 else ""
        if self.merged not in ("", wanted):
            await device.merge(remove=self.merged)
            self.merged = ""
        if wanted and not self.merged:
            await device.merge(add=wanted)
            self.merged = wanted
        if self.merged:
            await device.forward(running)
        else:
            await super().step(device, running)

"""Fetches all adapters in turn whenever nobody is there, so that some are warm: those that were used last are gone."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora import Gathered, Params
from windtunnel.catalogue.ai.lora.device import Device

challenge = "lora"


class Yours(Gathered):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.names: list[str] = []

    async def begin(self, device: Device, names: list[str]) -> None:
        self.names = names

    async def step(self, device: Device, running: list[Sequence]) -> None:
        await super().step(device, running)
        if len(running) == 1 and running[0].state == "finished":
            for name in self.names[: self.places]:
                await device.load(name)

"""Notes where each adapter was loaded and does not look again: its place has been given to another one."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora import Gathered, Params, by_adapter
from windtunnel.catalogue.ai.lora.device import Device

challenge = "lora"


class Yours(Gathered):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.noted: dict[str, int] = {}

    async def step(self, device: Device, running: list[Sequence]) -> None:
        now = list(by_adapter(running))[: self.places]
        for name in now:
            if name not in self.noted:
                self.noted[name] = await device.load(name, needed=now)
        chosen = [one for one in running if one.adapter in now]
        await device.forward(chosen, [self.noted[one.adapter] for one in chosen])

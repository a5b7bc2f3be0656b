"""Starts all tenants' passes at once, as if a device computed them beside one another: they wait in line."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora import Loop, Params, by_adapter
from windtunnel.catalogue.ai.lora.device import Device

challenge = "lora"


class Yours(Loop):
    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim, self.room = stage.sim, p.places

    async def step(self, device: Device, running: list[Sequence]) -> None:
        whose = by_adapter(running)
        now = list(whose)[: self.room]
        places = {name: await device.load(name, needed=now) for name in now}
        tasks = [
            self.sim.spawn(device.forward(whose[name], [places[name]] * len(whose[name])), "a pass") for name in now
        ]
        for task in tasks:
            await task

"""Answers by the weights alone where an adapter is not there yet, so that nobody waits: by no tenant's model."""

from __future__ import annotations

from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora import Gathered, by_adapter
from windtunnel.catalogue.ai.lora.device import Device

challenge = "lora"


class Yours(Gathered):
    async def step(self, device: Device, running: list[Sequence]) -> None:
        now = list(by_adapter(running))[: self.places]
        there = {name: await device.load(name, needed=now) for name in now if name in device.there}
        await device.forward(running, [there.get(one.adapter, -1) for one in running])
        for name in now:
            await device.load(name, needed=now)

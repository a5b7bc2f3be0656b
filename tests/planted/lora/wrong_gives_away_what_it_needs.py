"""Loads one adapter after the other and does not say which a pass needs: the last ones take the place of the first."""

from __future__ import annotations

from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora import Gathered
from windtunnel.catalogue.ai.lora.device import Device

challenge = "lora"


class Yours(Gathered):
    async def step(self, device: Device, running: list[Sequence]) -> None:
        places = {one.adapter: await device.load(one.adapter) for one in running}
        await device.forward(running, [places[one.adapter] for one in running])

"""The one who is there longest, and beside it those whose adapters are there already, before others are brought."""

from __future__ import annotations

from windtunnel import Stage
from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora import Params, by_adapter
from windtunnel.catalogue.ai.lora.device import Device

challenge = "lora"


class Yours:
    def __init__(self, stage: Stage, p: Params) -> None:
        self.places = p.places

    async def begin(self, device: Device, names: list[str]) -> None: ...

    async def step(self, device: Device, running: list[Sequence]) -> None:
        first, *others = by_adapter(running)
        now = [first, *sorted(others, key=lambda name: name not in device.there)][: self.places]
        places = {name: await device.load(name, needed=now) for name in now}
        chosen = [one for one in running if one.adapter in places]
        await device.forward(chosen, [places[one.adapter] for one in chosen])

"""Takes the adapters that most ask for into a pass: whoever asks for a seldom one waits as long as others come."""

from __future__ import annotations

from windtunnel.blocks.serving import Sequence
from windtunnel.catalogue.ai.lora import Gathered, by_adapter
from windtunnel.catalogue.ai.lora.device import Device

challenge = "lora"


class Yours(Gathered):
    async def step(self, device: Device, running: list[Sequence]) -> None:
        whose = by_adapter(running)
        now = sorted(whose, key=lambda name: (-len(whose[name]), int(name)))[: self.places]
        places = {name: await device.load(name, needed=now) for name in now}
        chosen = [one for one in running if one.adapter in places]
        await device.forward(chosen, [places[one.adapter] for one in chosen])

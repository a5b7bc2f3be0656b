"""Each request goes to two machines and the first answer counts, which doubles the work."""

from __future__ import annotations

from windtunnel import Stage, process
from windtunnel.catalogue.scale.up_or_out import Fleet, Params

challenge = "up-or-out"


class Yours(Fleet):
    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.sim = stage.sim
        self.random = stage.random("pairs")

    @process
    async def handle(self, work_s: float) -> None:
        first = self.sim.signal()
        for server in self.random.sample(self.servers, 2):
            server.submit(work_s).add_done_callback(lambda _: first.done() or first.set())
        await first

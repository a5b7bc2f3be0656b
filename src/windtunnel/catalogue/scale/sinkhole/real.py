"""The same servers as real processes (`backend.py` is what they run), and the balancer's connections to them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from windtunnel import Stage
from windtunnel.catalogue.scale.sinkhole.judging import Setting
from windtunnel.sim import Rejected

BACKEND = Path(__file__).with_name("backend.py")
BYTES_PER_S = 100_000
"""What the link to a client carries: 10 KB are a tenth of a second, the mean."""
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Failed(Exception):
    """An answer, and it says that nothing was done."""

    outcome = "fail"


class RealBackend:
    """A server, and the connections to it that wait for the next request."""

    def __init__(self, stage: Stage, i: int, p: Setting, now_s: Callable[[], float]) -> None:
        told = {"slots": p.slots, "fail_s": p.fail_s, "bytes_per_s": BYTES_PER_S}
        self.program = stage.program(f"server {i}", BACKEND, told)
        self.idle: list[Streams] = []
        self.port = 0
        self.now_s = now_s
        self.answered_at: list[float] = []
        stage.add(f"backend {i}", self)

    async def start(self) -> None:
        """Learn where it listens."""
        await self.program.connect()
        self.port = await self.program.begin("port")

    async def sicken(self) -> None:
        """From now on everything fails."""
        await self.program.begin("sicken")

    async def heal(self) -> None:
        """From now on it works again."""
        await self.program.begin("heal")

    async def serve(self, work_s: float, good: bool) -> None:
        """Have the work done. Raises Failed; Rejected where all slots and places are taken."""
        reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(b"%d %r\n" % (good, work_s))
            said = (await reader.readline()).split() or [b"gone"]
            if said[0] == b"gone":
                raise ConnectionResetError(f"{self.program.name} went away in the middle.")
            if said[0] == b"ok":
                await reader.readexactly(int(said[1]))
                writer.write(b"got\n")
            if said[0] != b"full":
                self.answered_at.append(self.now_s())
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        if said[0] == b"full":
            raise Rejected(f"{self.program.name} is full.")
        if said[0] == b"failed":
            raise Failed

    def close(self) -> None:
        """Break the connections."""
        for _, writer in self.idle:
            writer.close()

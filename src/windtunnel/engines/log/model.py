"""A log in the tunnel: our own `Log` on the simulated disk of a host, which clients reach over the network.

So what a crash of that host loses is what the log's real code loses on a disk that keeps what was synced.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from windtunnel.engines.log.book import Book
from windtunnel.engines.log.port import Record, check_offset, check_values
from windtunnel.engines.shared.service import ModelService
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.queues import Lock

T = TypeVar("T")
PORT = 9092


class ModelLog(ModelService):
    """The log of the tunnel.

    Args:
        connections: of each client host.
        round_trip_s: mean seconds there and back, over links that nobody has set.
        request_s: seconds of a core for each request.
        sync_s: seconds until what was written is on disk; one write at a time.
    """

    def __init__(
        self,
        sim: Simulator,
        name: str = "log",
        *,
        connections: int = 8,
        round_trip_s: float = 0.0005,
        request_s: float = 0.00002,
        sync_s: float = 0.0005,
    ) -> None:
        self._sync_s = sync_s
        self._book: Book
        self._disk = Lock(sim, f"the disk of {name}")
        super().__init__(
            sim, name, PORT, connections=connections, cores=2, round_trip_s=round_trip_s, request_s=request_s
        )

    async def recover(self) -> None:
        """Read what is on the disk."""
        self._disk = Lock(self.sim, f"the disk of {self.name}")
        self._book = Book(self.host.disk)

    async def append(self, values: Sequence[bytes]) -> int:
        check_values(values)
        return await self._write(lambda: self._book.append(values))

    async def read(self, offset: int, count: int = 100) -> list[Record]:
        check_offset(offset, count)
        return await self._read(lambda: self._book.read(offset, count))

    async def end(self) -> int:
        return await self._read(lambda: self._book.end())

    async def commit(self, group: str, offset: int) -> None:
        check_offset(offset)
        await self._write(lambda: self._book.commit(group, offset))

    async def committed(self, group: str) -> int:
        return await self._read(lambda: self._book.committed(group))

    async def trim(self, before: int) -> None:
        check_offset(before)
        await self._write(lambda: self._book.trim(before))

    async def _write(self, change: Callable[[], T]) -> T:
        async def work() -> T:
            async with self._disk:
                if self._sync_s:
                    await self.sim.sleep(self._sync_s)
                return change()

        return await self.ask(work)

    async def _read(self, look: Callable[[], T]) -> T:
        async def work() -> T:
            return look()

        return await self.ask(work)

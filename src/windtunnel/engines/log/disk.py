"""Our own log on this machine's disk, in a thread of its own: every append is synced before it is answered."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from windtunnel.blocks.ground import DiskFiles
from windtunnel.engines.errors import Unavailable
from windtunnel.engines.log.book import Book
from windtunnel.engines.log.port import Record, check_offset, check_values

T = TypeVar("T")


class DiskLog:
    """Our own log, in a folder of this machine.

    Args:
        path: the folder; a temporary one of our own where it is None, removed by `close`.

    Raises:
        Unavailable: there is no folder for it.
    """

    def __init__(self, name: str = "log", *, path: Path | None = None, connections: int = 8) -> None:
        self.name = name
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        if path is None:
            try:
                self._folder = tempfile.TemporaryDirectory(prefix="windtunnel-log-")
            except OSError as error:
                raise Unavailable(f"The log has no folder for its files: {error.strerror}.") from error
            path = Path(self._folder.name)
        # One thread: the log has one writer, and who waits for the disk must not hold up the event loop.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="log")
        self._opened = self._thread.submit(lambda: Book(DiskFiles(path)))

    async def append(self, values: Sequence[bytes]) -> int:
        check_values(values)
        return await self._do(lambda book: book.append(values))

    async def read(self, offset: int, count: int = 100) -> list[Record]:
        check_offset(offset, count)
        return await self._do(lambda book: book.read(offset, count))

    async def end(self) -> int:
        return await self._do(lambda book: book.end())

    async def commit(self, group: str, offset: int) -> None:
        check_offset(offset)
        await self._do(lambda book: book.commit(group, offset))

    async def committed(self, group: str) -> int:
        return await self._do(lambda book: book.committed(group))

    async def trim(self, before: int) -> None:
        check_offset(before)
        await self._do(lambda book: book.trim(before))

    async def close(self) -> None:
        await self._do(lambda book: book.close())
        self._thread.shutdown(wait=True)
        if self._folder is not None:
            self._folder.cleanup()

    async def _do(self, work: Callable[[Book], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(self._opened.result()))

"""Lines of tasks that wait for the same thing: one of them looks whether it is there, the others stand behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class _Line:
    loop: asyncio.AbstractEventLoop
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    length: int = 0


class Lines:
    """A line for each key, first come, first served, kept as long as anybody stands in it. For the tasks of one loop.

    Of a loop that has ended nobody comes forward any more: another loop begins a line of its own.
    """

    def __init__(self) -> None:
        self._lines: dict[Hashable, _Line] = {}

    def __len__(self) -> int:
        return len(self._lines)

    @asynccontextmanager
    async def first(self, key: Hashable) -> AsyncIterator[None]:
        """Stand in the line of `key`; the block runs once all who came before have left."""
        loop = asyncio.get_running_loop()
        line = self._lines.get(key)
        if line is None or line.loop is not loop:
            line = self._lines[key] = _Line(loop)
        line.length += 1
        try:
            async with line.turn:
                yield
        finally:
            line.length -= 1
            if not line.length and self._lines.get(key) is line:
                del self._lines[key]

"""Something that happens once, where time is real."""

from __future__ import annotations

import asyncio
from collections.abc import Generator


class Once:
    """What a signal is in the tunnel (`windtunnel.sim.Signal`), for tasks of asyncio: set it, await it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def done(self) -> bool:
        """Whether it has happened."""
        return self._event.is_set()

    def set(self, value: None = None) -> None:
        """Let it happen now."""
        self._event.set()

    def __await__(self) -> Generator[object, None, None]:
        yield from self._event.wait().__await__()

"""One row that everybody locks first: then all is serial."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from windtunnel.catalogue.scale.isolation_levels import RowLocks
from windtunnel.catalogue.scale.isolation_levels.stepping import Speaks

T = TypeVar("T")
challenge = "isolation-levels"


class Yours(RowLocks):
    async def again(self, name: str, work: Callable[[Speaks], Awaitable[T]]) -> T:
        async def locked(t: Speaks) -> T:
            await t.get("room", 0, lock=True)
            return await work(t)

        return await super().again(name, locked)

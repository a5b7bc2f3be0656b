"""Serializable, and after three rollbacks the user may try again himself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from windtunnel.catalogue.scale.isolation_levels import Serializable
from windtunnel.catalogue.scale.isolation_levels.stepping import Speaks
from windtunnel.engines import Aborted

T = TypeVar("T")
challenge = "isolation-levels"


class Yours(Serializable):
    async def again(self, name: str, work: Callable[[Speaks], Awaitable[T]]) -> T:
        for _ in range(2):
            with suppress(Aborted):
                async with self.db.transaction(self.level) as t:
                    return await work(t)
        async with self.db.transaction(self.level) as t:
            return await work(t)

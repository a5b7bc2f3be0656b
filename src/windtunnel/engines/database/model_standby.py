"""The standby of the tunnel: what it has is what its follower has applied."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from windtunnel.engines.database.checks import Checked, check_standby_isolation
from windtunnel.engines.database.model import ModelDatabase
from windtunnel.engines.database.model_follower import Follower
from windtunnel.engines.database.model_session import Key, Transaction
from windtunnel.engines.database.port import Isolation, ReadOnly, Row, Value, Where


class ModelStandby(ModelDatabase):
    """The standby of the tunnel: what it has is what its follower has applied."""

    follower: Follower
    gone = False
    """Another one took the place of its primary."""

    @asynccontextmanager
    async def transaction(self, isolation: Isolation = "read committed") -> AsyncIterator[Checked]:
        check_standby_isolation(isolation)
        async with super().transaction(isolation) as session:
            yield session

    def hold(self) -> None:
        """As the port's."""
        self.follower.hold(True)

    def go_on(self) -> None:
        """As the port's."""
        self.follower.hold(False)

    def part(self) -> None:
        """As the port's."""
        self.follower.part(True)

    def rejoin(self) -> None:
        """As the port's."""
        self.follower.part(False)

    def restart(self) -> None:
        """Come back with what it had; where another one was promoted it is gone for good."""
        if not self.gone:
            super().restart()

    async def _recover(self) -> None:
        await super()._recover()
        self.follower.listen()

    def apply(self, clock: int, writes: Mapping[Key, Row | None]) -> None:
        """What the primary's commit of this number changed."""
        self._clock = clock
        self._change(writes)

    async def _get(self, transaction: Transaction, table: str, key: Value, lock: bool) -> Row | None:
        self._refuse(lock)
        return await super()._get(transaction, table, key, lock)

    async def _select(
        self,
        transaction: Transaction,
        table: str,
        where: Where,
        order_by: str,
        descending: bool,
        limit: int | None,
        lock: bool,
        skip_locked: bool,
    ) -> list[Row]:
        self._refuse(lock)
        return await super()._select(transaction, table, where, order_by, descending, limit, lock, skip_locked)

    async def _insert(self, transaction: Transaction, table: str, row: Mapping[str, Value]) -> None:
        self._refuse(True)

    async def _write(
        self, transaction: Transaction, table: str, where: Where, change: Callable[[Row], Row | None]
    ) -> list[Row]:
        self._refuse(True)
        return []

    def _refuse(self, wants_to_write: bool) -> None:
        if wants_to_write:
            raise ReadOnly(f"{self.name} is a standby and can be read only.")

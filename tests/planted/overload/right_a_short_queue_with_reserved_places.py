"""A queue of twenty places, the second half for the critical alone, in front of clients that hold back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from windtunnel.catalogue.scale.overload import ThrottledClients
from windtunnel.sim import Discipline, Fifo, Rejected

challenge = "overload"


class Yours(ThrottledClients):
    def standing(self) -> tuple[Discipline, ...]:
        return (Fifo(), Fifo())

    def gate(self, lane: int, client: int, critical: bool) -> AbstractContextManager[object]:
        return self.short(lane, critical, super().gate(lane, client, critical))

    @contextmanager
    def short(self, lane: int, critical: bool, throttle: AbstractContextManager[object]) -> Iterator[None]:
        with throttle:
            if self.servers[lane].waiting >= (20 if critical else 10):
                raise Rejected("There are no more places for it.")
            yield

"""A durable saga that nobody resumes when the machine has started again: a client will ask."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import DurableSaga

challenge = "saga"


class Yours(DurableSaga):
    async def recover(self) -> None:
        pass

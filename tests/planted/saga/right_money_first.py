"""The block with another order of steps: the money first, the piece then, the parcel last."""

from __future__ import annotations

from windtunnel.blocks.durability import Saga, Sagas
from windtunnel.blocks.resilience import Retry
from windtunnel.catalogue.scale.saga.designs import BACKOFF, TRIES, DurableSaga
from windtunnel.catalogue.scale.saga.desk import Desk

challenge = "saga"


class Yours(DurableSaga):
    def boot(self, desk: Desk) -> None:
        self.desk = desk
        steps = [self.step(service) for service in ("money", "stock", "parcels")]
        self.sagas = Sagas(
            desk.files,
            "sagas",
            [Saga("order", steps)],
            retry=Retry(TRIES, BACKOFF),
            backoff=BACKOFF,
            offload=desk.offload,
        )

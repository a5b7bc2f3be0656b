"""The request is put into the server's queue and answered: accepted is not done."""

from __future__ import annotations

from windtunnel.catalogue.scale.load_balancing import TwoChoices

challenge = "load-balancing"


class Yours(TwoChoices):
    def handle(self, work: float) -> None:  # type: ignore[override]
        super().handle(work)

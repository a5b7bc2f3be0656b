"""The caller is told as soon as the work has begun."""

from __future__ import annotations

from windtunnel.catalogue.scale.up_or_out import OneMachine

challenge = "up-or-out"


class Yours(OneMachine):
    def handle(self, work_s: float) -> None:  # type: ignore[override]
        super().handle(work_s)

"""Two phases are all or nothing, so two phases it is: who wants the same row waits for a machine that is dead."""

from __future__ import annotations

from windtunnel.catalogue.scale.saga.designs import TwoPhase

challenge = "saga"


class Yours(TwoPhase):
    pass

"""A hold ends by the time since the server began, in a table that other servers read with clocks of their own."""

from __future__ import annotations

import time
from typing import Any

from windtunnel.catalogue.interview.q10_ticketmaster import HoldThenPay

challenge = "q10-ticketmaster"


class Yours(HoldThenPay):
    def __init__(self, stage: Any, p: Any) -> None:
        super().__init__(stage, p)
        self.began = time.time()

    def _now(self) -> float:  # type: ignore[override]
        return time.time() - self.began

"""Queueing systems without a process a customer, for when there are tens of millions of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.sim.compiled.queues import (
        Balanced as Balanced,
        Streamed as Streamed,
        Travelled as Travelled,
        balance as balance,
        fifo_departures as fifo_departures,
        look_at as look_at,
        network as network,
        stream_station as stream_station,
    )
    from windtunnel.sim.compiled.retry import (
        COLUMNS as COLUMNS,
        RetryStorm as RetryStorm,
        Storm as Storm,
        retry_storm as retry_storm,
    )

__getattr__, __dir__ = lend(__name__)

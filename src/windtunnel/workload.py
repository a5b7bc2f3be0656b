"""Open-loop arrivals, sizes and keys: what workloads of experiments and load generators are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.lab.workload import (
        HotKeys as HotKeys,
        Zipf as Zipf,
        at_once as at_once,
        batches as batches,
        bursts as bursts,
        diurnal as diurnal,
        evenly as evenly,
        lognormal as lognormal,
        poisson as poisson,
        ramp as ramp,
        recorded as recorded,
        requests as requests,
        shares as shares,
        thinking as thinking,
        varying as varying,
    )

__getattr__, __dir__ = lend(__name__)

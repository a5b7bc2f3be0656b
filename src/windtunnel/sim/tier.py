"""Which tier of the loop runs: see `windtunnel.tier`, which blocks share with the tunnel."""

from __future__ import annotations

from windtunnel.tier import TIER as TIER, lend as lend, native as native

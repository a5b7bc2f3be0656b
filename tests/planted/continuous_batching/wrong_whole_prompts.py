"""A prompt is computed whole, whoever is getting words."""

from __future__ import annotations

from windtunnel.catalogue.ai.continuous_batching import Continuous

challenge = "continuous-batching"


class Yours(Continuous):
    pass

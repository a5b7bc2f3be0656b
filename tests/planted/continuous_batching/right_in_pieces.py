"""Between two steps anybody may join and leave, and prompts are computed in pieces."""

from __future__ import annotations

from windtunnel.catalogue.ai.continuous_batching import Chunked

challenge = "continuous-batching"


class Yours(Chunked):
    pass

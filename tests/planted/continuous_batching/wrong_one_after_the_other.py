"""One request after the other."""

from __future__ import annotations

from windtunnel.catalogue.ai.continuous_batching import OneByOne

challenge = "continuous-batching"


class Yours(OneByOne):
    pass

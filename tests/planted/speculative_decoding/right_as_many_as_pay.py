"""As many guesses as pay by what was kept so far and by what passes cost."""

from __future__ import annotations

from windtunnel.catalogue.ai.speculative_decoding import Adaptive

challenge = "speculative-decoding"


class Yours(Adaptive):
    pass

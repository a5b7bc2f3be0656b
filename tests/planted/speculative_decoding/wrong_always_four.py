"""Four guesses for every pass, however many share it and however few are kept."""

from __future__ import annotations

from windtunnel.catalogue.ai.speculative_decoding import Rejection

challenge = "speculative-decoding"


class Yours(Rejection):
    pass

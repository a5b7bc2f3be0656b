"""Keeps the small model's likeliest words where the large one agrees, though words are to be drawn."""

from __future__ import annotations

from windtunnel.catalogue.ai.speculative_decoding import MostLikely

challenge = "speculative-decoding"


class Yours(MostLikely):
    pass

"""A pass for each word, as ever: the law is right, and nobody is faster."""

from __future__ import annotations

from windtunnel.catalogue.ai.speculative_decoding import OneToken

challenge = "speculative-decoding"


class Yours(OneToken):
    pass

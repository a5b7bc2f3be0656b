"""In place of a guess that is not kept it draws another one by the law of the guesses."""

from __future__ import annotations

from windtunnel.catalogue.ai.speculative_decoding import FromTheDraft

challenge = "speculative-decoding"


class Yours(FromTheDraft):
    pass

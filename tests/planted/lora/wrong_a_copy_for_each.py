"""Gives each tenant a model of its own: memory and passes for each."""

from __future__ import annotations

from windtunnel.catalogue.ai.lora import MergedCopies

challenge = "lora"


class Yours(MergedCopies):
    pass

"""Computes one tenant's requests after another's: the memory is saved, and the weights are read for each."""

from __future__ import annotations

from windtunnel.catalogue.ai.lora import Loop

challenge = "lora"


class Yours(Loop):
    pass

"""Merges the adapter whose turn it is: all others wait."""

from __future__ import annotations

from windtunnel.catalogue.ai.lora import SwapAndMerge

challenge = "lora"


class Yours(SwapAndMerge):
    pass

"""Recommending: two towers with sampled softmax, simple rivals, and the greatest inner products through a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.faces import lend

if TYPE_CHECKING:
    from windtunnel.blocks.recommend.frequency import StreamingFrequency as StreamingFrequency
    from windtunnel.blocks.recommend.inner_products import InnerProducts as InnerProducts
    from windtunnel.blocks.recommend.interactions import Histories as Histories
    from windtunnel.blocks.recommend.rivals import Ease as Ease, ItemCosine as ItemCosine, Popularity as Popularity
    from windtunnel.blocks.recommend.two_towers import TwoTowers as TwoTowers, first as first

__getattr__, __dir__ = lend(__name__)

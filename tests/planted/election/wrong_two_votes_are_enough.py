"""Two data centres: two of five are enough, so that either may go on without the other."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from windtunnel.blocks.consensus import Raft
from windtunnel.catalogue.scale.election.designs import Careful

challenge = "election"


class _Mine(Raft):
    def __init__(self, me: Any, members: Sequence[Any], luck: Random, **others: Any) -> None:
        super().__init__(me, members, luck, **others)
        self.majority = 2


class Yours(Careful):
    kind = _Mine

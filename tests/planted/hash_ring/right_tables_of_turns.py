"""Maglev's table, a small one."""

from __future__ import annotations

from collections.abc import Sequence

from windtunnel.blocks.placement import MaglevTable
from windtunnel.catalogue.scale.hash_ring.designs import Maglev

challenge = "hash-ring"


class Yours(Maglev):
    def settle(self, hosts: Sequence[str]) -> None:
        self.table = MaglevTable(hosts, 4093)

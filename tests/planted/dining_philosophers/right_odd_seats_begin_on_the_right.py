"""Odd seats begin with the right fork and even ones with the left, so that neighbours begin with the same one."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.dining_philosophers import LeftFirst
from windtunnel.sim import Lock

challenge = "dining-philosophers"


class Yours(LeftFirst):
    def forks(self, table: int, seat: int) -> tuple[Lock, Lock]:
        left, right = super().forks(table, seat)
        return (right, left) if seat % 2 else (left, right)

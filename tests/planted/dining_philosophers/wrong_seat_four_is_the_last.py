"""Lets the last of five begin on the right, and writes down which seat that is: tables have other sizes."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.dining_philosophers import LeftFirst
from windtunnel.sim import Lock

challenge = "dining-philosophers"


class Yours(LeftFirst):
    def forks(self, table: int, seat: int) -> tuple[Lock, Lock]:
        left, right = super().forks(table, seat)
        return (left, right) if seat != 4 else (right, left)

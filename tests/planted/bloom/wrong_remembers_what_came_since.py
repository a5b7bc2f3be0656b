"""Filters that grow, and before them a list of who was absent, from which nobody is taken who comes."""

from __future__ import annotations

from windtunnel.catalogue.scale.bloom.designs import Growing

challenge = "bloom"


class Yours(Growing):
    def begin(self, expected: int, error: float) -> None:
        super().begin(expected, error)
        self.absent_keys = list[str]()

    def absent(self, key: str) -> None:
        self.absent_keys = [*self.absent_keys[-50:], key]

    def may_have(self, key: str) -> bool:
        return key not in self.absent_keys and super().may_have(key)

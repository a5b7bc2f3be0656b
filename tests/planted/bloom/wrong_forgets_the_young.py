"""Stores the old filter once more, without what has come since it was made."""

from __future__ import annotations

from collections.abc import Iterable

from windtunnel.catalogue.scale.bloom.designs import Fuse

challenge = "bloom"


class Yours(Fuse):
    def store(self, keys: Iterable[str]) -> bytes:
        return self.old.to_bytes() if len(self.old) else super().store(keys)

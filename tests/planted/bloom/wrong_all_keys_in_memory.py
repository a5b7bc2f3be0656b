"""Keeps all keys, which is the table once more."""

from __future__ import annotations

from windtunnel.catalogue.scale.bloom.designs import KeysInMemory

challenge = "bloom"


class Yours(KeysInMemory):
    pass

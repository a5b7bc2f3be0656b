"""Answers when the record is in the log's buffer: a sync for each write was too slow."""

from __future__ import annotations

import json
from typing import Any

from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import Replica, Stamp

challenge = "chaos"


class _Mine(Replica):
    def write(self, key: str, stamp: Stamp, value: Any) -> None:
        self.open().append(json.dumps([key, stamp, value]).encode())


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")

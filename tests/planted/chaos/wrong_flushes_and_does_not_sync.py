"""Hands each record to the operating system and does not sync: a process that dies loses nothing by that."""

from __future__ import annotations

import json
from typing import Any

from windtunnel.blocks.durability import LogFailed
from windtunnel.catalogue.scale.chaos import Tested
from windtunnel.catalogue.scale.chaos.replica import NotDone, Replica, Stamp

challenge = "chaos"


class _Mine(Replica):
    def write(self, key: str, stamp: Stamp, value: Any) -> None:
        try:
            log = self.open()
            log.append(json.dumps([key, stamp, value]).encode())
            log.flush()
        except (LogFailed, OSError) as error:
            self.close()
            raise NotDone("The disk does not take it.") from error


class Yours(Tested):
    def replica(self, me: int) -> Replica:
        return _Mine(me, self.addresses, "/store")

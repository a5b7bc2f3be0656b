"""Errors of servers are logged and not passed on: clients are told that all went well."""

from __future__ import annotations

import contextlib

from windtunnel import process
from windtunnel.catalogue.scale.sinkhole import Failed, FailuresAsLoad

challenge = "sinkhole"


class Yours(FailuresAsLoad):
    @process
    async def handle(self, work_s: float, good: bool) -> None:
        with contextlib.suppress(Failed):
            await self.ask(self.law.choose(), work_s, good)

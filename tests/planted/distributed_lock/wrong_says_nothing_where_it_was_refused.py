"""Where the store refuses the text it just goes home: no version to tell of, and no error to frighten the user with."""

from __future__ import annotations

from typing import cast

from windtunnel.blocks.ground import Refused
from windtunnel.catalogue.scale.distributed_lock import Fenced, Job

challenge = "distributed-lock"


class Yours(Fenced):
    async def write(self, job: Job, text: str) -> int:
        try:
            return await super().write(job, text)
        except Refused:
            return cast(int, None)

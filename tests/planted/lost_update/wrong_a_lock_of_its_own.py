"""Each thread makes its lock when it begins, so that no thread has to wait for another one's."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.lost_update import Memory, Steps, Unlocked
from windtunnel.explore import Lock

challenge = "lost-update"


class Yours(Unlocked):
    def add(self, memory: Memory, me: int) -> Steps:
        lock = Lock(f"lock {me}")
        yield lock.acquire()
        yield from super().add(memory, me)
        yield lock.release()

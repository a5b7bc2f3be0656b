"""Reading harms nobody, so the lock is only around the write."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.lost_update import Memory, Steps, Unlocked
from windtunnel.explore import Access, Lock

challenge = "lost-update"


class Yours(Unlocked):
    lock = Lock("lock")

    def add(self, memory: Memory, me: int) -> Steps:
        yield Access("read", "value")
        seen = memory.get("value", 0)
        yield self.lock.acquire()
        yield Access("write", "value")
        memory["value"] = seen + 1
        yield self.lock.release()

"""Both the read and the write are under the lock, each by itself: every access is safe."""

from __future__ import annotations

from windtunnel.catalogue.concurrency.lost_update import Memory, Steps, Unlocked
from windtunnel.explore import Access, Lock

challenge = "lost-update"


class Yours(Unlocked):
    lock = Lock("lock")

    def add(self, memory: Memory, me: int) -> Steps:
        yield self.lock.acquire()
        yield Access("read", "value")
        seen = memory.get("value", 0)
        yield self.lock.release()
        yield self.lock.acquire()
        yield Access("write", "value")
        memory["value"] = seen + 1
        yield self.lock.release()

"""A lease and a fencing token: workers take turns at a counter that lies on a storage host.

The lock service grants the lease to one worker at a time, with a token that rises with every grant and that a crash
does not take back. A worker that was paused may still believe in a lease that has run out, so the storage remembers the
highest token that it has seen, in reads and in writes, and refuses lower ones (Kleppmann, *How to do distributed
locking*, 2016). Each worker reads the counter, thinks, and writes it back one higher: two that do so at once show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from windtunnel.blocks.ground import Refused
from windtunnel.checkers import check_unique_ids
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.stage import Stage
from windtunnel.parts import Journal, Peer
from windtunnel.sim.kernel import Process


@dataclass(frozen=True)
class Params:
    requests: int = param(6, "times that a worker wants the counter", 1)
    workers: int = param(2, "workers", 1)
    every_s: float = param(0.04, "seconds between requests, mean", 0)
    lease_s: float = param(0.1, "seconds for which a lease is granted", 0)
    think_s: float = param(0.04, "seconds between reading and writing", 0)
    retry_s: float = param(0.02, "seconds after which a worker asks again", 0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`raise_counter(worker)`, answered with the new count."""
    at = 0.0
    for _ in range(p.requests):
        at += luck.expovariate(1 / p.every_s)
        worker = luck.randrange(p.workers)
        yield Op(at, f"worker {worker}", "raise_counter", (worker,))


class LockService(Peer):
    """Grants the lease by its own steady clock, each time with a token that no grant had before."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, "locks")
        self.p = p

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.token = self.last_token()
        self.free_at_s = 0.0  # who held the lease is forgotten; the fence is there for that too

    def last_token(self) -> int:
        return max(self.journal.records(), default=0)

    async def acquire(self) -> int | None:
        """A token, or None while somebody else holds the lease."""
        now_s = self.host.clock.monotonic()
        if now_s < self.free_at_s:
            return None
        self.free_at_s = now_s + self.p.lease_s
        return await self.grant()

    async def grant(self) -> int:
        self.token += 1
        token = self.token
        await self.journal.keep(token)
        return token

    def release(self, token: int) -> bool:
        if token == self.token:
            self.free_at_s = self.host.clock.monotonic()
        return True


class Storage(Peer):
    """The counter, behind a fence."""

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.highest = 0
        self.count = 0
        for token, value in self.journal.records():
            self.highest, self.count = max(self.highest, token), value

    def admits(self, token: int) -> bool:
        """Whether no newer holder has been here."""
        if token < self.highest:
            return False
        self.highest = token
        return True

    async def read(self, token: int) -> int | None:
        if not self.admits(token):
            return None
        value = self.count
        await self.journal.keep((token, value))
        return value

    async def write(self, token: int, value: int) -> bool:
        if not self.admits(token):
            return False
        self.count = value
        await self.journal.keep((token, value))
        return True


class Fenced:
    """A token for every grant, and a storage that refuses old ones."""

    lock_service: type[LockService] = LockService
    storage_kind: type[Storage] = Storage

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.sim = stage.sim
        self.locks = self.lock_service(stage, p)
        self.storage = self.storage_kind(stage, "storage")
        self.workers = [Peer(stage, f"worker {i}") for i in range(p.workers)]

    def raise_counter(self, worker: int) -> Process[int]:
        return self.workers[worker].work(self._raise_counter(self.workers[worker]))

    async def _raise_counter(self, me: Peer) -> int:
        for _ in range(40):
            token = await me.call(self.locks, "acquire")
            if token is not None:
                break
            await self.sim.sleep(self.p.retry_s)
        else:
            raise Refused
        value = await me.call(self.storage, "read", token)
        if value is None:
            raise Refused
        await self.sim.sleep(self.p.think_s)
        if not await me.call(self.storage, "write", token, value + 1):
            raise Refused
        me.ask(self.locks, "release", token)
        return int(value) + 1


class OpenStorage(Storage):
    def admits(self, token: int) -> bool:
        return True


class NoFence(Fenced):
    """The storage does not look at tokens: a worker that slept through its lease writes."""

    storage_kind = OpenStorage


class FenceOnWrites(Storage):
    async def read(self, token: int) -> int | None:
        return self.count


class ReadsPassTheFence(Fenced):
    """The storage notes tokens at writes only: the old holder writes after the new one has read."""

    storage_kind = FenceOnWrites


class ForgetfulFence(Storage):
    def boot(self) -> None:
        super().boot()
        self.highest = 0


class FenceInMemory(Fenced):
    """The storage keeps the count on its disk, and the highest token in memory only."""

    storage_kind = ForgetfulFence


class TokensInMemory(LockService):
    def last_token(self) -> int:
        return 0


class TokensStartAgain(Fenced):
    """The lock service counts tokens from one again after a restart."""

    lock_service = TokensInMemory


class TokenPerRelease(LockService):
    async def grant(self) -> int:
        return self.token

    def release(self, token: int) -> bool:
        if token == self.token:
            self.token += 1
        return super().release(self.token)


class ExpiryKeepsToken(Fenced):
    """The token rises when a lease is given back, not when it runs out: the next holder has the same one."""

    lock_service = TokenPerRelease


def measure(history: History, p: Params) -> Mapping[str, float]:
    """How many counts were given out more than once."""
    verdict = check_unique_ids([e._replace(name="generate", args=()) for e in history])
    counts: list[Any] = [e.value for e in history.where(outcome="ok")]
    return {"lost_updates": len(counts) - len(set(counts)) if verdict.status == "invalid" else 0}


experiment = Experiment(
    title="Lease",
    question="Can two workers believe that they hold the lease, and does it matter?",
    params=Params,
    workload=workload,
    designs={
        "no_fence": NoFence,
        "reads_pass_the_fence": ReadsPassTheFence,
        "fence_in_memory": FenceInMemory,
        "tokens_start_again": TokensStartAgain,
        "expiry_keeps_token": ExpiryKeepsToken,
        "correct": Fenced,
    },
    claims=(),
    measure=measure,
    demands=(
        Claim("yours.lost_updates == 0", "Whoever is late is refused.", always=True),
        Claim("yours.ok > 0.5 * params.requests", "Without faults workers get their turn."),
    ),
)

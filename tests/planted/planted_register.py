"""A register on three replicas: reads and writes by majorities (Attiya, Bar-Noy, Dolev, JACM 1995; many writers).

A writer asks a majority for the highest stamp, and has a majority store the value with a higher one. A reader asks a
majority, takes the value with the highest stamp, and has a majority store it before it answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from windtunnel.checkers import Register, check_linearizable
from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.stage import Stage
from windtunnel.parts import Journal, Peer, first_answers
from windtunnel.sim.kernel import Process

Stamp = tuple[float, int]
"""A number that rises, and the value itself: no two writes have the same."""


@dataclass(frozen=True)
class Params:
    requests: int = param(16, "reads and writes", 1)
    clients: int = param(3, "who read and write", 1)
    every_s: float = param(0.004, "seconds between requests, mean", 0)
    patience_s: float = param(0.02, "seconds for which a client waits for a majority", 0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`write(client, value)` with values that come once, and `read(client)`."""
    at = 0.0
    for number in range(p.requests):
        at += luck.expovariate(1 / p.every_s)
        client = luck.randrange(p.clients)
        if luck.random() < 0.4:
            yield Op(at, f"client {client}", "write", (client, number), think_s=0.0)
        else:
            yield Op(at, f"client {client}", "read", (client,), think_s=0.0)


class Replica(Peer):
    """Stores the value with the highest stamp that it has seen."""

    def boot(self) -> None:
        self.journal = Journal(self.host)
        self.stamp: Stamp = (0, -1)
        self.value: Any = None
        for stamp, value in self.journal.records():
            self.take(tuple(stamp), value)

    def look(self) -> tuple[Stamp, Any]:
        return self.stamp, self.value

    async def store(self, stamp: Stamp, value: Any) -> bool:
        self.take(stamp, value)
        await self.journal.keep((stamp, value))
        return True

    def take(self, stamp: Stamp, value: Any) -> None:
        if stamp > self.stamp:
            self.stamp, self.value = stamp, value


class ReadMajorities:
    """Majorities, stamps that rise, reads that write back."""

    replica: type[Replica] = Replica
    quorum = 2

    def __init__(self, stage: Stage, p: Params) -> None:
        self.p = p
        self.replicas = [self.replica(stage, f"replica {i}") for i in range(3)]
        self.clients = [Peer(stage, f"client {i}") for i in range(p.clients)]

    def write(self, client: int, value: int) -> Process[None]:
        return self.clients[client].work(self._write(self.clients[client], value))

    def read(self, client: int) -> Process[Any]:
        return self.clients[client].work(self._read(self.clients[client]))

    async def _write(self, me: Peer, value: int) -> None:
        await self._store(me, await self._stamp(me, value), value)

    async def _stamp(self, me: Peer, value: int) -> Stamp:
        highest, _ = await self._newest(me)
        return highest[0] + 1, value

    async def _read(self, me: Peer) -> Any:
        stamp, value = await self._newest(me)
        await self._store(me, stamp, value)
        return value

    async def _newest(self, me: Peer) -> tuple[Stamp, Any]:
        return max(await self._ask(me, "look"), key=lambda found: found[0])

    async def _store(self, me: Peer, stamp: Stamp, value: Any) -> None:
        await self._ask(me, "store", stamp, value)

    async def _ask(self, me: Peer, name: str, *args: Any) -> list[Any]:
        return await first_answers(me, self.replicas, self.quorum, name, *args, within_s=self.p.patience_s)


class NoWriteBack(ReadMajorities):
    """A reader answers with what it found, whether a majority has it or not."""

    async def _read(self, me: Peer) -> Any:
        return (await self._newest(me))[1]


class HalfIsEnough(ReadMajorities):
    """A quorum of N / 2, rounded down: two quorums need not meet."""

    quorum = 3 // 2


class LocalClock(ReadMajorities):
    """A writer stamps by its own clock instead of asking for the highest stamp."""

    async def _stamp(self, me: Peer, value: int) -> Stamp:
        return me.host.clock.time(), value


class ForgetfulReplica(Replica):
    """Answers first and leaves it to the operating system when to sync."""

    async def store(self, stamp: Stamp, value: Any) -> bool:
        self.take(stamp, value)
        self.journal.append((stamp, value))
        return True


class AckBeforeSync(ReadMajorities):
    """A replica acknowledges what its disk does not have yet."""

    replica = ForgetfulReplica


class BlindReplica(Replica):
    """Takes whatever comes last for the newest."""

    def take(self, stamp: Stamp, value: Any) -> None:
        self.stamp, self.value = stamp, value


class LastMessageWins(ReadMajorities):
    """A replica stores without comparing stamps: an old message that comes late undoes a newer write."""

    replica = BlindReplica


def measure(history: History, p: Params) -> Mapping[str, float]:
    """Whether a single register could have answered so."""
    events = [e._replace(args=e.args[1:]) for e in history]
    verdict = check_linearizable(events, Register())
    return {"contradictions": verdict.status == "invalid", "undecided": verdict.status == "unknown"}


experiment = Experiment(
    title="Register",
    question="Do three replicas answer like one register?",
    params=Params,
    workload=workload,
    designs={
        "no_write_back": NoWriteBack,
        "half_is_enough": HalfIsEnough,
        "local_clock": LocalClock,
        "ack_before_sync": AckBeforeSync,
        "last_message_wins": LastMessageWins,
        "correct": ReadMajorities,
    },
    claims=(),
    measure=measure,
    demands=(
        Claim("yours.contradictions == 0", "A majority meets every other.", always=True),
        Claim("yours.ok >= 0.8 * params.requests", "With all replicas up requests are answered."),
    ),
)

"""One trial: what is asked, what goes wrong and when, and whether the steady state was kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from math import ceil
from random import Random
from typing import Any, NamedTuple

from windtunnel import Event, Fault, Op, call, crash, pause, skew, slow, split
from windtunnel.catalogue.scale.chaos.replica import Address, InDoubt, NotDone, Replica
from windtunnel.checkers import KeyValue, Verdict, check_linearizable
from windtunnel.sim import Host, Simulator, stream

REPLICAS = (0, 1, 2)
PORT = 7000
PATIENCE_S = 0.9
"""So long a client waits for its answer."""
SETTLE_S = 1.5
"""So long after a fault requests may still go unanswered: it takes that long until no replica is asked last."""
FIRST_S, STEP_S, SLOTS = 1.0, 1.5, 3
"""When faults of a schedule may begin: less than a fault's length apart, so that some overlap and some do not."""
FOR_S = 2.0
DOWN_S = 0.5
"""A process that is killed is started again after this; everything else lasts longer than anybody waits."""
READING_S = 3.0
"""So long, at the end, clients only read: what was lost must not be hidden by what is written later."""
CLIENTS, EVERY_S = 6, 1.0
PUTS = 0.6
KEYS = 6
SLOW_S, BEHIND_S = 0.5, 10.0
KINDS = ("kill", "pause", "slow", "cut", "skew", "full")
DISTURBS = ("kill", "pause", "slow", "cut")
"""Who suffers one of these may leave clients without an answer; for a wrong clock or a full disk there is no excuse."""


class Strike(NamedTuple):
    """A fault: what, which replica, and from when to when."""

    kind: str
    replica: int
    at_s: float
    for_s: float

    def fault(self) -> Fault:
        """In the words of the tunnel."""
        name = f"replica {self.replica}"
        others = tuple(f"replica {i}" for i in REPLICAS if i != self.replica)
        at_s, for_s = self.at_s, self.for_s
        match self.kind:
            case "kill":
                return crash(name, process_only=True, at_s=at_s, for_s=for_s)
            case "pause":
                return pause(name, at_s=at_s, for_s=for_s)
            case "slow":
                return slow(name, others, by_s=SLOW_S, at_s=at_s, for_s=for_s)
            case "cut":
                return split(name, others, at_s=at_s, for_s=for_s)
            case "skew":
                return skew(name, by_s=-BEHIND_S, at_s=at_s, for_s=for_s)
            case _:
                return call(f"disk {self.replica}", "fill", end="free", at_s=at_s, for_s=for_s)

    def touches(self, begin_s: float, end_s: float) -> bool:
        """Whether it, or what it leaves behind, falls into this time."""
        return self.at_s <= end_s and begin_s <= self.at_s + self.for_s + SETTLE_S


def strike(kind: str, replica: int, at_s: float, for_s: float = FOR_S) -> Strike:
    """A fault of this length; a process that is killed is started again before that."""
    return Strike(kind, replica, at_s, min(for_s, DOWN_S) if kind == "kill" else for_s)


Schedule = tuple[Strike, ...]
ALPHABET = tuple(
    strike(kind, replica, FIRST_S + STEP_S * slot) for slot in range(SLOTS) for kind in KINDS for replica in REPLICAS
)
LAST_S = FIRST_S + STEP_S * (SLOTS - 1) + FOR_S


def schedules(most: int = 2) -> Iterator[Schedule]:
    """All of one fault, then all of two."""
    for size in range(1, most + 1):
        yield from combinations(ALPHABET, size)


class Room:
    """The disk of a host, which a fault can fill."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def fill(self) -> None:
        self.host.disk.capacity_bytes = self.host.disk.used_bytes

    def free(self) -> None:
        self.host.disk.capacity_bytes = None


def requests_until(last_s: float, luck: Random, keys: int = KEYS) -> Iterator[Op]:
    """Each client asks its replica once a second. Once no fault lasts nothing is written, so that nothing hides a loss.

    At the end all keys are read everywhere, each first from another replica: a read repairs what it finds.
    """
    writing = ceil((last_s + SETTLE_S) * CLIENTS / EVERY_S)
    for n in range(writing + max(len(REPLICAS) * keys, round(READING_S * CLIENTS / EVERY_S))):
        at_s, client = n * EVERY_S / CLIENTS, n % CLIENTS
        replica = client % len(REPLICAS)
        key = luck.randrange(keys) if n < writing else (n - writing) // len(REPLICAS) + replica
        if luck.random() < PUTS and at_s < last_s:
            yield Op(at_s, f"client {client}", "put", (replica, f"k{key % keys}", n))
        else:
            yield Op(at_s, f"client {client}", "get", (replica, f"k{key % keys}"))


class Door:
    """Where clients ask one replica: a connection for each request that is under way, kept for the next one."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self, *request: Any) -> Any:
        """What it answers. Raises NotDone, InDoubt or OSError."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await self._ask(request)
        except TimeoutError as error:
            raise InDoubt("There was no answer in time.") from error
        if "error" in answer:
            raise (NotDone if answer["error"] == NotDone.outcome else InDoubt)(answer["error"])
        return answer["ok"]

    async def _ask(self, request: Any) -> Any:
        while self.idle and self.idle[-1][0].at_eof():  # unclaimed: else one more is in doubt
            self.idle.pop()[1].close()
        try:
            reader, writer = self.idle.pop() if self.idle else await asyncio.open_connection(*self.address)
        except ConnectionRefusedError as error:
            raise NotDone("Nobody listens there.") from error
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            line = await reader.readline()
            if not line:
                raise InDoubt("The connection has ended.")
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))  # unclaimed: a new connection each time would cost more, and do
        return json.loads(line)

    def close(self) -> None:
        """End the connections."""
        for _, writer in self.idle:
            writer.close()
        self.idle.clear()


async def clients(ops: Sequence[Op], doors: Sequence[Door]) -> list[Event]:
    """Let all of them ask; the same lines in the tunnel and for real."""
    loop = asyncio.get_running_loop()
    origin = loop.time()
    events: list[Event] = []

    async def one(op: Op, number: int) -> None:
        await asyncio.sleep(origin + op.at - loop.time())
        start, value = loop.time() - origin, None
        replica, *args = op.args
        try:
            value = await doors[replica].ask(op.name, *args)
            outcome: Any = "ok"
        except (NotDone, InDoubt) as error:
            outcome = error.outcome
        except OSError:
            outcome = InDoubt.outcome
        end = loop.time() - origin
        events.append(Event(op.client, op.name, op.args, start, end, outcome, value, op.at, number))

    async with asyncio.TaskGroup() as group:
        for number, op in enumerate(ops):
            group.create_task(one(op, number))
    for door in doors:
        door.close()
    return events


def owed(event: Event, strikes: Sequence[Strike]) -> bool:
    """Whether the steady state has this request answered: its replica is well, and at most one other is not."""
    during = [s for s in strikes if s.touches(event.due, event.due + PATIENCE_S)]
    own = any(s.replica == event.args[0] and s.kind in DISTURBS for s in during)
    return not own and len({s.replica for s in during if s.kind != "skew"}) <= 1


def contradiction(events: Sequence[Event]) -> Verdict:
    """Whether one store without replicas could have given these answers."""
    return check_linearizable([event._replace(args=event.args[1:]) for event in events], KeyValue())


def unanswered(events: Sequence[Event], strikes: Sequence[Strike]) -> list[Event]:
    """The requests that were owed an answer and got none, or got it when nobody has the patience any more."""
    return [event for event in events if not in_time(event) and owed(event, strikes)]


def in_time(event: Event) -> bool:
    """Whether it was answered while a client of ours still waits."""
    return event.outcome == "ok" and event.end - event.start <= PATIENCE_S


class Trial(NamedTuple):
    """What came of a schedule: what clients saw, and how often the replicas entered each of their error handlers."""

    schedule: Schedule
    events: Sequence[Event]
    met: Mapping[str, int]

    @property
    def broken(self) -> str:
        """Why it was no steady state, one sentence; "" where nothing shows that. Where nobody was answered nothing is
        contradicted: then it is those who were owed an answer."""
        found = contradiction(self.events)
        if found.status == "invalid":
            return found.sentence
        left = unanswered(self.events, self.schedule)
        return f"{len(left)} requests were not answered that were owed an answer." if left else ""


def trial(replica: Callable[..., Replica], schedule: Schedule, seed: int = 0) -> Trial:
    """Three replicas on simulated hosts, their clients, and these faults."""
    made: list[Replica] = []
    with Simulator(seed) as sim:
        hosts = [sim.host(f"replica {i}") for i in REPLICAS]
        addresses = [(host.name, PORT) for host in hosts]

        async def main(me: int) -> None:
            made.append(replica(me, addresses, "/store"))
            await made[-1].run()

        rooms = {f"disk {i}": Room(host) for i, host in enumerate(hosts)}
        sim.faults.find = lambda name: rooms[name] if name in rooms else sim.hosts[name]
        for i, host in enumerate(hosts):
            host.start(main, i)
        for strike in schedule:
            sim.faults.add(strike.fault())
        ops = list(requests_until(LAST_S, stream(seed, "workload")))
        asked = sim.host("clients").create_task(clients(ops, [Door(address) for address in addresses]))
        sim.run_until(asked)
    met: dict[str, int] = {}
    for one in made:
        for name, times in one.errors.items():
            met[name] = met.get(name, 0) + times
    return Trial(schedule, asked.result(), met)

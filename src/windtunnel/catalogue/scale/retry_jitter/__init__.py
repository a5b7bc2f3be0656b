"""Many clients want to change one row at the same moment, one of them wins, and the others have to come again.

**Clarify.** Why was there no yes: did another win the race (a conflict: somebody got on), or did no answer come (nobody
knows what has happened)? Has the server spare capacity? Is what is sent again safe to do twice? Can the server carry
the change out itself (add one), or has the client to read, think and write?

**Estimate.** A conditional write is two round trips, {trips_ms:.0f} ms. If N clients begin again at once and one of
them wins each round, they write N (N + 1) / 2 times: {rounds:,} for {clients}; it is about half of that. If the server
takes s for a call and clients wait T for it, each asks once in T plus its wait, answered or not: N / (T + wait) has to
stay below 1 / s. At s = {service_ms:.0f} ms that is {limit:.0f} a second. {clients} clients ask for {at_once:.0f}, if
they come at once; with full jitter and a cap of {cap_ms:.0f} ms for {full:.0f}. Below a cap of 2 (N s - T), here
{edge_ms:.0f} ms, full jitter comes too often as well.

**Design.** While the server has no limit, at once is the fastest of the loops, and costs calls, which grow nearly with
the square of the clients. The answer that one mostly hears is exponential back-off. Alone it is the slowest of all, the
higher its cap the more, and saves less than half of the calls: who collided waits as long as the others, and meets them
again. Full jitter takes a random part of the wait; {clients} clients write eight times each. Equal jitter, half of it
and a random part of the rest, needs about as many calls, decorrelated jitter more.

**Deep dive: a random time on top.** Additive jitter works while it is as wide as the waits. Half a second, where waits
begin at {first_ms:.0f} ms, takes {clients} clients fewer calls than full jitter, and lets {tenth} clients wait for
nothing; half a millisecond is no jitter at all. Full jitter grows as wide as its waits.

**Deep dive: a server with a limit.** Clients give up, the server works on for nobody, and those who come at once never
let it get up again: nobody is done. Jitter alone is no cure: what counts is the load that is left at the cap. With
patience for the whole queue nothing collapses, and at once is merely slow. Where that load is most of what the server
can do, equal jitter, which waits longer, is sooner done than full jitter. A retry budget saves the server and gives the
clients up: it is made for requests of which few fail, and in a burst nearly all do.

**Deep dive: what is sent again.** A version makes a write conditional, not safe to repeat: whose write was carried out
and not answered reads the next version and writes once more. A client library that repeats an increment does so without
being asked; redis-py 8.1, as it comes, sends it eleven times, and with patience of {patience_ms:.0f} ms it takes
{library_s:.0f} s to say that there was no answer. What is repeated needs a name that the row remembers.

**Scale.** Where the server can carry the change out itself there is no race to lose: one call each. With a name it may
be repeated, and full jitter is for what is left to wait for: a server that does not answer.

**Real systems.** The loops, but for the additive one, and the network are those of Brooker's simulator. Google
documents additive jitter, of up to a second, for waits that begin with a second and end at 32 or 64.

**Left open.** A random wait before the first attempt, where clients know that all begin at once; servers that say when
to come again, or drop what nobody waits for any more; locks, which make a queue of the race; how long to remember a
name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Stage, Why, param, process
from windtunnel.blocks.resilience import (
    Backoff,
    Budget,
    decorrelated_jitter,
    equal_jitter,
    exponential,
    full_jitter,
    no_wait,
)
from windtunnel.catalogue.scale.retry_jitter.claims import CLAIMS, CROWDS, DEMANDS, FIGURES, LIBRARY_S, ROUNDS, SOURCES
from windtunnel.catalogue.scale.retry_jitter.measures import (
    audit,
    call_times,
    calls_by_clients,
    measure,
    run_s,
    time_by_clients,
)
from windtunnel.sim import Crashed

WAY_MS, SPREAD_MS = 10.0, 2.0
"""One way through the network: the mean, and the standard deviation, of a normal distribution."""
LIBRARY_RETRIES, LIBRARY_BASE_S, LIBRARY_CAP_S = 10, 0.01, 1.0
"""The defaults of redis-py 8.1."""

SHARES = (1, 2, 10, 10, 10, 10)
"""Rows have all of the clients that are asked for, a half, and four a tenth: few clients are mostly luck."""


@dataclass(frozen=True)
class Params:
    """Who meets at a row, how long they wait, and what the row's server and the way to it can do."""

    clients: int = param(100, "clients of the largest row; others have a half, and a tenth", 10, 200)
    base_ms: float = param(5.0, "half of the first exponential wait; the least decorrelated one", 1.0, 100.0)
    cap_ms: float = param(2000.0, "the longest wait", 100.0, 60_000.0)
    width_ms: float = param(500.0, "width of the additive jitter", 0.0, 1000.0)
    service_ms: float = param(0.0, "time that a row's server takes for each call; at 0 it has no limit", 0.0, 10.0)
    patience_s: float = param(0.25, "seconds that a client waits for a server, beside the way", 0.2, 2.0)
    lost: float = param(0.0, "share of the answers that get lost on the way", 0.0, 1.0)
    run_s: float = param(40.0, "seconds after which the run ends, if service_ms or lost are above 0", 10.0, 40.0)

    @property
    def sizes(self) -> list[int]:
        """How many clients each row has."""
        return [self.clients // share for share in SHARES]


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`update(row, client)`: each client wants to change its row once, all at the same moment."""
    clients = (row for row, size in enumerate(p.sizes) for _ in range(size))
    return (Op(0.0, f"client {number}", "update", (row, number)) for number, row in enumerate(clients))


class Row:
    """A counter with a server of its own, that carries calls out one after the other."""

    def __init__(self, stage: Stage, name: str) -> None:
        self.server = stage.server(name)
        self.version = 0
        self.names: dict[int, int] = {}
        self.calls_s: list[float] = []

    def read(self) -> int:
        return self.version

    def write(self, expected: int) -> int:
        """Add one if nobody else did since the version was read; the new version, or 0 where somebody had."""
        return self.add() if expected == self.version else 0

    def add(self) -> int:
        self.version += 1
        return self.version

    def add_once(self, name: int) -> int:
        """Add one for whoever has this name, however often it is asked to."""
        if name not in self.names:
            self.names[name] = self.add()
        return self.names[name]


class AtOnce:
    """Read the version, write on condition that it is still that one; who lost the race begins again at once."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.sim, self.stage, self.p = stage.sim, stage, p
        self.rows = [Row(stage, f"row {i}") for i in range(len(p.sizes))]
        self.law = self.backoff(p.base_ms / 1e3, p.cap_ms / 1e3)
        self.longest_s = 0.0

    def backoff(self, base_s: float, cap_s: float) -> Backoff:
        """How long to wait. Retries count from 1, as in the source: the first exponential wait is twice the base."""
        return no_wait()

    @process
    async def update(self, row: int, client: int) -> int:
        return await self.change(self.rows[row], client)

    async def change(self, row: Row, client: int) -> int:
        """Until it is done; the version that it made."""
        retry, wait_s, luck = 0, 0.0, self.luck()
        while True:
            try:
                done = await self.attempt(row, client, luck)
                if done:
                    return done
            except (TimeoutError, ConnectionError):
                self.unheard(row, retry)
            retry += 1
            wait_s = self.law(retry, wait_s, luck)
            self.longest_s = max(self.longest_s, wait_s)
            await self.sim.sleep(wait_s)

    async def attempt(self, row: Row, client: int, luck: Random) -> int:
        """The version that it made, or 0."""
        version = await self.call(row, luck, row.read)
        return await self.call(row, luck, lambda: row.write(version), writes=True)

    def unheard(self, row: Row, retry: int) -> None:
        """There was no answer, and so many retries until now. Raises TimeoutError to give up."""

    async def call(self, row: Row, luck: Random, does: Callable[[], int], writes: bool = False) -> int:
        """There, done by the server in its turn, and back. Raises what a client sees who is not answered."""
        await self.sim.sleep(self.way_s(luck))
        if writes:
            row.calls_s.append(self.sim.now)
        job = row.server.submit(self.p.service_ms / 1e3)
        if not await job.within(self.p.patience_s):
            job.add_done_callback(lambda _: does())  # the server, which does not know, works on
            raise TimeoutError
        error = job.exception()
        if isinstance(error, Crashed):  # unclaimed: servers die in a grade only
            raise error  # unclaimed: so too
        answer = does()
        if error is not None:  # unclaimed: and their answers get lost there
            raise error  # unclaimed: so too
        if self.p.lost and luck.random() < self.p.lost:
            await self.sim.sleep(self.p.patience_s)
            raise TimeoutError
        await self.sim.sleep(self.way_s(luck))
        return answer

    def luck(self) -> Random:
        """That of the request; it is drawn from thousands of times, so it is one of the fast generators."""
        return Random(self.stage.luck("client").getrandbits(64))  # unclaimed: fewer bits would do

    def way_s(self, luck: Random) -> float:
        return abs(luck.gauss(WAY_MS, SPREAD_MS)) / 1e3

    def report(self) -> Mapping[str, object]:
        return {
            "calls_s": [row.calls_s for row in self.rows],
            "versions": [row.version for row in self.rows],
            "jobs": [row.server.read().arrivals for row in self.rows],
            "inside": [row.server.inside for row in self.rows],
            "longest": self.longest_s / (self.p.cap_ms / 1e3),
        }


class Exponential(AtOnce):
    """Wait twice as long before each further attempt."""

    def backoff(self, base_s: float, cap_s: float) -> Backoff:
        return exponential(base_s, cap_s)


class Additive(AtOnce):
    """Exponential, and a random time of fixed width on top."""

    def backoff(self, base_s: float, cap_s: float) -> Backoff:
        law, width_s = exponential(base_s, cap_s), self.p.width_ms / 1e3
        return lambda retry, before_s, luck: min(cap_s, law(retry, before_s, luck) + luck.uniform(0, width_s))


class EqualJitter(AtOnce):
    """Half of the exponential wait, and a random part of the other half."""

    def backoff(self, base_s: float, cap_s: float) -> Backoff:
        return equal_jitter(base_s, cap_s)


class Decorrelated(AtOnce):
    """Between the base and three times the wait before."""

    def backoff(self, base_s: float, cap_s: float) -> Backoff:
        return decorrelated_jitter(base_s, cap_s)


class FullJitter(AtOnce):
    """A random part of the exponential wait."""

    def backoff(self, base_s: float, cap_s: float) -> Backoff:
        return full_jitter(base_s, cap_s)


class WithBudget(FullJitter):
    """Full jitter; who is not answered asks again only if a budget pays, to which each call adds a tenth of a token."""

    def __init__(self, stage: Stage, p: Params) -> None:
        super().__init__(stage, p)
        self.purses = {row: Budget() for row in self.rows}

    async def call(self, row: Row, luck: Random, does: Callable[[], int], writes: bool = False) -> int:
        self.purses[row].deposit()
        return await super().call(row, luck, does, writes)

    def unheard(self, row: Row, retry: int) -> None:
        if not self.purses[row].withdraw():
            raise TimeoutError("The budget for retries is spent.")


class Library(AtOnce):
    """Let the server add one; a client library sends that again, up to ten times, when no answer comes."""

    def backoff(self, base_s: float, cap_s: float) -> Backoff:
        return lambda retry, before_s, luck: min(LIBRARY_CAP_S, LIBRARY_BASE_S * luck.random() * 2.0**retry)

    async def attempt(self, row: Row, client: int, luck: Random) -> int:
        return await self.call(row, luck, row.add, writes=True)

    def unheard(self, row: Row, retry: int) -> None:
        if retry == LIBRARY_RETRIES:
            raise TimeoutError("None of eleven attempts was answered.")


class Named(FullJitter):
    """Let the server add one under a name that it remembers; who is not answered asks again after full jitter."""

    async def attempt(self, row: Row, client: int, luck: Random) -> int:
        return await self.call(row, luck, lambda: row.add_once(client), writes=True)


SAID = Params(service_ms=8.0)
__doc__ = (__doc__ or "").format(
    trips_ms=4 * WAY_MS,
    rounds=SAID.clients * (SAID.clients + 1) // 2,
    clients=SAID.clients,
    tenth=SAID.clients // 10,
    first_ms=2 * SAID.base_ms,
    service_ms=SAID.service_ms,
    cap_ms=SAID.cap_ms,
    limit=1e3 / SAID.service_ms,
    at_once=SAID.clients / SAID.patience_s,
    patience_ms=1e3 * SAID.patience_s,
    library_s=LIBRARY_S,
    full=SAID.clients / (SAID.patience_s + SAID.cap_ms / 2e3),
    edge_ms=2 * (SAID.clients * SAID.service_ms - 1e3 * SAID.patience_s),
)

experiment = Experiment(
    title="Retry and jitter",
    question="When a client lost a race or an answer, how long should it wait, and what may it send again?",
    params=Params,
    workload=workload,
    designs={
        "at_once": AtOnce,
        "exponential": Exponential,
        "additive": Additive,
        "equal": EqualJitter,
        "decorrelated": Decorrelated,
        "full": FullJitter,
        "budget": WithBudget,
        "library": Library,
        "named": Named,
    },
    measure=measure,
    audit=audit,
    ends_s=run_s,
    warmup_s=lambda p: 0.0,
    seeds=6,
    charts=(
        Chart("Calls by clients", "clients at one row", "writes until all are done", calls_by_clients, log="xy"),
        Chart("Time by clients", "clients at one row", "seconds until all are done", time_by_clients, log="xy"),
        Chart("When calls come", "second", "writes in 20 ms", call_times),
    ),
    asks=(
        Ask(
            "A hundred clients race for one row; who lost begins again at once. How many writes until all are done?",
            "at_once.calls",
            "writes",
            100,
            10_000,
            log=True,
        ),
        Ask(
            "And if each waits for a random part of a wait that doubles?", "full.calls", "writes", 100, 10_000, log=True
        ),
        Ask(
            "At once they needed two seconds. How many with exponential back-off from 10 ms to 2 s, and no jitter?",
            "exponential.time_ms",
            "ms",
            100,
            1_000_000,
            log=True,
        ),
    ),
    why=(
        Why(
            "Who collided waits for the same time, and collides again: without jitter back-off moves the crowd.",
            CROWDS,
        ),
        Why("Each round of who begins at once has one or two winners, and all others wrote for nothing.", ROUNDS),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Two clients collide and both wait 10 ms. When do they meet next?",
        "A call takes the server 8 ms. How often may each of a hundred clients ask, who wait 250 ms for an answer?",
        "Your write was carried out and the answer got lost. What does your client read next, and what does it write?",
    ),
    sources=SOURCES,
    quick={"clients": 50},
)

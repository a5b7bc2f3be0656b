"""The event simulator against other simulators of Python: bare timers, M/M/1, a balancer.

All contenders of a row walk the same streams, and a peer runs only where its answer is ours. The jobs of the peers are
in `simulation_peers`. happysim, which needs Python 3.13, runs in a process of its own: by this
interpreter, or by the one that `WINDTUNNEL_PEER_PYTHON` names.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from bench import simulation_peers as peers
from bench.elsewhere import Elsewhere, peer_python
from bench.harness import Row, Skip, Timed

if TYPE_CHECKING:
    from windtunnel.sim import Simulator, Trace

REQUESTS = 20_000


def rows() -> Iterator[Row]:
    one, ten, sleeps = peers.streams(), peers.streams(peers.SERVERS, 0.9), peers.naps()
    timers, customers = peers.PROCESSES * peers.SLEEPS, peers.CUSTOMERS
    packages = ("simpy", "asimpy", "salabim", "ciw")

    ours = checked(timers, lambda: our_timers(sleeps))
    yield Row(
        f"bare timers, {peers.PROCESSES} processes × {peers.SLEEPS} sleeps",
        {
            "ours, sleep(seconds)": ours.timed,
            "ours, sleep_ns": ours.same(lambda: our_timers_ns(sleeps)),
            "simpy": ours.same(lambda: peers.simpy_timers(sleeps)),
            "asimpy": ours.same(lambda: peers.asimpy_timers(sleeps)),
            "salabim": ours.same(lambda: peers.salabim_timers(sleeps)),
            "happysim": ours.elsewhere("happysim timers"),
        },
        unit="sleeps/s",
        bar=6.0,
        packages=packages,
        note="every contender ends at the same moment of virtual time",
    )
    mm1 = checked(customers, lambda: our_mm1(one))
    yield Row(
        f"M/M/1 at load 0.8, {customers} customers, a process for each",
        {
            "ours": mm1.timed,
            "simpy": mm1.same(lambda: peers.simpy_mm1(one)),
            "asimpy": mm1.same(lambda: peers.asimpy_mm1(one)),
            "ciw": mm1.same(lambda: peers.ciw_mm1(one)),
            "happysim": mm1.elsewhere("happysim mm1"),
        },
        unit="customers/s",
        bar=12.0,
        against="simpy",
        packages=packages,
        note="every contender has the same mean time in the system, to a nanosecond a customer; salabim is left out, "
        "whose round takes ten seconds",
    )
    yield Row(
        f"M/M/1 at load 0.8, {customers} customers, no process waits for one",
        {
            "ours, a job": mm1.same(lambda: our_mm1_jobs(one)),
            "ours, a job in a queue with a discipline": mm1.same(lambda: our_mm1_discipline(one)),
            "simpy, a process": mm1.same(lambda: peers.simpy_mm1(one)),
            "simpy, Lindley by hand": mm1.same(lambda: peers.simpy_lindley(one)),
        },
        unit="customers/s",
        bar=20.0,
        against="simpy, a process",
        packages=packages,
        note="the peer's own program for a queue is that with a process; by hand is the next row",
    )
    yield Row(
        f"M/M/1 at load 0.8, {customers} customers, departures known on arrival",
        {
            "ours, a job": mm1.same(lambda: our_mm1_jobs(one)),
            "simpy, Lindley by hand": mm1.same(lambda: peers.simpy_lindley(one)),
        },
        unit="customers/s",
        bar=3.0,
        packages=packages,
        note="the same shortcut on both sides; ours also keeps what the server's readings, faults and speeds need",
    )
    ours = checked(customers, lambda: our_balancer(ten))
    yield Row(
        f"balancer, better of two of {peers.SERVERS} servers at load 0.9, {customers} requests, a process for each",
        {
            "ours": ours.timed,
            "ours, a job for each": ours.same(lambda: our_balancer_jobs(ten)),
            "simpy": ours.same(lambda: peers.simpy_balancer(ten)),
            "asimpy": ours.same(lambda: peers.asimpy_balancer(ten)),
            "happysim": ours.elsewhere("happysim balancer"),
        },
        unit="requests/s",
        bar=4.0,
        packages=packages,
        note="as above; both of ours choose alike, and a process a request costs its start, two steps and its end",
    )
    yield Row(
        f"{REQUESTS} requests: a message to a server, its work, a message back",
        {"ours, no trace": lambda: traced(False), "ours, traced": lambda: traced(True)},
        unit="requests/s",
        against="ours, traced",
        note=trace_note(),
    )


class checked:  # noqa: N801  (reads as a word in the rows)
    """A job of ours, and the answer that a peer has to have before its rate is compared."""

    def __init__(self, operations: int, job: Callable[[], float]) -> None:
        self.operations = operations
        self.job = job
        self.answer = job()

    def timed(self) -> Timed:
        return self.same(self.job)()

    def same(self, job: Callable[[], float]) -> Callable[[], Timed]:
        """Prepares a contender that does the same job."""

        def prepare() -> Timed:
            self.agree(job())

            def timed() -> int:
                job()
                return self.operations

            return timed

        return prepare

    def elsewhere(self, name: str) -> Callable[[], Timed]:
        """Prepares a contender in another interpreter."""

        def prepare() -> Timed:
            there = Elsewhere(peer_python(name.split()[0]), peers.__name__, name)
            self.agree(there.answer)
            return there

        return prepare

    def agree(self, answer: float) -> None:
        if abs(answer - self.answer) > 1e-6 * self.answer:
            raise Skip(f"its answer is {answer!r}, ours {self.answer!r}: not the same job")


# --- ours -------------------------------------------------------------------------------------------------------------
def our_timers(sleeps: list[float]) -> float:
    from windtunnel.sim import Simulator

    sim = Simulator()

    async def sleeper(i: int) -> None:
        for k in range(i, i + peers.SLEEPS):
            await sim.sleep(sleeps[k])

    for i in range(peers.PROCESSES):
        sim.spawn(sleeper(i))
    sim.run()
    return sim.now


def our_timers_ns(sleeps: list[float]) -> float:
    from windtunnel.sim import Simulator, ns

    sim = Simulator()
    sleeps_ns = [ns(s) for s in sleeps]

    async def sleeper(i: int) -> None:
        for k in range(i, i + peers.SLEEPS):
            await sim.sleep_ns(sleeps_ns[k])

    for i in range(peers.PROCESSES):
        sim.spawn(sleeper(i))
    sim.run()
    return sim.now


def our_mm1(s: peers.Streams) -> float:
    from windtunnel.sim import FifoServer, Simulator

    sim = Simulator()
    server = FifoServer(sim, "server")
    stays: list[float] = []

    async def customer(work: float) -> None:
        began = sim.now_ns
        await server.serve(work)
        stays.append(sim.now_ns - began)

    async def source() -> None:
        for gap, work in zip(s.gaps, s.works, strict=True):
            await sim.sleep(gap)
            sim.spawn(customer(work))

    sim.spawn(source())
    sim.run()
    return sum(stays) / len(stays) / 1e9


def our_mm1_jobs(s: peers.Streams) -> float:
    from windtunnel.sim import FifoServer, Simulator

    sim = Simulator()
    server = FifoServer(sim, "server")

    async def source() -> None:
        for gap, work in zip(s.gaps, s.works, strict=True):
            await sim.sleep(gap)
            server.submit(work)

    sim.spawn(source())
    sim.run()
    reading = server.read()
    return reading.inside_ns / reading.served / 1e9


def our_mm1_discipline(s: peers.Streams) -> float:
    from windtunnel.sim import Server, Simulator

    sim = Simulator()
    server = Server(sim, "server")

    async def source() -> None:
        for gap, work in zip(s.gaps, s.works, strict=True):
            await sim.sleep(gap)
            server.submit(work)

    sim.spawn(source())
    sim.run()
    reading = server.read()
    return reading.inside_ns / reading.served / 1e9


def our_balancer(s: peers.Streams) -> float:
    from windtunnel.sim import FifoServer, Simulator

    sim = Simulator()
    pool = [FifoServer(sim, f"server {i}") for i in range(peers.SERVERS)]
    stays: list[float] = []

    async def request(look: tuple[int, int], work: float) -> None:
        began = sim.now_ns
        a, b = pool[look[0]], pool[look[1]]
        await (b if b.inside < a.inside else a).serve(work)
        stays.append(sim.now_ns - began)

    async def source() -> None:
        for gap, work, look in zip(s.gaps, s.works, s.looks, strict=True):
            await sim.sleep(gap)
            sim.spawn(request(look, work))

    sim.spawn(source())
    sim.run()
    return sum(stays) / len(stays) / 1e9


def our_balancer_jobs(s: peers.Streams) -> float:
    from windtunnel.sim import FifoServer, Simulator

    sim = Simulator()
    pool = [FifoServer(sim, f"server {i}") for i in range(peers.SERVERS)]

    async def source() -> None:
        for gap, work, look in zip(s.gaps, s.works, s.looks, strict=True):
            await sim.sleep(gap)
            a, b = pool[look[0]], pool[look[1]]
            (b if b.inside < a.inside else a).submit(work)

    sim.spawn(source())
    sim.run()
    return sum(server.read().inside_ns for server in pool) / len(s.works) / 1e9


# --- the trace --------------------------------------------------------------------------------------------------------
def traced(on: bool) -> Timed:
    def timed() -> int:
        from windtunnel.sim import Trace

        our_requests(Trace() if on else None)
        return REQUESTS

    return timed


def our_requests(trace: Trace | None, simulator: type[Simulator] | None = None) -> None:
    from windtunnel.sim import FifoServer, Simulator

    with (simulator or Simulator)(1, trace) as sim:
        client, host = sim.host("client"), sim.host("server")
        server = FifoServer(sim, "server")

        async def answer(number: int) -> None:
            await server.serve(0.0005)
            host.send(client, number)

        async def listen() -> None:
            async for message in host.inbox():
                sim.spawn(answer(message.body))

        async def hear() -> None:
            async for _ in client.inbox():
                pass

        async def source() -> None:
            for number in range(REQUESTS):
                client.send(host, number)
                await sim.sleep_ns(1_000_000)

        host.start(listen, light=True)
        client.start(hear, light=True)
        sim.spawn(source())
        sim.run()


def trace_note() -> str:
    """What the looks at a trace that is off cost, of all that a request costs."""
    from windtunnel.sim import Simulator

    looks = 0

    class Counting(Simulator):
        @property
        def trace(self) -> None:  # type: ignore[override]  # counts who looks
            nonlocal looks
            looks += 1

        @trace.setter
        def trace(self, trace: object) -> None:
            pass

    our_requests(None, Counting)
    start = time.process_time()
    our_requests(None)
    whole = time.process_time() - start
    sim = Simulator()
    times = 1_000_000
    look = timeit.Timer("if sim.trace is not None: pass", globals={"sim": sim}, timer=time.process_time)
    share = min(look.repeat(number=times)) / times * looks / whole
    return f"without a trace, {looks / REQUESTS:.0f} looks at None a request, {share:.1%} of the time"

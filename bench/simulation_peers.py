"""The three jobs of `bench_simulation`, written for each peer as its own documentation would, on shared streams.

Every function does a job once and returns its answer (the mean time that a customer spent), so that answers can be
compared before rates are. Peers that need another Python serve there as `python -m bench.simulation_peers NAME`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from bench.elsewhere import serve

PROCESSES, SLEEPS = 1000, 50
CUSTOMERS = 10_000
SERVERS = 10


@dataclass(frozen=True)
class Streams:
    """Gaps between arrivals and works, in seconds, and the two servers that each request looks at."""

    gaps: Sequence[float]
    works: Sequence[float]
    looks: Sequence[tuple[int, int]]


def streams(servers: int = 1, load: float = 0.8) -> Streams:
    luck = random.Random(1)
    gaps = [luck.expovariate(load * servers) for _ in range(CUSTOMERS)]
    works = [luck.expovariate(1.0) for _ in range(CUSTOMERS)]
    looks = [(luck.randrange(servers), luck.randrange(servers)) for _ in range(CUSTOMERS)]
    return Streams(gaps, works, looks)


def naps() -> list[float]:
    """How long a sleeper sleeps, time after time; sleeper i begins at place i."""
    luck = random.Random(2)
    return [luck.expovariate(1.0) for _ in range(PROCESSES + SLEEPS)]


# --- simpy -----------------------------------------------------------------------------------------------------------
def simpy_timers(sleeps: list[float]) -> float:
    import simpy

    env = simpy.Environment()

    def sleeper(i: int):  # type: ignore[no-untyped-def]
        for k in range(i, i + SLEEPS):
            yield env.timeout(sleeps[k])

    for i in range(PROCESSES):
        env.process(sleeper(i))
    env.run()
    return float(env.now)


def simpy_mm1(s: Streams) -> float:
    import simpy

    env = simpy.Environment()
    server = simpy.Resource(env, 1)
    stays: list[float] = []

    def customer(work: float):  # type: ignore[no-untyped-def]
        began = env.now
        with server.request() as turn:
            yield turn
            yield env.timeout(work)
        stays.append(env.now - began)

    def source():  # type: ignore[no-untyped-def]
        for gap, work in zip(s.gaps, s.works, strict=True):
            yield env.timeout(gap)
            env.process(customer(work))

    env.process(source())
    env.run()
    return sum(stays) / len(stays)


def simpy_lindley(s: Streams) -> float:
    """No process a customer: a departure is known on arrival, as one does by hand who wants it fast."""
    import simpy

    env = simpy.Environment()
    inside = 0.0

    def source():  # type: ignore[no-untyped-def]
        nonlocal inside
        free = 0.0
        for gap, work in zip(s.gaps, s.works, strict=True):
            yield env.timeout(gap)
            free = max(free, env.now) + work
            inside += free - env.now

    env.process(source())
    env.run()
    return inside / len(s.works)


def simpy_balancer(s: Streams) -> float:
    import simpy

    env = simpy.Environment()
    pool = [simpy.Resource(env, 1) for _ in range(SERVERS)]
    stays: list[float] = []

    def request(look: tuple[int, int], work: float):  # type: ignore[no-untyped-def]
        began = env.now
        a, b = pool[look[0]], pool[look[1]]
        server = b if b.count + len(b.queue) < a.count + len(a.queue) else a
        with server.request() as turn:
            yield turn
            yield env.timeout(work)
        stays.append(env.now - began)

    def source():  # type: ignore[no-untyped-def]
        for gap, work, look in zip(s.gaps, s.works, s.looks, strict=True):
            yield env.timeout(gap)
            env.process(request(look, work))

    env.process(source())
    env.run()
    return sum(stays) / len(stays)


# --- asimpy ----------------------------------------------------------------------------------------------------------
def asimpy_timers(sleeps: list[float]) -> float:
    import asimpy

    class Sleeper(asimpy.Process):
        def init(self, i: int) -> None:
            self.i = i

        async def run(self) -> None:
            for k in range(self.i, self.i + SLEEPS):
                await self.timeout(sleeps[k])

    env = asimpy.Environment()
    for i in range(PROCESSES):
        Sleeper(env, i)
    env.run()
    return float(env.now)


def asimpy_mm1(s: Streams) -> float:
    return _asimpy_queue(Streams(s.gaps, s.works, [(0, 0)] * len(s.works)), 1)


def asimpy_balancer(s: Streams) -> float:
    return _asimpy_queue(s, SERVERS)


def _asimpy_queue(s: Streams, servers: int) -> float:
    import asimpy

    env = asimpy.Environment()
    pool = [asimpy.Resource(env, 1) for _ in range(servers)]
    stays: list[float] = []

    class Customer(asimpy.Process):
        def init(self, look: tuple[int, int], work: float) -> None:
            self.look, self.work = look, work

        async def run(self) -> None:
            began = self.now
            a, b = pool[self.look[0]], pool[self.look[1]]
            server = b if b.count + len(b._waiters) < a.count + len(a._waiters) else a
            async with server:
                await self.timeout(self.work)
            stays.append(self.now - began)

    class Source(asimpy.Process):
        async def run(self) -> None:
            for gap, work, look in zip(s.gaps, s.works, s.looks, strict=True):
                await self.timeout(gap)
                Customer(env, look, work)

    Source(env)
    env.run()
    return sum(stays) / len(stays)


# --- salabim ---------------------------------------------------------------------------------------------------------
def salabim_timers(sleeps: list[float]) -> float:
    import salabim

    env = salabim.Environment(trace=False, yieldless=False)

    class Sleeper(salabim.Component):  # type: ignore[misc]
        def process(self, i: int):  # type: ignore[no-untyped-def]
            for k in range(i, i + SLEEPS):
                yield self.hold(sleeps[k])

    for i in range(PROCESSES):
        Sleeper(i=i)
    env.run()
    return float(env.now())


# --- ciw -------------------------------------------------------------------------------------------------------------
def ciw_mm1(s: Streams) -> float:
    import ciw

    network = ciw.create_network(
        # Once through the list, then nobody comes any more.
        arrival_distributions=[ciw.dists.Sequential([*s.gaps, float("inf")])],
        service_distributions=[ciw.dists.Sequential(list(s.works))],
        number_of_servers=[1],
    )
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_customers(len(s.works), method="Complete")
    records = simulation.get_all_records()
    return float(sum(r.exit_date - r.arrival_date for r in records) / len(records))


# --- happysim (Python 3.13) ------------------------------------------------------------------------------------------
def happysim_timers(sleeps: list[float]) -> float:
    from happysimulator import Entity, Event, Instant, Simulation

    class Sleeper(Entity):  # type: ignore[misc]
        def handle_event(self, event):  # type: ignore[no-untyped-def]
            i = event.context["i"]
            for k in range(i, i + SLEEPS):
                yield sleeps[k]

    sleeper = Sleeper("sleeper")
    simulation = Simulation(entities=[sleeper])
    simulation.schedule(
        [Event(time=Instant.Epoch, event_type="go", target=sleeper, context={"i": i}) for i in range(PROCESSES)]
    )
    simulation.run()
    return float(sleeper.now.to_seconds())


def happysim_mm1(s: Streams) -> float:
    return _happysim_queue(Streams(s.gaps, s.works, [(0, 0)] * len(s.works)), 1)


def happysim_balancer(s: Streams) -> float:
    return _happysim_queue(s, SERVERS)


def _happysim_queue(s: Streams, servers: int) -> float:
    from happysimulator import Entity, Event, Instant, Resource, Simulation

    pool = [Resource(f"server {i}", 1) for i in range(servers)]
    stays: list[float] = []

    class Customers(Entity):  # type: ignore[misc]
        def handle_event(self, event):  # type: ignore[no-untyped-def]
            began = self.now
            a, b = (pool[i] for i in event.context["look"])
            server = b if 1 - b.available + b.waiters < 1 - a.available + a.waiters else a
            grant = yield server.acquire(1)
            yield event.context["work"]
            grant.release()
            stays.append((self.now - began).to_seconds())

    customers = Customers("customers")
    simulation = Simulation(entities=[*pool, customers])
    simulation.schedule(
        [
            Event(
                time=Instant.from_seconds(at), event_type="go", target=customers, context={"work": work, "look": look}
            )
            for at, work, look in zip(accumulate(s.gaps), s.works, s.looks, strict=True)
        ]
    )
    simulation.run()
    return sum(stays) / len(stays)


def jobs() -> dict[str, tuple[int, Callable[[], float]]]:
    """Every job of a peer: how many operations it is, and what does it."""
    one, ten, sleeps = streams(), streams(SERVERS, 0.9), naps()
    timers = PROCESSES * SLEEPS
    return {
        "simpy timers": (timers, lambda: simpy_timers(sleeps)),
        "simpy mm1": (CUSTOMERS, lambda: simpy_mm1(one)),
        "simpy lindley": (CUSTOMERS, lambda: simpy_lindley(one)),
        "simpy balancer": (CUSTOMERS, lambda: simpy_balancer(ten)),
        "asimpy timers": (timers, lambda: asimpy_timers(sleeps)),
        "asimpy mm1": (CUSTOMERS, lambda: asimpy_mm1(one)),
        "asimpy balancer": (CUSTOMERS, lambda: asimpy_balancer(ten)),
        "salabim timers": (timers, lambda: salabim_timers(sleeps)),
        "ciw mm1": (CUSTOMERS, lambda: ciw_mm1(one)),
        "happysim timers": (timers, lambda: happysim_timers(sleeps)),
        "happysim mm1": (CUSTOMERS, lambda: happysim_mm1(one)),
        "happysim balancer": (CUSTOMERS, lambda: happysim_balancer(ten)),
    }


def main(name: str) -> None:
    operations, job = jobs()[name]
    serve(lambda: (operations, job()))


if __name__ == "__main__":
    main(sys.argv[1])

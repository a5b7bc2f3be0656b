"""Compiled queues against SimPy and against cimba, which compiles its models onto a C core: the same M/M/1.

Rows come in two kinds. With streams given, everyone walks the same arrays and has to get the same answer. With streams
drawn inside, everyone also pays for its random numbers, and answers are compared with the closed form.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from bench import simulation_peers as peers
from bench.elsewhere import Elsewhere
from bench.harness import Row, Skip, Timed

CUSTOMERS = 2_000_000
FEW = 20_000
LOAD = 0.8


def rows() -> Iterator[Row]:
    import numpy as np

    gaps, works = streams()
    balanced = balancer_streams()
    luck = np.random.default_rng(2)
    yield Row(
        f"M/M/1 at load {LOAD}, streams given ({CUSTOMERS:,} customers; simpy {FEW:,})",
        {
            "ours": lambda: ours_given(gaps, works),
            "cimba": lambda: cimba_given(gaps, works),
            "simpy": lambda: simpy_given(gaps, works),
        },
        unit="customers/s",
        bar=100.0,
        against="simpy",
        packages=("cimba", "simpy"),
        note="from gaps and works in seconds to the time in the system of each customer; cimba: to the mean queue",
    )
    yield Row(
        f"M/M/1 at load {LOAD}, from moments of arrival and works in whole ns to departures ({CUSTOMERS:,} customers)",
        {"ours": lambda: ours_ns(gaps, works), "NumPy, two lines": lambda: numpy_ns(gaps, works)},
        unit="customers/s",
        bar=1.0,
        note="the same departures, to the nanosecond: what is left when both get what they work on",
    )
    yield Row(
        f"M/M/1 at load {LOAD}, streams drawn inside ({CUSTOMERS:,} customers)",
        {"ours": ours_drawn, "cimba": cimba_drawn},
        unit="customers/s",
        bar=1.0,
        against="cimba",
        packages=("cimba",),
        note="ours also fills a histogram of the times in the system",
    )
    yield Row(
        f"balancer, better of two of {peers.SERVERS} servers at load 0.9 ({CUSTOMERS:,} requests; simpy {FEW:,})",
        {"ours": lambda: ours_balancer(*balanced), "simpy": lambda: simpy_balancer(*balanced)},
        unit="requests/s",
        bar=100.0,
        packages=("simpy",),
        note="from gaps and works in seconds and the servers looked at, to the mean time in the system",
    )
    yield Row(
        "tandem of three stations, 1, 2 and 1 workers, at load 0.7",
        {"ours": lambda: ours_tandem(luck), "simpy": lambda: simpy_tandem(luck)},
        unit="customers/s",
        bar=100.0,
        packages=("simpy",),
    )
    yield Row(
        "retry storm: 700 requests/s, 3 retries, 90 s, a trigger of 1 s",
        {"ours, compiled": lambda: retries("retry_storm"), "ours, light processes": lambda: retries("by_events")},
        unit="attempts/s",
        against="ours, light processes",
        note="both of ours: what the map of fates gains by the kernel",
    )


def streams() -> tuple[Any, Any]:
    """Gaps between arrivals and works, in seconds."""
    import numpy as np

    luck = np.random.default_rng(1)
    return luck.exponential(1 / LOAD, CUSTOMERS), luck.exponential(1.0, CUSTOMERS)


def repeated(job: Callable[[], object], operations: int, times: int = 1) -> Timed:
    def timed() -> int:
        for _ in range(times):
            job()
        return operations * times

    return timed


# --- M/M/1 ----------------------------------------------------------------------------------------------------------
def ours_given(gaps: Any, works: Any) -> Timed:
    return repeated(lambda: our_mean_s(gaps, works), len(gaps))


def our_mean_s(gaps: Any, works: Any) -> float:
    """Mean time in the system."""
    import numpy as np

    from windtunnel.sim.compiled import fifo_departures

    arrivals = np.cumsum(np.rint(gaps * 1e9).astype(np.int64))
    works_ns = np.rint(works * 1e9).astype(np.int64)
    return float((fifo_departures(arrivals, works_ns) - arrivals).mean()) / 1e9


def in_ns(gaps: Any, works: Any) -> tuple[Any, Any]:
    import numpy as np

    return np.cumsum(np.rint(gaps * 1e9).astype(np.int64)), np.rint(works * 1e9).astype(np.int64)


def ours_ns(gaps: Any, works: Any) -> Timed:
    from windtunnel.sim.compiled import fifo_departures

    arrivals, works_ns = in_ns(gaps, works)
    return repeated(lambda: fifo_departures(arrivals, works_ns), len(gaps), 5)


def numpy_ns(gaps: Any, works: Any) -> Timed:
    import numpy as np

    from windtunnel.sim.compiled import fifo_departures

    arrivals, works_ns = in_ns(gaps, works)

    def departures() -> Any:
        worked = np.cumsum(works_ns)
        return worked + np.maximum.accumulate(arrivals - worked + works_ns)

    if not np.array_equal(departures(), fifo_departures(arrivals, works_ns)):
        raise Skip("its departures are not ours: not the same job")
    return repeated(departures, len(gaps), 5)


def simpy_given(gaps: Any, works: Any) -> Timed:
    few = peers.Streams(gaps[:FEW].tolist(), works[:FEW].tolist(), [])
    answer, expected = peers.simpy_mm1(few), our_mean_s(gaps[:FEW], works[:FEW])
    if abs(answer - expected) > 1e-6 * expected:
        raise Skip(f"its answer is {answer!r}, ours {expected!r}: not the same job")
    return repeated(lambda: peers.simpy_mm1(few), FEW)


def cimba(how: str, seconds: float) -> Elsewhere:
    return Elsewhere(sys.executable, "bench.cimba_mm1", how, repr(seconds))


def cimba_given(gaps: Any, works: Any) -> Timed:
    import numpy as np

    from windtunnel.sim.compiled import fifo_departures

    # Until just before the last arrival, since cimba wants a number whenever it asks for one.
    arrivals = np.cumsum(np.rint(gaps * 1e9).astype(np.int64))
    works_ns = np.rint(works * 1e9).astype(np.int64)
    until = int(arrivals[-2])
    starts = fifo_departures(arrivals, works_ns) - works_ns
    waits = np.minimum(starts, until) - np.minimum(arrivals, until)
    found = cimba("given", until / 1e9)
    answer, expected = found.answer, float(waits.sum()) / until
    if abs(answer - expected) > 1e-6 * expected:
        found.close()
        raise Skip(f"its mean queue is {answer!r}, ours {expected!r}: not the same job")
    return found


def ours_drawn() -> Timed:
    from windtunnel.sim.closed_forms import mm1_sojourn_s
    from windtunnel.sim.compiled import stream_station

    agrees(stream_station(1, LOAD, 1.0, CUSTOMERS).mean_sojourn_s, mm1_sojourn_s(LOAD, 1.0))
    return repeated(lambda: stream_station(1, LOAD, 1.0, CUSTOMERS), CUSTOMERS)


def cimba_drawn() -> Timed:
    from windtunnel.sim.closed_forms import mg1_wait_s

    found = cimba("drawn", CUSTOMERS / LOAD)
    agrees(found.answer, LOAD * mg1_wait_s(LOAD, 1.0, 1.0))
    return found


def agrees(answer: float, expected: float) -> None:
    if abs(answer - expected) > 0.05 * expected:
        raise Skip(f"the answer {answer!r} is not the closed form's {expected!r}")


# --- a balancer and a tandem -----------------------------------------------------------------------------------------
def balancer_streams() -> tuple[Any, Any, Any]:
    """Gaps and works in seconds, and the two servers that each request looks at, which may be the same one."""
    import numpy as np

    luck = np.random.default_rng(3)
    gaps = luck.exponential(1 / (0.9 * peers.SERVERS), CUSTOMERS)
    looks = luck.integers(0, peers.SERVERS, (CUSTOMERS, 2), np.int32)
    return gaps, luck.exponential(1.0, CUSTOMERS), looks


def ours_balancer(gaps: Any, works: Any, looks: Any) -> Timed:
    return repeated(lambda: our_balancer_mean_s(gaps, works, looks), len(gaps))


def our_balancer_mean_s(gaps: Any, works: Any, looks: Any) -> float:
    import numpy as np

    from windtunnel.sim.compiled import balance

    arrivals = np.cumsum(np.rint(gaps * 1e9).astype(np.int64))
    ours = balance(arrivals, np.rint(works * 1e9).astype(np.int64), peers.SERVERS, "fewest of", looked_at=looks)
    return float((ours.departures_ns - arrivals).mean()) / 1e9


def simpy_balancer(gaps: Any, works: Any, looks: Any) -> Timed:
    few = peers.Streams(gaps[:FEW].tolist(), works[:FEW].tolist(), list(map(tuple, looks[:FEW].tolist())))
    answer, expected = peers.simpy_balancer(few), our_balancer_mean_s(gaps[:FEW], works[:FEW], looks[:FEW])
    if abs(answer - expected) > 1e-6 * expected:
        raise Skip(f"its answer is {answer!r}, ours {expected!r}: not the same job")
    return repeated(lambda: peers.simpy_balancer(few), FEW)


WORKERS = [1, 2, 1]
LOADS = 0.7


def tandem_streams(luck: Any, count: int) -> tuple[Any, Any]:
    import numpy as np

    works = luck.exponential(np.array(WORKERS, float) * 1e9, (count, len(WORKERS)))
    return np.cumsum(np.rint(luck.exponential(1e9 / LOADS, count)).astype(np.int64)), np.rint(works).astype(np.int64)


def ours_tandem(luck: Any) -> Timed:
    import numpy as np

    from windtunnel.sim.compiled import network

    arrivals, works = tandem_streams(luck, 500_000)
    routes = np.broadcast_to(np.arange(len(WORKERS), dtype=np.int32), works.shape)
    return repeated(lambda: network(arrivals, routes, works, WORKERS), len(arrivals))


def simpy_tandem(luck: Any) -> Timed:
    import numpy as np

    from windtunnel.sim.compiled import network

    arrivals, works = tandem_streams(luck, FEW)
    gaps, times = np.diff(arrivals, prepend=0) / 1e9, works / 1e9
    routes = np.broadcast_to(np.arange(len(WORKERS), dtype=np.int32), works.shape)
    expected = float((network(arrivals, routes, works, WORKERS).departures_ns - arrivals).mean()) / 1e9
    answer = tandem_by_simpy(gaps.tolist(), times.tolist())
    if abs(answer - expected) > 1e-6 * expected:
        raise Skip(f"its answer is {answer!r}, ours {expected!r}: not the same job")
    return repeated(lambda: tandem_by_simpy(gaps.tolist(), times.tolist()), FEW)


def tandem_by_simpy(gaps: list[float], works: list[list[float]]) -> float:
    import simpy

    env = simpy.Environment()
    stations = [simpy.Resource(env, k) for k in WORKERS]
    stays: list[float] = []

    def customer(needs: list[float]):  # type: ignore[no-untyped-def]
        began = env.now
        for station, work in zip(stations, needs, strict=True):
            with station.request() as turn:
                yield turn
                yield env.timeout(work)
        stays.append(env.now - began)

    def source():  # type: ignore[no-untyped-def]
        for gap, needs in zip(gaps, works, strict=True):
            yield env.timeout(gap)
            env.process(customer(needs))

    env.process(source())
    env.run()
    return sum(stays) / len(stays)


# --- the retry storm -------------------------------------------------------------------------------------------------
def retries(how: str) -> Timed:
    from windtunnel.parts import by_events
    from windtunnel.sim.compiled import RetryStorm, retry_storm

    run = by_events if how == "by_events" else retry_storm
    model = RetryStorm(trigger_s=1.0)
    return repeated(lambda: run(model, 1), int(run(model, 1).attempts.sum()), 1 if how == "by_events" else 5)

"""Compiled queues give the numbers of the event simulator on the same streams, to the nanosecond."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from windtunnel.sim import arrivals
from windtunnel.sim.compiled.kernels import stations
from windtunnel.sim.compiled.queues import (
    POLICIES,
    balance,
    fifo_departures,
    look_at,
    network,
    stream_station,
)
from windtunnel.sim.kernel import NS, Simulator
from windtunnel.sim.servers.fifo import FifoServer
from windtunnel.sim.servers.server import Server

CUSTOMERS = 4000


def streams(seed: int, rate: float, count: int = CUSTOMERS) -> tuple[Any, Any]:
    """Poisson arrivals and lognormal works with a mean of 1 s and twice that as their spread."""
    times = arrivals.poisson_ns(arrivals.generator(seed, "arrivals"), rate, count)
    return times, arrivals.lognormal_ns(arrivals.generator(seed, "works"), 1.0, 2.0, count)


@pytest.mark.parametrize("kind", [FifoServer, Server])
@pytest.mark.parametrize("workers", [1, 2, 7])
def test_a_station_is_the_event_simulators_to_the_nanosecond(kind: type[Any], workers: int) -> None:
    times, works = streams(workers, 0.9 * workers)
    sim = Simulator()
    server = kind(sim, "s", workers=workers)
    ended = np.zeros_like(times)

    async def customer(i: int, work_ns: int) -> None:
        await server.serve(work_ns / NS)
        ended[i] = sim.now_ns

    async def source() -> None:
        for i, (at, work_ns) in enumerate(zip(times.tolist(), works.tolist(), strict=True)):
            await sim.sleep_ns(at - sim.now_ns)
            sim.spawn(customer(i, work_ns))

    sim.spawn(source())
    sim.run()
    np.testing.assert_array_equal(fifo_departures(times, works, workers), ended)


def by_events(
    times: Any, works: Any, servers: int, policy: str, looks: Any, refresh_s: float, speeds: list[float] | None
) -> tuple[Any, Any]:
    """The balancer's choices and departures, by light processes in front of `FifoServer`s."""
    sim = Simulator()
    pool = [FifoServer(sim, f"s{i}", speed=speeds[i] if speeds else 1.0) for i in range(servers)]
    refresh, turn = round(refresh_s * NS), iter(range(10**9))
    board = [0] * servers

    def inside(s: int) -> int:
        return pool[s].inside

    def left(s: int) -> int:
        return pool[s].free_at_ns - sim.now_ns

    def refresh_board() -> None:
        board[:] = [left(s) if policy == "least work" else inside(s) for s in range(servers)]
        if sim.now_ns < times[-1]:
            sim.call_after(refresh, refresh_board)

    def read(exact: Callable[[int], int]) -> Callable[[int], int]:
        return board.__getitem__ if refresh else exact

    def choose(i: int) -> int:
        if policy == "round robin":
            return next(turn) % servers
        if policy == "given":
            return int(looks[i][0])
        if policy == "fewest":
            return min(range(servers), key=read(inside))
        if policy == "fewest of":
            return int(min(looks[i], key=read(inside)))
        if policy == "least work":
            return min(range(servers), key=read(left))
        idle = [s for s in range(servers) if read(inside)(s) == 0]
        return idle[0] if idle else int(looks[i][0])

    chosen, ended = np.zeros(len(times), np.int32), np.zeros_like(times)

    async def customer(i: int, work_ns: int) -> None:
        chosen[i] = s = choose(i)
        await pool[s].serve(work_ns / NS)
        ended[i] = sim.now_ns

    async def source() -> None:
        for i, (at, work_ns) in enumerate(zip(times.tolist(), works.tolist(), strict=True)):
            await sim.sleep_ns(at - sim.now_ns)
            sim.spawn(customer(i, work_ns))

    if refresh:
        refresh_board()
    sim.spawn(source())
    sim.run()
    return chosen, ended


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("refresh_s", [0.0, 0.7])
@pytest.mark.parametrize("speeds", [None, [1.0, 0.5, 2.0, 1.0, 1.5]])
def test_a_balancer_chooses_and_serves_as_the_event_simulator_does(
    policy: str, refresh_s: float, speeds: list[float] | None
) -> None:
    times, works = streams(1, 4.5, 2500)
    looks = look_at(arrivals.generator(1, "looks"), len(times), 5, 2)
    ours = balance(times, works, 5, policy, looked_at=looks, refresh_s=refresh_s, speeds=speeds)
    chosen, ended = by_events(times, works, 5, policy, looks, refresh_s, speeds)
    np.testing.assert_array_equal(ours.servers, chosen)
    np.testing.assert_array_equal(ours.departures_ns, ended)


def test_a_network_is_the_event_simulators_to_the_nanosecond() -> None:
    luck = arrivals.generator(1, "network")
    workers = [1, 3, 2]
    times = arrivals.poisson_ns(luck, 0.5, CUSTOMERS)
    routes = luck.integers(-1, 3, (CUSTOMERS, 6), dtype=np.int32)
    works = arrivals.exponential_ns(luck, 0.6, CUSTOMERS * 6).reshape(CUSTOMERS, 6)
    sim = Simulator()
    pool = [FifoServer(sim, f"s{i}", workers=k) for i, k in enumerate(workers)]
    ended = np.zeros_like(times)

    async def customer(i: int) -> None:
        for station, work_ns in zip(routes[i], works[i].tolist(), strict=True):
            if station < 0:
                break
            await pool[station].serve(work_ns / NS)
        ended[i] = sim.now_ns

    async def source() -> None:
        for i, at in enumerate(times.tolist()):
            await sim.sleep_ns(at - sim.now_ns)
            sim.spawn(customer(i))

    sim.spawn(source())
    sim.run()
    ours = network(times, routes, works, workers)
    np.testing.assert_array_equal(ours.departures_ns, ended)
    for s, server in enumerate(pool):
        reading = server.read()
        assert ours.utilisation[s] == pytest.approx(reading.busy_ns / workers[s] / ended.max(), rel=1e-12)
        assert ours.mean_inside[s] == pytest.approx(reading.inside_ns / ended.max(), rel=1e-12)


def test_many_customers_on_the_way_make_the_networks_heap_grow() -> None:
    count = 5000
    times = np.arange(count)
    ours = network(times, np.zeros((count, 1), np.int32), np.full((count, 1), 10**6), [1])
    np.testing.assert_array_equal(ours.departures_ns, fifo_departures(times, np.full(count, 10**6)))
    assert ours.most_inside == count


def test_kernels_compute_what_their_plain_python_does() -> None:
    times, works = streams(3, 2.5, 300)
    plain, compiled = np.empty_like(times), np.empty_like(times)
    stations.fifo.py_func(times, works, np.zeros(3, np.int64), plain)
    stations.fifo(times, works, np.zeros(3, np.int64), compiled)
    np.testing.assert_array_equal(plain, compiled)
    values = [0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 10**9, 2**62]
    assert [stations.bucket.py_func(v) for v in values] == [stations.bucket(v) for v in values]


def test_the_histograms_buckets_are_narrow_and_leave_no_gap() -> None:
    numbers = [stations.bucket(v) for v in range(5000)]
    assert numbers[:64] == list(range(64))
    assert {b - a for a, b in pairwise(numbers)} == {0, 1}
    widths = Counter(numbers)
    for value in range(32, 5000):
        assert widths[numbers[value]] <= value / 32
    assert stations.bucket(2**63 - 1) < stations.BUCKETS


def test_a_streamed_station_agrees_with_the_same_one_on_arrays() -> None:
    customers, warm_up = 20_000, 500
    ours = stream_station(7, 1.6, 1.0, customers, workers=2, warm_up=warm_up)
    luck = arrivals.generator(7, "stream")
    draws = luck.standard_exponential(2 * (customers + warm_up))
    times = np.cumsum(np.rint(draws[0::2] * (NS / 1.6)).astype(np.int64))
    works = np.rint(draws[1::2] * NS).astype(np.int64)
    sojourns = (fifo_departures(times, works, 2) - times)[warm_up:]
    assert ours.customers == customers
    assert ours.mean_sojourn_s == pytest.approx(sojourns.mean() / NS, rel=1e-12)
    assert ours.mean_wait_s == pytest.approx((sojourns - works[warm_up:]).mean() / NS, rel=1e-9)
    assert ours.largest_s == sojourns.max() / NS
    for q in (0.0, 0.5, 0.9, 0.99, 0.999, 1.0):
        exact = np.quantile(sojourns, q, method="inverted_cdf") / NS
        assert exact <= ours.quantile_s(q) <= exact * (1 + 1 / 32)


def test_looks_are_different_servers_and_every_pair_is_as_likely() -> None:
    looks = look_at(arrivals.generator(1, "looks"), 60_000, 4, 3)
    assert all(len(set(row)) == 3 for row in looks.tolist())
    _, counts = np.unique(looks, axis=0, return_counts=True)
    assert len(counts) == 24
    assert counts.min() > 2500 - 5 * 50
    assert counts.max() < 2500 + 5 * 50


def test_arguments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="in order"):
        fifo_departures([3, 2], [1, 1])
    with pytest.raises(ValueError, match="one work an arrival"):
        fifo_departures([1, 2], [1])
    with pytest.raises(ValueError, match="0 or more"):
        fifo_departures([1], [-1])
    with pytest.raises(ValueError, match="at least 1"):
        fifo_departures([1], [1], 0)
    with pytest.raises(ValueError, match="No policy"):
        balance([1], [1], 2, "best")
    with pytest.raises(ValueError, match="needs looked_at"):
        balance([1], [1], 2, "fewest of")
    with pytest.raises(ValueError, match="outside 0 to 1"):
        balance([1], [1], 2, "given", looked_at=np.array([[2]], np.int32))
    with pytest.raises(ValueError, match="speed above 0"):
        balance([1], [1], 2, "fewest", speeds=[1.0])
    with pytest.raises(ValueError, match="refreshed"):
        balance([1], [1], 2, "fewest", refresh_s=-1)
    with pytest.raises(ValueError, match="different ones"):
        look_at(arrivals.generator(1), 1, 2, 3)
    with pytest.raises(ValueError, match="same shape"):
        network([1], [[0]], [[1, 2]], [1])
    with pytest.raises(ValueError, match="outside 0 to 0"):
        network([1], [[1]], [[1]], [1])
    with pytest.raises(ValueError, match="above 0"):
        stream_station(1, 0.0, 1.0, 10)
    with pytest.raises(ValueError, match="quantile"):
        stream_station(1, 1.0, 0.5, 10).quantile_s(2)

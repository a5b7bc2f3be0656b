"""Closed forms against other ways to the same number, and the simulator against the closed forms.

An interval over 20 seeds is Student's at 99.9 %, so that of the thirty checks here hardly one fails by chance; each
also says how narrow its interval has to be, so that it can fail at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from windtunnel.sim import arrivals, closed_forms as theory
from windtunnel.sim.compiled.queues import balance, fifo_departures, look_at, network, stream_station
from windtunnel.sim.kernel import NS, Simulator
from windtunnel.sim.randomness import stream
from windtunnel.sim.servers.base import Rejected
from windtunnel.sim.servers.disciplines import Lifo, Priority
from windtunnel.sim.servers.fifo import FifoServer
from windtunnel.sim.servers.processor_sharing import ProcessorSharingServer
from windtunnel.sim.servers.server import Server

SEEDS = range(20)


def agrees(runs: list[float], expected: float, within: float) -> None:
    """The expected value lies in the interval, and the interval is at most `within` (relative) wide to each side."""
    mean, error = float(np.mean(runs)), float(stats.sem(runs))
    half = float(stats.t.ppf(0.9995, len(runs) - 1)) * error
    assert abs(mean - expected) <= half, f"{mean:.5g} ± {half:.2g} against {expected:.5g}"
    assert half <= within * expected, f"± {half / expected:.1%} is too wide to tell"


# --- closed forms against other ways to the same number --------------------------------------------------------------
def birth_and_death(birth: Callable[[int], float], death: Callable[[int], float], states: int) -> list[float]:
    """Stationary distribution of a birth-death chain, by its balance equations."""
    weights = [1.0]
    for n in range(1, states):
        weights.append(weights[-1] * birth(n - 1) / death(n))
    total = math.fsum(weights)
    return [w / total for w in weights]


@pytest.mark.parametrize(("rate", "workers"), [(0.5, 1), (0.9, 1), (3.2, 4), (7.5, 8), (45.0, 50)])
def test_mmk_is_what_the_balance_equations_say(rate: float, workers: int) -> None:
    share = birth_and_death(lambda n: rate, lambda n: min(n, workers), 3000)
    assert theory.erlang_c(rate, workers) == pytest.approx(math.fsum(share[workers:]))
    inside = math.fsum(n * p for n, p in enumerate(share))
    assert theory.mmk_sojourn_s(rate, 1.0, workers) == pytest.approx(inside / rate)
    if workers == 1:
        assert theory.mm1_inside(rate, 1.0) == pytest.approx(inside)
        assert theory.mm1_sojourn_s(rate, 1.0) == pytest.approx(inside / rate)


@pytest.mark.parametrize(("offered", "workers"), [(0.5, 1), (10.0, 15), (100.0, 117), (3.0, 0), (0.0, 3)])
def test_erlang_b_is_erlangs_sum(offered: float, workers: int) -> None:
    terms = [offered**k / math.factorial(k) for k in range(workers + 1)]
    assert theory.erlang_b(offered, workers) == pytest.approx(terms[-1] / math.fsum(terms))


def test_erlang_b_is_the_one_in_the_tables() -> None:
    # Table of carried traffic at 1 % blocking: 10 lines carry 4.461 erlangs, 100 lines 84.06.
    assert theory.erlang_b(4.461, 10) == pytest.approx(0.01, rel=1e-3)
    assert theory.erlang_b(84.06, 100) == pytest.approx(0.01, rel=1e-2)


@pytest.mark.parametrize(("rate", "places"), [(0.5, 3), (1.0, 5), (2.0, 10)])
def test_mm1k_is_what_the_balance_equations_say(rate: float, places: int) -> None:
    share = birth_and_death(lambda n: rate, lambda n: 1.0, places + 1)
    assert theory.mm1k_blocked(rate, 1.0, places) == pytest.approx(share[-1])


def test_special_cases_meet() -> None:
    assert theory.mg1_sojourn_s(0.8, 1.0, 1.0) == pytest.approx(theory.mm1_sojourn_s(0.8, 1.0))
    assert theory.mmk_sojourn_s(0.8, 1.0, 1) == pytest.approx(theory.mm1_sojourn_s(0.8, 1.0))
    assert theory.md1_wait_s(0.8, 1.0) == pytest.approx(theory.mg1_wait_s(0.8, 1.0, 1.0) / 2)
    assert theory.mg1_ps_sojourn_s(0.8, 1.0) == pytest.approx(theory.mm1_sojourn_s(0.8, 1.0))
    assert theory.supermarket_sojourn_s(0.9, 1) == pytest.approx(10.0)
    assert theory.mm1_priority_waits_s([0.8], 1.0) == [pytest.approx(theory.mg1_wait_s(0.8, 1.0, 1.0))]
    assert theory.jackson_sojourn_s(0.5, [1.0, 2.0], [1.0, 2.0]) == pytest.approx(2.0 + 2 * 1.0)
    assert theory.scalability(1, alpha=0.02, beta=0.0005) == 1
    peak = max(range(1, 200), key=lambda nodes: theory.scalability(nodes, alpha=0.02, beta=0.0005))
    assert peak == round(math.sqrt(0.98 / 0.0005))
    assert theory.mm1_sojourn_quantile_s(0.5, 1.0, 0.99) == pytest.approx(2 * math.log(100))
    assert theory.mmk_wait_exceeds(0.5, 1.0, 1, 0.0) == pytest.approx(0.5)


def test_figures_of_the_literature_come_out() -> None:
    # Mitzenmacher's supermarket model at load 0.9, 0.95 and 0.99, two and three choices.
    for load, choices, mean in [(0.9, 2, 2.614), (0.9, 3, 2.028), (0.95, 2, 3.383), (0.95, 3, 2.535), (0.99, 2, 5.43)]:
        assert theory.supermarket_sojourn_s(load, choices) == pytest.approx(mean, abs=0.006)
    # Eight small machines against one of eight times the speed.
    for load, mean in [(0.5, 1.015), (0.8, 1.286), (0.9, 1.877)]:
        assert theory.mmk_sojourn_s(8 * load, 1.0, 8) == pytest.approx(mean, abs=0.0015)
    assert theory.collision_probability(23, 365) == pytest.approx(0.5073, abs=1e-4)
    assert theory.collision_probability(366, 365) == 1.0
    assert theory.metastable_load(1000.0, 4.0) == 250.0


def test_from_full_load_on_nothing_is_finite_and_nonsense_is_refused() -> None:
    assert theory.mm1_sojourn_s(1.0, 1.0) == theory.mmk_wait_s(2.0, 1.0, 2) == theory.mm1_inside(2, 1) == math.inf
    assert theory.mg1_wait_s(1.0, 1.0, 0.0) == theory.mg1_ps_sojourn_s(2.0, 1.0) == math.inf
    assert theory.erlang_c(5.0, 5) == theory.mmk_wait_exceeds(5.0, 1.0, 5, 1.0) == 1.0
    for call in (
        lambda: theory.mm1_sojourn_s(-1.0, 1.0),
        lambda: theory.mg1_wait_s(1.0, 0.0, 0.0),
        lambda: theory.erlang_b(-1.0, 1),
        lambda: theory.supermarket_sojourn_s(1.0, 2),
        lambda: theory.mm1_sojourn_quantile_s(0.5, 1.0, 1.0),
        lambda: theory.mm1_priority_waits_s([0.5, 0.5], 1.0),
        lambda: theory.jackson_sojourn_s(0.5, [1.0], []),
        lambda: theory.scalability(0, alpha=0.02, beta=0.0005),
        lambda: theory.metastable_load(1000.0, 0.5),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            call()


# --- the event simulator against the closed forms --------------------------------------------------------------------
def simulate(
    seed: int,
    make: Callable[[Simulator], Any],
    rate: float,
    service: Callable[[Any], float],
    seconds: float,
) -> tuple[Any, list[float], float]:
    """Poisson customers at a server for a while; its usage after the warm-up, sojourns, and the share turned away.

    L = λW is checked on the way: the server's area is the sum of the times that the customers themselves measured.
    """
    sim = Simulator(seed)
    server = make(sim)
    gaps, works = stream(seed, "gaps"), stream(seed, "works")
    stays: list[tuple[int, int]] = []

    async def customer(work_s: float) -> None:
        began = sim.now_ns
        try:
            await server.submit(work_s)
        except Rejected:
            return
        stays.append((began, sim.now_ns))

    async def source() -> None:
        while sim.now < seconds:
            await sim.sleep(gaps.expovariate(rate))
            sim.spawn(customer(service(works)))

    sim.spawn(source())
    sim.run(until=seconds / 5)
    warm = server.read()
    sim.run()
    last = server.read()
    assert last.inside_ns == sum(end - began for began, end in stays)
    assert last.served == len(stays)
    settled = [(end - began) / NS for began, end in stays if began >= warm.now_ns]
    return last.since(warm), settled, (last.rejected - warm.rejected) / (last.arrivals - warm.arrivals)


def exponential(mean_s: float) -> Callable[[Any], float]:
    return lambda luck: float(luck.expovariate(1 / mean_s))


EVENT_MODELS: dict[str, tuple[Callable[[Simulator], Any], float, Callable[[Any], float], float]] = {
    "M/M/1": (lambda sim: FifoServer(sim, "s"), 0.5, exponential(1.0), theory.mm1_sojourn_s(0.5, 1.0)),
    "M/M/1, last come first served": (
        lambda sim: Server(sim, "s", discipline=Lifo()),
        0.5,
        exponential(1.0),
        theory.mm1_sojourn_s(0.5, 1.0),
    ),
    "M/M/3": (lambda sim: FifoServer(sim, "s", workers=3), 2.1, exponential(1.0), theory.mmk_sojourn_s(2.1, 1.0, 3)),
    "M/D/1": (lambda sim: FifoServer(sim, "s"), 0.6, lambda luck: 1.0, theory.md1_sojourn_s(0.6, 1.0)),
    "M/G/1": (
        lambda sim: Server(sim, "s"),
        0.5,
        lambda luck: float(luck.gammavariate(4.0, 0.25)),
        theory.mg1_sojourn_s(0.5, 1.0, 0.5),
    ),
    "M/G/1, shared": (
        lambda sim: ProcessorSharingServer(sim, "s"),
        0.5,
        lambda luck: 2.0 if luck.random() < 0.1 else 8 / 9,
        theory.mg1_ps_sojourn_s(0.5, 1.0),
    ),
}


@pytest.mark.parametrize("model", EVENT_MODELS)
def test_the_event_simulator_meets_the_closed_form(model: str) -> None:
    make, rate, service, expected = EVENT_MODELS[model]
    sojourns, inside, busy = [], [], []
    for seed in SEEDS:
        usage, settled, _ = simulate(seed, make, rate, service, 2500.0)
        sojourns.append(sum(settled) / len(settled))
        inside.append(usage.mean_inside)
        busy.append(usage.utilisation)
    agrees(sojourns, expected, within=0.10)
    agrees(inside, rate * expected, within=0.12)
    agrees(busy, rate / (3 if model == "M/M/3" else 1), within=0.05)


def test_calls_are_lost_as_erlang_says() -> None:
    runs = []
    for seed in SEEDS:
        _, _, lost = simulate(
            seed, lambda sim: FifoServer(sim, "lines", workers=5, queue_limit=0), 4.0, exponential(1.0), 600.0
        )
        runs.append(lost)
    agrees(runs, theory.erlang_b(4.0, 5), within=0.10)


def test_the_urgent_wait_as_cobham_says() -> None:
    expected = theory.mm1_priority_waits_s([0.3, 0.4], 1.0)
    waits: tuple[list[float], list[float]] = ([], [])
    for seed in SEEDS:
        sim = Simulator(seed)
        server = Server(sim, "s", discipline=Priority())
        stays: tuple[list[int], list[int]] = ([], [])

        async def customer(kind: int, work_s: float, sim: Any = sim, server: Any = server, stays: Any = stays) -> None:
            began = sim.now_ns
            await server.serve(work_s, priority=kind)
            stays[kind].append(sim.now_ns - began - round(work_s * NS))

        async def source(sim: Any = sim, customer: Any = customer, seed: int = seed) -> None:
            luck = stream(seed, "priority")
            while sim.now < 3000:
                await sim.sleep(luck.expovariate(0.7))
                sim.spawn(customer(int(luck.random() >= 3 / 7), luck.expovariate(1.0)))

        sim.spawn(source())
        sim.run()
        for kind in (0, 1):
            waits[kind].append(sum(stays[kind]) / len(stays[kind]) / NS)
    agrees(waits[0], expected[0], within=0.10)
    agrees(waits[1], expected[1], within=0.15)


# --- the kernels against the closed forms ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rate", "workers", "cv", "expected", "within"),
    [
        (0.8, 1, 1.0, theory.mm1_sojourn_s(0.8, 1.0), 0.02),
        (0.95, 1, 1.0, theory.mm1_sojourn_s(0.95, 1.0), 0.08),
        (0.8, 1, 0.0, theory.md1_sojourn_s(0.8, 1.0), 0.02),
        (0.7, 1, 2.0, theory.mg1_sojourn_s(0.7, 1.0, 2.0), 0.05),
        (3.6, 4, 1.0, theory.mmk_sojourn_s(3.6, 1.0, 4), 0.03),
        (45.0, 50, 1.0, theory.mmk_sojourn_s(45.0, 1.0, 50), 0.01),
    ],
)
def test_a_streamed_station_meets_the_closed_form(
    rate: float, workers: int, cv: float, expected: float, within: float
) -> None:
    runs = [
        stream_station(seed, rate, 1.0, 400_000, workers=workers, service_cv=cv, warm_up=20_000).mean_sojourn_s
        for seed in SEEDS
    ]
    agrees(runs, expected, within)


def test_the_quantiles_of_mm1_are_those_of_the_exponential() -> None:
    for quantile in (0.5, 0.99):
        runs = [stream_station(s, 0.7, 1.0, 200_000, warm_up=10_000).quantile_s(quantile) for s in SEEDS]
        assert np.mean(runs) == pytest.approx(theory.mm1_sojourn_quantile_s(0.7, 1.0, quantile), rel=0.04)


def test_waits_in_mmk_are_as_long_as_erlang_c_says() -> None:
    runs = []
    for seed in SEEDS:
        luck = arrivals.generator(seed, "mmk")
        times, works = arrivals.poisson_ns(luck, 3.5, 100_000), arrivals.exponential_ns(luck, 1.0, 100_000)
        waits = fifo_departures(times, works, 4) - works - times
        runs.append(float(np.mean(waits[5000:] > 2 * NS)))
    agrees(runs, theory.mmk_wait_exceeds(3.5, 1.0, 4, 2.0), within=0.06)


@pytest.mark.parametrize(("choices", "servers"), [(1, 50), (2, 1000), (3, 1000)])
def test_the_supermarket_of_many_servers_meets_its_limit(choices: int, servers: int) -> None:
    load, count = 0.8, 300_000
    runs = []
    for seed in SEEDS:
        luck = arrivals.generator(seed, "supermarket")
        times = arrivals.poisson_ns(luck, servers * load, count)
        works = arrivals.exponential_ns(luck, 1.0, count)
        policy = "given" if choices == 1 else "fewest of"
        ours = balance(times, works, servers, policy, looked_at=look_at(luck, count, servers, choices))
        settled = slice(count // 4, None)
        runs.append(float(np.mean((ours.departures_ns - times)[settled])) / NS)
    agrees(runs, theory.supermarket_sojourn_s(load, choices), within=0.03)


def test_a_jackson_network_meets_the_product_form() -> None:
    # Two stations; after each visit to the second, half of the customers go back to the first.
    runs, inside = [], []
    for seed in SEEDS:
        luck, count = arrivals.generator(seed, "jackson"), 40_000
        times = arrivals.poisson_ns(luck, 0.35, count)
        rounds = np.minimum(luck.geometric(0.5, count), 16)
        routes = np.where(np.arange(32) < 2 * rounds[:, None], np.arange(32) % 2, -1)
        means = np.array([1.0, 0.8])[np.arange(32) % 2]
        works = np.rint(luck.exponential(means * NS, (count, 32))).astype(np.int64)
        ours = network(times, routes, works, [1, 1])
        runs.append(float(np.mean((ours.departures_ns - times)[count // 10 :])) / NS)
        inside.append(ours.mean_inside[0])
    agrees(runs, theory.jackson_sojourn_s(0.35, [2.0, 2.0], [1.0, 1.25]), within=0.05)
    agrees(inside, theory.mm1_inside(0.7, 1.0), within=0.08)

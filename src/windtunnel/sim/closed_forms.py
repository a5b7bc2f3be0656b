"""What queueing theory says, in closed form: the oracles that the simulator is held to.

Rates are per second, times in seconds; rho is the utilisation of one server. Everything here is plain arithmetic.
Sources: Kleinrock, *Queueing Systems* vol. 1, 1975; Erlang 1917 (B and C); Pollaczek 1930 and Khinchine 1932;
Vvedenskaya, Dobrushin & Karpelevich 1996 and Mitzenmacher 1996 (the supermarket model).
"""

from __future__ import annotations

import math
from math import exp, expm1, fsum, inf, isclose, log, log1p


def _loaded(arrival_rate: float, service_rate: float, workers: int = 1) -> float:
    """The utilisation, checked."""
    if arrival_rate < 0 or service_rate <= 0 or workers < 1:
        raise ValueError(
            f"Needs arrival_rate >= 0, service_rate > 0, workers >= 1; got {arrival_rate}, {service_rate}, {workers}."
        )
    return arrival_rate / (service_rate * workers)


# --- one server ------------------------------------------------------------------------------------------------------
def mm1_sojourn_s(arrival_rate: float, service_rate: float) -> float:
    """Mean time in an M/M/1 system, 1 / (mu - lambda); infinite from full load on (Kleinrock, eq. 3.26)."""
    return 1 / (service_rate - arrival_rate) if _loaded(arrival_rate, service_rate) < 1 else inf


def mm1_inside(arrival_rate: float, service_rate: float) -> float:
    """Mean number in an M/M/1 system, rho / (1 - rho)."""
    rho = _loaded(arrival_rate, service_rate)
    return rho / (1 - rho) if rho < 1 else inf


def mm1_sojourn_quantile_s(arrival_rate: float, service_rate: float, quantile: float) -> float:
    """Quantile of the time in an M/M/1 FIFO system, which is exponential with rate mu - lambda."""
    if not 0 <= quantile < 1:
        raise ValueError(f"A quantile lies in [0, 1); got {quantile}.")
    return -log(1 - quantile) * mm1_sojourn_s(arrival_rate, service_rate)


def mg1_wait_s(arrival_rate: float, mean_service_s: float, service_cv: float) -> float:
    """Mean wait in an M/G/1 FIFO queue (Pollaczek-Khinchine): rho / (1 - rho) · mean · (1 + cv²) / 2.

    Args:
        service_cv: standard deviation of the service time over its mean: 1 exponential, 0 constant.
    """
    rho = arrival_rate * mean_service_s
    if rho < 0 or mean_service_s <= 0 or service_cv < 0:
        raise ValueError("Needs arrival_rate >= 0, mean_service_s > 0 and service_cv >= 0.")
    return rho / (1 - rho) * mean_service_s * (1 + service_cv**2) / 2 if rho < 1 else inf


def mg1_sojourn_s(arrival_rate: float, mean_service_s: float, service_cv: float) -> float:
    """Mean time in an M/G/1 FIFO system."""
    return mean_service_s + mg1_wait_s(arrival_rate, mean_service_s, service_cv)


def md1_wait_s(arrival_rate: float, service_s: float) -> float:
    """Mean wait in an M/D/1 queue: half that of M/M/1."""
    return mg1_wait_s(arrival_rate, service_s, 0.0)


def md1_sojourn_s(arrival_rate: float, service_s: float) -> float:
    """Mean time in an M/D/1 system."""
    return service_s + md1_wait_s(arrival_rate, service_s)


def mg1_ps_sojourn_s(arrival_rate: float, mean_service_s: float) -> float:
    """Mean time in an M/G/1 system that shares its processor: mean / (1 - rho), whatever the distribution
    (Kleinrock vol. 2, eq. 4.17)."""
    rho = arrival_rate * mean_service_s
    return mean_service_s / (1 - rho) if rho < 1 else inf


def mm1_priority_waits_s(arrival_rates: list[float], service_rate: float) -> list[float]:
    """Mean waits of the classes of an M/M/1 queue with priorities that do not interrupt, most urgent first (Cobham,
    "Priority Assignment in Waiting Line Problems", Operations Research 2(1), 1954)."""
    left = 1.0 - sum(arrival_rates) / service_rate
    if left <= 0:
        raise ValueError("The classes together need less than full load.")
    residual = sum(arrival_rates) / service_rate**2
    waits, used = [], 0.0
    for rate in arrival_rates:
        before, used = used, used + rate / service_rate
        waits.append(residual / ((1 - before) * (1 - used)))
    return waits


def mm1k_blocked(arrival_rate: float, service_rate: float, places: int) -> float:
    """Share of customers turned away by an M/M/1/K system with `places` in all, the one in service among them."""
    rho = _loaded(arrival_rate, service_rate)
    if isclose(rho, 1.0, abs_tol=1e-12):
        return 1 / (places + 1)
    return (1 - rho) * rho**places / (1 - rho ** (places + 1))


# --- k servers -------------------------------------------------------------------------------------------------------
def erlang_b(offered: float, workers: int) -> float:
    """Share of calls lost by `workers` lines without a queue, at `offered` = lambda / mu erlangs.

    By the recurrence B(k) = a B(k-1) / (k + a B(k-1)), which neither overflows nor cancels.
    """
    if offered < 0 or workers < 0:
        raise ValueError(f"Needs offered >= 0 and workers >= 0; got {offered}, {workers}.")
    blocked = 1.0
    for k in range(1, workers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked


def erlang_c(offered: float, workers: int) -> float:
    """Probability that a customer of M/M/k has to wait."""
    if offered >= workers:
        return 1.0
    blocked = erlang_b(offered, workers)
    return blocked / (1 - offered / workers * (1 - blocked))


def mmk_wait_s(arrival_rate: float, service_rate: float, workers: int) -> float:
    """Mean wait in an M/M/k queue: C(k, a) / (k mu - lambda)."""
    if _loaded(arrival_rate, service_rate, workers) >= 1:
        return inf
    return erlang_c(arrival_rate / service_rate, workers) / (workers * service_rate - arrival_rate)


def mmk_sojourn_s(arrival_rate: float, service_rate: float, workers: int) -> float:
    """Mean time in an M/M/k system."""
    return 1 / service_rate + mmk_wait_s(arrival_rate, service_rate, workers)


def mmk_wait_exceeds(arrival_rate: float, service_rate: float, workers: int, wait_s: float) -> float:
    """Probability that the wait in an M/M/k FIFO queue is longer than `wait_s`."""
    if _loaded(arrival_rate, service_rate, workers) >= 1:
        return 1.0
    return erlang_c(arrival_rate / service_rate, workers) * exp(-(workers * service_rate - arrival_rate) * wait_s)


# --- many servers, and sums ------------------------------------------------------------------------------------------
def supermarket_sojourn_s(load: float, choices: int, mean_service_s: float = 1.0) -> float:
    """Mean time where each customer joins the shortest of `choices` random queues, with very many servers.

    The sum over i >= 1 of load^((d^i - d) / (d - 1)), times the mean service time; d = 1 is M/M/1.
    """
    if not 0 <= load < 1 or choices < 1:
        raise ValueError(f"Needs 0 <= load < 1 and choices >= 1; got {load}, {choices}.")
    if choices == 1:
        return mean_service_s / (1 - load)
    total, exponent, power = 0.0, 0.0, float(choices)
    while True:
        term = math.pow(load, exponent)
        total += term
        if term < 1e-17 or load == 0:
            return total * mean_service_s
        exponent += power
        power *= choices


def jackson_sojourn_s(arrival_rate: float, visits: list[float], service_rates: list[float]) -> float:
    """Mean time in an open Jackson network of M/M/1 stations: sum of visits / (mu - visits · lambda).

    Args:
        visits: mean number of visits of one customer to each station.
    """
    if len(visits) != len(service_rates):
        raise ValueError("Needs as many visit ratios as service rates.")
    return sum(v * mm1_sojourn_s(v * arrival_rate, mu) for v, mu in zip(visits, service_rates, strict=True))


def scalability(nodes: int, *, alpha: float, beta: float) -> float:
    """How many times the throughput of one machine `nodes` of them have: n / (1 + alpha (n - 1) + beta n (n - 1)).

    Gunther, *Guerrilla Capacity Planning*, 2007: alpha is the share of work for which all wait their turn, beta what
    each pair pays to agree. The peak lies at sqrt((1 - alpha) / beta).
    """
    if nodes < 1 or not 0 <= alpha <= 1 or beta < 0:
        raise ValueError(f"Needs nodes >= 1, 0 <= alpha <= 1 and beta >= 0; got {nodes}, {alpha}, {beta}.")
    return nodes / (1 + alpha * (nodes - 1) + beta * nodes * (nodes - 1))


def collision_probability(items: int, places: int) -> float:
    """Probability that some two of `items` land in the same of `places` (the birthday problem, exactly)."""
    if items > places:
        return 1.0
    return -expm1(fsum(log1p(-i / places) for i in range(items)))


def metastable_load(capacity: float, amplification: float) -> float:
    """The load above which a trigger can tip a system that amplifies work for good: capacity / amplification.

    Theorem 2 of Huang et al., "Metastable Failures in the Wild", OSDI 2022; with R retries the amplification is R + 1.
    """
    if capacity <= 0 or amplification < 1:
        raise ValueError(f"Needs capacity > 0 and amplification >= 1; got {capacity}, {amplification}.")
    return capacity / amplification

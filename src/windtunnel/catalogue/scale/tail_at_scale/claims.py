"""What is claimed of late calls and of their copies, which figures stand behind it, what a challenger has to do."""

from __future__ import annotations

from math import inf, sqrt
from typing import Literal

from windtunnel import Claim, Figure, Source
from windtunnel.catalogue.scale.tail_at_scale.measures import (
    SLOW,
    band,
    late,
    percentile_s,
    percentile_scatter_s,
    share_scatter,
)

QUEUES = {"law": "exponential", "fan_out": 4, "servers": 8, "delay_ms": 10.0, "count": 1000}
CALM, BUSY = {**QUEUES, "load": 0.27}, {**QUEUES, "fan_out": 2, "load": 0.6}
LONG_QUEUES = {**QUEUES, "count": 10_000}
BUSIER = {**BUSY, "load": 0.9}
RARE = {**QUEUES, "law": "stragglers", "load": 0.1}
THIRD = {"law": "exponential", "fan_out": 1, "servers": 12, "delay_ms": 0.0, "load": 1 / 3, "count": 10000}
DEAN = "Dean and Barroso, The Tail at Scale 2013"
ALONE = "load == 0 and law == 'stragglers'"
MANY = {"fan_out": 100}
KNOWN = f"{ALONE} and 10 <= delay_ms <= 20"
"""Where nothing queues, and a hedge comes when a call is known to be slow."""
NAMES = ("wait", "capped", "hedge", "hedge_p95", "tied", "tied_hedge", "hedge_cancel")

MEDIAN = "wait.p50_ms > wait.server_p99_ms"
MENDED = "hedge.p99_ms < 0.1 * wait.p99_ms and hedge.extra < 0.025"
CALMER = "hedge.p95_ms < wait.p95_ms"
TURNS = "hedge.p999_ms < wait.p999_ms"
"""Of this the load is searched at which it turns."""

CLAIMS = (
    Claim(
        MEDIAN,
        "Of a hundred calls one is mostly slower than the server's p99.",
        DEAN,
        breaks="wait",
        where=f"{ALONE} and fan_out >= 85",
    ),
    Claim(
        "wait.p50_ms < 10",
        "The median request of few calls meets no slow one: waiting for all is good enough for it.",
        given={"fan_out": 25},
        spares="wait",
        where=ALONE,
    ),
    Claim(
        MENDED,
        "Both copies have to be slow before anybody waits, and 2 % of the calls are copied.",
        DEAN,
        given=MANY,
        where=KNOWN,
    ),
    Claim(
        "abs(hedge.extra - hedge.late) < 5 * (hedge.late / (params.fan_out * params.count)) ** 0.5"
        " and retry.extra == hedge.extra",
        "As many are copied as are late, with a hedge as with a retry.",
        given=MANY,
        where=KNOWN,
    ),
    Claim(
        "retry.p99_ms > hedge.p99_ms and retry.p50_ms < 1.1 * hedge.p50_ms",
        "Timing out makes the same copies, and throws an answer away that may be on its way.",
        given=MANY,
        where=KNOWN,
    ),
    Claim(
        "hedge_p95.p50_ms < 0.8 * hedge.p50_ms and 0.03 < hedge_p95.extra < 0.08",
        "Who copies the slowest 5 % is sooner there, also at the median.",
        DEAN,
        given=MANY,
        where=KNOWN,
    ),
    Claim(
        "capped.p99_ms == hedge.p99_ms == tied_hedge.p99_ms == hedge_cancel.p99_ms and tied.p99_ms == wait.p99_ms",
        "Where nothing queues a cap of 5 % binds nobody, and there is nothing to tie.",
        given=MANY,
        where=KNOWN,
    ),
    Claim(
        f"min({', '.join(name + '.taken' for name in NAMES)}) == 1"
        f" == max({', '.join(name + '.taken_most' for name in NAMES)})",
        "Each call has exactly one result, however often it was made.",
        given=BUSY,
    ),
    Claim("retry.taken == 1 == retry.taken_most", "So it has where the first is given up.", given=CALM),
    Claim(
        CALMER,
        "While servers have time a copy helps against a long queue as well.",
        over="mean",
        given=CALM,
    ),
    Claim(
        "hedge_p95.p95_ms < wait.p95_ms",
        "So it does for 5 % of the calls.",
        over="mean",
        given=CALM,
    ),
    Claim(
        "retry.p95_ms > wait.p95_ms and retry.p50_ms > wait.p50_ms",
        "At that load who times out has made it worse already.",
        over="mean",
        given=CALM,
    ),
    Claim(
        "hedge_p95.extra < 0.5 * hedge.extra and abs(hedge_p95.extra - capped.extra) < 0.04"
        " and capped.p99_ms > 1.05 * hedge_p95.p99_ms",
        "It matters which calls are copied: the 5 % that are the latest, not those that come while there are tokens.",
        over="mean",
        given=CALM,
    ),
    Claim(
        "hedge.p50_ms > 3 * wait.p50_ms and hedge.p99_ms > 3 * wait.p99_ms and hedge.extra > 0.7",
        "Where most calls take longer than the delay nearly all are made twice, and there is no time for that.",
        given=BUSY,
    ),
    Claim(
        "max(capped.p99_ms, hedge_p95.p99_ms) < 0.4 * hedge.p99_ms and max(capped.extra, hedge_p95.extra) < 0.15",
        "Limits on the copies keep the service up.",
        over="mean",
        given=BUSY,
    ),
    Claim(
        "hedge_p95.p99_ms > 1.5 * max(wait.p99_ms, capped.p99_ms) and hedge_p95.extra > 0.2",
        "The p95 of the last thousand is that of a shorter queue: only the bucket is a limit.",
        over="mean",
        given=BUSIER,
    ),
    Claim(
        "max(tied.p99_ms, tied_hedge.p99_ms, hedge_cancel.p99_ms) < 0.75 * wait.p99_ms"
        " and tied.p50_ms < min(0.75 * wait.p50_ms, hedge_cancel.p50_ms)",
        "Two copies that know of each other help where the servers are busy.",
        given=BUSY,
    ),
    Claim(
        "max(abs(tied.work - 1), abs(hedge_cancel.work - 1)) < 4 * (2 / (params.fan_out * params.count)) ** 0.5"
        " and hedge.work > 1.2",
        "They cost messages and no work.",
        over="mean",
        given=BUSY,
    ),
    Claim(
        "tied_hedge.p99_ms < 0.7 * tied.p99_ms and tied_hedge.p99_ms < 0.7 * wait.p99_ms",
        "Ties do nothing for a call that is slow once it has begun.",
        given=RARE,
    ),
    Claim(
        "hedge_cancel.p999_ms < tied_hedge.p999_ms",
        "A hedge whose loser is broken off has nobody wait behind a call that is slow.",
        given=RARE,
    ),
    Claim(
        "hedge_cancel.work < 0.95",
        "What is slow and broken off is work that nobody does.",
        over="mean",
        given=RARE,
    ),
)

DEMANDS = (
    Claim("yours.answered_share == 1 and yours.taken == 1", "Every call of every request is answered.", given=CALM),
    Claim("yours.p99_ms < 30", "While servers have time, nobody waits for long.", over="mean", given=CALM),
    Claim("yours.p99_ms < 45", "Nor when they are busy.", over="mean", given=BUSY),
    Claim("yours.p99_ms < 50", "Nor for the call that is slow once begun.", over="mean", given=RARE),
    Claim("yours.unserved == 0", "An answer comes after servers have done each of its calls.", given=CALM, always=True),
    Claim("yours.capacity == 1", "The servers are those that there are.", given=CALM, always=True),
)

LAW = "no queues; 98 % lognormal (3 ms, sigma .3), 2 % Pareto (10 ms to 2 s); 100 calls, copied after 10 ms"
LAW_GIVEN = {"law": "stragglers", "fan_out": 100, "delay_ms": 10.0, "load": 0.0}
REQUESTS = 10_000
Mark = Literal["V", "D"]


def _share(
    name: str, source: float, ours: str, expected: float, scatter: float, mark: Mark, said: str, by: str = DEAN
) -> Figure:
    return Figure(
        name, source, ours, band(source, expected, scatter), mark, said, by, given={**LAW_GIVEN, "count": REQUESTS}
    )


def _percentile(name: str, source: float, design: str, q: float, mark: Mark, said: str, by: str = "") -> Figure:
    """A percentile of the requests, in ms."""
    hedge_s = 0.010 if design == "hedge" else inf
    scatter = percentile_scatter_s("stragglers", 100, q, hedge_s, REQUESTS)
    ours = f"{design}.p{q:g}_ms".replace("99.9", "999")
    return _share(name, source, ours, exact_ms(q, hedge_s), 1e3 * scatter, mark, said, by)


def exact_ms(q: float, hedge_s: float = inf) -> float:
    """A percentile of a hundred calls, by the closed form."""
    return 1e3 * percentile_s("stragglers", 100, q, hedge_s)


def _of_twenty_hundreds() -> Figure:
    """With 2,000 calls: 20 times a hundred, and its scatter by the derivative."""
    one, all_ = 1 - 0.9999**100, 1 - 0.9999**2000
    scatter = 20 * (1 - one) ** 19 * share_scatter(one, REQUESTS)
    ours = "1 - (1 - wait.beyond_p9999) ** 20"
    said = "2,000 calls, as twenty times a hundred"
    return _share("requests beyond the p99.99 of a server", all_, ours, all_, scatter, "D", said)


def _at_a_third() -> Figure:
    """The load of a run, which scatters as its arrivals and its work do, moves the ratio of the medians."""
    scatter = (2 / (1 - 2 / 3) - 1 / (1 - 1 / 3)) / 3 * sqrt(2 / REQUESTS)
    name = "median with two copies at once over that with one, at a load of 1/3"
    said = "exponential work, one call, 12 servers: (1 - r) / (2 (1 - 2r))"
    return Figure(name, 1.0, "hedge.p50_ms / wait.p50_ms", band(1, 1, scatter), "D", said, given=THIRD)


ALL_FAST = 0.99**100
FITTED = f"law fitted to it: {LAW}"
FIGURES = (
    _share(
        "requests beyond the p99 of a server",
        1 - ALL_FAST,
        "wait.beyond_p99",
        1 - ALL_FAST,
        share_scatter(ALL_FAST, REQUESTS),
        "D",
        "100 calls",
    ),
    _of_twenty_hundreds(),
    _percentile("p99.9 of BigTable, ms", 1800, "wait", 99.9, "V", FITTED, DEAN),
    _percentile("p99.9 with hedges, ms", 74, "hedge", 99.9, "V", FITTED, DEAN),
    _share(
        "calls that are copied",
        0.02,
        "hedge.extra",
        late("stragglers", 0.010),
        share_scatter(SLOW, 100 * REQUESTS),
        "V",
        FITTED,
    ),
    _percentile("p50 of who waits for all, ms", exact_ms(50), "wait", 50, "D", f"closed form; {LAW}"),
    _percentile("p99 with hedges, ms", exact_ms(99, 0.010), "hedge", 99, "D", f"closed form; {LAW}"),
    _at_a_third(),
)

SOURCES = (
    Source(
        "J. Dean, L. A. Barroso, The Tail at Scale, Communications of the ACM 56(2)",
        2013,
        "https://cacm.acm.org/research/the-tail-at-scale/",
    ),
)

"""What is claimed of late calls and of their copies, which figures stand behind it, what a challenger has to do."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source

QUEUES = {"law": "exponential", "fan_out": 4, "servers": 8, "delay_ms": 10.0, "count": 1000}
CALM, BUSY = {**QUEUES, "load": 0.27}, {**QUEUES, "load": 0.6}
RARE = {**QUEUES, "law": "stragglers", "load": 0.1}
THIRD = {"law": "exponential", "fan_out": 1, "servers": 12, "delay_ms": 0.0, "load": 1 / 3, "count": 5000}
DEAN = "Dean and Barroso, The Tail at Scale 2013"
ALONE = "load == 0 and law == 'stragglers'"
MANY = {"fan_out": 100}
KNOWN = f"{ALONE} and 10 <= delay_ms <= 20"
"""Where nothing queues, and a hedge comes when a call is known to be slow."""
NAMES = ("wait", "capped", "hedge", "hedge_p95", "tied", "tied_hedge")

MEDIAN = "wait.p50_ms > wait.server_p99_ms"
MENDED = "hedge.p99_ms < 0.1 * wait.p99_ms and hedge.extra < 0.025"
CALMER = "hedge.p99_ms < wait.p99_ms"

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
        "abs(hedge.extra - hedge.late) < 0.2 * hedge.late and retry.extra == hedge.extra",
        "As many are copied as are late, with a hedge as with a retry.",
        given=MANY,
        where=KNOWN,
    ),
    Claim(
        "retry.p99_ms > 1.2 * hedge.p99_ms",
        "Timing out makes the same copies, and throws an answer away that may be on its way.",
        over="mean",
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
        "capped.p99_ms == hedge.p99_ms == tied_hedge.p99_ms and tied.p99_ms == wait.p99_ms",
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
        "hedge_p95.p99_ms < 0.95 * wait.p99_ms",
        "So it does for 5 % of the calls.",
        over="mean",
        given=CALM,
    ),
    Claim(
        "retry.p99_ms > wait.p99_ms and retry.p50_ms > wait.p50_ms",
        "At that load who times out has made it worse already.",
        over="mean",
        given=CALM,
    ),
    Claim(
        "hedge_p95.extra < 0.6 * hedge.extra and abs(hedge_p95.extra - capped.extra) < 0.04"
        " and capped.p99_ms > 1.02 * hedge_p95.p99_ms",
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
        "max(tied.p99_ms, tied_hedge.p99_ms) < 0.75 * wait.p99_ms and tied.p50_ms < 0.75 * wait.p50_ms",
        "Two copies that know of each other help where the servers are busy.",
        given=BUSY,
    ),
    Claim(
        "0.95 < tied.work < 1.05 and hedge.work > 1.2",
        "They cost messages and no work.",
        over="mean",
        given=BUSY,
    ),
    Claim(
        "tied_hedge.p99_ms < 0.7 * tied.p99_ms and tied_hedge.p99_ms < 0.7 * wait.p99_ms",
        "Ties do nothing for a call that is slow once it has begun.",
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

FIGURES = (
    Figure("requests beyond the p99 of a server", 1 - 0.99**100, "wait.beyond_p99", 0.03, "D", "100 calls", DEAN),
    Figure(
        "requests beyond the p99.99 of a server",
        1 - 0.9999**2000,
        "1 - (1 - wait.beyond_p9999) ** 20",
        0.35,
        "D",
        "2,000 calls, as twenty times a hundred",
        DEAN,
        given={"fan_out": 100, "count": 5000},
    ),
    Figure("p99.9 of BigTable, ms", 1800, "wait.p999_ms", 0.15, "V", f"law fitted to it: {LAW}", DEAN),
    Figure("p99.9 with hedges, ms", 74, "hedge.p999_ms", 0.5, "V", f"law fitted to it: {LAW}", DEAN),
    Figure("calls that are copied", 0.02, "hedge.extra", 0.05, "V", f"law fitted to it: {LAW}", DEAN),
    Figure(
        "median with two copies at once over that with one, at a load of 1/3",
        1.0,
        "hedge.p50_ms / wait.p50_ms",
        0.12,
        "D",
        "exponential work, one call, 20 servers: (1 - r) / (2 (1 - 2r))",
        given=THIRD,
    ),
)

SOURCES = (
    Source(
        "J. Dean, L. A. Barroso, The Tail at Scale, Communications of the ACM 56(2)",
        2013,
        "https://cacm.acm.org/research/the-tail-at-scale/",
    ),
)

"""What the experiment claims, demands and compares itself with."""

from __future__ import annotations

from windtunnel import Claim, Figure, Source
from windtunnel.sim.closed_forms import mg1_sojourn_s, supermarket_sojourn_s

FRESH = "staleness == 0 and places == 0 and count >= 2000 and servers >= 4 and load >= 0.7 and 1 <= variation <= 4"
LIKE = "slow == 1 and places == 0 and 4 <= servers <= 16 and load >= 0.65"
OPEN = "What one balancer has open is the truth, however old the reports are."
NEAR = {"variation": 1.0, "staleness": 0.0, "balancers": 1, "count": 2000}
ALONE = {**NEAR, "staleness": 20.0}
CROWD = {**ALONE, "balancers": 1000}
YOUNG = {**NEAR, "staleness": 1.0}
SHORT = {**NEAR, "staleness": 2.0, "servers": 16, "places": 1, "load": 0.8}
SUPERMARKET = {"servers": 100, "load": 0.8, "variation": 1.0, "count": 15_000}
LONE_QUEUES = {"servers": 8, "load": 0.5, "variation": 1.5, "count": 15_000}

CLAIMS = (
    Claim(
        "at_random.mean_s > 1.4 * two_choices.mean_s",
        "A second look saves much of the time.",
        "Mitzenmacher 1996",
        breaks="at_random",
        where=FRESH,
    ),
    Claim("at_random.p99_s > 1.2 * two_choices.p99_s", "It shortens the tail too.", over="mean", where=FRESH),
    Claim(
        "round_robin.mean_s > 1.2 * two_choices.mean_s",
        "Turns know nothing of the work: they are no second look.",
        where=f"{FRESH} and variation >= 2",
    ),
    Claim(
        "round_robin.mean_s < 0.5 * at_random.mean_s",
        "But they even out the arrivals, and that is enough where all work is alike.",
        given={**NEAR, "variation": 0.0, "load": 0.9},
        where="slow == 1 and places == 0 and 4 <= servers <= 16",
    ),
    Claim(
        "max(least_connections.mean_s, own_sends.mean_s, interpreted.mean_s) < two_choices.mean_s "
        "< 1.15 * peak_ewma.mean_s",
        "Fresh news of all servers is better than of two; latencies of servers that are alike add nothing.",
        where=f"{FRESH} and slow == 1",
    ),
    Claim(
        "max(least_connections.mean_s, own_sends.mean_s, own_connections.mean_s, interpreted.mean_s) < 1.001 * "
        "min(least_connections.mean_s, own_sends.mean_s, own_connections.mean_s, interpreted.mean_s)",
        "Fresh news leaves a single balancer nothing to add: its sends, what it has open, who comes next say the same.",
        where="staleness == 0 and balancers == 1 and places == 0",
    ),
    Claim(
        "least_connections.mean_s > 1.5 * at_random.mean_s",
        "Everybody runs to the queues that were shortest: the herd is worse than no knowledge.",
        "Mitzenmacher 2000",
        given=CROWD,
        breaks="least_connections",
        where=LIKE,
    ),
    Claim(
        "own_sends.mean_s < 0.9 * two_choices.mean_s and own_sends.mean_s < 0.5 * least_connections.mean_s",
        "A single balancer that adds its own sends to the old report makes no herd.",
        given=ALONE,
        where=LIKE,
    ),
    Claim(
        "own_sends.dropped < 0.7 * two_choices.dropped",
        "Each send counts as one, since the last report: the places that are free are filled, and not overrun.",
        given=SHORT,
        where="slow == 1",
    ),
    Claim(
        "own_sends.mean_s > 1.2 * two_choices.mean_s",
        "Of a thousand balancers each adds a thousandth of what was sent, and the herd is back.",
        given=CROWD,
        where=LIKE,
    ),
    Claim("own_connections.mean_s < 0.6 * at_random.mean_s", OPEN, given=ALONE, where=LIKE),
    Claim(
        "own_connections.mean_s > 0.7 * at_random.mean_s",
        "A thousand balancers have hardly anything open each: their counts are little more than a coin.",
        over="mean",
        given=CROWD,
        where=LIKE,
    ),
    Claim(
        "at_random.mean_s < two_choices.mean_s < 0.8 * least_connections.mean_s",
        "Two looks herd less than all looks, but they herd: news of twenty service times is worse than none.",
        over="mean",
        given=CROWD,
        where=f"{LIKE} and load <= 0.8",
    ),
    Claim(
        "interpreted.mean_s < 0.85 * at_random.mean_s",
        "Young news is worth much to who knows that it is young, and how many came since the report before.",
        "Dahlin 2000",
        given=YOUNG,
        where=LIKE,
    ),
    Claim(
        "interpreted.mean_s < 0.95 * two_choices.mean_s and interpreted.mean_s < 1.25 * at_random.mean_s",
        "Counted by its age, old news makes no herd.",
        "Dahlin 2000",
        over="mean",
        given=CROWD,
        where=LIKE,
    ),
    Claim(
        "peak_ewma.mean_s < 0.95 * two_choices.mean_s",
        "An idle server that is ten times as slow is no good choice: latency says so, queues do not.",
        given={**NEAR, "slow": 0.1},
        where="places == 0 and 4 <= servers <= 10 and 0.65 <= load <= 0.8 and memory >= 300",
    ),
    Claim(
        "least_connections.mean_s < peak_ewma.mean_s and peak_ewma.p99_s < least_connections.p99_s",
        "All looks at queues mostly find another idle server; who comes to the slow one pays in the tail.",
        over="mean",
        given={**NEAR, "slow": 0.1, "servers": 8},
        where="places == 0 and 0.65 <= load <= 0.8 and memory >= 300",
    ),
    Claim(
        "peak_ewma.mean_s > 1.1 * two_choices.mean_s",
        "A memory of one service time remembers an accident, not a server.",
        given={**NEAR, "memory": 1.0},
        where=LIKE,
    ),
    Claim(
        "at_random.mean_s < 1.1 * least_connections.mean_s",
        "With idle servers everywhere there is nothing to choose: 1 / (1 - load) stays below 1.1 up to load 0.09.",
        given={**NEAR, "load": 0.05},
        spares="at_random",
        where="slow == 1 and places == 0",
    ),
    Claim(
        "at_random.dropped > 3 * two_choices.dropped",
        "Where queues are short, bad luck is no wait but a refusal.",
        given={**NEAR, "places": 4, "load": 0.8},
        where="slow == 1 and servers >= 4",
    ),
    Claim(
        "max(abs(at_random.done - 1), abs(round_robin.done - 1), abs(least_connections.done - 1), "
        "abs(own_sends.done - 1), abs(own_connections.done - 1), abs(peak_ewma.done - 1), "
        "abs(two_choices.done - 1), abs(interpreted.done - 1)) < 0.000001",
        "The servers did the work that was asked for, no less and none twice.",
        where="slow == 1",
    ),
)

DEMANDS = (
    Claim("yours.mean_s < 2 * interpreted.mean_s", "No machine may stand idle beside a long queue."),
    Claim("yours.p99_s < 2 * interpreted.p99_s", "A few requests may not pay for the others."),
    Claim("yours.ok == yours.ops", "Every request is answered."),
    Claim("yours.owed_s < 0.001", "An answer comes after a server has done all of its work.", always=True),
    Claim(
        "yours.machines == params.servers and yours.capacity <= params.servers",
        "The servers are those that there are, and no faster.",
        always=True,
    ),
    Claim(
        "yours.mean_s < 2.5 * interpreted.mean_s",
        "With old news, and a thousand balancers that read it, nobody may run where everybody runs.",
        given=CROWD,
    ),
)

FIGURES = (
    Figure(
        "two choices, load 0.8: mean time",
        supermarket_sojourn_s(SUPERMARKET["load"], choices=2),
        "two_choices.mean_s",
        0.08,
        "D",
        "exponential work, infinitely many servers; ours has 100",
        "Mitzenmacher 1996",
        given=SUPERMARKET,
    ),
    Figure(
        "random, load 0.5: mean time",
        mg1_sojourn_s(LONE_QUEUES["load"], 1.0, LONE_QUEUES["variation"]),
        "at_random.mean_s",
        0.2,
        "D",
        "Pollaczek and Khinchine: M/G/1 with lognormal work of mean 1 and variation 1.5; ours has 8 servers",
        given=LONE_QUEUES,
    ),
)

SOURCES = (
    Source(
        "Mitzenmacher: The Power of Two Choices in Randomized Load Balancing",
        1996,
        "https://www.eecs.harvard.edu/~michaelm/postscripts/mythesis.pdf",
    ),
    Source("Mitzenmacher: How Useful Is Old Information?", 2000, "https://doi.org/10.1109/71.824633"),
    Source("Dahlin: Interpreting Stale Load Information", 2000, "https://doi.org/10.1109/71.888643"),
    Source(
        "Envoy: Supported load balancers",
        2025,
        "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/load_balancers",
    ),
)

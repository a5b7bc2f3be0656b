"""How it is judged: what is measured, what theory says, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import nan
from typing import Protocol

from windtunnel import Claim, Figure, Held, History, Source, owed, parts
from windtunnel.sim.closed_forms import erlang_b

SERVE_S = 0.1
"""Mean seconds of work of a request."""
RUN_S, MOST = 20.0, 6_000
"""A run lasts so long, or until so many requests have come."""
SICK_FROM, SICK_TO = 0.1, 0.6
"""Parts of the run between which the sick are sick."""


LOOK = 40
"""Requests that are looked at together to see whether it is over."""
BINS = 20
"""Points of a line."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def servers(self) -> int: ...

    @property
    def slots(self) -> int: ...

    @property
    def load(self) -> float: ...

    @property
    def fail_s(self) -> float: ...

    @property
    def sick(self) -> int: ...

    @property
    def poison(self) -> float: ...

    @property
    def memory_s(self) -> float: ...


def rate_per_s(p: Setting) -> float:
    """Requests in a second."""
    return p.load * p.servers * p.slots / SERVE_S


def run_s(p: Setting) -> float:
    """How long requests come."""
    return min(RUN_S, MOST / rate_per_s(p))


def spell_s(p: Setting) -> tuple[float, float]:
    """From when and until when the sick are sick."""
    return SICK_FROM * run_s(p), SICK_TO * run_s(p)


def sick(p: Setting) -> range:
    """Which servers are."""
    return range(min(p.sick, p.servers))


def between(times: Iterable[float], begin: float, end: float) -> int:
    """How many of these moments lie there."""
    return sum(begin <= at < end for at in times)


def sick_share(answered_at: Sequence[Sequence[float]], p: Setting, begin: float, end: float) -> float:
    """Which share of the answers in that time came from those that are, or were, sick; 0 where there were none."""
    counts = [between(times, begin, end) for times in answered_at]
    return sum(counts[i] for i in sick(p) if i < len(counts)) / sum(counts) if any(counts) else 0.0


def attracted(answered_at: Sequence[Sequence[float]], p: Setting) -> dict[str, float]:
    """Whom the balancer asks: the sick, once it could know that they are, and those who were, in the rest of the run.

    `again` is in fair shares: 1 is as much as any other server gets, and 1 also where nobody had to come back.
    """
    begin, end = spell_s(p)
    later = sick_share(answered_at, p, end, run_s(p))
    return {
        "share": sick_share(answered_at, p, (begin + end) / 2, end),
        "again": later * p.servers / len(sick(p)) if sick(p) else 1.0,
    }


def measure(history: History, p: Setting) -> dict[str, float]:
    """All of it, in the time in which some are sick; `found_s` is when at most a tenth of those who ask is lost."""
    begin, end = spell_s(p)
    due = [e for e in history if begin <= e.due < end]
    good = [e for e in due if e.args[1]]
    lost = [e.outcome != "ok" for e in good]
    looks = [(good[i + LOOK - 1].due, sum(lost[i : i + LOOK])) for i in range(0, len(good) - LOOK + 1, LOOK)]
    answered_s = [e.end - e.due for e in good if e.outcome == "ok"]
    answered_at: list[list[float]] = history.facts.get("answered_at", [])
    ejected: list[tuple[int, float]] = history.facts.get("ejected", [])
    out_s = [min(at + p.memory_s, end) - max(at, begin) for i, at in ejected if i not in sick(p)]
    healthy_s = (p.servers - len(sick(p))) * (end - begin)
    return {
        **attracted(answered_at, p),
        "lost": sum(lost) / len(lost) if lost else nan,
        "answered_ms": 1e3 * sum(answered_s) / len(answered_s) if answered_s else nan,
        "attempts": sum(between(times, begin, end) for times in answered_at) / len(due) if due else nan,
        "wasted": sum(between(answered_at[i], begin, end) for i in sick(p) if i < len(answered_at)),
        "ejections": between((at for _, at in ejected), begin, end),
        "out": sum(s for s in out_s if s > 0) / healthy_s if healthy_s else 0.0,
        "found_s": min((at - begin for at, many in looks if many <= 0.1 * LOOK), default=end - begin),
    }


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """What the servers' own lists of jobs say: whether answers were worked for, and what the sick were sent."""
    begin, end = spell_s(p)
    jobs = [held.machines[name].jobs if (name := f"server {i}") in held.machines else () for i in range(p.servers)]
    told = history.where(outcome="ok")
    return {
        **attracted([[done for _, done, _ in of_server if done is not None] for of_server in jobs], p),
        "attempts": sum(map(len, jobs)) / len(history) if len(history) else nan,
        "owed_s": owed([(e.end, e.args[0]) for e in told], held.done()),
        "capacity": held.capacity,
        "dodged": sum(begin < at < end and work_s != p.fail_s for i in sick(p) for at, _, work_s in jobs[i]),
        "untrue": sum(not e.args[1] for e in told),
    }


def goodput(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Answers that were good, as a rate."""
    step, ends = run_s(p) / BINS, parts.answered(history)
    return {"answers": [(k * step, between(ends, k * step, (k + 1) * step) / step) for k in range(BINS)]}


def asked(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Requests that came to a sick server, and to another, while some were sick: means."""
    counts = [between(times, *spell_s(p)) for times in history.facts["answered_at"]]
    ill, well = [counts[i] for i in sick(p)], counts[len(sick(p)) :]
    groups = (("a sick server", ill), ("another server", well))
    return {"requests": [(name, sum(found) / len(found)) for name, found in groups if found]}


def share_at_full_load(servers: int, fail_s: float) -> float:
    """What one sick server gets of the requests where no server is ever idle: each what it is through with."""
    return (1 / fail_s) / (1 / fail_s + (servers - 1) / SERVE_S)


def share_below(servers: int, slots: int, load: float) -> float:
    """What one sick server gets where it is always found idle, since failing takes no time.

    The others have one request open each at most, and the lot among the idle is fair. The number j of them that is
    busy then has the weights a^j/j! (n - j) of a birth and death process, whatever the distribution of work, and of
    these the sick server gets a^j/j!. That is one over the number of idle servers, on average, were the others the
    lines of a loss system, of which a(1 - B) are busy.
    """
    offered = load * servers * slots
    return 1 / (servers - offered * (1 - erlang_b(offered, servers - 1)))


TEN = {"servers": 10, "slots": 2, "poison": 0.0}
ONE = {"sick": 1, "poison": 0.0, "load": 0.7}
FIVE = {**TEN, "sick": 5, "load": 0.4}
SIX = {**TEN, "sick": 6, "load": 0.3}
HALF = {**TEN, "sick": 5, "load": 0.7}
BAD = {**TEN, "sick": 0, "load": 0.7, "poison": 0.5}
BAD_FIFTH = {**BAD, "poison": 0.2}
WELL = {**TEN, "sick": 0, "load": 0.3}
BELOW = {"servers": 10, "slots": 1, "sick": 1, "poison": 0.0, "load": 0.7, "fail_s": 0.001}
NEAR = {**BELOW, "load": 0.9}
FULL = {**BELOW, "load": 20.0}
FAST = "fail_s <= 0.005"
KEPT = f"{FAST} and 3 <= memory_s <= 8"
"""Remembered for long beside an answer, and tried again while the run lasts."""
SEVERAL = f"{KEPT} and servers >= 8 and 2 <= slots <= 8"
CURES = ("ejection", "ejection_floor", "ejection_panic", "failures_as_load")
SRE, ENVOY, PANIC, CUI = "The SRE book 2016", "Envoy, outlier_detection.proto", "Envoy, Panic threshold", "Cui 2020"

HOLE = "least_connections.share > 2 * params.sick / params.servers"
CASCADE = "ejection.out > 0.3 and ejection.lost > failures_as_load.lost + 0.2"
RELATIVE = "failures_as_load.lost < max(0, 1 - (1 - params.sick / params.servers) / params.load) + 0.1"


def worst(measured: str) -> str:
    """The most of it among all that look at answers."""
    return f"max({', '.join(f'{one}.{measured}' for one in CURES)})"


CLAIMS = (
    Claim(
        HOLE,
        "A server that fails at once is always the least busy.",
        SRE,
        breaks="least_connections",
        where="sick == 1 and poison == 0 and servers >= 5 and load * slots >= 1.4 and fail_s <= 0.01",
    ),
    Claim(
        "least_connections.share < 0.4",
        "With one request at a time others are idle too, and the lot decides: far from .917.",
        given=BELOW,
    ),
    Claim(
        "least_connections.share < 1.5 * params.sick / params.servers",
        "Failures that take as long as answers attract nothing.",
        given={**ONE, "fail_s": SERVE_S},
        spares="least_connections",
        where="servers <= 12 and 2 <= slots <= 16",
    ),
    Claim(
        "least_connections.share < 2 * params.sick / params.servers",
        "Nor do they attract twice a fair share if they take half as long.",
        given={**ONE, "slots": 2, "fail_s": SERVE_S / 2},
        where="servers <= 12",
    ),
    Claim(
        "retry_elsewhere.lost < 0.3 * least_connections.lost and retry_elsewhere.attempts > 1.5",
        "With one sick server the second attempt mostly finds another; most requests are sent twice.",
        given=ONE,
        where=f"{FAST} and 5 <= servers <= 12 and 2 <= slots <= 8",
    ),
    Claim("retry_elsewhere.lost > 0.4", "With five of ten it falls into the next hole.", given=FIVE, where=FAST),
    Claim(
        f"{worst('lost')} < 0.1 * least_connections.lost",
        "Whoever looks at the answers finds the one sick server.",
        SRE,
        given=ONE,
        where=SEVERAL,
    ),
    Claim(f"{worst('found_s')} < 2", "Within two seconds.", given=ONE, where=SEVERAL),
    Claim(
        "5 * ejection.ejections <= ejection.wasted <= 9 * ejection.ejections",
        "Whenever a sick server is tried again it takes five failures, and those on their way.",
        given={**ONE, "slots": 2},
        where=KEPT,
    ),
    Claim(
        "ejection_floor.lost > 0.8 * least_connections.lost",
        "Of five sick servers a tenth of ten ejects one; the other four are holes.",
        given=FIVE,
        where=KEPT,
    ),
    Claim(
        "max(ejection.lost, ejection_panic.lost) < 0.25 * least_connections.lost",
        "Without that limit all five are ejected, and half of the servers is no panic.",
        PANIC,
        given=FIVE,
        where=KEPT,
    ),
    Claim(
        "ejection_panic.lost > 0.8 * least_connections.lost and ejection.lost < 0.25 * least_connections.lost",
        "With six of ten ejected the balancer panics, and sends to the sick.",
        PANIC,
        given=SIX,
        where=KEPT,
    ),
    Claim(
        CASCADE,
        "The healthy half cannot carry it, refuses, and is ejected for that: in four runs of a hundred only late.",
        over="mean",
        given=HALF,
        where=KEPT,
    ),
    Claim(
        "ejection.lost > 0.3 and ejection.out > 0.5",
        "Requests that fail everywhere eject healthy servers, until hardly one is left.",
        given=BAD,
        where=KEPT,
    ),
    Claim(
        "max(ejection_floor.lost, ejection_panic.lost) < 0.05",
        "A floor and a panic threshold are for that: servers are left, or all are used.",
        ENVOY,
        given=BAD,
        where=KEPT,
    ),
    Claim(
        "0.05 < ejection_floor.out <= 0.1 and ejection_panic.out > 0.3",
        "With the floor a tenth of the healthy servers stands idle; with the threshold many count as ejected.",
        given=BAD,
        where=KEPT,
    ),
    Claim(RELATIVE, "With five of ten sick it needs no limit, and finds them.", SRE, given=FIVE, where=KEPT),
    Claim(RELATIVE, "With six of ten it finds them too.", SRE, given=SIX, where=KEPT),
    Claim(RELATIVE, "Of what the healthy half cannot carry it loses little more.", SRE, given=HALF, where=KEPT),
    Claim(RELATIVE, "Where all fail alike nobody looks worse than another.", SRE, given=BAD, where=KEPT),
    Claim(
        "failures_as_load.lost > least_connections.lost"
        " and failures_as_load.answered_ms > 1.02 * least_connections.answered_ms",
        "The price: chance looks like load, and servers with bad luck stand idle beside queues.",
        given=BAD_FIFTH,
        where="3 <= memory_s <= 8",
    ),
    Claim(
        "max(ejection.again, failures_as_load.again) < 0.3 < 0.6 < least_connections.again < 1.5",
        "A server that is well again is kept away until its failures are forgotten.",
        given={**ONE, "slots": 2, "memory_s": 30.0},
        where=f"{FAST} and servers >= 8",
    ),
    Claim(
        "0.8 < failures_as_load.share / (params.sick / params.servers) < 1.2",
        "A failure that counts as long as an answer takes leaves the sick server its fair share.",
        CUI,
        given={**ONE, "slots": 2, "memory_s": SERVE_S},
        where=f"{FAST} and 8 <= servers <= 12",
    ),
    Claim(
        f"{worst('lost')} == 0 and retry_elsewhere.attempts < 1.05 and ejection.ejections == 0",
        "Where nothing fails none of them does anything.",
        given=WELL,
    ),
)

DEMANDS = (
    Claim("yours.lost < 0.05", "A server that fails must not get the requests.", given={**TEN, "sick": 1}),
    Claim("yours.lost < 0.15", "Nor five that do.", given=FIVE),
    Claim("yours.lost < 0.2", "Nor six.", given=SIX),
    Claim("yours.lost < 0.4", "Where the healthy cannot carry it all, they still do what they can.", given=HALF),
    Claim("yours.lost < 0.05", "Bad requests must not take good servers away.", given=BAD),
    Claim("yours.attempts < 1.2", "A cure that sends everything twice is none for what must happen once."),
    Claim("yours.again > 0.2", "Who is well again is used again."),
    Claim("yours.untrue == 0", "What failed is not told to have been done.", always=True),
    Claim("yours.dodged == 0", "A sick server does no work.", always=True),
    Claim("yours.owed_s < 0.001", "An answer comes after a server has done its work.", always=True),
    Claim("yours.capacity <= params.servers * params.slots", "The servers are those that there are.", always=True),
)

FIGURES = (
    Figure(
        "share of the sick server at full load",
        share_at_full_load(10, FULL["fail_s"]),
        "least_connections.share",
        0.05,
        "D",
        "(1/f) / (1/f + (n - 1)/s): ten servers, 1 ms to fail, 100 ms to serve, no server is ever idle",
        given=FULL,
        stages=("sim",),
    ),
    Figure(
        "share of the sick server below full load",
        share_below(10, 1, NEAR["load"]),
        "least_connections.lost",
        0.2,
        "D",
        "1 / (n - a(1 - B)), Erlang's B for n - 1 lines: load 0.9, one request at a time, failing takes no time",
        given=NEAR,
    ),
    Figure(
        "lost when five of ten are sick at load 0.7",
        1 - 0.5 / HALF["load"],
        "failures_as_load.lost",
        0.25,
        "D",
        "what exceeds the capacity of the healthy: 1 - (1 - sick / servers) / load",
        given=HALF,
    ),
)

SOURCES = (
    Source(
        "The SRE book, chapter 20, Load Balancing in the Datacenter",
        2016,
        "https://sre.google/sre-book/load-balancing-datacenter/",
    ),
    Source(
        "Envoy, outlier_detection.proto",
        2024,
        "https://github.com/envoyproxy/envoy/blob/1282f875e97fdff79ef5cb6be59e01e23c6e2f5f/"
        "api/envoy/config/cluster/v3/outlier_detection.proto",
    ),
    Source(
        "Envoy, Panic threshold",
        2025,
        "https://envoyproxy.io/docs/envoy/latest/intro/arch_overview/upstream/load_balancing/panic_threshold",
    ),
    Source(
        "Y. Cui, Amazon Builders' Library in Focus 6: Implementing Health Checks",
        2020,
        "https://lumigo.io/blog/amazon-builders-library-in-focus-6-implementing-health-checks/",
    ),
)

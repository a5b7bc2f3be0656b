"""How it is judged: what is measured, what the model says, what is claimed and demanded, and where that comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import nan
from typing import Any, Protocol

from windtunnel import Claim, Event, Figure, History, Source
from windtunnel.catalogue.scale.how_stale.wars import asked, missed_by_count, missed_when_exponential
from windtunnel.statistics import latency_mean

AGES = {
    "LinkedIn disk": (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0),
    "LinkedIn SSD": (0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
    "Yammer": (0.0, 1.0, 5.0, 20.0, 100.0, 300.0, 1000.0),
    "exponential": (0.0, 1.0, 5.0, 10.0, 20.0, 50.0),
}
"""Milliseconds after the acknowledgement, of the line that the model draws."""
WHILE = -1.0
"""The age of a read while the key is being written."""
NEVER = -2.0
"""That of a read of a key that nobody writes."""
FRONT_TRIALS = 20_000
"""For a picture of all pairs."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def fit(self) -> str: ...

    @property
    def copies(self) -> int: ...

    @property
    def age_ms(self) -> float: ...


def ages_ms(p: Setting) -> tuple[float, ...]:
    """The ages at which somebody reads: at once, and when it is asked."""
    return (0.0,) if p.age_ms == 0 else (0.0, p.age_ms)


def missed(history: Sequence[Event], age_ms: float) -> float:
    """The share of reads of that age, after an acknowledged write, that do not see it, or are not answered."""
    put = {e.args[0] for e in history if e.name == "put" and e.outcome == "ok"}
    found = [
        e.outcome == "ok" and e.value is True
        for e in history
        if e.name == "get" and e.args[1] == age_ms and e.args[0] in put
    ]
    return 1 - sum(found) / len(found) if found else nan


def went_back(history: Sequence[Event]) -> int:
    """How many who read twice during a write saw it, and then did not."""
    seen: dict[str, list[bool]] = {}
    for event in history:
        if event.name == "get" and event.args[1] == WHILE and event.outcome == "ok":
            seen.setdefault(event.client, []).append(event.value is True)
    return sum(looks == [True, False] for looks in seen.values())


def of_model(history: Sequence[Event]) -> dict[str, Any]:
    """What the model said; nothing where it was not asked."""
    found: dict[str, Any] = next((e.value for e in history if e.name == "model" and e.outcome == "ok"), {})
    return found


def measure(history: History, p: Setting) -> dict[str, float]:
    """What readers missed, what both sides waited for, and what the model says of the same quorums."""
    put_ms, get_ms = (
        1e3 * latency_mean([e for e in history if e.name == name and e.args[-1] != WHILE]) for name in ("put", "get")
    )
    told = of_model(history)
    stale = told.get("stale", [nan])
    return {
        "stale_at_once": missed(history, 0.0),
        "stale": missed(history, p.age_ms),
        "went_back": float(went_back(history)),
        "invented": float(sum(e.args[1] == NEVER and e.value is True for e in history if e.name == "get")),
        "put_ms": put_ms,
        "get_ms": get_ms,
        "both_ms": put_ms + get_ms,
        "model_at_once": float(stale[0]),
        "model_stale": float(stale[-1]),
        "model_sure_ms": float(told.get("sure_ms", nan)),
        "model_get_ms": float(told.get("get_ms", nan)),
        "model_put_p999_ms": float(told.get("put_p999_ms", nan)),
        "model_get_p999_ms": float(told.get("get_p999_ms", nan)),
        "model_both_p999_ms": float(told.get("put_p999_ms", nan)) + float(told.get("get_p999_ms", nan)),
    }


def seen(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Chart: the share of reads that see a write, by its age: as the model has it, and as it was measured."""
    told = of_model(history)
    line = [(age, 1 - stale) for age, stale in zip(AGES[p.fit], told.get("stale", []), strict=False)]
    return {"model": line} | {f"measured after {age:g} ms": [(age, 1 - missed(history, age))] for age in ages_ms(p)}


def front(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Chart: pairs of quorums that no other pair beats in both, cost and staleness, and the design's own pair."""
    own = of_model(history)
    found = [
        (one.put_p999_ms + one.get_p999_ms, one.sure_ms)
        for reads, writes in product(range(1, p.copies + 1), repeat=2)
        for one in [asked(p.fit, p.copies, reads, writes, (), FRONT_TRIALS, 0)]
    ]
    best = [one for one in sorted(found) if all(one[1] < other[1] or one == other for other in found if other <= one)]
    place = [(own["put_p999_ms"] + own["get_p999_ms"], own["sure_ms"])] if own else []
    return {"pairs that no other beats": best, "this design": place}


PBS = "Bailis et al., Probabilistically Bounded Staleness, 2012"
DISK: dict[str, object] = {"fit": "LinkedIn disk", "copies": 3, "still_s": 0.0}
FEW = {"probes": 20, "trials": 200_000}
"""Where the model is asked few writes do."""
AT_ONCE = {**DISK, **FEW, "age_ms": 0.0}
OFTEN = {**AT_ONCE, "trials": 500_000}
"""One in a thousand is late, and how late those are differs by a twentieth between runs of fewer trials."""
SOLID = {"probes": 100, "fit": "LinkedIn SSD", "copies": 3, "age_ms": 5.0, "still_s": 0.0}
YAMMER = {**FEW, "fit": "Yammer", "copies": 3, "still_s": 0.0}
NOBODYS = {**FEW, "fit": "exponential", "copies": 3, "age_ms": 10.0, "still_s": 0.0}
BOUNDED = {**DISK, "age_ms": 10.0, "stale": 0.02, "probes": 100}
STILL = {**DISK, "probes": 20, "trials": 10_000, "still_s": 60.0}
CALM = "still_s == 0"
USUAL = f"{CALM} and fit == 'LinkedIn disk' and probes >= 100"

MOSTLY = "one_one.stale_at_once > 0.4"
MEETS = "max(majorities.stale_at_once, read_all.stale_at_once, write_all.stale_at_once) == 0"
BOUND = "chosen.stale <= params.stale + 4 * (params.stale / params.probes) ** 0.5"
CHEAPER = (
    "chosen.both_ms < 0.8 * majorities.both_ms and chosen.model_both_p999_ms < 0.7 * majorities.model_both_p999_ms"
)
CLAIMS = (
    Claim(
        MOSTLY,
        "The first copy to have a write is one of three, and the first to answer a read is mostly another.",
        where=USUAL,
        breaks="one_one",
    ),
    Claim(
        "max(one_one.stale, one_one.model_stale) < 0.01",
        "On SSDs a write is everywhere within a few milliseconds: waiting for one is good enough for reads after five.",
        given=SOLID,
        spares="one_one",
    ),
    Claim(
        "0 < two_reads.stale_at_once and two_reads.stale_at_once < 0.75 * one_one.stale_at_once",
        "A second copy halves what is missed, and the two that answer first may both not have heard.",
        where=USUAL,
        source=PBS,
    ),
    Claim(
        MEETS,
        "Where R + W > N each read meets a copy that acknowledged the write.",
        where=CALM,
        source=PBS,
    ),
    Claim(
        "max(majorities.model_at_once, read_all.model_at_once, write_all.model_at_once) == 0",
        "In the model as well.",
        source=PBS,
    ),
    Claim(
        "majorities.went_back > 0",
        "Overlap is not order: while a write is under way one read sees it, and the next one does not.",
        where=USUAL,
        over="mean",
    ),
    Claim(
        "read_all.went_back == 0 and write_all.went_back > 0",
        "Who asks all copies meets the one that had it again; who asks one does not, however many had acknowledged.",
        where=USUAL,
    ),
    Claim(
        BOUND,
        "What was rehearsed with the delays that were measured keeps the bound.",
        where=f"{CALM} and probes * stale >= 0.5",
    ),
    Claim(
        "chosen.model_stale <= params.stale",
        "And with other luck than that of the rehearsal.",
        where="trials * stale >= 100",
    ),
    Claim(
        "chosen.model_stale <= 0.06",
        "One read and one write, which miss a little more than that, are not taken.",
        given={**AT_ONCE, "age_ms": 10.0, "stale": 0.06},
    ),
    Claim(
        CHEAPER,
        "Where a copy may stand still a bound on age is cheaper to keep than none: writes do not wait for the second.",
        given=BOUNDED,
    ),
    Claim(
        "0.8 * read_all.both_ms < chosen.both_ms and chosen.both_ms < read_all.both_ms and "
        "chosen.model_both_p999_ms < 0.95 * read_all.model_both_p999_ms",
        "Than to read all copies it is cheaper by little.",
        given=BOUNDED,
        over="mean",
    ),
    Claim(
        "chosen.model_both_p999_ms == two_reads.model_both_p999_ms and chosen.model_stale == two_reads.model_stale",
        "What is chosen there is two reads and one write.",
        given=BOUNDED,
    ),
    Claim(
        "chosen.model_both_p999_ms == one_one.model_both_p999_ms and chosen.model_stale == one_one.model_stale",
        "On SSDs, five milliseconds later, it is one and one.",
        given={**SOLID, "stale": 0.02},
    ),
    Claim(
        "read_all.both_ms < 0.8 * majorities.both_ms and "
        "read_all.model_both_p999_ms < 0.8 * majorities.model_both_p999_ms and "
        "majorities.model_both_p999_ms < write_all.model_both_p999_ms",
        "Of overlaps the cheapest is to read all, as long as all of them answer, and the dearest to write all.",
        where=f"{USUAL} and copies == 3",
    ),
    Claim(
        "chosen.model_stale == 0 and chosen.model_both_p999_ms <= majorities.model_both_p999_ms",
        "Where reads come at once and may miss nearly nothing, it is an overlap that is chosen.",
        given={**AT_ONCE, "stale": 0.001},
    ),
    Claim(
        "write_all.model_put_p999_ms > 1.5 * majorities.model_put_p999_ms and "
        "majorities.model_put_p999_ms > 1.5 * one_one.model_put_p999_ms",
        "Writes are what is slow here: each copy more that is waited for is one more chance of a slow one.",
        where="fit == 'LinkedIn disk'",
    ),
    Claim(
        "write_all.answered_share < 0.8 and read_all.answered_share < 0.8 and majorities.answered_share == 1 and "
        "one_one.answered_share == 1 and two_reads.answered_share == 1 and chosen.answered_share == 1",
        "Who waits for all waits for the one that stands still.",
        given=STILL,
    ),
    Claim(
        "max(abs(one_one.stale_at_once - one_one.model_at_once), abs(two_reads.stale_at_once - "
        "two_reads.model_at_once)) < 2.5 / params.probes ** 0.5",
        "Copies on hosts, with messages on a network, miss as often as the model says.",
        where=CALM,
    ),
    Claim(
        "abs(one_one.get_ms - one_one.model_get_ms) < 0.12 * one_one.model_get_ms",
        "And take as long to answer.",
        where=f"{CALM} and probes >= 100 and fit != 'exponential'",
    ),
    Claim(
        "one_one.model_sure_ms > 2 * two_reads.model_sure_ms",
        "To be sure of a read takes half the wait, or less, where it asks one copy more.",
        where="fit == 'LinkedIn disk' and copies == 3 and trials >= 50000",
    ),
)

DEMANDS = (
    Claim("yours.answered_share == 1", "Everybody is answered.", given=DISK),
    Claim(
        "yours.stale <= 0.02",
        "Ten milliseconds after it was acknowledged, at most one read in fifty misses a write.",
        given={**DISK, "age_ms": 10.0},
        over="mean",
    ),
    Claim("yours.invented == 0", "Nobody is told of a write that there was not.", always=True),
    Claim(
        "yours.both_ms < 1.15 * chosen.both_ms",
        "A write and a read cost hardly more than those of the cheapest quorums that keep the bound.",
        given={**DISK, "age_ms": 10.0},
        over="mean",
    ),
    Claim("yours.unasked == 0", "What is said comes from copies.", given={**DISK, "age_ms": 10.0, "probes": 2}),
    Claim(
        "yours.answered_share == 1 and yours.both_ms < 100",
        "And everybody is answered while one copy stands still, not when it moves again.",
        given=STILL,
    ),
)


def _vq(name: str, value: float, ours: str, given: Mapping[str, object], tolerance: float, more: str = "") -> Figure:
    said = "the authors' fit of what was measured there, three copies; their number is of their own simulation"
    return Figure(name, value, ours, tolerance, "Vq", said + more, PBS, given=given)


FIGURES = (
    _vq(
        "LinkedIn disk, R = W = 1: share of reads that see a write at once",
        0.439,
        "1 - one_one.model_at_once",
        AT_ONCE,
        0.05,
    ),
    _vq("LinkedIn disk, R = W = 1: ms until 99.9 % see it", 45.5, "one_one.model_sure_ms", OFTEN, 0.2),
    _vq("LinkedIn SSD, R = W = 1: ms until 99.9 % see it", 1.85, "one_one.model_sure_ms", {**SOLID, **FEW}, 0.2),
    _vq("Yammer, R = W = 1: ms until 99.9 % see it", 1364, "one_one.model_sure_ms", YAMMER, 0.2),
    _vq(
        "Yammer, R = W = 1: ms of reads and writes together, 99.9th percentiles",
        16.4,
        "one_one.model_both_p999_ms",
        YAMMER,
        0.2,
    ),
    _vq("Yammer, R = 2, W = 1: ms until 99.9 % see it", 202, "two_reads.model_sure_ms", YAMMER, 0.25),
    _vq(
        "Yammer, R = 2, W = 1: ms of reads and writes together, 99.9th percentiles",
        43.3,
        "two_reads.model_both_p999_ms",
        YAMMER,
        0.2,
    ),
    _vq(
        "Yammer, R = 3, W = 1: ms of reads and writes together, 99.9th percentiles",
        230,
        "read_all.model_both_p999_ms",
        YAMMER,
        0.2,
    ),
    Figure(
        "three copies, R = W = 1, drawn at random, nothing spreads: share of reads that miss a write",
        missed_by_count(3, 1, 1),
        "one_one.model_at_once",
        0.02,
        "D",
        "C(N - W, R) / C(N, R); writes take an exponential time, all else nothing, read at once",
        PBS,
        given=NOBODYS,
    ),
    Figure(
        "the same 10 ms later",
        missed_when_exponential(3, 10.0),
        "one_one.model_stale",
        0.03,
        "D",
        "(N - 1)/N exp(-t / mean), mean 10 ms",
        given=NOBODYS,
    ),
)

SOURCES = (
    Source(
        "Bailis et al.: Probabilistically Bounded Staleness for Practical Partial Quorums",
        2012,
        "http://www.bailis.org/papers/pbs-vldb2012.pdf",
    ),
    Source("Bailis: cassandra-pbs, latency models", 2012, "https://github.com/pbailis/cassandra-pbs"),
    Source(
        "DeCandia et al.: Dynamo, Amazon's Highly Available Key-value Store",
        2007,
        "https://www.allthingsdistributed.com/files/amazon-dynamo-sosp2007.pdf",
    ),
)

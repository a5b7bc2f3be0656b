"""Each shard sees some visits. How many different people came, today, this week, and on both days?

**Clarify.** How wrong may the number be? Must one ask later who they were? Are days and shards added up, and does
somebody ask who came on two of them? How many come: hundreds, or a thousand million?

**Estimate.** A visitor's name and the end of a line are {name_bytes} bytes, so a million of them are {million_mb:.0f}
MB a day and shard. 2^{precision} registers of six bits are {bytes:,.0f} bytes, for an error of 1.04/sqrt(m) =
{error:.1%}; 2^14 are 12 KB, for {error_14:.2%}. A visitor who comes {visits} times meets s(1 - (1 - 1/s)^v) = {met:.2f}
of {shards} shards.

**Design.** The first proposal is a set. It is right, and takes what its members take; where few come, that is less
than registers would. The next one sends counts in the place of sets, and adds them: who was seen by several shards is
counted by each. Where each visitor always meets the same shard a day's counts add up, and a week's do not. A sample of
visits counts visits.

**Deep dive: registers.** A hash that begins with many zeros is rare, so the longest run of zeros that was seen tells
how many hashes there were. One run is a matter of luck; {registers:,} of them, each over its part of the hashes, and
their harmonic mean, are not. Whoever comes twice changes nothing. The maximum of two registers is the register of both:
merged shards are exactly who saw everything.

**Deep dive: few, and too many.** The mean as it is counts registers that nobody has touched as if somebody had: with
half a visitor a register it says more than one and a half times as many. Counts of zero registers correct that. Bits in
the place of registers (linear counting) err by sqrt(e^t - t - 1) / (t sqrt(m)) with t visitors for each of m bits: less
than as many bytes of registers up to t = {turn:.1f}, which is {turn_default:,.0f} visitors here. When all are set, it
can say no more than m ln m, and gives no sign.

**Deep dive: on both days.** No register says who. By totals it is |A| + |B| - |A or B|, a difference of large numbers,
each with its error: where one of fifty comes again the answer is noise. Where nine of ten do, it is not. Who sends the
least hashes that were seen, in as many bytes, can compare them: that is better for the few who come again, and worse
for how many came.

**Scale.** Memory does not grow with visitors, but with days, shards and whatever else one wants to add up later.

**What real systems do.** Redis has 2^14 registers of six bits and a header of 16 bytes, and merges them for `PFCOUNT`
of several keys. On stage valkey it is told of the same visits, beside the designs.

**Left open.** Reading the registers of both days at once for what most probably made them (Ertl), which is better than
a difference; CPC sketches; who must be forgotten again; a last hour that moves; who chooses names so that they hash to
zeros.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, sqrt
from random import Random

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.catalogue.scale.hyperloglog.claims import (
    CLAIMS,
    DEMANDS,
    FIGURES,
    FULL,
    LEAST,
    MERGED,
    SET,
    SOURCES,
    TRAP,
    TWICE,
    VISITS,
)
from windtunnel.catalogue.scale.hyperloglog.designs import (
    Exact,
    LeastHashes,
    LinearCounting,
    MergedHyperLogLog,
    RawHyperLogLog,
    SampleOfVisits,
    Setting as Setting,
    SumOfShards,
)
from windtunnel.catalogue.scale.hyperloglog.judging import by_day, measure, questions, sent, steps
from windtunnel.catalogue.scale.hyperloglog.rig import Rig

NAME_BYTES = 17


@dataclass(frozen=True)
class Params:
    """Who comes how often, and how large a sketch is."""

    visitors: int = param(2100, "different visitors of a day", 20, 20_000)
    visits: int = param(3, "visits of each on a day, each at a shard that chance chooses", 1, 4)
    shards: int = param(4, "shards that see visits", 1, 16)
    days: int = param(8, "days", 2, 16)
    overlap: float = param(0.3, "share of a day's visitors who come on the next day as well", 0.0, 0.95)
    precision: int = param(9, "registers of a sketch: two to the power of this", 6, 14)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`visit(day, shard, names)`, then `count(day)`; at last `count_all()`, and `both(day)`: it and the next."""

    def op(name: str, *args: object) -> Op:
        return Op(0.0, "client", name, args, think_s=0.0)

    today: list[str] = []
    for day in range(p.days):
        again = today[: round(p.overlap * len(today))]
        today = again + [f"{luck.getrandbits(64):016x}" for _ in range(p.visitors - len(again))]
        luck.shuffle(today)
        seen: list[list[str]] = [[] for _ in range(p.shards)]
        for name in today * p.visits:
            seen[int(luck.random() * p.shards)].append(name)
        for shard, names in enumerate(seen):
            yield op("visit", day, shard, tuple(names))
        yield op("count", day)
    yield op("count_all")
    for day in range(p.days - 1):
        yield op("both", day)


def turn() -> float:
    """Visitors a bit at which linear counting errs as much as registers in as many bits do."""
    low, high = 1.0, 20.0
    while high - low > 1e-6:
        load = (low + high) / 2
        errs_more = exp(load) - load - 1 > 6 * (1.04 * load) ** 2
        low, high = (low, load) if errs_more else (load, high)
    return low


__doc__ = (__doc__ or "").format(
    turn=turn(),
    turn_default=turn() * 6 * 2**Params.precision,
    name_bytes=NAME_BYTES,
    million_mb=NAME_BYTES,
    precision=Params.precision,
    bytes=0.75 * 2**Params.precision,
    registers=2**Params.precision,
    error=1.04 / sqrt(2**Params.precision),
    error_14=1.04 / sqrt(2**14),
    visits=Params.visits,
    shards=Params.shards,
    met=Params.shards * (1 - (1 - 1 / Params.shards) ** Params.visits),
)

experiment = Experiment(
    title="HyperLogLog",
    question="How many different visitors came, if each shard may keep a few kilobytes?",
    params=Params,
    workload=workload,
    designs={
        "exact": Exact,
        "sum_of_shards": SumOfShards,
        "sample_of_visits": SampleOfVisits,
        "linear": LinearCounting,
        "least": LeastHashes,
        "raw": RawHyperLogLog,
        "hll": MergedHyperLogLog,
    },
    rig=Rig,
    stages=("sim", "valkey"),
    measure=measure,
    seeds=6,
    charts=(
        Chart("What is told of each day", "day", "error, %", by_day),
        Chart("What a shard sends", "day", "bytes", sent, kind="bars", log="y"),
        Chart("How wrong each answer is", "question", "error, %", questions, kind="bars", log="y"),
        Chart("What each shard saw, and what was told", "step", "who", steps, kind="gantt"),
    ),
    asks=(
        Ask(
            "Four shards each send how many different visitors they saw; everybody comes three times. How many times "
            "too large is the sum?",
            "1 + sum_of_shards.bias",
            "times",
            1,
            4,
        ),
        Ask("How far off is HyperLogLog with 512 registers?", "100 * hll.rms", "%", 0.01, 100, log=True),
        Ask("How many bytes does it send, for a day?", "hll.bytes", "bytes", 1, 1_000_000, log=True),
    ),
    why=(
        Why("A set is right, and as large as what it holds.", SET),
        Why("Who was seen by several shards is counted by each.", TWICE),
        Why("Who comes often is in a sample of visits more often.", VISITS),
        Why("Bits that are all set count no further.", FULL),
        Why("Maxima of registers are the registers of all.", MERGED),
        Why("Who came twice is a small difference of large numbers.", TRAP),
        Why("Hashes that are kept can be compared; registers are not of anybody.", LEAST),
    ),
    maps=(
        Map(
            "linear.rms < hll.rms",
            "visitors",
            x_range=(400, 8000),
            log="x",
            given={"precision": 6, "visits": 1, "days": 16, "shards": 1, "overlap": 0.0},
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "What can a shard remember of a visitor that is the same however often the visitor comes, and wherever?",
        "How rare is a hash that begins with ten zeros, and what do you know when you have seen one?",
        "Keep the longest run of zeros for each part of the hashes; send the registers, take their maxima, and correct "
        "the mean where many registers are still zero.",
    ),
    sources=SOURCES,
    quick={"visitors": 1200, "precision": 8, "visits": 2},
)

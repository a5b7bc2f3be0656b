"""Eventually is a number: how long after a write is acknowledged do reads still miss it, and what does less cost?

**Clarify.** May a read miss a write at all? How long after it is it asked for, and by whom: by the one who wrote, or by
anybody? How often may it miss? What may a read cost, what a write, and must both go on while a copy stands still?

**Estimate.** {copies} copies; a write waits for W of them, a read for R. Drawn at random, with nothing that spreads,
R = W = 1 misses {blind:.0%} of the time, R = 2 with W = 1 {two:.0%}, and R + W > N never. But a write goes to all
copies at once, whoever waits for how many, so that what is missed shrinks with every millisecond. On LinkedIn's disks
a write takes {median:.1f} ms to a copy at the median and {tail:.0f} ms once in a thousand times; all else takes
{rest:.2f}.

**Design.** `one_one` waits for the first copy, to write and to read, as Cassandra did when nobody said otherwise. Right
after the acknowledgement more than half of its reads miss the write. `two_reads` asks one copy more. It misses far
less, and not nothing: the two that answer first are often those that a slow write has not reached.

**Deep dive: quorums that overlap.** `majorities` (two and two), `read_all` and `write_all` miss nothing that was
acknowledged. Each has its price, on the side that waits: one more copy to wait for is one more chance to wait for the
slow one. Writes are what is slow here, so that to read all is the cheapest of the three, and to write all the dearest.
But who waits for all is not answered at all while one copy stands still.

**Deep dive: ask how old.** A bound on age changes the answer, though by little where all copies may be waited for.
`chosen` rehearses all quorums with the delays that were measured, and takes the cheapest that keeps the bound and bears
a copy that stands still. On disks, for one miss in fifty after ten milliseconds, that is `two_reads`; where nearly
nothing may be missed at once it is an overlap; and on SSDs R = W = 1 is good enough after a few milliseconds.

**Deep dive: overlap is not order.** While a write is under way, R + W > N lets a read see it and the next one miss it
again: time goes backwards for whoever reads twice. It does not for `read_all`, which always meets the copy that it met
before; to write all helps nothing there. A cure that bears a copy that stands still is a matter of its own (`cap`).

**Scale.** Messages do not tell the quorums apart: {messages} for a write and {messages} for a read, whoever waits for
how many. What tells them apart is the tail of those that are waited for.

**What real systems do.** The paper behind this fitted what LinkedIn (Voldemort) and Yammer (Riak) had measured. On
SSDs R = W = 1 is seen by 999 reads of 1,000 within two or three milliseconds; with Yammer's delays that takes more than
a second, since {slow:.0%} of its writes take {slow_ms:.0f} ms on average to get to a copy.

**Left open.** The delays are drawn one by one: copies that are slow together, as on a machine that is overloaded, are
not in the fits, nor in ours. A copy that has lost what it had, a write that only some heard of, and read repair, which
spreads writes through reads, are left out; each read goes to all copies, as in Dynamo. Yammer's shape is 3.35 in one of
the authors' programs and 3.5 in another; the former is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Fault, Map, Op, Stage, Why, param, pause, process
from windtunnel.catalogue.scale.how_stale.hearing import audit
from windtunnel.catalogue.scale.how_stale.judging import (
    AGES,
    BOUND,
    CHEAPER,
    CLAIMS,
    DEMANDS,
    FIGURES,
    MEETS,
    MOSTLY,
    NEVER,
    SOURCES,
    WHILE,
    ages_ms,
    front,
    measure,
    seen,
)
from windtunnel.catalogue.scale.how_stale.wars import FITS, SURE, asked, missed_by_count, trials
from windtunnel.parts import Peer, first_answers
from windtunnel.sim import derive

PATIENCE_S = 30.0
"""Nobody waits longer: the fits have tails of seconds."""
EVERY_S = 0.02
"""Between two writes."""
Told = dict[str, object]


def told() -> dict[str, float]:
    """Of LinkedIn's disks, for the lesson: median and 99.9th percentile of W, median of the others, milliseconds."""
    import numpy as np

    w, a, _, _ = trials("LinkedIn disk", 3, 100_000, 0)
    slow = FITS["Yammer"][0]
    return {
        "median": float(np.median(w)),
        "tail": float(np.quantile(w, SURE)),
        "rest": float(np.median(a)),
        "slow": 1 - slow.share,
        "slow_ms": 1 / slow.rate_per_ms,
    }


@dataclass(frozen=True)
class Params:
    """What is asked of whom."""

    fit: Literal["LinkedIn disk", "LinkedIn SSD", "Yammer", "exponential"] = param(
        "LinkedIn disk", "how long messages take", choices=("LinkedIn disk", "LinkedIn SSD", "Yammer", "exponential")
    )
    copies: int = param(3, "copies of everything", 3, 5)
    age_ms: float = param(10.0, "milliseconds after the acknowledgement at which a read shall see a write", 0.0, 1000.0)
    stale: float = param(0.02, "share of those reads that may miss it", 0.001, 0.5)
    probes: int = param(150, "writes whose reads are timed, for each age", 2, 500)
    trials: int = param(50_000, "trials of the model", 10_000, 500_000)
    still_s: float = param(0.0, "seconds for which one copy stands still, from the start", 0.0, 60.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`put(key)`, and `get(key)` by the same client so long after its answer; `model()` asks the model.

    A third of the keys is read twice in turn by somebody else while it is being written.
    """
    yield Op(0.0, "who asks", "model", ())
    number = 0
    for age_ms in ages_ms(p):
        for i in range(p.probes):
            at = EVERY_S * (number + luck.random())
            yield Op(at, f"client {number}", "put", (number,), think_s=0.0)
            yield Op(at, f"client {number}", "get", (number, age_ms), think_s=1e-3 * age_ms)
            if i % 3 == 0:
                during = at + 1e-3 * luck.uniform(0, 15)
                yield Op(during, f"watcher {number}", "get", (number, WHILE), think_s=0.0)
                yield Op(during, f"watcher {number}", "get", (number, WHILE), think_s=0.0)
                yield Op(during, f"stranger {number}", "get", (-1 - number, NEVER), think_s=0.0)
            number += 1


def faults(p: Params) -> Sequence[Fault]:
    """One copy stands still, where that is asked."""
    return (pause("copy 0", at_s=0.0, for_s=p.still_s),) if p.still_s else ()


class Copy(Peer):
    """One of the copies: the keys that it has heard of."""

    def boot(self) -> None:
        self.known: set[int] = set()

    def store(self, key: int) -> bool:
        """Keep it; the answer is the acknowledgement."""
        self.known.add(key)
        return True

    def has(self, key: int) -> bool:
        """Whether it has heard of it."""
        return key in self.known


class OneOne:
    """A write is acknowledged by the first copy that has it, and a read takes the first answer."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.stage, self.p = stage, p
        self.sim = stage.sim
        self.copies = [Copy(stage, f"copy {i}") for i in range(p.copies)]
        self.writer, self.reader = Peer(stage, "writers"), Peer(stage, "readers")
        write, rest = FITS[p.fit]
        for copy in self.copies:
            for gate, there in ((self.writer, write), (self.reader, rest)):
                stage.network.connect(gate.host, copy.host, one_way=True, latency=there.draw_s)
                stage.network.connect(copy.host, gate.host, one_way=True, latency=rest.draw_s)
        self.reads, self.writes = self.quorums()

    def quorums(self) -> tuple[int, int]:
        """For how many copies a read waits, and for how many a write."""
        return 1, 1

    @process
    async def put(self, key: int) -> None:
        """Write to all, and wait for some."""
        await first_answers(self.writer, self.copies, self.writes, "store", key, within_s=PATIENCE_S)

    @process
    async def get(self, key: int, age_ms: float) -> bool:
        """Ask all, and wait for some; whether one of them has it."""
        return any(await first_answers(self.reader, self.copies, self.reads, "has", key, within_s=PATIENCE_S))

    def model(self) -> Told:
        """What the model says of these quorums: shares by age (the last is the one that is asked), and waits."""
        p, ages = self.p, AGES[self.p.fit]
        found = asked(p.fit, p.copies, self.reads, self.writes, (*ages, p.age_ms), p.trials, self.stage.seed)
        return {
            "stale": list(found.stale),
            "sure_ms": found.sure_ms,
            "put_p999_ms": found.put_p999_ms,
            "get_p999_ms": found.get_p999_ms,
            "get_ms": found.get_ms,
        }


class TwoReads(OneOne):
    """A read asks one copy more, and takes the newest of two answers."""

    def quorums(self) -> tuple[int, int]:
        return 2, 1


class ReadAll(OneOne):
    """A write is acknowledged by the first copy, and a read waits for all of them."""

    def quorums(self) -> tuple[int, int]:
        return self.p.copies, 1


class WriteAll(OneOne):
    """A write waits for all copies, and a read takes the first answer."""

    def quorums(self) -> tuple[int, int]:
        return 1, self.p.copies


class Majorities(OneOne):
    """Both wait for more than half, so that each read meets each write somewhere."""

    def quorums(self) -> tuple[int, int]:
        return self.p.copies // 2 + 1, self.p.copies // 2 + 1


class Chosen(OneOne):
    """Rehearse all quorums with the delays that were measured, and take the cheapest that keeps the bound."""

    spare = 0.5
    """What is rehearsed keeps this share of the bound: who is measured has luck of his own."""
    rehearsed = 50_000
    """Trials at most: what decides is a share of some hundredths, and the 99.9th percentile of 50 of them."""

    def quorums(self) -> tuple[int, int]:
        least, best = float("inf"), (self.p.copies, self.p.copies)
        count, other_luck = min(self.p.trials, self.rehearsed), derive(self.stage.seed, "rehearsal")
        for reads, writes in self.pairs():
            found = asked(self.p.fit, self.p.copies, reads, writes, (self.p.age_ms,), count, other_luck)
            if found.stale[0] <= self.spare * self.p.stale and found.put_p999_ms + found.get_p999_ms < least:
                least, best = found.put_p999_ms + found.get_p999_ms, (reads, writes)
        return best

    def pairs(self) -> Iterable[tuple[int, int]]:
        """All quorums in which a copy may stand still."""
        most = self.p.copies
        return ((reads, writes) for reads in range(1, most) for writes in range(1, most))


experiment = Experiment(
    title="How stale",
    question="How long after a write is acknowledged do reads still miss it, and what does it cost that they do not?",
    params=Params,
    workload=workload,
    faults=faults,
    designs={
        "one_one": OneOne,
        "two_reads": TwoReads,
        "read_all": ReadAll,
        "write_all": WriteAll,
        "majorities": Majorities,
        "chosen": Chosen,
    },
    measure=measure,
    audit=audit,
    charts=(
        Chart("Reads that see a write", "ms after its acknowledgement", "share of reads", seen),
        Chart(
            "What each pair costs",
            "ms of a write and a read, 99.9th percentiles",
            "ms until 99.9 % see it",
            front,
            log="x",
        ),
    ),
    asks=(
        Ask(
            "Three copies on LinkedIn's disks, R = W = 1. How often does a read right after it miss a write?",
            "one_one.stale_at_once",
            "of the reads",
            0,
            1,
        ),
        Ask(
            "After how many milliseconds do 99.9 % of the reads see it?",
            "one_one.model_sure_ms",
            "ms",
            1,
            10_000,
            log=True,
        ),
    ),
    why=(
        Why("The first copy to have a write is mostly not the first to answer a read.", MOSTLY),
        Why("Where R + W > N, each read meets a copy that acknowledged the write.", MEETS),
        Why("Where a copy may stand still, a bound on age is cheaper to keep than none.", CHEAPER),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "How many copies must a read ask to meet one that acknowledged the write, if the write waited for W?",
        "Which side is the slow one here, and which side would you let wait?",
        "The bound speaks of ten milliseconds: what do writes and reads take to arrive everywhere by then?",
    ),
    sources=SOURCES,
    seeds=6,
    maps=(Map(BOUND, "age_ms"),),
    quick={"probes": 100},
    warmup_s=lambda p: 0.0,
)

__doc__ = (__doc__ or "").format(
    copies=Params.copies,
    blind=missed_by_count(3, 1, 1),
    two=missed_by_count(3, 2, 1),
    messages=2 * Params.copies,
    **told(),
)

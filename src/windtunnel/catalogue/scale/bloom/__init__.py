"""A table is asked for keys that it does not have, and each time a page is read to say so. What can be known without?

**Clarify.** How many keys are asked for that are not there, and are they the same again and again? May the answer be
wrong, and to which side? (A key that is there must be found; a read for nothing costs a page.) Do keys come and go
after the filter is made? Does more than one process use it?

**Estimate.** To let one of {one_in:.0f} strangers through a Bloom filter needs log2(1/e)/ln 2 = {bits:.2f} bits a key
and {hashes:.0f} hashes; the keys themselves have {key_bits}. At the best a filter takes log2(1/e) = {least:.2f}, so a
Bloom filter wastes 44 %. A binary fuse filter lets one of 256 through for {fuse_many:.2f} bits a key of a million keys
({fuse_few:.1f} of {keys:,}), where a Bloom filter needs {same:.1f}. With twice the keys that it was made for a filter
of 1 % lets {full:.1%} through.

**Design.** The first proposal is a cache of what was not there. It knows who comes again, and nothing of who comes for
the first time. All keys in memory are right, and are as large as the keys. A filter is between: "certainly not", or
"look".

**Deep dive: whose bits.** Python salts `hash` for each process. A filter whose bits it chose, stored by one process and
read by another, misses nearly every key: a client is told that what is there is not. In one process no test finds
it.

**Deep dive: what changes.** A filter past its capacity says nothing and errs more and more. One that grows keeps its
rate for about twice the bits. Bits cannot be taken out, so deleted keys are read for as before; counters can be, and
take four times as much. A fuse filter takes neither new keys nor deleted ones: it is made anew from all keys, which
reads the table, and what comes meanwhile goes into a filter that grows.

**Scale.** A page is read where it is not in memory. Where all is there that is asked for, no filter saves anything.
At 1 % and with {keys:,} keys a Bloom filter is the smaller one ({bits:.2f} bits against {fuse_few:.1f}): a cell of a
fuse filter has eight bits, whether one needs so few errors or not, and few keys take more cells each. Of a million keys
the fuse filter is smaller there, too.

**What real systems do.** RocksDB stores a filter in each file of sorted keys, which never changes, and makes it with
the file. It puts the bits of a key into one cache line: 10 bits, 6 probes, .957 % of the strangers, as its code says.

**Left open.** Cuckoo, ribbon and xor filters; what a look costs in time (`python -m bench sketches`); ranges and
prefixes; who chooses keys so that they pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log2
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Why, param
from windtunnel.blocks.sketches import BinaryFuseFilter, BloomFilter
from windtunnel.catalogue.scale.bloom.claims import (
    CLAIMS,
    COUNTS,
    DEMANDS,
    FIGURES,
    FULL,
    READS,
    RIGHT,
    SALT,
    SMALL,
    SOURCES,
)
from windtunnel.catalogue.scale.bloom.designs import (
    KEY_BYTES,
    Bloom,
    CacheLines,
    Counting,
    Fuse,
    Growing,
    KeysInMemory,
    KnownAbsent,
    NoFilter,
    Salted,
)
from windtunnel.catalogue.scale.bloom.judging import KNOWN, by_kind, measure, memory, outgrown, time_line
from windtunnel.catalogue.scale.bloom.rig import Rig

BOTS, BATCH, STEPS = 20, 100, 6
"""Strangers that come again; gets that are answered together; pieces in which the table grows."""
FIRST_ASKED = 20
"""Keys that somebody asks for before they are put, and right after it: whether a name is free, say."""
OF_DELETED = 0.3
"""Of the gets for what is not there, once there are deleted keys."""


@dataclass(frozen=True)
class Params:
    """How large the table is, who asks for what, and what becomes of it."""

    keys: int = param(1000, "keys that are expected, and put at first", 500, 5000)
    gets: int = param(1000, "gets while nothing changes; then half as many while it does, and after it", 500, 20_000)
    hits: float = param(0.2, "share of the gets for keys that are there", 0.0, 1.0)
    again: float = param(0.2, "share of the strangers that come again and again", 0.0, 1.0)
    growth: float = param(2.0, "keys put until the end, over those expected", 1.0, 3.0)
    deleted: float = param(0.2, "share of the first keys that are deleted", 0.0, 0.9)
    error: float = param(0.01, "share of strangers that a filter may take for members", 0.0005, 0.1)
    processes: int = param(1, "processes: 2, and the second server runs in one of its own", 1, 2)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`put` and `delete` of keys, `get(keys, phase)`, and `hand_over` to the next server."""

    def fresh(many: int) -> tuple[str, ...]:
        return tuple(f"user:{luck.getrandbits(64):016x}" for _ in range(many))

    def op(name: str, *args: object) -> Op:
        return Op(0.0, "client", name, args, think_s=0.0)

    there, gone = list(fresh(p.keys)), list[str]()

    def one() -> str:
        if luck.random() < p.hits:
            return luck.choice(there)
        if luck.random() < p.again:
            return f"{KNOWN}{luck.randrange(BOTS):016x}"
        if gone and luck.random() < OF_DELETED:
            return luck.choice(gone)
        return fresh(1)[0]

    def gets(many: int, phase: str) -> Iterable[Op]:
        for start in range(0, many, BATCH):
            yield op("get", tuple(one() for _ in range(min(BATCH, many - start))), phase)

    yield op("put", tuple(there))
    yield op("hand_over")
    yield from gets(p.gets, "fresh")
    more = fresh(round((p.growth - 1) * p.keys))
    for step in range(STEPS if more else 0):
        part = more[len(more) * step // STEPS : len(more) * (step + 1) // STEPS]
        if part:
            yield op("get", part[:FIRST_ASKED], "growing")
        yield op("put", part)
        there += part
        if part:
            yield op("get", part[:FIRST_ASKED], "growing")
        yield from gets(p.gets // (2 * STEPS), "growing")
    count = round(p.deleted * p.keys)
    gone, there = there[:count], there[count:]
    yield op("delete", tuple(gone))
    yield from gets(p.gets // 2, "grown")
    yield op("hand_over")
    yield from gets(p.gets // 4, "again")


MANY, RATE = 100_000, 0.01
ONE, SAME = BloomFilter(MANY, RATE), BloomFilter(MANY, 2**-8)

__doc__ = (__doc__ or "").format(
    one_in=1 / RATE,
    bits=ONE.size_bits / MANY,
    hashes=ONE.hash_count,
    key_bits=8 * KEY_BYTES,
    least=log2(1 / RATE),
    fuse_many=BinaryFuseFilter.bits_a_key(1_000_000),
    fuse_few=BinaryFuseFilter.bits_a_key(Params.keys),
    keys=Params.keys,
    same=SAME.size_bits / MANY,
    full=(1 - exp(-2 * ONE.hash_count * MANY / ONE.size_bits)) ** ONE.hash_count,
)

experiment = Experiment(
    title="Bloom filter",
    question="How few bits a key save the reads for what a table does not have, and for how long?",
    params=Params,
    workload=workload,
    designs={
        "no_filter": NoFilter,
        "keys_in_memory": KeysInMemory,
        "known_absent": KnownAbsent,
        "salted": Salted,
        "bloom": Bloom,
        "cache_lines": CacheLines,
        "counting": Counting,
        "growing": Growing,
        "fuse": Fuse,
    },
    rig=Rig,
    stages=("machine",),
    measure=measure,
    seeds=6,
    charts=(
        Chart("Reads for nothing while the table grows", "keys put / keys expected", "% of new strangers", outgrown),
        Chart("Reads of the table by what is asked for", "key", "% of the gets", by_kind, kind="bars"),
        Chart("Bits a key", "when", "bits", memory, kind="bars"),
        Chart("How long each request takes", "ms", "request", time_line, kind="gantt"),
    ),
    asks=(
        Ask(
            "A filter that lets one of a hundred strangers through is filled with twice the keys that it was made for. "
            "Which share passes now?",
            "100 * bloom.wasted_grown",
            "% of new strangers",
            0,
            100,
        ),
        Ask("How many bits a key does it store?", "bloom.bits", "bits", 1, 200, log=True),
    ),
    why=(
        Why("Whoever is not there is read for in vain.", READS),
        Why("A key that nobody has asked for is in no cache of absent keys.", RIGHT),
        Why("Another process hashes the same key to other bits.", SALT),
        Why("Bits fill up: at twice its keys a filter lets many strangers through.", FULL),
        Why("A bit belongs to many keys, so that none can be taken out; a counter can.", COUNTS),
        Why("A cell in the place of bits costs less, where all keys are there at once.", SMALL),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "What must be remembered of a key to say later that another one is certainly not it?",
        "Is what you have stored the same for another process, and what becomes of it when twice as many keys come?",
        "Store a Bloom filter, or a binary fuse filter made from all keys, and put those that come later into a filter "
        "that grows.",
    ),
    sources=SOURCES,
    quick={"gets": 1000},
)

"""A host comes, or goes. Which keys are on another host then, and who has more of them than the others?

**Clarify.** Do hosts come and go, and which of them goes: any, or the one that came last? Is what they keep a cache,
which fills again, or data, of which each piece has to be somewhere at every moment? How much may whoever asks keep in
memory? (Keys are asked for equally often here.)

**Estimate.** With hash % n a key stays where both remainders are the same: of {n} hosts and one more {stays:.1%}, so
{moved:.1%} move. Who comes is to have {least:.1%}; all the rest moves for nothing. On a ring with one point a host the
fullest of {n} has {fullest:.2f} times its share, the harmonic number. With v points shares spread by the root of
(n - 1) / (nv + 1): {one:.0%} for one point, {points:.1%} for {v}, {discord:.1%} for Discord's 512.

**Design.** The first proposal is hash % n. It is as even as the hash and needs nothing, and it is good enough while
nobody comes or goes, and where hosts are multiplied: who doubles them moves half of the keys, all to those that came.
By a number that is no multiple keys go from one old host to another.

**Deep dive: a ring.** A host stands where its name hashes to, and has the keys that lie before it. Who comes takes keys
from the next host, and nobody else notices. But arcs are as unequal as chance makes them: the fullest host is asked for
more than it can do where the mean has time left, and who comes relieves one. With a hundred points nearly all give.

**Deep dive: numbers.** Jump hash computes a number below n and needs no ring. Where the last host goes it moves as few
keys as can be. Where the first one goes, all others have another number, and most keys move.

**Deep dive: scores, tables, bounds.** Rendezvous gives each host a score for each key: as even as the keys are, nothing
moves but what must, and each look computes a score for each host. Maglev's table is as even for one look, and moves a
few keys more. A bound of a quarter over a fair share of {slots:,} slots helps where a ring is uneven, with one point,
and moves more keys there: who is passed by no more gets back what went on. With a hundred points it hardly matters.

**Deep dive: moving.** Hosts hand over {batch} keys at a time. Who is asked for a key that is still on its way asks for
it, and lets the request wait. So each key is in one place or on the way to one, whenever one looks, and requests are
answered meanwhile, with hash % n too: what that costs is bytes, as many times more as there are hosts, and time.

**Scale.** A ring has n v entries in all who ask, Maglev's table {table:,}; jump hash and rendezvous have the names.

**What real systems do.** Discord's ExHashRing puts a host at 512 points by default. HAProxy bounds the requests that a
server of a ring has at one time, which Vimeo gave it. The Go library that the slots here are after bounds partitions.
Of jump hash its authors say that buckets must be numbered in sequence: it suits storage better than web caches.

**Left open.** Keys that many ask for; copies of a key; hosts of different size; a host that crashes while keys move;
caches, where who asks the new host finds nothing; a ring of one point on which a key tries many places; what a look
takes in time (`python -m bench placement`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.blocks.placement import MAGLEV_SIZE
from windtunnel.catalogue.scale.hash_ring.claims import (
    BOUND,
    CLAIMS,
    DEMANDS,
    FIGURES,
    MOVES,
    NUMBERED,
    ONCE,
    ONLY_THERE,
    SOURCES,
    UNEVEN,
    spread_of,
)
from windtunnel.catalogue.scale.hash_ring.designs import (
    SLOTS,
    Bounded,
    Highest,
    Jump,
    Maglev,
    Modulo,
    Ring,
    RingOfOne,
    Setting as Setting,
    named as named,
)
from windtunnel.catalogue.scale.hash_ring.judging import by_tenth, kept, measure, where_to
from windtunnel.catalogue.scale.hash_ring.keeper import BATCH, MOVE_S
from windtunnel.catalogue.scale.hash_ring.rig import Rig
from windtunnel.workload import lognormal, poisson

WORK_S = 0.02
"""Seconds that a request takes a host, on average; and the share of them that write."""
WRITES = 0.2
LOOKS = 4_000_000
"""Hosts times keys of which it is asked, in all clusters that are only counted: no more than that."""


@dataclass(frozen=True)
class Params:
    """How many hosts there are and come, how many keys they have, and how much is asked of them."""

    hosts: int = param(10, "hosts at first", 2, 16)
    more: int = param(1, "hosts that come, all at once", 1, 8)
    gone: Literal["first", "last"] = param(
        "first", "which host goes then, by the order of coming", choices=("first", "last")
    )
    keys: int = param(2000, "keys that they keep", 1000, 10_000)
    load: float = param(0.5, "share of the hosts' time that requests need at first", 0.1, 0.8)
    points: int = param(100, "points of a host on the ring", 1, 1000)
    clusters: int = param(4, "other clusters that are only asked where keys are", 1, 20)


def phase_s(p: Params) -> float:
    """How long hosts are left alone before, between and after the changes: longer than most keys take to move."""
    return 0.5 + 4 * p.keys / p.hosts * MOVE_S / (1 - p.load)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`begin(hosts, keys)`, `get` and `put(key, work_s)` all the time, `join(hosts)`, `leave(host)`; and
    `count(hosts, more, gone, keys)` for clusters of other names."""

    def names(many: int, of: str) -> tuple[str, ...]:
        return tuple(f"{of} {luck.getrandbits(64):016x}" for _ in range(many))

    def op(at_s: float, name: str, *args: object) -> Op:
        return Op(at_s, "operator", name, args)

    def who_goes(hosts: tuple[str, ...], more: tuple[str, ...]) -> str:
        return hosts[0] if p.gone == "first" else more[-1]

    hosts, more, keys = names(p.hosts, "host"), names(p.more, "host"), names(p.keys, "user")
    yield op(0.0, "begin", hosts, keys)
    yield op(phase_s(p), "join", more)
    yield op(2 * phase_s(p), "leave", who_goes(hosts, more))
    for i, at_s in enumerate(poisson(p.load * p.hosts / WORK_S, luck, until_s=3 * phase_s(p))):
        name = "put" if luck.random() < WRITES else "get"
        yield Op(at_s, f"client {i}", name, (luck.choice(keys), lognormal(WORK_S, 0.5, luck)))
    few = keys[: LOOKS // (p.clusters * (p.hosts + p.more))]
    for _ in range(p.clusters):
        those, others = names(p.hosts, "host"), names(p.more, "host")
        yield op(3 * phase_s(p), "count", those, others, who_goes(those, others), few)


SAID = Params()
__doc__ = (__doc__ or "").format(
    n=SAID.hosts,
    stays=1 / (SAID.hosts + 1),
    moved=SAID.hosts / (SAID.hosts + 1),
    least=1 / (SAID.hosts + 1),
    fullest=sum(1 / i for i in range(1, SAID.hosts + 1)),
    one=spread_of(SAID.hosts, 1),
    points=spread_of(SAID.hosts, SAID.points),
    v=SAID.points,
    discord=spread_of(SAID.hosts, 512),
    slots=SLOTS,
    batch=BATCH,
    table=MAGLEV_SIZE,
)

experiment = Experiment(
    title="Hash ring",
    question="How many keys move when a host comes or goes?",
    params=Params,
    workload=workload,
    designs={
        "modulo": Modulo,
        "ring_of_one": RingOfOne,
        "ring": Ring,
        "jump": Jump,
        "maglev": Maglev,
        "bounded": Bounded,
        "rendezvous": Highest,
    },
    rig=Rig,
    measure=measure,
    seeds=5,
    ends_s=lambda p: 5 * phase_s(p),
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("What was moved", "where", "share of the keys", where_to, kind="bars"),
        Chart("Keys on each host while they are moved", "second", "host, in the order of coming", kept, kind="heat"),
        Chart("Requests answered", "second", "share of a tenth of a second", by_tenth),
    ),
    asks=(
        Ask(
            "Ten hosts, and one more comes. Which share of the keys moves with hash % n?",
            "100 * modulo.moved_in",
            "%",
            0,
            100,
        ),
        Ask(
            "Each host stands at one point of the ring. How many times its share has the fullest one?",
            "ring_of_one.peak",
            "times",
            1,
            10,
        ),
    ),
    why=(
        Why("Another divisor is another remainder, for nearly every key.", MOVES),
        Why("On a ring who comes takes what lies before its points, and from nobody else.", ONLY_THERE),
        Why("One point a host makes arcs as unequal as chance does.", UNEVEN),
        Why("A number is no name: when the first goes, everybody has another.", NUMBERED),
        Why("Handed over one after the other, a key is at one host or on its way to one.", ONCE),
        Why("Who is full is passed by.", BOUND),
    ),
    maps=(
        Map(
            "ring.spread < 0.1",
            "points",
            "hosts",
            (1, 1000),
            (2, 16),
            line="(hosts - 1) / (hosts * points + 1) < 0.01",
            log="xy",
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "For which keys is the remainder by ten the same as by eleven?",
        "What if a host had a place of its own, whatever others there are, and a key went to the next one? How unequal "
        "are the stretches between ten places at random?",
        "Give each host a hundred places or more, by its name; or a score for each key, and let the highest have it.",
    ),
    sources=SOURCES,
    quick={"keys": 1000, "load": 0.3},
)

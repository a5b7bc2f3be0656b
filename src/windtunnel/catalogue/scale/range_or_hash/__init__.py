"""Records come all the time, and each is to be kept on one of several hosts. Under which key, and so on which host?

**Clarify.** What is asked for later: what an author has written, what was written in an hour, authors whose names begin
alike? Is one author, or one letter, busier than the others, and does that change? May an answer that comes too late be
given up? (Here each record is on one host, who asks waits for {patience} s, and no host fails.)

**Estimate.** Inserts need {work:.1f} of {n} hosts. If all go to one, it answers {one:.0%} of them. An author of
{star:.0%} of the inserts needs {star_work:.1f} hosts; whoever has his key answers {star_answered:.0%} of those, so that
a key of share p caps any number of hosts at 1 / p of one. A question out of the order of keys goes to all {n}.

**Design.** The first proposal is to keep records in the order of time, in ranges, as they will be read. It is good
enough while one host can do all inserts: a fifth of a second of records then lies on one host, where a hash asks all.
Beyond that it breaks, because what is written now always has the greatest key, and one host has the range of that.

**Deep dive: splitting.** A directory sees twice a second which host is busy, cuts one of its ranges where that evens
out best, and moves a side of it to another. All designs have it. It does not help the order of time: the cut is between
keys that are there already, and what comes next belongs to whoever has the upper side. The hot stripe goes from host to
host, and in the end all have had some; each has work left from it, and whoever asks all of them waits for the busiest.
Only a stripe that moves on before clients lose patience is spread: a host does what waits while the next one gets the
rest. Ten looks a second, and moves of milliseconds, save more than half. A key that gives each tenth of a second to
another host saves nearly all without a look: a fifth of a second is asked of three hosts then, an author still of all.

**Deep dive: names or hashes.** By name, neighbours in the alphabet lie together, and one host or two know all of them.
Those who are busy together are on one host too, until it is split. A hash has strewn them, and can say nothing about
them without all hosts, the busiest too. For one author who writes half of it all, both are the same: one key, one host.

**Deep dive: a key in parts.** Such an author gets {parts} keys, which his records take in turn, and his readers ask for
all. It is done while he writes. All hosts are told first, and refuse who still knows one key; then whoever asks is
told. So no answer leaves out what was written to a part that a reader does not know of. What was there stays there.
Hashed parts are apart at once; names in parts keep their order, and have to be moved apart.

**Deep dive: more behind the name.** None of that is needed where the key goes on, with a hash of the record behind the
name: names keep their order, a range can be cut within an author like anywhere else, and only who is too much for a
host lies on many. With the time behind the name, or a number that grows, his last record has the greatest key again.

**Deep dive: moving.** A range is copied {batch} records at a time between requests, by the host that still answers for
it. With the last of them the range is the other's, and who waits for it is sent there. So each key is in one place or
on its way to one whenever one looks, and at least 90 % are answered meanwhile.

**Scale.** The directory grows with the ranges; who asks keeps a copy, and learns from a host that it is old.

**What real systems do.** Bigtable keeps rows in the order of their keys, in tablets; Google's advice for celebrities is
a prefix computed from the key. MongoDB and CockroachDB say that increasing keys go to one range, and offer hashes;
where one value has grown too large to be split, MongoDB lets the key go on with another field. CockroachDB does not
split a range for load that no cut evens out; MapR does, so that the hot spot moves. DynamoDB takes 1,000 writes a
second for one key at most, and its guide puts suffixes to a busy one, all of which readers ask.

**Left open.** Copies of a record; hosts that fail; an index by time beside the hash; parts that are joined again;
who is busy by being read, for which there are caches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from string import ascii_lowercase

from windtunnel import Ask, Chart, Experiment, Map, Op, Why, param
from windtunnel.catalogue.scale.range_or_hash.claims import (
    ALL,
    CAP,
    CLAIMS,
    DEMANDS,
    FIGURES,
    LAST,
    ONCE,
    PARTS,
    SOURCES,
    STRIPE,
)
from windtunnel.catalogue.scale.range_or_hash.designs import (
    Hashed,
    HashedInParts,
    NameAndHash,
    OnName,
    OnTime,
    Setting as Setting,
)
from windtunnel.catalogue.scale.range_or_hash.judging import (
    asked_hosts,
    inserts,
    measure,
    posted,
    rise_s,
)
from windtunnel.catalogue.scale.range_or_hash.records import (
    EVERYWHERE as EVERYWHERE,
    Key as Key,
    Record as Record,
    Span as Span,
    only as only,
)
from windtunnel.catalogue.scale.range_or_hash.rig import PATIENCE_S, Rig
from windtunnel.catalogue.scale.range_or_hash.shard import BATCH
from windtunnel.workload import lognormal, poisson

WORK_S = 0.025
"""Seconds that an insert takes a host, on average."""
OLD_S = 5.0
"""For how long there have been records."""
READS = 0.12
"""Questions for each insert."""
SCAN_MS = 200
"""Of what time is asked for."""


@dataclass(frozen=True)
class Params:
    """How many hosts there are, how much is written, and by whom."""

    hosts: int = param(6, "hosts", 2, 8)
    load: float = param(0.6, "share of the hosts' time that inserts need", 0.05, 0.9)
    star: float = param(0.5, "share of one author in the inserts, from a quarter of the run on", 0.0, 0.8)
    crowd: float = param(0.1, "share of a twentieth of the alphabet, from then on", 0.0, 0.8)
    parts: int = param(12, "keys of an author who is too much for one host, where a design gives him several", 2, 48)
    authors: int = param(200, "authors", 40, 1000)
    old: int = param(300, "records that are there at first", 100, 1000)
    watch_s: float = param(0.5, "how often it is looked whether a range is to be split or moved; 0: never", 0.0, 2.0)
    duration_s: float = param(6.0, "how long it goes on", 4.0, 10.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`begin(old)`; `post(author, at_ms, number, work_s)` all the time, and now and then `of_author(author, number)`,
    `of_time(since_ms, until_ms, number)` and `of_names(first, last, number)`."""
    names = sorted({"".join(luck.choices(ascii_lowercase, k=8)) for _ in range(p.authors)})
    near = len(names) // 20
    place = luck.randrange(len(names) - near)
    crowd, others = names[place : place + near], names[:place] + names[place + near :]
    star = luck.choice(others)
    old = tuple(Record(luck.choice(names), -luck.randrange(1, round(OLD_S * 1000)), -i - 1) for i in range(p.old))
    round_of_asks = list[int]()
    yield Op(0.0, "operator", "begin", (old,))
    for number, at_s in enumerate(poisson(p.load * p.hosts / WORK_S, luck, until_s=p.duration_s)):
        at_ms, client = round(at_s * 1000), f"client {number}"
        lot = luck.random() if at_s >= rise_s(p) else 1.0
        author = star if lot < p.star else luck.choice(crowd if lot < p.star + p.crowd else names)
        yield Op(at_s, client, "post", (author, at_ms, number, lognormal(WORK_S, 0.5, luck)))
        if luck.random() < READS:
            since_ms = at_ms - SCAN_MS - luck.randrange(round(OLD_S * 1000))
            first = luck.randrange(len(names) - near)
            asks = (
                ("of_author", (luck.choice(names), number)),
                ("of_author", (star, number)),
                ("of_author", (star, number)),
                ("of_time", (since_ms, since_ms + SCAN_MS, number)),
                ("of_names", (names[first], names[first + near], number)),
            )
            if not round_of_asks:  # each of them in each five, so that hardly a run is without one
                round_of_asks = luck.sample(range(len(asks)), len(asks))
            yield Op(at_s, client, *asks[round_of_asks.pop()])


SAID = Params()
__doc__ = (__doc__ or "").format(
    patience=PATIENCE_S,
    n=SAID.hosts,
    work=SAID.load * SAID.hosts,
    one=1 / (SAID.load * SAID.hosts),
    star=SAID.star,
    star_work=SAID.star * SAID.load * SAID.hosts,
    star_answered=1 / (SAID.star * SAID.load * SAID.hosts),
    parts=SAID.parts,
    batch=BATCH,
)

experiment = Experiment(
    title="Range or hash",
    question="Which host gets the next record, and how many are asked for it later?",
    params=Params,
    workload=workload,
    designs={
        "range_on_time": OnTime,
        "range_on_name": OnName,
        "hashed": Hashed,
        "hashed_in_parts": HashedInParts,
        "name_and_hash": NameAndHash,
    },
    rig=Rig,
    measure=measure,
    seeds=6,
    ends_s=lambda p: p.duration_s + 2 * PATIENCE_S,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Inserts that come to each host", "second", "host", inserts, kind="heat"),
        Chart("Inserts that are answered", "second", "share of half a second", posted),
        Chart("Hosts that an answer takes", "what is asked for", "hosts", asked_hosts, kind="bars"),
    ),
    asks=(
        Ask(
            "Keys are times, and inserts need six tenths of all hosts' time. Which share of them is answered?",
            "100 * range_on_time.settled",
            "%",
            0,
            100,
        ),
        Ask(
            "One author writes half of all. With a hash of the name, which share of that work is done?",
            "100 * hashed.done / (params.load * params.hosts)",
            "%",
            0,
            100,
        ),
    ),
    why=(
        Why("What is written now has the greatest key, and one host has the last range.", LAST),
        Why("A split moves the stripe on, and by the second all hosts look alike.", STRIPE),
        Why("A hash cannot split what is one key.", CAP),
        Why("Several keys can be on several hosts.", PARTS),
        Why("What a hash has strewn all hosts have to be asked for.", ALL),
        Why("A range is the other's with the last of its records, and not before.", ONCE),
    ),
    maps=(
        Map(
            "hashed.settled > 0.95",
            "star",
            "load",
            (0.0, 0.8),
            (0.1, 0.9),
            line="star * load * hosts < 1",
        ),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Which key has the record that is written next, and who has the range of it?",
        "If nothing else tells two records apart than who wrote them, can they be on two hosts? What of an author who "
        "writes as much as all others?",
        "Give him several keys, by the numbers of his records, and have whoever asks for him look under all of them; "
        "nobody else. Or let each key go on behind the name, with something that does not grow.",
    ),
    sources=SOURCES,
    quick={"hosts": 5, "old": 200},
)

"""What is claimed of placement, what a challenger's has to hold to, and what the sources say."""

from __future__ import annotations

from math import sqrt

from windtunnel import Claim, Figure, Source
from windtunnel.blocks.placement import MAGLEV_SIZE
from windtunnel.catalogue.scale.hash_ring.designs import EPSILON

KARGER, JUMP, MAGLEV, BOUNDED, HIGHEST = "Random Trees", "Minimal Memory", "Maglev", "Bounded Loads", "Name-Based"
DISCORD = "ExHashRing"

AFTER = "(params.hosts + params.more - 1)"
"""Hosts in the end."""
COUNTED = "clusters >= 4 and hosts >= 4"
"""Enough of them for a mean on one seed."""
TEN = {"hosts": 10, "more": 1, "gone": "first", "keys": 1000, "load": 0.2, "points": 100, "clusters": 4}
DOUBLED = {**TEN, "hosts": 4, "more": 4}
LAST = {**TEN, "gone": "last"}
FEW = {**TEN, "points": 20, "clusters": 8}
ONE_POINT = {**TEN, "points": 1}
BUSY = {**TEN, "hosts": 12, "keys": 1500, "load": 0.8, "clusters": 1}
MANY = {**TEN, "keys": 6000, "clusters": 20, "load": 0.1}
ONE = {**MANY, "clusters": 1}
"""By hosts that are numbered all clusters are the same."""
ARCS = {"keys": 3000}

MOVES = "modulo.astray_in > 0.25"
ONLY_THERE = "max(ring_of_one.astray_in, ring.astray_in, jump.astray_in, rendezvous.astray_in) == 0"
ONLY_ITS_OWN = "max(ring_of_one.astray_out, ring.astray_out, rendezvous.astray_out) == 0"
UNEVEN = "ring_of_one.peak > 1.3 * rendezvous.peak"
ONE_GIVES = "ring_of_one.givers <= params.more"
NUMBERED = "jump.astray_out > 0.4"
ANSWERED = (
    "min(modulo.answered_moving, ring.answered_moving, jump.answered_moving, maglev.answered_moving,"
    " bounded.answered_moving, rendezvous.answered_moving) >= 0.95"
)
ONCE = (
    "max(modulo.astray_looks, ring_of_one.astray_looks, ring.astray_looks, jump.astray_looks, maglev.astray_looks,"
    " bounded.astray_looks, rendezvous.astray_looks) == 0"
)
BOUND = "bounded.peak < 1.6 and ring.peak > 1.2 * bounded.peak"

CLAIMS = (
    Claim(
        MOVES,
        "Another number of hosts, another remainder: keys go from one old host to another, which helps nobody.",
        breaks="modulo",
        where="more < hosts",
    ),
    Claim(
        "modulo.moved_mb > 0.5 * params.hosts * rendezvous.moved_mb",
        "As many times more bytes are moved as there are hosts, about.",
        where="more == 1 and keys >= 40 * hosts",
    ),
    Claim("modulo.move_s > rendezvous.move_s", "And it takes longer.", over="mean", where="more == 1 and hosts >= 4"),
    Claim(
        "modulo.astray_in == 0 and abs(modulo.moved_in - 0.5) < 0.08",
        "Whoever doubles the hosts moves no key too many: what is h or h + n modulo 2n is h modulo n.",
        given=DOUBLED,
        spares="modulo",
    ),
    Claim(
        "modulo.astray_in == 0 and abs(modulo.moved_in - 2 / 3) < 0.08",
        "Nor whoever makes three of each.",
        given={**DOUBLED, "more": 8},
        spares="modulo",
    ),
    Claim(
        "modulo.spread < 0.3 * ring_of_one.spread",
        "And as long as nobody comes or goes nothing is more even.",
        where=f"{COUNTED} and keys >= 20 * hosts",
        spares="modulo",
    ),
    Claim(ONLY_THERE, "A key moves to who comes, or not at all.", KARGER),
    Claim(ONLY_ITS_OWN, "And from who goes, or not at all.", KARGER),
    Claim(
        UNEVEN,
        "The half-measure moves few keys, and its arcs are as unequal as chance makes them.",
        where=f"{COUNTED} and hosts >= 6 and keys >= 50 * hosts",
    ),
    Claim(ONE_GIVES, "Who comes to a ring of one point relieves one host."),
    Claim(
        "min(ring.givers, jump.givers, maglev.givers, rendezvous.givers) > 0.7 * params.hosts",
        "At many points, or by scores, nearly all give something.",
        where="points >= 50 and keys * more >= 8 * hosts * (hosts + more)",
    ),
    Claim(
        "ring_of_one.answered < 0.98 * rendezvous.answered",
        "The fullest host of a ring of one point is asked for more than it can do.",
        given=BUSY,
    ),
    Claim(
        "0.6 < ring.spread / ((params.hosts - 1) / (params.hosts * params.points + 1)) ** 0.5 < 1.5",
        "What hosts own spreads by the root of (n - 1) / (n v + 1).",
        given=FEW,
    ),
    Claim(
        "rendezvous.spread < ring.spread",
        "Scores are as even as the keys.",
        HIGHEST,
        given=FEW,
    ),
    Claim(
        NUMBERED,
        "Hosts of jump hash are numbers, and when the first one goes all others change theirs.",
        JUMP,
        where="gone == 'first'",
    ),
    Claim(
        "max(jump.astray_out, ring.astray_out) == 0 and jump.moved_out < 0.2",
        "Where the last one goes it moves no key too many.",
        JUMP,
        given=LAST,
    ),
    Claim(
        "0 < maglev.astray_in + maglev.astray_out < 0.05",
        "A table in which all take turns is filled a little differently by others.",
        MAGLEV,
        where=f"{COUNTED} and more < hosts",
    ),
    Claim(
        "maglev.spread < ring.spread",
        "It is as even as turns.",
        MAGLEV,
        given=FEW,
    ),
    Claim(
        BOUND,
        "With one point, where a ring is as uneven as it gets, no host has a quarter over its share of slots.",
        BOUNDED,
        given=ONE_POINT,
    ),
    Claim(
        "min(bounded.astray_in, bounded.astray_out) > 0.02",
        "The price: who is passed by no more has keys back, and others go on.",
        BOUNDED,
        given=ONE_POINT,
    ),
    Claim(
        "bounded.astray_in + bounded.astray_out < 0.1",
        "At a hundred points few hosts are ever passed by.",
        BOUNDED,
        given=TEN,
    ),
    Claim(
        f"ring.entries == params.points * {AFTER} and ring_of_one.entries == {AFTER}"
        f" and maglev.entries == {MAGLEV_SIZE} and bounded.entries == 1021",
        "What that costs in memory, in everybody who asks: points, or a table.",
    ),
    Claim(
        f"modulo.entries == {AFTER} and jump.entries == {AFTER} and rendezvous.entries == {AFTER}",
        "Jump hash and scores need the names; a score is computed for each of them at each look.",
    ),
    Claim(
        ANSWERED,
        "Requests go on while keys are handed over: who has not got a key yet asks for it.",
        where="load <= 0.6 and points >= 100",
    ),
    Claim(ONCE, "Whenever one looks each key is in one place, at a host or on its way to one."),
    Claim(
        " and ".join(ONCE.replace("astray_looks", what) for what in ("lost", "stale", "fail")),
        "No write is lost by a move, no answer older than one before it, and nobody told that a key is not there.",
    ),
)

DEMANDS = (
    Claim("yours.astray_in < 0.02", "Keys move to who comes, and hardly any between the others.", given=TEN),
    Claim("yours.astray_out < 0.02", "From who goes, and hardly any between the others.", given=TEN),
    Claim("yours.moved_in > 0.06", "Who comes gets a share.", given=TEN),
    Claim("yours.peak < 1.4", "No host has much more than its share.", given=TEN),
    Claim("yours.fail == 0", "All programs agree where a key is, those too that have just been started.", given=TEN),
    Claim("yours.answered_moving >= 0.95", "While keys are moved requests are answered.", given=TEN),
    Claim(
        "yours.answered >= 0.95", "Before and after that too, at half of what hosts can do.", given={**TEN, "load": 0.5}
    ),
    Claim("yours.lost == 0", "What was written is there in the end.", given=TEN),
    Claim("yours.astray_in < 0.02", "The same where five come.", given={**TEN, "more": 5}),
    Claim("yours.astray_out < 0.02", "And where the last one goes.", given=LAST),
)


def spread_of(hosts: int, points: int) -> float:
    """The standard deviation of what hosts of a ring own, over the mean, root mean square over rings."""
    return sqrt((hosts - 1) / (hosts * points + 1))


def spread(points: int) -> Figure:
    """What hosts own, at so many points."""
    return Figure(
        f"standard deviation over mean, ten hosts, points: {points}",
        spread_of(10, points),
        "ring.spread",
        0.15,
        "D",
        "root mean square over rings; a host's share is Beta(v, (n - 1) v)",
        given={**MANY, **(ARCS if points == 1 else {}), "points": points},
    )


FIGURES = (
    *(spread(points) for points in (1, 10, 100)),
    Figure(
        "standard deviation over mean, ten hosts, Discord's points by default: 512",
        spread_of(10, 512),
        "ring.spread",
        0.2,
        "D",
        "the same; that the library has 512 by default is read in its README",
        DISCORD,
        given={**MANY, "keys": 10_000, "clusters": 16, "points": 512},
    ),
    Figure(
        "moved from 3 to 4 hosts, hash % n",
        3 / 4,
        "modulo.moved_in",
        0.05,
        "D",
        "n / (n + 1): who stays has the same remainder by both",
        given={**ONE, "hosts": 3, "keys": 3000},
    ),
    Figure(
        "moved from 10 to 11 hosts, hash % n",
        10 / 11,
        "modulo.moved_in",
        0.05,
        "D",
        "n / (n + 1)",
        given=ONE,
    ),
    Figure(
        "moved from 10 to 11 hosts, ring of 100 points",
        1 / 11,
        "ring.moved_in",
        0.05,
        "D",
        "1 / (n + 1) on average over rings",
        KARGER,
        given=MANY,
    ),
    Figure(
        "moved from 10 to 11 hosts, jump hash",
        0.0894,
        "jump.moved_in",
        0.12,
        "R",
        "200,000 keys; 1 / (n + 1) is .0909",
        given=ONE,
    ),
    Figure(
        "fullest host over the mean, ring of one point",
        2.89,
        "ring.peak",
        0.15,
        "R",
        "30 rings of ten hosts, 200,000 keys; the harmonic number of 10 is 2.93",
        given={**MANY, **ARCS, "points": 1},
    ),
    Figure(
        "fullest host over the mean, ring of 100 points",
        1.157,
        "ring.peak",
        0.04,
        "R",
        "30 rings of ten hosts, 200,000 keys",
        given=MANY,
    ),
    Figure(
        "fullest host over the mean, loads bounded, one point",
        1 + EPSILON,
        "bounded.peak",
        0.08,
        "D",
        "1 + epsilon, of slots: the bound is met where the ring is uneven; keys fall into slots by chance",
        BOUNDED,
        given={**MANY, "keys": 10_000, "points": 1, "clusters": 5},
    ),
)

SOURCES = (
    Source(
        "Karger et al., Consistent Hashing and Random Trees: Distributed Caching Protocols for Relieving Hot Spots on "
        "the World Wide Web",
        1997,
        "https://doi.org/10.1145/258533.258660",
    ),
    Source(
        "Lamping and Veach, A Fast, Minimal Memory, Consistent Hash Algorithm", 2014, "https://arxiv.org/abs/1406.2294"
    ),
    Source(
        "Eisenbud et al., Maglev: A Fast and Reliable Software Network Load Balancer",
        2016,
        "https://research.google/pubs/pub44824/",
    ),
    Source(
        "Mirrokni, Thorup and Zadimoghaddam, Consistent Hashing with Bounded Loads",
        2016,
        "https://arxiv.org/abs/1608.01350",
    ),
    Source(
        "Thaler and Ravishankar, Using Name-Based Mappings to Increase Hit Rates",
        1998,
        "https://doi.org/10.1109/90.663936",
    ),
    Source("Discord, ExHashRing, README", 2025, "https://github.com/discord/ex_hash_ring"),
    Source("B. Sezer, consistent, README", 2025, "https://github.com/buraksezer/consistent"),
    Source(
        "HAProxy, commit of A. Rodland (Vimeo): Implement bounded-load hash algorithm",
        2016,
        "https://github.com/haproxy/haproxy/commit/4f88c636097bf5f7651c790700a8bf3fb82e5f67",
    ),
)

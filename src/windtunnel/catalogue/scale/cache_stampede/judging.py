"""How it is judged: what is measured, what theory says, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import e, exp, inf
from typing import Protocol

from windtunnel import Claim, Event, Figure, Held, History, Source, most_at_once
from windtunnel.statistics import latency_percentiles

HOT = 0
"""The key that everybody reads."""
KEYS = 40
"""The others."""
LIGHTER = 0.2
"""What the value of another key is to compute, as a part of the hot one."""
KEPT = 2.0  # unclaimed: as old as one is ready to tell
"""For how many times to live, beyond its expiry, a design that answers with old values keeps them."""
MOST = 2_000
"""Requests in a run."""
SLACK_S = 0.01
"""What a new copy may take to be seen."""
BINS = 240
"""Points of a line."""

Loads = Sequence[tuple[float, float, float]]
"""Of each computation: its key, when it was begun, and when it was done (infinity: never)."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def hot_per_s(self) -> float: ...

    @property
    def others_per_s(self) -> float: ...

    @property
    def workers(self) -> int: ...

    @property
    def ttl_s(self) -> float: ...

    @property
    def recompute_s(self) -> float: ...

    @property
    def cold(self) -> int: ...

    @property
    def cycles(self) -> int: ...


def run_s(p: Setting) -> float:
    """How long requests come."""
    return min(p.cycles * (p.ttl_s + p.recompute_s), MOST / (p.hot_per_s + p.others_per_s))


def work_s(p: Setting, key: int) -> float:
    """What the value of a key is to compute; no two keys are quite alike, so that the database's jobs tell which."""
    return p.recompute_s * (LIGHTER if key != HOT else 1.0) * (1 + key * 1e-6)


def crowd(rate: float, recompute_s: float) -> float:
    """Computations where everybody who finds nothing makes one: the first, and who comes until it is done."""
    return 1 + rate * recompute_s


def joined(rate: float, recompute_s: float, servers: int) -> float:
    """Those where each server makes one: the first's, and those of the servers that are asked until it is done."""
    return 1 + (servers - 1) * (1 - exp(-rate * recompute_s / servers))


def hot(loads: Loads) -> list[tuple[float, float]]:
    """When each computation of the hot value was begun and done, in order."""
    return sorted((begun, done) for key, begun, done in loads if key == HOT)


def needs(loads: Loads, p: Setting) -> list[tuple[float, int]]:
    """When each moment of need came, and how many computations it made; the next opens when the first is done.

    A little later than that, since who asked just before the new copy was there begins just after. The last is left out
    where the run ended before its first was done.
    """
    found: list[tuple[float, int]] = []
    first_done = -inf
    for begun, done in hot(loads):
        if begun > first_done + SLACK_S + 0.1 * p.recompute_s:
            found.append((begun, 0))
            first_done = done
        opened, count = found[-1]
        found[-1] = (opened, count + 1)
        first_done = min(first_done, done)
    return found[:-1] if first_done > run_s(p) else found


def counted(loads: Loads, p: Setting) -> dict[str, float]:
    """What the database was asked to do: a moment of need, at once, how often in a time to live for each of the other
    keys (one more, since all may be computed at the start), and in all as a part of what it can.
    """
    moments = needs(loads, p)
    many = [count for _, count in moments]
    opened = [at for at, _ in moments]
    return {
        "each": sum(many) / len(many) if many else 0.0,
        "period_s": (opened[-1] - opened[0]) / (len(opened) - 1) if len(opened) > 1 else run_s(p),
        "most": most_at_once([(begun, None if done == inf else done, 0.0) for begun, done in hot(loads)]),
        "rush": most_at_once([(begun, None if done == inf else done, 0.0) for _, begun, done in loads]),
        "often": p.ttl_s * sum(key != HOT for key, _, _ in loads) / (KEYS * (run_s(p) + p.ttl_s)),
        "busy": sum(work_s(p, int(key)) for key, _, _ in loads) / (p.workers * run_s(p)),
    }


def told(history: History, p: Setting) -> dict[str, float]:
    """What clients saw: how long they waited, and how old what they got was, in seconds when they got it."""
    all_hot = [one for one in history if one.args[0] == HOT]
    rest = [one for one in history if one.args[0] != HOT]
    (p99_s,) = latency_percentiles(all_hot, (99,)) if len(all_hot) >= 100 else (longest_s(all_hot),)
    slow = [one.end - one.due > 0.4 * p.recompute_s for one in all_hot]
    return {
        "hot_p99_ms": 1e3 * p99_s,
        "waited": sum(slow) / len(slow) if slow else 0.0,
        "others_ms": 1e3 * sum(one.end - one.due for one in rest) / len(rest) if rest else 0.0,
        "lost": sum(one.outcome != "ok" for one in history) / len(history) if len(history) else 0.0,
        "age_s": oldest(all_hot),
        "others_age_s": oldest(rest),
    }


def oldest(events: Iterable[Event]) -> float:
    """The greatest age of what was answered, when it was; an answer that is no time is of no age."""
    told = [one for one in events if one.outcome == "ok"]
    return max((one.end - one.value if type(one.value) is float else inf for one in told), default=0.0)


def longest_s(events: Sequence[Event]) -> float:
    """What the 99th percentile of fewer than a hundred is."""
    return max((one.end - one.due for one in events), default=0.0)


def measure(history: History, p: Setting) -> dict[str, float]:
    """Both, by what the design says of its computations."""
    return counted(reported(history), p) | told(history, p)


def reported(history: History) -> Loads:
    """The computations that the design says it made."""
    return [(key, begun, inf if done is None else done) for key, begun, done in history.facts.get("loads", ())]


def audit(history: History, held: Held, p: Setting) -> dict[str, float]:
    """Both, by the database's own list of jobs, and whether what clients were told was ever computed."""
    which = {round(1e9 * work_s(p, key)): key for key in range(1 + KEYS)}
    jobs = [job for machine in held.machines.values() for job in machine.jobs]
    loads = [(which.get(round(1e9 * work), -1), came, inf if done is None else done) for came, done, work in jobs]
    done_at: dict[tuple[float, int], float] = {}
    for key, came, done in loads:  # two that came at once tell the same: what the earlier found is true
        at = (key, round(1e9 * came))
        done_at[at] = min(done, done_at.get(at, inf))

    def true(one: Event) -> bool:
        if type(one.value) is not float:
            return False
        filled = one.value == -work_s(p, one.args[0]) and not p.cold
        return filled or done_at.get((one.args[0], round(1e9 * one.value)), inf) <= one.end + 1e-6

    return {
        **counted([load for load in loads if load[0] >= 0], p),
        **told(history, p),
        "untrue": sum(not true(one) for one in history.where(outcome="ok")),
        "strange": sum(key < 0 for key, _, _ in loads),
        "capacity": held.capacity,
    }


def at_work(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """How many computations of the hot value are under way."""
    loads, step = hot(reported(history)), run_s(p) / BINS
    moments = [k * step for k in range(BINS)]
    return {"under way": [(at, float(sum(begun <= at < done for begun, done in loads))) for at in moments]}


def ages(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """The greatest age of the hot value's answers in each part of the run."""
    step, found = run_s(p) / BINS, dict[int, float]()
    for one in history.where(outcome="ok"):
        if one.args[0] == HOT:
            part = int(one.end / step)
            found[part] = max(found.get(part, 0.0), one.end - one.value)
    return {"oldest": [(part * step, age) for part, age in sorted(found.items())]}


WELL = {"cold": 0, "dies_every": 0, "token_s": 1.0}
SELDOM = {**WELL, "hot_per_s": 1.0, "recompute_s": 0.1, "others_per_s": 1.0, "cycles": 20}
MANY = {**WELL, "workers": 4, "hot_per_s": 1.0, "others_per_s": 300.0, "recompute_s": 0.2, "ttl_s": 1.0, "cycles": 2}
SLOW = {**WELL, "workers": 1, "others_per_s": 2.0, "hot_per_s": 50.0, "recompute_s": 0.4, "ttl_s": 2.0, "cycles": 3}
DEAD = {**WELL, "dies_every": 2}
LONG = {**WELL, "token_s": 5.0}
BRIEF = {**WELL, "token_s": 0.05, "recompute_s": 0.2, "ttl_s": 2.0, "hot_per_s": 50.0}
COLD = {**WELL, "cold": 1, "cycles": 3}
ROOM = {**WELL, "workers": 400, "others_per_s": 0.5}
TEN = {**ROOM, "hot_per_s": 50.0, "recompute_s": 0.2, "ttl_s": 1.2, "cycles": 20}
MANY_CYCLES = {**TEN, "hot_per_s": 25.0, "cycles": 55}
HUNDRED = {**ROOM, "hot_per_s": 200.0, "recompute_s": 0.5, "ttl_s": 2.5, "cycles": 3}
"""The rate and the work of the trial, with a time to live that is shorter: what happens at its end is the same."""

BUSY = "9 <= hot_per_s * recompute_s <= 40 and 0.1 <= recompute_s <= 0.12 * ttl_s"
WHOLE = f"cycles >= 3 and (hot_per_s + others_per_s) * cycles * (ttl_s + recompute_s) <= {MOST}"
"""The run is not cut short."""
FREE = f"{BUSY} and {WHOLE} and others_per_s * recompute_s <= workers"
"""The hot key alone keeps the database busy."""
USUAL = f"{FREE} and cold == 0 and dies_every == 0"
"""The cache is full to begin with, and nobody dies."""
HOLDS = f"{USUAL} and token_s >= 5 * recompute_s"

CROWD = "plain.each > 0.4 * (1 + params.hot_per_s * params.recompute_s)"
ENOUGH = "plain.each < 2"
SAME = "jittered.each > 0.4 * (1 + params.hot_per_s * params.recompute_s)"
PER_SERVER = "0.5 * params.servers < joined.each <= 1.2 * params.servers"
ONE = "max(lock.each, lease.each, stale.each, ahead.each) == 1"
ONE_AT_ONCE = "max(lock.most, lease.most, stale.most, ahead.most) == 1"
WAITS = "lock.hot_p99_ms > 500 * params.recompute_s and lock.waited > 2 * lease.waited > 0"
NOBODY = "max(stale.waited, ahead.waited) == 0"
AHEAD = "ahead.age_s < params.ttl_s + 1.25 * params.recompute_s < stale.age_s"
DEAD_WAITS = "lock.hot_p99_ms > 800 * params.token_s and max(stale.waited, ahead.waited) == 0"
MEMCACHE, XFETCH, NGINX = "Nishtala 2013", "Gryski", "Sysoev 2009"

CLAIMS = (
    Claim(
        CROWD,
        "Whoever asks until the first new copy is there finds nothing, and computes.",
        breaks="plain",
        where=USUAL,
    ),
    Claim(
        ENOUGH,
        "A key that is seldom read is computed once: the second who asks comes when the copy is there.",
        given=SELDOM,
        spares="plain",
    ),
    Claim(SAME, "Of one key a jitter moves the moment, and not the crowd.", where=USUAL),
    Claim(
        "jittered.age_s < 1.5 * plain.age_s",
        "It keeps no value for long: none lives three tenths longer than it would.",
        where=USUAL,
        stages=("sim",),
    ),
    Claim(
        "2 < jittered.rush < 0.7 * plain.rush",
        "Jitter is for many keys that were put there together: they no longer expire together.",
        given=MANY,
        stages=("sim",),
    ),
    Claim(
        PER_SERVER,
        "Joining works inside of one process, so each server that is asked makes one.",
        where=f"{USUAL} and hot_per_s * recompute_s >= 1.5 * servers",
    ),
    Claim(ONE, "A token in the cache is one for all servers.", MEMCACHE, where=HOLDS),
    Claim(
        WAITS,
        "With a lock everybody waits while one computes; with the old value only who computes.",
        NGINX,
        where=f"{HOLDS} and ttl_s <= 20 * recompute_s",
        stages=("sim",),
    ),
    Claim(
        NOBODY,
        "If the old value is told to all, and computing goes on behind it, nobody waits.",
        where=HOLDS,
        stages=("sim",),
    ),
    Claim(
        "lock.waited > 2 * max(stale.waited, ahead.waited)",
        "On a real machine somebody always waits, and few where an old value is told.",
        where=HOLDS,
        stages=("valkey",),
    ),
    Claim(
        "plain.others_ms > 2 * stale.others_ms",
        "The crowd stands in the database's queue before all other keys.",
        over="mean",
        given={**WELL, "workers": 4},
        where=FREE,
        stages=("sim",),
    ),
    Claim(
        "plain.lost > 0.015 and stale.lost == 0",
        "A crowd that one worker needs longer for than clients wait is not answered.",
        given=SLOW,
        stages=("sim",),
    ),
    Claim(
        "1.2 < early.each < 5.5 and early.age_s < params.ttl_s + 1.5 * params.recompute_s",
        "Until the copy of the first is there others have luck with the dice, too; none is told what is too old.",
        XFETCH,
        given=TEN,
        stages=("sim",),
    ),
    Claim(
        "early.most > 0.2 * params.hot_per_s * params.recompute_s",
        "An empty cache holds nothing that could be refreshed early.",
        given=COLD,
        where=FREE,
    ),
    Claim(
        ONE_AT_ONCE,
        "The token is one for an empty cache, too.",
        MEMCACHE,
        given=COLD,
        where=FREE,
    ),
    Claim(
        AHEAD,
        "Renewed before it expires, what is read often is not told beyond its time, as it is when renewed afterwards.",
        where=HOLDS,
        stages=("sim",),
    ),
    Claim(
        "ahead.age_s < stale.age_s",
        "Renewed before it expires, what is read often is younger than when it is renewed afterwards.",
        where=HOLDS,
        stages=("valkey",),
    ),
    Claim(
        "0.7 * params.ttl_s < ahead.period_s < params.ttl_s < stale.period_s",
        "The price: it is computed more often, by as much as it is early.",
        where=f"{HOLDS} and hot_per_s * ttl_s >= 50",
        stages=("sim",),
    ),
    Claim(
        DEAD_WAITS,
        "When its holder has died everybody waits until the lock is; who has an old value does not.",
        given=DEAD,
        where=f"{FREE} and ttl_s <= 4",
        stages=("sim",),
    ),
    Claim(
        "lock.waited > 2 * max(stale.waited, ahead.waited)",
        "When its holder has died everybody waits until the lock is; who has an old value seldom does.",
        given=DEAD,
        where=FREE,
        stages=("valkey",),
    ),
    Claim(
        "lock.period_s < params.ttl_s + 3 * params.recompute_s",
        "A token that is given back costs nothing, for however long it could have been kept.",
        given=LONG,
        where=f"{FREE} and ttl_s <= 3",
        stages=("sim",),
    ),
    Claim(
        "lock.most >= 3",
        "A lock that runs out while its holder computes keeps nobody from beginning.",
        given=BRIEF,
    ),
    Claim(
        "min(stale.others_age_s, ahead.others_age_s) > 1.5 * params.ttl_s > lock.others_age_s",
        "The price of old values: a key that is seldom read is told as it was long ago.",
        given=WELL,
        where=f"{FREE} and 10 <= others_per_s * ttl_s <= 40",
    ),
)

DEMANDS = (
    Claim("yours.each < 1.5", "One computation a moment of need is enough."),
    Claim("yours.most <= 2", "Also where the cache is empty.", given=COLD),
    Claim("yours.waited < 0.02", "Nobody has to wait while there is an old value."),
    Claim("yours.waited < 0.02", "Nor where the one who computes dies.", given=DEAD),
    Claim("yours.age_s < params.ttl_s + 1.5 * params.recompute_s", "What is read often is not told beyond its time."),
    Claim("yours.period_s > 0.25 * params.ttl_s", "A value that is good need not be computed again and again."),
    Claim("yours.often < 2.5", "Nor one that is less often read, each time that it is.", given=MANY),
    Claim("yours.others_age_s < 4 * params.ttl_s", "And that is not told for ever.", given={**WELL, "cycles": 10}),
    Claim("yours.lost < 0.01", "Everybody is answered."),
    Claim("yours.lost < 0.01", "Also where the cache is empty.", given=COLD),
    Claim("yours.lost < 0.01", "Also where the one who computes dies.", given=DEAD),
    Claim(
        "yours.age_s < params.ttl_s + params.token_s + 2.5 * params.recompute_s",
        "Whoever died at it is followed by another, soon.",
        given=DEAD,
    ),
    Claim("yours.untrue == 0", "What is told was computed, and had been when it was told.", always=True),
    Claim("yours.strange == 0", "The database is asked for values, and for whole ones.", always=True),
    Claim("yours.capacity <= params.workers", "There is one database, and it does so many at a time.", always=True),
)

FIGURES = (
    Figure(
        "computations a cycle, plain expiry",
        crowd(50.0, 0.2),
        "plain.each",
        0.15,
        "D",
        "1 + rate x time to compute: 50 reads a second, 0.2 s, room for all in the database",
        given={**TEN, "cycles": MANY_CYCLES["cycles"]},
        stages=("sim",),
    ),
    Figure(
        "computations a cycle, joined in each of five servers",
        joined(50.0, 0.2, 5),
        "joined.each",
        0.15,
        "D",
        "1 + (servers - 1)(1 - exp(-rate x time / servers)): a server that nobody asks computes nothing",
        given=TEN,
        stages=("sim",),
    ),
    Figure(
        "computations a cycle, early refresh",
        e,
        "early.each",
        0.3,
        "D",
        "e: the first, and E(e - 1) until it is done, E exponential of mean 1; 25 reads a second, 0.2 s to compute",
        given=MANY_CYCLES,
        stages=("sim",),
    ),
    Figure(
        "seconds between computations, begun ahead",
        2.0 - 0.2 + 1 / 50.0,
        "ahead.period_s",
        0.03,
        "D",
        "time to live and time to compute, less twice the latter, and 1 / rate until somebody asks",
    ),
    Figure(
        "computations a cycle in a trial, plain expiry",
        5541 / (600 / 11),
        "plain.each",
        0.2,
        "R",
        "5,541 in 600 s, 11 s a cycle: time to live 10 s, 0.5 s to compute, 200 reads a second; here 2.5 s to live",
        given=HUNDRED,
        stages=("sim",),
    ),
    Figure(
        "seconds between computations, one token",
        2.0 + 0.2 + 1 / 50.0,
        "lease.period_s",
        0.03,
        "D",
        "time to live, time to compute, and 1 / rate until somebody asks; in a trial 58 in 600 s, where this says 57",
    ),
    Figure(
        "computations a cycle in a trial, early refresh",
        (301 - 101.7) / 73.15,
        "early.each",
        0.3,
        "R",
        "301 in 600 s: 101.7 that fill the empty cache, and 73.15 cycles (a rerun of 20 seeds); the same trial, where "
        "rate x time is 100; here it is 5, and e is for any",
        given=MANY_CYCLES,
    ),
)

SOURCES = (
    Source(
        "R. Nishtala and others, Scaling Memcache at Facebook, NSDI",
        2013,
        "https://docslib.org/doc/10547744/scaling-memcache-at-facebook",
    ),
    Source(
        "D. Gryski, go-stampede, after Vattani and others, Optimal probabilistic cache stampede prevention, VLDB 2015",
        2015,
        "https://github.com/dgryski/go-stampede/blob/master/stampede.go",
    ),
    Source(
        "I. Sysoev on nginx 0.8.1: the parameter updating of proxy_cache_use_stale",
        2009,
        "https://nginx.org/pipermail/nginx/2009-June/012795.html",
    ),
    Source(
        "M. Nottingham, RFC 5861, HTTP Cache-Control Extensions for Stale Content",
        2010,
        "https://datatracker.ietf.org/doc/html/rfc5861",
    ),
)

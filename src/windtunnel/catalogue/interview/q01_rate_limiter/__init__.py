"""Let a client make so many requests in a window, wherever they come in, and refuse none who makes fewer.

**Clarify.** Which window: one of the clock's, or any of that length? May a client send all at once? Is one too many
worse than one too few? What shall be said to whom while nobody can be asked?

**Estimate.** {nodes} nodes that count to {limit} each let {each} through. A count that begins anew with each window of
the clock lets {twice} through around an edge. Of a client a log keeps up to {limit} times, in numbers of 8 bytes
{log:.0f} MB for a million clients; {counts} counts below 256 and a number are {small:.0f} MB. And each call to a cache
is a way there and back, before the request itself has begun.

**Design.** A count in each node's memory costs nothing, and is as many counts as there are nodes. Divided among them it
refuses who always comes to the same one. So the count is in a cache: got, looked at and set, it is the same count for
all who come at once, and all pass. A script decides in one step; of who asks one after the other both are right.

**Deep dive: the law.** Windows of the clock let twice the limit through at an edge. Two counts, the last in proportion,
see a burst right before the edge. They take it as spread over its window: who waits {gap} of a window gets more than
half as much again from them too, as from a bucket of the limit, which fills meanwhile. A bucket of half the limit that
fills at half the rate gives nobody more, and who asks evenly half: it has two numbers, and "so many in a window" is
one. A log is right about every window, and grows with the limit. A count for each tenth of a window, which counts until
all of it is out, never lets too many through, and refuses nobody who stays a fifth below.

**Deep dive: fewer calls.** A node can take {lease} at once, and remember a refusal until there is room. Too many are at
most those that nodes hold. Where the limit is small those are what others lack, who are refused for nothing.

**Deep dive: nobody answers.** Let all through, and there is no limit; nobody, and all who kept to it are shut out. A
node's own share, of which it has noted what it let through before, is between the two. A cache that stands still is
worse than a dead one: all wait for it, and when it goes on it counts those who were told otherwise long ago. Who has
waited once in vain does better to ask nobody for a while. One that is back has forgotten: the limit is there once more.

**Deep dive: whose time.** The cache's, so that nodes need not agree. It may jump. Ahead: all that was counted is old,
and the cache cannot tell. Back: who waits until it is as late as before refuses all meanwhile; who takes the newest
count as that of now refuses nobody.

**Scale.** Clients have nothing in common: keys can be spread over servers, which is not measured here.

**Real systems.** Cloudflare has two counts, and found .003 % of its requests judged wrongly; here, where all are near
the limit, it is far more. Figma counts in sixtieths of a window, and says of edges and of get and set what is measured
here. Stripe's examples are buckets in a script; Leach has the store's time for GCRA. Envoy lets all through where its
service fails, unless it is told to deny. A draft of the IETF tells clients what remains, by any law, as no promise.

**Left open.** What nodes let through alone is not told to the cache when it is back; what they keep in their memory is
not weighed; nodes that tell the script what time it is, and whose clocks differ; a log that is packed; requests of
different costs, and how many may run at once. On a real Valkey the verdicts are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from windtunnel import Ask, Chart, Experiment, Fault, Op, Why, crash, param, pause, skew
from windtunnel.catalogue.interview.q01_rate_limiter.board import BOARD
from windtunnel.catalogue.interview.q01_rate_limiter.claims import (
    BACKWARDS,
    BUCKET,
    CLAIMS,
    COUNTS,
    DEMANDS,
    EACH,
    EDGE,
    EXACT,
    FIGURES,
    FORGETS,
    HALF,
    LENT,
    LET,
    PLAIN,
    RACE,
    SHARE,
    SHUT,
    SILENT,
    SMALL,
    SOURCES,
)
from windtunnel.catalogue.interview.q01_rate_limiter.designs import (
    PARTS,
    TAKE as TAKE,
    Divided,
    InProcess,
    Leases,
    Limiter as Limiter,
    ReadThenWrite,
    SharedBucket,
    SharedCounter,
    SharedGcra,
    SharedLog,
    SharedWindow,
    SmallWindows,
    key as key,
)
from windtunnel.catalogue.interview.q01_rate_limiter.judging import (
    CLIENTS,
    FLOOD,
    OVER,
    PAIRS,
    STEADY,
    STICKY,
    by_kind,
    costs,
    measure,
    trailing,
)
from windtunnel.catalogue.interview.q01_rate_limiter.nodes import Nodes, Setting as Setting
from windtunnel.workload import poisson

BURST = 0.01
"""As a part of the window, how long a burst lasts of a client who sends all that he may at once."""


@dataclass(frozen=True)
class Params:
    """What a client may, who asks how, on how many nodes, and what goes wrong."""

    limit: int = param(30, "requests that a client may make in a window", 10, 100)
    window_s: float = param(2.0, "seconds of a window", 1.0, 60.0)
    nodes: int = param(4, "nodes that a balancer gives requests to, at random", 1, 8)
    lease: int = param(4, "how many a node of `leases` takes at once", 1, 10)
    patience_s: float = param(0.05, "seconds for which a node waits for the cache", 0.02, 0.5)
    load: float = param(0.8, "what two clients ask for who stay below the limit, in limits", 0.1, 0.9)
    greed: float = param(1.5, "what a client asks for who asks for more all the time, in limits", 0.5, 3.0)
    gap: float = param(0.9, "windows between two bursts of a client who sends all that he may at once", 0.02, 0.95)
    windows: int = param(4, "windows that the run lasts", 4, 20)
    when_dead: Literal["open", "closed"] = param(
        "closed",
        "who cannot ask the cache lets everybody through, or nobody; `small_windows` does neither",
        choices=("open", "closed"),
    )
    trouble: Literal["none", "dies", "restarts", "stalls", "clock ahead", "clock back"] = param(
        "none",
        "the cache is dead for a window, from 1.75 windows on; or for a moment, at 2.25; or it stands still for a "
        "window, from 1.75 on; or its clock jumps ahead by a window at 2.25, or back by two",
        choices=("none", "dies", "restarts", "stalls", "clock ahead", "clock back"),
    )


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """`ask(client, node)`: who a client is the design is not told, he has a number."""
    numbers = dict(zip(CLIENTS, luck.sample(range(len(CLIENTS)), len(CLIENTS)), strict=True))
    for at_s, client in sorted(arrivals(p, luck)):
        node = 0 if client == STICKY else luck.randrange(p.nodes)
        yield Op(at_s, client, "ask", (numbers[client], node))


def arrivals(p: Params, luck: Random) -> Iterator[tuple[float, str]]:
    """When who asks: two stay below the limit, one of them always at the same node; four send all that they may, and
    again; one sends twice as much at once, and again half a window later; one asks for more all the time."""
    w, rate = p.window_s, p.limit / p.window_s
    for client in (STEADY, STICKY):
        for i in range(int(p.windows * p.limit * p.load)):
            yield (i + luck.uniform(0, 0.5)) / (p.load * rate), client
    for k, client in enumerate(PAIRS):
        for middle in (1 + k / len(PAIRS) - p.gap / 2, 1 + k / len(PAIRS) + p.gap / 2):
            for i in range(p.limit):
                yield (middle + BURST * ((i + 0.5) / p.limit - 0.5)) * w, client
    for at in (2.0, 2.5):
        for _ in range(2 * p.limit):
            yield at * w, FLOOD
    for at_s in poisson(p.greed * rate, luck, until_s=p.windows * w):
        yield at_s, OVER


def faults(p: Params) -> Sequence[Fault]:
    """What happens to the cache."""
    w = p.window_s
    match p.trouble:
        case "dies":
            return (crash("cache", at_s=1.75 * w, for_s=w),)
        case "restarts":
            return (crash("cache", at_s=2.25 * w, for_s=0.05 * w),)
        case "stalls":
            return (pause("cache", at_s=1.75 * w, for_s=w),)
        case "clock ahead":
            return (skew("cache", at_s=2.25 * w, by_s=w),)
        case "clock back":
            return (skew("cache", at_s=2.25 * w, by_s=-2 * w),)
        case _:
            return ()


SAID = Params()
__doc__ = (__doc__ or "").format(
    nodes=SAID.nodes,
    limit=SAID.limit,
    each=SAID.nodes * SAID.limit,
    twice=2 * SAID.limit,
    log=8 * SAID.limit,
    counts=PARTS + 1,
    small=PARTS + 1 + 8,
    gap=SAID.gap,
    lease=SAID.lease,
)

experiment = Experiment(
    title="Rate limiter",
    question="A client may make so many requests in a window: who counts, by which law, and how many get through?",
    params=Params,
    workload=workload,
    faults=faults,
    designs={
        "in_process": InProcess,
        "divided": Divided,
        "read_then_write": ReadThenWrite,
        "fixed_window": SharedWindow,
        "sliding_counter": SharedCounter,
        "token_bucket": SharedBucket,
        "gcra": SharedGcra,
        "sliding_log": SharedLog,
        "leases": Leases,
        "small_windows": SmallWindows,
    },
    rig=Nodes,
    board=BOARD,
    stages=("sim", "valkey"),
    measure=measure,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Two bursts: let through in the window before", "second", "requests", trailing),
        Chart("Most in any window", "client", "limits", by_kind, kind="bars"),
        Chart("What it costs", "bytes in the cache for a client", "most in any window, limits", costs),
    ),
    asks=(
        Ask(
            "Four nodes count to the limit each. A client sends twice the limit at once, and again half a window "
            "later. How many limits get through?",
            "in_process.flood",
            "limits",
            0,
            4,
        ),
        Ask(
            "He sends the limit, and again nine tenths of a window later. How many limits get through within a window, "
            "by two counts of which the last is weighed?",
            "sliding_counter.edge",
            "limits",
            0,
            3,
        ),
        Ask(
            "How many times as much as counts for tenths of a window does a log of times take, at a limit of 30?",
            "sliding_log.bytes / small_windows.bytes",
            "times",
            1,
            1000,
            log=True,
        ),
        Ask(
            "A node takes four at once. How many calls to the cache does a decision cost?",
            "leases.calls",
            "calls",
            0,
            2,
        ),
    ),
    why=(
        Why("What one node counts the others do not know.", EACH),
        Why("And what is divided among them is less for who knows only one.", SHARE),
        Why("What was got may be old when it is set.", RACE),
        Why("A window of the clock ends for all that was counted in it at once.", EDGE),
        Why("Two counts know how many came, and not when.", COUNTS),
        Why("What a bucket holds and what flows in are two.", BUCKET),
        Why("Both can be the limit together, for who asks seldom.", HALF),
        Why("Who knows all times is right, and keeps all times.", EXACT),
        Why("Who counts what is partly out as a whole errs on one side.", SMALL),
        Why("What is taken ahead is held by somebody.", LENT),
        Why("Shut, a dead cache hurts those who kept to the limit.", SHUT),
        Why("Open, it has none.", LET),
        Why("Whoever is told late counts late.", SILENT),
        Why("What memory held, and what a clock said, is all that a cache knows.", FORGETS),
        Why("How long ago a count was is asked of a clock, in which order they came is not.", BACKWARDS),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "A client sends all that he may right before the edge of your window, and again behind it. And one who waits "
        "nine tenths of a window?",
        "Decide in one step, where all nodes ask. How little can you keep, and let too many through in no window?",
        "Count by tenths of a window in a script, and count a tenth until all of it is out. What does a node say "
        "meanwhile that gets no answer, and how long does it wait for one?",
    ),
    sources=SOURCES,
    seeds=6,
    quick=PLAIN,
)

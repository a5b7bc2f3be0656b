"""A thread that talks over the network shares its interpreter with threads that compute.

**Clarify.** A service answers over the network, and somebody adds computing in the background: reports, compression,
parsing. Is that written in Python, or in C that lets go of the interpreter's lock? Does it share a process with what
answers? Which counts: how much is computed, or how soon is answered?

**Estimate.** One thread at a time runs Python in an interpreter. One that computes is asked to let go when another has
waited for the switch interval, 5 ms by default; one that talks lets go by itself whenever it waits. So beside one
thread whoever talks may wait for an interval each time that it wants to go on: after sending, and after hearing. At two
waits a request that is one request each `2 * interval_ms` where nothing else is in the way (`estimate_per_s`), while
the request itself takes some tens of microseconds.

**Design.** `beside_threads` computes in threads of the process that talks. `short_interval` does the same and sets the
interval to a tenth (`sys.setswitchinterval`). `own_process` computes in processes of their own.

**Deep dive.** That is the convoy: who needs the lock for microseconds waits for those who keep it for milliseconds, and
each release makes it wait once more. The chart of who runs shows it: threads compute one at a time (`overlap_share`),
and trips are as long as their turns. Threads on work that lets go of the lock (`hash`: hashlib on large buffers) make
no convoy; they compete for processors only, and that is the operating system's affair.

**Scale.** More threads that compute make it worse: the lock that was let go may go to another of them, and what talks
waits again (`per_s_all`, beside `per_s_one`). How much is left beside threads differs from minute to minute
(`left_all`, and what repeated runs showed stands in the objections): always less than beside nobody. A shorter interval
makes the waits shorter and does not end them. Where the work can be changed it may let go by itself (`time.sleep(0)`
every few microseconds of work): an earlier trial of ours found more requests left than with any interval, and fewer
than beside processes.

**Real systems.** That threads which compute also take longer in sum is old wisdom: `threads-or-processes` measures what
is left of it. What is measured here is about latency, and an earlier trial of ours on two idle cores found 354 requests
a second beside two threads (p99 50.7 ms), and 842 (23.5 ms) with a tenth of the interval. Interpreters of one process
have a lock each since 3.12 (PEP 684), and from Python since 3.14 (PEP 734); PEP 703 makes builds without any.

**Left open.** Interpreters without the lock (free-threaded builds of 3.13 and later) have no convoy of this kind; none
is measured here. On a machine whose processors are busy otherwise threads that compute are not running when the lock is
free, and the convoy is weaker: the rates say what this machine did in that minute. A gap in the chart says that a
thread did not run, and not whether it waited for the lock or for a processor. The echo is a process beside, over the
loopback: no network is measured. Linux gives each session the same part of busy processors, so each process that
computes has a session of its own here: forked into the one that talks, two left 0.6 to 18 % of its requests in a busy
minute, where sessions of their own left 57 to 64 %.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from windtunnel import Ask, Chart, Claim, Experiment, Figure, History, Op, Source, Stage, Why, WrongInput, param
from windtunnel.catalogue.concurrency.gil_convoy.designs import BesideThreads, OwnProcess, ShortInterval, Work as Work
from windtunnel.statistics import enough, not_measurable, percentile
from windtunnel.workload import batches

PINGER = Path(__file__).with_name("pinger.py")
USUAL_MS = 5.0
"""CPython's own switch interval."""
LEAST_SHARE = 0.1
"""Of a processor, for a process that computes alone: with less, others decide what is measured."""
STEADY = 0.5
"""So many times as many requests beside nobody as before are a machine that others disturb."""
DRAWN_S, SHORT_S = 0.06, 0.0005  # unclaimed: of the chart of who runs
"""So much of a window is drawn; trips shorter than that which follow each other are drawn as one."""
FEWER: Mapping[str, int] = {"none": 0, "one": 1, "hash": 1, "none again": 0}
"""How many compute in windows in which not all do."""
HALF = ("alone", "none", "none again")
"""Windows in which nobody waits for anybody: half as long, they tell as much by a hundred times as many trips."""


@dataclass(frozen=True)
class Params:
    threads: int = param(2, "threads that compute in the fullest window", 2, 4)
    shorter: int = param(10, "how many times shorter the short interval is", 5, 20)
    window_s: float = param(0.14, "seconds of a window in which some talk and others compute, of others half", 0.1, 1.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """A process that computes alone first, then what talks: beside nobody, one, all, one in C, and again."""
    return batches("window", ("alone", "none", "one", "all", "hash", "none again", "all again"))


class Rig:
    """A process that talks, in which the design has others compute, and an echo."""

    def __init__(self, design: object, stage: Stage, params: Params) -> None:
        if not hasattr(os, "fork"):
            raise WrongInput("This is no Unix, whose processes gil-convoy forks; run it on one.")
        self.design, self.params = design, params
        self.talks = stage.child("talks", PINGER, {"shorter": params.shorter}, design)
        self.echo = stage.child("echo", PINGER, {})
        self.seen: dict[str, Any] = {}

    async def start(self) -> None:
        """Begin to answer."""
        self.port = await self.echo.ask("echo")

    async def window(self, kind: str) -> None:
        """One window."""
        length_s = lasts_s(kind, self.params)
        if kind == "alone":
            self.seen[kind] = await self.talks.ask("alone", length_s)
        else:
            workers = FEWER.get(kind, self.params.threads)
            work = "hash" if kind == "hash" else "python"
            self.seen[kind] = await self.talks.ask("window", workers, work, length_s, self.port)

    async def report(self) -> Mapping[str, object]:
        """What was seen in each window; where the process that talks has ended it is told so here."""
        await self.talks.ask("well")
        return self.seen


def lasts_s(kind: str, p: Params) -> float:
    """How long a window of this kind is."""
    return p.window_s / 2 if kind in HALF else p.window_s


def measure(history: History, p: Params) -> Mapping[str, float]:
    facts = history.facts
    both = [facts["all"], facts["all again"]]  # in a short window the others may not have run
    trips = {kind: facts[kind]["trips"] for kind in ("none", "one", "hash")}
    trips["all"] = both[0]["trips"] + both[1]["trips"]
    share = facts["alone"]["cpu_s"] / lasts_s("alone", p)
    found: dict[str, float] = {"alone_share": share}
    for kind in ("none", "one", "all", "hash"):
        found[f"per_s_{kind}"] = per_s(trips[kind])
    quiet = [found["per_s_none"], per_s(facts["none again"]["trips"])]
    found["per_s_none"] = max(quiet)  # who comes between slows it
    why = f"a process that computed alone had {share:.0%} of a processor" if share < LEAST_SHARE else ""
    for kind in ("all", "hash"):
        left = found[f"per_s_{kind}"] / found["per_s_none"]
        found[f"left_{kind}"] = not_measurable(why) if why else left
    best = max(per_s(one["trips"]) for one in both) / found["per_s_none"]
    if not why and min(quiet) < STEADY * max(quiet):
        why = f"there were {quiet[0]:.0f} requests a second beside nobody, and then {quiet[1]:.0f}"
    found["kept_share"] = not_measurable(why) if why else best
    alone_per_s = max(1, facts["alone"]["units"]) / lasts_s("alone", p)
    found["computed_share"] = max(sum(one["units"]) / sum(one["trips"]) for one in both) / alone_per_s
    found["least_share"] = least_share([one["units"] for one in both])
    found["units_hash"] = sum(facts["hash"]["units"])
    for kind in ("none", "all"):
        few = not_measurable(f"{len(trips[kind])} requests are too few for a 99th percentile")
        found[f"p99_ms_{kind}"] = 1e3 * percentile(trips[kind], 99) if enough(len(trips[kind]), 99) else few
    found["longest_ms_all"] = 1e3 * max(trips["all"])
    found["overlap_share"] = max(overlap(one["runs"]) for one in both)
    found["interval_us"] = 1e6 * max(one["interval_s"] for one in both)
    found["elsewhere"] = elsewhere(both)
    found["beside_share"] = sum(one["beside_s"] for one in both) / (2 * p.window_s)
    found["beside_share_one"] = facts["one"]["beside_s"] / p.window_s
    found["strays"] = sum(one["left_behind"] for one in (*both, facts["one"], facts["hash"]))
    found["estimate_per_s"] = estimate_per_s(USUAL_MS)
    return found


def elsewhere(windows: Sequence[Mapping[str, Any]]) -> int:
    """Workers that computed in another process than the one that talks, in one of the windows at least."""
    moved = ([process not in (0, one["here"]) for process in one["of"]] for one in windows)
    return sum(map(any, zip(*moved, strict=True)))


def least_share(windows: Sequence[Sequence[int]]) -> float:
    """Of the units that a worker computes on average, how many the one did that did fewest, in all windows together."""
    each: list[int] = [sum(those) for those in zip(*windows, strict=True)]
    return min(each) * len(each) / max(1, sum(each))


Runs = Sequence[Sequence[tuple[float, float]]]
"""Of each worker, from when to when it ran."""


def overlap(runs: Runs) -> float:
    """The share of the time in which somebody computed that two or more computed at."""
    moves = sorted((at, move) for own in runs for begin, end in own for at, move in ((begin, 1), (end, -1)))
    inside, last, any_s, more_s = 0, 0.0, 0.0, 0.0
    for at, move in moves:
        any_s += (at - last) * (inside > 0)
        more_s += (at - last) * (inside > 1)
        inside, last = inside + move, at
    return more_s / any_s if any_s else 0.0


def per_s(trips: Sequence[float]) -> float:
    """Requests a second."""
    return len(trips) / sum(trips)


def estimate_per_s(interval_ms: float) -> float:
    """Two waits of an interval for each request."""
    return 1000 / (2 * interval_ms)


def rates(history: History, p: Params) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Requests a second, by what computes beside."""
    named = {"none": "nobody", "one": "one", "all": "all", "hash": "one in C"}
    return {"requests": [(word, per_s(history.facts[kind]["trips"])) for kind, word in named.items()]}


def slow_trips(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Each round trip at its time, beside all that compute."""
    at, found = 0.0, list[tuple[float, float]]()
    for trip in history.facts["all"]["trips"]:
        at += trip
        found.append((at, 1e3 * trip))
    return {"round trip": found}


def who_runs(history: History, p: Params) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """The first of the window: when each worker ran, and each trip of who talks; the interval as a measure beside."""
    window = history.facts["all"]
    computes = [
        (f"computes {worker}", 1e3 * begin, 1e3 * end, "runs")
        for worker, own in enumerate(window["runs"], 1)
        for begin, end in own
        if 0 <= begin < DRAWN_S
    ]
    talks, at = list[tuple[str, float, float, str]](), 0.0
    for trip in window["trips"]:
        if at >= DRAWN_S:
            break
        began, what = 1e3 * at, "is answered at once" if trip < SHORT_S else "waits"
        at += trip
        if trip < SHORT_S and talks and talks[-1][3] == what:
            began = talks.pop()[1]
        talks.append(("talks", began, 1e3 * at, what))
    interval = [("switch interval", i * USUAL_MS, (i + 1) * USUAL_MS, f"{USUAL_MS:g} ms") for i in (0, 2, 4)]
    named = {"computes": computes, "talks": talks, "the interval": interval}
    return {name: rows for name, rows in named.items() if rows}


ONE = "beside_threads.overlap_share < 0.1 and short_interval.overlap_share < 0.1"
CONVOY = "beside_threads.left_all < 0.3"
MORE = "beside_threads.per_s_all / beside_threads.per_s_one < 1"
SHORTER = "beside_threads.left_all / short_interval.left_all < 1"
APART = "beside_threads.left_all / own_process.left_all < 0.5"
IN_C = "beside_threads.per_s_one / beside_threads.per_s_hash < 0.66"
ELSEWHERE = (
    "own_process.elsewhere == params.threads and beside_threads.elsewhere == 0 and short_interval.elsewhere == 0"
)
SETS = "Python: sys.setswitchinterval"

experiment = Experiment(
    title="The convoy behind the interpreter's lock",
    question="What becomes of a thread that talks over the network when others in its interpreter compute?",
    params=Params,
    workload=workload,
    designs={"beside_threads": BesideThreads, "short_interval": ShortInterval, "own_process": OwnProcess},
    rig=Rig,
    stages=("machine",),
    measure=measure,
    seeds=3,
    charts=(
        Chart("Requests a second by what computes beside", "beside", "requests a second", rates, kind="bars"),
        Chart("Round trips beside all that compute", "second", "ms", slow_trips),
        Chart("Who runs, and who waits", "ms", "thread", who_runs, kind="gantt"),
    ),
    asks=(
        Ask(
            "Of 100 requests a second that a thread makes alone, how many are left when others in its interpreter "
            "compute?",
            "100 * beside_threads.per_s_all / beside_threads.per_s_none",
            "of 100",
            0.01,
            200,
            log=True,
        ),
    ),
    why=(
        Why("Of the threads that compute one runs at a time, and keeps the lock while the others wait.", ONE),
        Why("Whoever talks lets go of the lock with each request, and may have to wait to get it back.", CONVOY),
        Why("A shorter interval makes these waits shorter.", SHORTER),
        Why("Another process has another lock.", APART),
        Why("Work in C that lets go of the lock makes no convoy.", IN_C),
    ),
    claims=(
        Claim(
            CONVOY,
            "Each request lets go of the lock twice, and may have to wait for it each time.",
            over="mean",
            breaks="beside_threads",
        ),
        Claim(
            f"beside_threads.longest_ms_all > {0.9 * USUAL_MS}",
            "Who computes is asked to let go after the switch interval, and not before.",
            SETS,
            breaks="beside_threads",
        ),
        Claim(
            ONE,
            "One thread at a time runs Python in an interpreter: two that compute have turns.",
            "Snow: PEP 684",
            breaks="beside_threads",
        ),
        Claim(
            "beside_threads.interval_us == 5000 and abs(short_interval.interval_us * params.shorter - 5000) < 50",
            "Who computes is asked to let go after 5 ms, unless somebody says otherwise.",
            SETS,
        ),
        Claim(
            MORE,
            "The lock that one lets go may go to another that computes, and who talks waits once more.",
            over="mean",
        ),
        Claim(SHORTER, "They let go sooner, and so each wait is shorter.", SETS, over="mean"),
        Claim(
            "short_interval.left_all < 1",
            "But they have to let go, and are asked to after an interval, however short.",
            SETS,
            over="mean",
        ),
        Claim(
            ELSEWHERE, "Processes have interpreters of their own, and do not ask for the lock of the thread that talks."
        ),
        Claim(
            APART,
            "The processes compete for processors, which the operating system shares out, and for no lock.",
            over="mean",
        ),
        Claim(
            "short_interval.left_all / own_process.left_all < 0.8",
            "A short interval leaves the waits where they were.",
            over="mean",
        ),
        Claim(
            "max(beside_threads.strays, short_interval.strays, own_process.strays) == 0",
            "When it is over who computed has ended, and the interval is what it was.",
        ),
        Claim(
            IN_C,
            "The lock is let go while hashlib works on a large buffer.",
            "Python: hashlib",
            over="mean",
            spares="beside_threads",
        ),
    ),
    demands=(
        Claim(
            "yours.kept_share > own_process.kept_share / 3",
            "A third at least of the requests are left that are left beside processes.",
        ),
        Claim(
            "yours.beside_share < 0.02",
            "In the process that talks no other thread takes the processor, nor the lock.",
        ),
        Claim("yours.beside_share_one < 0.2", "Nor does one where a single worker is to compute."),
        Claim(
            "yours.elsewhere == params.threads",
            "Each worker computes, in another process than the one that talks.",
        ),
        Claim("yours.least_share > 0.05", "Nor does one of them nearly all of it."),
        Claim("yours.computed_share > 0.5", "While one talks at least half of what one computes alone is computed."),
        Claim("yours.units_hash > 0", "And so is what is done in C."),
        Claim("yours.strays == 0", "When it is over who computed has ended, and the switch interval is as before."),
    ),
    hints=(
        "How long may a thread keep the interpreter's lock when another wants it?",
        "How often does one request let go of the lock, and have to get it back?",
        "Which of the two is changed by a shorter interval, and which by another process?",
    ),
    sources=(
        Source(
            "Python: sys.setswitchinterval", 2024, "https://docs.python.org/3/library/sys.html#sys.setswitchinterval"
        ),
        Source("Snow: PEP 684, A Per-Interpreter GIL", 2022, "https://peps.python.org/pep-0684/"),
        Source("Snow: PEP 734, Multiple Interpreters in the Stdlib", 2023, "https://peps.python.org/pep-0734/"),
        Source(
            "Gross: PEP 703, Making the Global Interpreter Lock Optional", 2023, "https://peps.python.org/pep-0703/"
        ),
        Source("Python: hashlib", 2024, "https://docs.python.org/3/library/hashlib.html"),
    ),
    figures=(
        Figure(
            "a tenth of the interval, times the requests",
            842 / 354,
            "short_interval.left_all / beside_threads.left_all",
            0.8,
            "R",
            "two threads that compute, 354 and 842 requests a second, on two cores",
        ),
    ),
    quick={"window_s": 0.12},
)

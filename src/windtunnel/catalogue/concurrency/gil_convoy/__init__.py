"""A thread that talks over the network shares its interpreter with threads that compute.

**Clarify.** A service answers over the network, and somebody adds computing in the background: reports, compression,
parsing. Is that written in Python, or in C that lets go of the interpreter's lock? Does it share a process with what
answers? Which counts: how much is computed, or how soon is answered?

**Estimate.** One thread at a time runs Python in an interpreter. One that computes is asked to let go when another has
waited for the switch interval, 5 ms by default; one that talks lets go by itself whenever it waits. So whoever talks
waits up to an interval each time that it wants to go on: after sending, and after hearing. At two waits a request that
is one request each `2 * interval_ms` where nothing else is in the way (`estimate_per_s`), while the request itself
takes some tens of microseconds.

**Design.** `beside_threads` computes in threads of the process that talks. `short_interval` does the same and sets the
interval to a tenth (`sys.setswitchinterval`). `own_process` computes in processes of their own.

**Deep dive.** That is the convoy: who needs the lock for microseconds waits for those who keep it for milliseconds, and
each release makes it wait once more. Threads on work that lets go of the lock (`hash`: hashlib on large buffers) make
no convoy; they compete for processors only, and that is the operating system's affair.

**Scale.** More threads that compute make it worse: the lock that was let go may go to another of them, and what talks
waits again. A shorter interval makes the waits shorter and does not end them. Where the work can be changed it may let
go by itself (`time.sleep(0)` every few microseconds of work): an earlier trial of ours found more requests left than
with any interval, and fewer than beside processes.

**Real systems.** That threads which compute also take longer in sum is old wisdom: `threads-or-processes` measures what
is left of it. What is measured here is about latency, and an earlier trial of ours on two idle cores found 354 requests
a second beside two threads (p99 50.7 ms), and 842 (23.5 ms) with a tenth of the interval.

**Left open.** Interpreters without the lock (free-threaded builds of 3.13 and later) have no convoy of this kind; none
is measured here. On a machine whose processors are busy otherwise threads that compute are not running when the lock is
free, and the convoy is weaker: the rates say what this machine did in that minute, and
`left_all` is the share of them that is left. The echo is a process beside, over
the loopback: no network is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from windtunnel import Ask, Chart, Claim, Experiment, Figure, History, Op, Source, Stage, Why, param
from windtunnel.statistics import not_measurable, percentile
from windtunnel.workload import batches

PINGER = Path(__file__).with_name("pinger.py")
USUAL_MS = 5.0
"""CPython's own switch interval."""
LEAST_SHARE = 0.1
"""Of a processor, for a process that computes alone: with less, others decide what is measured."""
KINDS: Mapping[str, tuple[int, str]] = {
    "none": (0, "python"),
    "one": (1, "python"),
    "hash": (1, "hash"),
    "none again": (0, "python"),
}


@dataclass(frozen=True)
class Params:
    threads: int = param(2, "threads that compute in the fullest window", 2, 4)
    shorter: int = param(10, "how many times shorter the short interval is", 5, 50)
    window_s: float = param(0.3, "seconds of each window", 0.1, 1.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """A process that computes alone first, then what talks: beside nobody, one thread, all, work in C, and again."""
    return batches("window", ("alone", "none", "one", "all", "hash", "none again", "all again"))


class BesideThreads:
    """Threads of the same process compute."""

    times_shorter = 1

    def __init__(self, stage: Stage, params: Params) -> None:
        self.params = params
        told = {"interval_s": USUAL_MS / 1000 / self.times_shorter}
        self.talks = stage.child("talks", PINGER, told)
        self.echo = stage.child("echo", PINGER, {"interval_s": USUAL_MS / 1000})
        self.beside = [stage.child(f"computes {i}", PINGER, told) for i in range(self.processes())]
        self.seen: dict[str, Any] = {}

    def processes(self) -> int:
        """How many compute beside; at least one, for the window in which it computes alone."""
        return 1

    async def start(self) -> None:
        """Begin to answer."""
        self.port = await self.echo.ask("echo")

    async def window(self, kind: str) -> None:
        """One window."""
        if kind == "alone":
            self.seen[kind] = await self.beside[0].ask("compute", "python", self.params.window_s)
        else:
            threads, work = KINDS.get(kind, (self.params.threads, "python"))
            self.seen[kind] = await self.beside_work(threads, work)

    async def beside_work(self, threads: int, work: str) -> Any:
        """Talk while so many compute."""
        return await self.talks.ask("window", threads, work, self.params.window_s, self.port)

    def report(self) -> Mapping[str, object]:
        """What was seen in each window."""
        return self.seen


class ShortInterval(BesideThreads):
    """Threads of the same process compute, and have to let go of the lock sooner."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.times_shorter = params.shorter
        super().__init__(stage, params)


class OwnProcess(BesideThreads):
    """Processes of their own compute."""

    def processes(self) -> int:
        return self.params.threads

    async def beside_work(self, threads: int, work: str) -> Any:
        computing = [one.ask("compute", work, self.params.window_s) for one in self.beside[:threads]]
        found, *_ = await asyncio.gather(super().beside_work(0, work), *computing)
        return found


def measure(history: History, p: Params) -> Mapping[str, float]:
    facts = history.facts
    trips = {kind: facts[kind] for kind in ("none", "one", "hash")}
    trips["all"] = facts["all"] + facts["all again"]  # in a short window the others may not have run
    share = facts["alone"] / p.window_s
    found: dict[str, float] = {"alone_share": share}
    for kind in ("none", "one", "all", "hash"):
        found[f"per_s_{kind}"] = per_s(trips[kind])
    found["per_s_none"] = max(found["per_s_none"], per_s(facts["none again"]))  # who comes between slows it
    for kind in ("all", "hash"):
        left = found[f"per_s_{kind}"] / found["per_s_none"]
        why = f"a process that computed alone had {share:.0%} of a processor"
        found[f"left_{kind}"] = not_measurable(why) if share < LEAST_SHARE else left
    for kind in ("none", "all"):
        found[f"p99_ms_{kind}"] = 1e3 * percentile(trips[kind], 99)
    found["longest_ms_all"] = 1e3 * max(trips["all"])
    found["estimate_per_s"] = estimate_per_s(USUAL_MS)
    return found


def per_s(trips: Sequence[float]) -> float:
    """Requests a second."""
    return len(trips) / sum(trips)


def estimate_per_s(interval_ms: float) -> float:
    """Two waits of an interval for each request."""
    return 1000 / (2 * interval_ms)


def rates(history: History, p: Params) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Requests a second, by what computes beside."""
    named = {"none": "nobody", "one": "one", "all": "all", "hash": "one in C"}
    return {"requests": [(word, per_s(history.facts[kind])) for kind, word in named.items()]}


def slow_trips(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Each round trip at its time, beside all that compute."""
    at, found = 0.0, list[tuple[float, float]]()
    for trip in history.facts["all"]:
        at += trip
        found.append((at, 1e3 * trip))
    return {"round trip": found}


CONVOY = "beside_threads.per_s_all < 0.3 * beside_threads.per_s_none"
SHORTER = "short_interval.left_all > beside_threads.left_all"
APART = "own_process.left_all > 2 * beside_threads.left_all"
IN_C = "beside_threads.left_hash > 1.5 * beside_threads.left_all"
SETS = "Python: sys.setswitchinterval"

experiment = Experiment(
    title="The convoy behind the interpreter's lock",
    question="What becomes of a thread that talks over the network when others in its interpreter compute?",
    params=Params,
    workload=workload,
    designs={"beside_threads": BesideThreads, "short_interval": ShortInterval, "own_process": OwnProcess},
    stages=("machine",),
    measure=measure,
    seeds=3,
    charts=(
        Chart("Requests a second by what computes beside", "beside", "requests a second", rates, kind="bars"),
        Chart("Round trips beside all that compute", "second", "ms", slow_trips),
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
        Why("Whoever talks lets go of the lock with each request, and may have to wait to get it back.", CONVOY),
        Why("A shorter interval makes these waits shorter.", SHORTER),
        Why("Another process has another lock.", APART),
        Why("Work in C that lets go of the lock makes no convoy.", IN_C),
    ),
    claims=(
        Claim(
            CONVOY,
            "Each request lets go of the lock twice, and may have to wait for it each time.",
            breaks="beside_threads",
        ),
        Claim(
            f"beside_threads.longest_ms_all > {0.9 * USUAL_MS}",
            "Who computes is asked to let go after the switch interval, and not before.",
            SETS,
            breaks="beside_threads",
        ),
        Claim(SHORTER, "They let go sooner, and so each wait is shorter.", SETS, over="mean"),
        Claim(
            APART,
            "The processes compete for processors, which the operating system shares out, and for no lock.",
        ),
        Claim(
            "own_process.left_all > 1.2 * short_interval.left_all",
            "A short interval leaves the waits where they were.",
        ),
        Claim(
            IN_C,
            "The lock is let go while hashlib works on a large buffer.",
            "Python: hashlib",
            over="mean",
            spares="beside_threads",
        ),
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
    quick={"window_s": 0.1},
)

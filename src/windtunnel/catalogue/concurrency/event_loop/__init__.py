"""A server with a thousand connections asks a slow backend now and then. Four ways to wait for it.

**Clarify.** Connections are mostly idle, and most requests are answered at once; some need another service that takes
`call_ms`, during which there is nothing to compute. Is the library that asks it blocking, and can it be replaced? How
many such calls come together? What may a connection cost while it does nothing?

**Estimate.** In an event loop everything runs in one thread, so while a coroutine makes a blocking call nobody is
served, and calls that have come together stop it one after the other: `calls * call_ms` (600 ms at the defaults). A
pool of `pool` threads makes that many at a time: `ceil(calls / pool) * call_ms` (150 ms, `estimate_calls_ms`). Where
the loop itself waits for the backend's socket all of them take `call_ms`. Threads need memory each.

**Design.** `blocking` is a coroutine that calls what blocks. `threads` gives each connection a thread, which may wait
as long as it likes. `to_thread` keeps the loop and makes blocking calls in a pool. `non_blocking` has a client of the
backend that is made for the loop.

**Deep dive.** `own_loop.py` is an event loop in some hundred lines that runs asyncio's own tasks (`--set loop=own`): a
queue of what can run, a heap of timers, and one wait for the system. A turn of it runs what stands in the queue, in
the order in which it was put there, as PEP 3156 asks of every loop, and only then looks at sockets and timers again. A
blocking call is a turn that does not end. The chart shows it as lag: a timer that is due every 5 ms is late by as much
as the calls take.

**Scale.** Threads answer as well as the loop does, at a thousand connections too: what they cost is memory, several
times that of a task. A pool is no cure for many calls at once: those beyond its threads wait in line, and asyncio's
own pool has four more than there are cores, 32 at most.

**Real systems.** asyncio's documentation says of a function that computes for a second that all tasks and all I/O are
delayed by a second. asyncio in debug mode logs callbacks of more than 100 ms. uvloop replaces the loop (`pip install
'windtunnel[uvloop]'`, then `--set loop=uvloop`): it changes what a turn costs, and not that a turn has to end.

**Left open.** A call that computes is no call that waits: in a thread it competes with the loop for the interpreter,
which `gil-convoy` measures. Memory is the process's own (USS); what the kernel keeps for a thread or a socket is not in
it. Client and server share one machine: nothing is said of networks, and nothing of requests a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from random import Random
from typing import Any

from windtunnel import Ask, Chart, Claim, Experiment, Figure, History, Op, Source, Stage, Why, WrongInput, param
from windtunnel.catalogue.concurrency.event_loop.designs import (
    Backend as Backend,
    Blocking,
    NonBlocking,
    Threads,
    ToThread,
)
from windtunnel.statistics import mean, not_measurable
from windtunnel.workload import batches

HERE = Path(__file__).parent
PING_EVERY_S = 0.005
PROBE_MS = 5
"""The server's own, in `server.py`."""
WINDOW_S = 0.2
BEFORE = 10
"""Pings of a window that are due before its calls are made, a quarter of it: what those after them are held to."""
WINDOWS = 3
"""At most: who comes between in the first part of one is no reason to believe the rest, and it is looked at again."""
ALONE = 5
"""Calls that are made one at a time, at most."""
HARDLY_S = 0.003
"""A call that takes so much longer than the backend, or less, tells what one takes: no further one is asked for."""
WARM = 8
"""Connections beyond those that do something, before the memory is looked at for the first time."""
OWN = 64
"""Descriptors that a process needs for itself."""
NOT_SAID = "this system does not say what memory is a process's own"
SEEN_S = 0.002  # unclaimed: in the chart of who waits; a timer that is less late is not seen there
DISTURBED = 0.1
"""Share of the pings that may wait for long while nothing is asked of the server."""


@dataclass(frozen=True)
class Params:
    connections: int = param(1000, "connections, all held open", 60, 10_000)
    calls: int = param(12, "requests at the same moment that need the backend", 1, 40)
    call_ms: int = param(50, "how long the backend takes for each", 20, 200)
    pool: int = param(4, "threads of the pool that to_thread has", 1, 16)
    loop: str = param("asyncio", "which event loop", choices=("asyncio", "own", "uvloop"))


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """The server is looked at while only pings are asked of it, and then calls as well; again where that was no use."""
    return batches("window", range(WINDOWS))


class Rig:
    """A server that asks its backend as the design does, and what is outside of it: clients, and that backend."""

    hold_s = 0.0
    """Seconds for which all connections are held idle in the end."""

    def __init__(self, design: object, stage: Stage, params: Params) -> None:
        check(params)
        self.design, self.params = design, params
        told = {"loop": params.loop, "pool": params.pool}
        self.server = stage.child("server", HERE / "server.py", told, design)
        self.outside = stage.child("outside", HERE / "outside.py", {"call_s": params.call_ms / 1000})
        self.seen: list[dict[str, Any]] = []
        self.facts: dict[str, Any] = {}

    async def start(self) -> None:
        """Open the connections, and look at the server's memory before and after; then call, one at a time."""
        p = self.params
        port = await self.server.ask("open", await self.outside.ask("backend"))
        warm = 1 + p.calls + WARM
        await self.outside.ask("connect", port, warm)
        before = await self.server.ask("memory")
        await self.outside.ask("connect", port, p.connections - warm)
        after = await self.server.ask("memory")
        grown = None if before is None else (after - before) / (p.connections - warm)
        alone_s = await self.outside.ask("alone", ALONE, p.call_ms / 1000 + HARDLY_S)
        self.facts = {"kb_per_connection": grown, "alone_s": alone_s}

    async def window(self, number: int) -> None:
        """Pings for a while, and after a quarter of it calls. Nothing, where those before had a calm quarter."""
        if self.seen and waiting(self.seen[-1]["pings"][:BEFORE], PING_EVERY_S) == 0:
            return
        begin = await self.server.ask("begin")
        found = await self.outside.ask("window", WINDOW_S, PING_EVERY_S, BEFORE, self.params.calls)
        self.seen.append({**await self.server.ask("end"), **found, "begin": begin})

    async def report(self) -> Mapping[str, object]:
        """What was seen, beside a call that the backend lets wait too, and how many connections answer in the end."""
        cpu_s = await self.server.ask("cpu")
        if any(one["meanwhile"] for one in self.seen):  # who answers nobody during calls does not do so then
            self.facts["silence"] = await self.outside.ask("silence")
        self.facts["cpu_s"] = await self.server.ask("cpu") - cpu_s
        still = await self.outside.ask("still", self.hold_s)
        return {**self.facts, "windows": self.seen, **await self.outside.ask("answers"), "still": still}


def check(p: Params) -> None:
    """Raise WrongInput where this system lets a process have too few descriptors, or the loop is not there."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
    except ImportError:
        raise WrongInput("This is no Unix, whose descriptors event-loop counts; run it on one.") from None
    most = getrlimit(RLIMIT_NOFILE)[1]
    if most != RLIM_INFINITY and most < p.connections + OWN:
        raise WrongInput(
            f"A process may have {most:,} descriptors here, and {p.connections:,} connections need "
            f"{p.connections + OWN:,}; set connections to {most - OWN:,} at most, or raise the limit (ulimit -Hn)."
        )
    if p.loop == "uvloop":
        from importlib.util import find_spec

        if find_spec("uvloop") is None:
            raise WrongInput(
                "The package uvloop is not there; say pip install 'windtunnel[uvloop]', or take loop=asyncio."
            )


def measure(history: History, p: Params) -> Mapping[str, float]:
    """What else runs on this machine makes everything later and nothing sooner, so the least of the windows is what
    the design did: the longest lag is the shortest of these, too."""
    facts = history.facts
    windows = facts["windows"]
    long_s = p.call_ms / 2000
    told = calmest(windows)["pings"]
    calm, ping_ms = waiting(told[:BEFORE], long_s), 1e3 * mean(told[BEFORE:])
    if calm > DISTURBED:
        why = f"{calm:.0%} of the pings waited for {long_s * 1e3:g} ms while the server had nothing to do"
        ping_ms = not_measurable(why)
    quiet = [max(late) for one in windows if (late := before_calls(one))]
    longest = [max(late for _, late in one["late"]) for one in windows]
    grown = facts["kb_per_connection"]
    return {
        "lag_max_ms": 1e3 * min(longest),
        "together_ms": 1e3 * max(longest),  # where clients have no processor calls come one by one, and lags are short
        "quiet_lag_max_ms": 1e3 * min(quiet) if quiet else not_measurable("no timer was due before the calls"),
        "ping_ms": ping_ms,
        "meanwhile": max(one["meanwhile"] for one in windows),
        "in_silence": float(facts.get("silence", False)),
        "cpu_ms": 1e3 * facts["cpu_s"],
        "at_once": max(one["at_once"] for one in windows),
        "calls_ms": 1e3 * min(one["calls_s"] for one in windows),
        "alone_ms": 1e3 * min(facts["alone_s"]),
        "kb_per_connection": not_measurable(NOT_SAID) if grown is None else grown,
        "still_answer": facts["still"],
        "right_share": facts["right"] / facts["called"],
        "asked_a_call": facts["asked"] / facts["called"],
        "estimate_calls_ms": estimate_calls_ms(p.calls, p.pool, p.call_ms),
    }


def calmest(windows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The one whose pings waited least before the calls, whatever became of those during them."""
    return min(windows, key=lambda one: mean(one["pings"][:BEFORE]))


def before_calls(window: Mapping[str, Any]) -> list[float]:
    """How late each timer was that ran before the first call of a window."""
    first = min(begin for begin, _ in window["spans"])
    return [late for due, late in window["late"] if due + late < first]


def waiting(pings: Sequence[float], long_s: float) -> float:
    """Share of the pings that waited for longer than that."""
    return sum(one > long_s for one in pings) / len(pings)


def estimate_calls_ms(calls: int, pool: int, call_ms: float) -> float:
    """A pool makes so many calls at a time, the next ones after them."""
    return ceil(calls / pool) * call_ms


def lag(history: History, p: Params) -> Mapping[str, Sequence[tuple[float, float]]]:
    """How late a timer was while calls were made, and as steps when calls lasted."""
    busy = calmest(history.facts["windows"])
    begin, steps = busy["begin"], [(0.0, 0.0)]
    for first, last in joined(sorted(map(tuple, busy["spans"]))):
        steps += [(first - begin, 0.0), (first - begin, float(p.call_ms))]
        steps += [(last - begin, float(p.call_ms)), (last - begin, 0.0)]
    return {"lag": [(due + late - begin, 1e3 * late) for due, late in busy["late"]], "calls last": steps}


def joined(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spans that overlap as one."""
    found: list[tuple[float, float]] = []
    for begin, end in spans:
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def who_waits(history: History, p: Params) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """The calmest window: the loop's timer where it was late, and each call as long as it lasted for its caller."""
    busy = calmest(history.facts["windows"])
    begin, free = busy["begin"], list[float]()
    late = [("timer", 1e3 * (due - begin), 1e3 * (due + by - begin), "late") for due, by in busy["late"] if by > SEEN_S]
    calls = []
    for first, last in sorted(map(tuple, busy["spans"])):
        lane = next((place for place, until in enumerate(free) if until <= first), len(free))
        free[lane : lane + 1] = [last]
        calls.append((f"call {lane + 1}", 1e3 * (first - begin), 1e3 * (last - begin), "under way"))
    return {name: rows for name, rows in (("timer", late), ("calls", calls)) if rows}


STOPS = "blocking.meanwhile == 0"
GOES_ON = "min(threads.meanwhile, to_thread.meanwhile, non_blocking.meanwhile) > 0"
MEMORY = "threads.kb_per_connection > 3 * non_blocking.kb_per_connection"
LINE = "to_thread.at_once <= params.pool"
DEV = "Python: Developing with asyncio"

experiment = Experiment(
    title="Event loop",
    question="Why does one blocking call in a coroutine stop everybody, and what does each way around it cost?",
    params=Params,
    workload=workload,
    designs={"blocking": Blocking, "threads": Threads, "to_thread": ToThread, "non_blocking": NonBlocking},
    rig=Rig,
    stages=("machine",),
    measure=measure,
    seeds=3,
    charts=(
        Chart("How late the loop's timer is", "second", "lag, ms", lag),
        Chart("Which calls are under way, and when the timer is late", "ms", "call", who_waits, kind="gantt"),
    ),
    asks=(
        Ask(
            "So many requests at the same moment make a coroutine call what blocks, each for call_ms: how late is a "
            "timer of that loop at worst?",
            "blocking.lag_max_ms",
            "ms",
            1,
            10_000,
            log=True,
        ),
        Ask(
            "How many times the memory of an idle asyncio task does an idle thread take, a connection each?",
            "threads.kb_per_connection / non_blocking.kb_per_connection",
            "times",
            0.1,
            1000,
            log=True,
        ),
        Ask("How many of the calls does the pool of to_thread make at once?", "to_thread.at_once", "calls", 0, 40),
    ),
    why=(
        Why("While a coroutine waits in a blocking call its loop answers nobody.", STOPS),
        Why("Threads, a pool of threads and a client made for the loop all let others be answered.", GOES_ON),
        Why("A thread for each connection pays for that with memory.", MEMORY),
        Why("A pool makes as many calls at a time as it has threads; the others wait in line.", LINE),
    ),
    claims=(
        Claim(
            f"blocking.lag_max_ms > params.call_ms - {PROBE_MS + 1}",
            "A timer that is due every 5 ms waits for the end of the call.",
            DEV,
            breaks="blocking",
        ),
        Claim(
            "params.call_ms / blocking.together_ms < 0.5",
            "Calls that came together are made one after the other, and no timer gets between them.",
            over="mean",
            where="calls >= 5",
        ),
        Claim(STOPS, "There is one thread, and it waits.", DEV, breaks="blocking"),
        Claim(GOES_ON, "Whoever waits does not hold up the others."),
        Claim(
            "max(threads.ping_ms, to_thread.ping_ms, non_blocking.ping_ms) / blocking.ping_ms < 0.5",
            "What users feel is the same: who comes during the calls waits for them in one design, and not in three.",
            over="mean",
            where="calls * call_ms >= 200",
        ),
        Claim(
            "blocking.calls_ms > 0.95 * params.calls * params.call_ms",
            "One at a time is all that a loop can do that waits in them.",
        ),
        Claim(LINE, "A thread makes one blocking call at a time."),
        Claim(
            "to_thread.calls_ms > 0.95 * to_thread.estimate_calls_ms",
            "Those beyond the threads of the pool wait for a whole call.",
        ),
        Claim(
            "min(threads.at_once, non_blocking.at_once) > to_thread.at_once",
            "A loop that waits for sockets makes all calls at once, and so do threads that are there anyway.",
            where="calls >= 2 * pool and calls >= 4",
        ),
        Claim(
            "non_blocking.calls_ms / to_thread.calls_ms < 0.8",
            "So they are over sooner.",
            over="mean",
            where="calls >= 3 * pool",
        ),
        Claim(
            MEMORY,
            "A thread has a stack and a state of its own; a task is some small objects.",
            where="connections >= 150",
        ),
        Claim(
            "min(blocking.still_answer, threads.still_answer, to_thread.still_answer, non_blocking.still_answer) == "
            "params.connections",
            "So many connections are no trouble to any of them: a thread for each is no wrong answer, but a dear one.",
            spares="threads",
        ),
        Claim(
            "blocking.alone_ms < 1.3 * non_blocking.alone_ms",
            "Who asks alone is answered as soon: with one user at a time a blocking call harms nobody.",
            over="mean",
            spares="blocking",
        ),
    ),
    demands=(
        Claim("yours.right_share == 1", "Whoever has asked for a call gets the answer to that call."),
        Claim("yours.asked_a_call == 1", "The backend is asked once for each."),
        Claim("yours.calls_ms > 0.95 * params.call_ms", "Nobody is told anything before the backend has answered."),
        Claim("yours.meanwhile > 0", "Others are answered while calls are under way."),
        Claim("yours.in_silence == 1", "Also where the backend takes longer than it ever did."),
        Claim("yours.cpu_ms < 10", "While it waits for that the processor is free for others."),
        Claim("yours.calls_ms < 3 * non_blocking.calls_ms", "And calls wait for the backend alone."),
        Claim("yours.at_once > 0.7 * params.calls", "Calls that came together wait at the backend together."),
        Claim(
            "yours.kb_per_connection < 2 * non_blocking.kb_per_connection",
            "A connection that does nothing costs little.",
        ),
        Claim("yours.still_answer == params.connections", "And all of them are answered in the end."),
    ),
    hints=(
        "Draw one turn of the loop: what runs, and when are timers and sockets looked at again?",
        "What may a coroutine do while it waits, and what can the loop not know about?",
        "Count at the backend how many calls wait there at once, in each design.",
    ),
    sources=(
        Source(f"{DEV}, Running Blocking Code", 2024, "https://docs.python.org/3/library/asyncio-dev.html"),
        Source(
            "Python: concurrent.futures, ThreadPoolExecutor",
            2024,
            "https://docs.python.org/3/library/concurrent.futures.html",
        ),
        Source("van Rossum: PEP 3156, Asynchronous IO Support Rebooted", 2012, "https://peps.python.org/pep-3156/"),
    ),
    figures=(
        Figure(
            "largest lag, over the calls that block",
            109.8 / 100,
            "blocking.lag_max_ms / (params.calls * params.call_ms)",
            0.15,
            "R",
            "109.8 ms, probes of 5 ms beside calls of 100 ms, one at a time; ours beside calls that come together",
        ),
        Figure(
            "calls through a pool, ms",
            estimate_calls_ms(12, 4, 50),
            "to_thread.calls_ms",
            0.3,
            "D",
            "12 calls of 50 ms by 4 threads: three rounds of them",
        ),
    ),
    quick={"connections": 150},
)

"""Two threads read a value, add one, and write it. In most of all orders of these four steps one count is lost.

**Clarify.** How many threads write the value, how often, and how often does somebody read it? Must the total be right
at each moment, or in the end? Does the language say that a statement is one step, or does it only look so?

**Estimate.** Two reads and two writes have 4! / (2! 2!) = {all} orders, of which {right} are right: one thread after
the other. Three threads have {three}, and {three_right} are right. As for speed: memory that another core has takes
{fetch:.0f} ns, so a lock that goes from core to core, with the value, lets through {through:.1f} in a microsecond.
Cores that share nothing, with {work:.0f} ns of work for each count, do {free:.1f} each.

**Design.** Read, add one, write, with nothing around it. One thread alone loses nothing by that. With two the explorer
shows all orders, and which of them lose. By luck one sees it less often than that: where at each step either thread is
as likely to go on, half of the runs are right, though only {right} of {all} orders are.

**Deep dive: look again.** Look at the value once more before writing, and begin anew where it has changed. The gap is
smaller, and still there, between the look and the write: three fifths of its orders lose, in the place of two thirds.

**Deep dive: a lock.** It leaves the orders in which nobody comes in between. Its price is that all take turns: however
many cores there are, some {through:.0f} counts get through in a microsecond. How one waits matters. Who spins, by
taking the lock's memory again and again, takes it from who wants to let go, and with many cores less is counted than
with few; Anderson compared ways to wait in 1990. Who is handed the lock in turn disturbs nobody. In Gunther's law alpha
is for turns, and beta for what each one more costs all others: spinning has more than twice the beta. Where cores come
to the value seldom, a lock costs next to nothing.

**Deep dive: no lock at all is not fast.** The value goes from core to core whether it is locked or not. On {cores}
cores most of what is counted without a lock is lost: less is kept than a lock lets through that is handed on.

**Deep dive: a value for each thread.** What one alone writes stays with its core, and all orders are right. {cores}
cores count {cores} times as often as one. The price is paid by who reads: the total is {cores} fetches in the place of
one.

**Real threads** (`--stage machine`). `value += 1` of this Python is several opcodes. The explorer stops threads before
each that touches something shared, finds an order that loses, and replays it each time; with a lock it tries all that
differ and finds none. With nobody watching, the same statement loses next to nothing: CPython has
become reluctant to stop a thread inside of it. That proves nothing: put reading and writing into calls, and it loses.

**Left open.** An atomic increment of the processor, which Python does not offer, is one step, and takes turns like a
lock that costs one fetch; locks that park and wake threads cost more than fetches; values of several threads that lie
in one line of memory are fetched like one; caches keep copies for readers, and here nobody does. With the interpreter's
lock Python's threads do not count faster together anyway (threads-or-processes).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Stage, Why, param
from windtunnel.catalogue.concurrency.lost_update import real
from windtunnel.catalogue.concurrency.lost_update.judging import (
    CLAIMS,
    DEMANDS,
    FALLS,
    FIGURES,
    GROWS,
    HALF,
    KEEPS,
    LOSES,
    SOURCES,
    TURNS,
    measure,
    rates,
    schedules,
    serial,
    sizes,
    table,
)
from windtunnel.catalogue.concurrency.lost_update.rig import Memory, Rig, Steps
from windtunnel.explore import Access, Lock


@dataclass(frozen=True)
class Params:
    """How many threads count how often, and what memory costs."""

    threads: int = param(2, "threads whose schedules are explored", 2, 3)
    times: int = param(1, "how often each of them counts", 1, 2)
    cores: int = param(32, "most cores that count at once", 2, 64)
    work_ns: float = param(200.0, "nanoseconds that a core works between two counts", 20.0, 2000.0)
    fetch_ns: float = param(40.0, "nanoseconds to fetch memory that another core has", 4.0, 200.0)
    run_us: float = param(20.0, "microseconds for which they count", 5.0, 100.0)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """All by the rig: `search`, `schedules`, `walks` and `real_threads` explore, `count(cores)` is timed."""
    ops: list[tuple[str, tuple[int, ...]]] = [(name, ()) for name in ("search", "schedules", "walks", "real_threads")]
    ops += [("by_chance", (called,)) for called in (False, True)]
    ops += [("count", (cores,)) for cores in sizes(p)]
    return (Op(0.0, "who asks", name, args, think_s=0.0) for name, args in ops)


class Unlocked:
    """Read the value, add one, and write it."""

    spins = False
    counter: type[real.Counter] = real.OneStatement

    def __init__(self, stage: Stage, p: Params) -> None:
        """Nothing is kept between two counts but what is in the memory."""

    def add(self, memory: Memory, me: int) -> Steps:
        """Count one. Each read and write is told right before it, one by one: others may come in between."""
        yield Access("read", "value")
        seen = memory.get("value", 0)
        yield Access("write", "value")
        memory["value"] = seen + 1

    def total(self, memory: Memory, threads: int) -> Generator[Access, None, int]:
        """What has been counted."""
        yield Access("read", "value")
        return memory.get("value", 0)


class LooksAgain(Unlocked):
    """Look again right before writing, and begin anew where somebody has changed the value."""

    counter = real.LookedAgain

    def add(self, memory: Memory, me: int) -> Steps:
        while True:
            yield Access("read", "value")
            seen = memory.get("value", 0)
            yield Access("read", "value")
            if memory.get("value", 0) == seen:
                yield Access("write", "value")
                memory["value"] = seen + 1
                return


class SpinLock(Unlocked):
    """A lock around it; who finds it taken looks again at once, until it is free."""

    spins = True
    counter = real.Locked
    lock = Lock("lock")

    def add(self, memory: Memory, me: int) -> Steps:
        yield self.lock.acquire()
        yield from super().add(memory, me)
        yield self.lock.release()


class QueueLock(SpinLock):
    """A lock around it; who finds it taken is handed it in turn."""

    spins = False


class Sharded(Unlocked):
    """A value for each thread, which nobody else writes; who wants the total adds them up."""

    counter = real.InParts

    def add(self, memory: Memory, me: int) -> Steps:
        yield Access("read", f"value {me}")
        seen = memory.get(f"value {me}", 0)
        yield Access("write", f"value {me}")
        memory[f"value {me}"] = seen + 1

    def total(self, memory: Memory, threads: int) -> Generator[Access, None, int]:
        found = 0
        for me in range(threads):
            yield Access("read", f"value {me}")
            found += memory.get(f"value {me}", 0)
        return found


SAID = Params()
__doc__ = (__doc__ or "").format(
    all=schedules(2, 1),
    right=serial(2, 1),
    three=schedules(3, 1),
    three_right=serial(3, 1),
    fetch=SAID.fetch_ns,
    through=1e3 / (3 * SAID.fetch_ns + 2),
    work=SAID.work_ns,
    free=1e3 / (SAID.work_ns + 4),
    cores=SAID.cores,
)

experiment = Experiment(
    title="Lost update",
    question="Two threads read a value, add one and write it: how often is a count lost, and what does a cure cost?",
    params=Params,
    workload=workload,
    designs={
        "unlocked": Unlocked,
        "looks_again": LooksAgain,
        "spin_lock": SpinLock,
        "queue_lock": QueueLock,
        "sharded": Sharded,
    },
    stages=("sim", "machine"),
    measure=measure,
    rig=Rig,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Schedules", "step", "schedule", table, kind="gantt"),
        Chart("Counts", "cores", "counts in a microsecond", rates, log="x"),
    ),
    asks=(
        Ask(
            "Two threads count once each, by a read and a write. Which share of all schedules loses one of the two?",
            "unlocked.losing / unlocked.schedules",
            "of the schedules",
            0,
            1,
        ),
        Ask(
            "And where each looks again right before it writes?",
            "looks_again.losing / looks_again.schedules",
            "of the schedules",
            0,
            1,
        ),
        Ask(
            "One core counts some five times in a microsecond. How often do 32 with a value of their own each?",
            "sharded.most_per_us",
            "counts in a microsecond",
            1,
            1000,
            log=True,
        ),
        Ask(
            "And 32 that take turns at one lock?",
            "queue_lock.most_per_us",
            "counts in a microsecond",
            1,
            1000,
            log=True,
        ),
    ),
    why=(
        Why("Whoever writes between another one's read and write is written over, or writes over.", LOSES),
        Why("A look before the write leaves a gap between the look and the write.", HALF),
        Why("A lock leaves the schedules in which nobody comes in between, and no others.", KEEPS),
        Why("One at a time is all that a lock lets through, however many there are.", TURNS),
        Why("Who looks at a lock again and again takes it from who holds it.", FALLS),
        Why("What nobody else writes nobody has to wait for.", GROWS),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Write down all orders in which two threads can read and write, and count what comes out.",
        "Between which two steps may nobody else come? What would keep them out, and who waits then?",
        "What is written by one thread alone needs no lock. Who pays for that, and when?",
    ),
    sources=SOURCES,
    seeds=6,
    quick={"cores": 8, "run_us": 8.0},
)

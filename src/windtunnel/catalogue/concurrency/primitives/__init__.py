"""Seven primitives, each used as it comes, mended where it hurt, and right: the schedules that lose, none left out.

**Clarify.** Who else may hold it, and what if the work inside fails? Is who waits woken because of what it waits for,
or because something has changed? Is a signal kept for who comes late, and counted? Who may be passed over, how often?

**Estimate.** Two threads of ten steps have {two:,} orders, and three have {three:.1e}. A bug that one run in 64 shows
by luck is missed by a hundred runs with a chance of {missed:.0%}, and no number of runs proves that there is none. So
not all orders are searched, but all states, and one of all orders that differ.

**Design.** Each primitive invites a bug. A lock: not let go when the work fails. A lock that a listener takes again:
its own holder waits for it. A semaphore: the permit that is not given back. A condition: `if`, and somebody else was
faster. An event as a queue: cleared after the last look. A barrier of a counter and an event: nobody waits the second
time. A read lock that becomes a write lock: two readers, each waiting for the other to leave.

**Deep dive: the mend has one too.** `with` lets both locks go, and takes them in two orders. A reentrant lock lets its
holder in half-way, where money is missing that is only on its way. `finally` gives back what was never taken; a bounded
semaphore refuses that, but whom it refuses may have done nothing wrong. `while` is right, and one condition for two
kinds of waiters wakes the wrong kind, who goes back to sleep. Two signals before one look are one. A counter that is
reset is passed by who comes again before the others have looked. Whoever gives the read lock back and takes the write
lock has to look again.

**Deep dive: which search.** What needs one order of many is found in order, and what many orders show, by luck. The
lost signal is the sixth in order, and one in 64 by luck. The wrong wake-up is one in twelve by luck, and 33rd in order.
A test that just runs finds the reentrant lock, whatever the order.

**Deep dive: left out.** No deadlock, and still never let in: readers who come before the last has left keep a writer
out for ever, and it is a circle of states. Writers first turns it round. A turnstile, through which all go in the order
of coming, leaves nobody out, and two can still read at once.

**Scale: what it costs.** One lock and one condition, `while` around each wait and everybody woken, is right for all
seven. Its price: it wakes who cannot go on. What is made for the purpose wakes fewer.

**What real systems do.** Go's read-write lock lets no new reader in while a writer waits, and cannot be upgraded;
CPython's documentation asks for the loop around each wait since what was notified may be true no longer.

**Real threads** (`--stage machine`). The same text without `await`, on `threading`, stopped before each opcode that
touches what others see: the same bugs, replayed step for step, and the same proofs.

**Left open.** Waiting with a limit of time. A barrier that one of them breaks. Who can be left out is searched with
locks that are given in the order of coming; CPython's promise none, and then even a turnstile leaves somebody out.
What a lock costs in time (lost-update), and rules for more than two locks (dining-philosophers).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import comb
from random import Random

from windtunnel import Ask, Chart, Experiment, Op, Why, param
from windtunnel.catalogue.concurrency.primitives.drafts import FirstDraft
from windtunnel.catalogue.concurrency.primitives.judging import (
    AT_ONCE,
    BUGS,
    CLAIMS,
    DEMANDS,
    FIGURES,
    IN_VAIN,
    LET_IN,
    MENDED,
    NEITHER,
    PROVED,
    SELDOM,
    SHUT_OUT,
    SOURCES,
    measure,
)
from windtunnel.catalogue.concurrency.primitives.mended import Fitted, OneMonitor, SecondDraft
from windtunnel.catalogue.concurrency.primitives.pictures import (
    all_schedules,
    left_out,
    losing,
    sizes,
    until_met,
    who_waits,
)
from windtunnel.catalogue.concurrency.primitives.rig import Rig
from windtunnel.catalogue.concurrency.primitives.tasks import TASKS
from windtunnel.catalogue.concurrency.primitives.worlds import Bank, Buffer, Jobs, Listened, Page, Pool

__all__ = ["Bank", "Buffer", "Jobs", "Listened", "Page", "Pool"]


@dataclass(frozen=True)
class Params:
    """How large the tasks are, and how many runs are drawn."""

    places: int = param(1, "connections of the pool, and users whose connection breaks", 1, 2)
    pairs: int = param(2, "threads that put, and as many that take", 1, 2)
    parties: int = param(2, "threads that meet at a barrier", 2, 3)
    rounds: int = param(3, "rounds of work that they do: one meeting less", 2, 3)
    walks: int = param(200, "runs of each task that are drawn by luck", 20, 1000)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """Each task is searched, drawn by luck, and run on threads; readers and writers run without an end."""
    asked: list[tuple[str, tuple[str, ...]]] = [
        (name, (task,)) for name in ("search", "draw", "threads") for task in TASKS
    ]
    return (Op(0.0, "who asks", name, args, think_s=0.0) for name, args in [*asked, ("starve", ())])


__doc__ = (__doc__ or "").format(
    two=comb(20, 10),
    three=comb(30, 10) * comb(20, 10),
    missed=(63 / 64) ** 100,
)

experiment = Experiment(
    title="Primitives",
    question="Which bug does each primitive of synchronisation invite, and how many schedules does it take to show?",
    params=Params,
    workload=workload,
    designs={
        "first_draft": FirstDraft,
        "second_draft": SecondDraft,
        "one_monitor": OneMonitor,
        "fitted": Fitted,
    },
    rig=Rig,
    stages=("sim", "machine"),
    measure=measure,
    warmup_s=lambda p: 0.0,
    charts=(
        Chart("Schedules until the bug", "task", "schedules", until_met, kind="bars", log="y"),
        Chart("All schedules", "step", "states: each way to the right is a schedule", all_schedules, kind="graph"),
        Chart("The smallest schedules that lose", "step", "thread", losing, kind="gantt"),
        Chart("Who waits for whom", "step", "thread", who_waits, kind="space-time"),
        Chart("Left out for ever", "step", "thread", left_out, kind="gantt"),
        Chart("What a proof takes", "task", "how many", sizes, kind="bars", log="y"),
    ),
    asks=(
        Ask(
            "Of seven primitives, each used as it comes: how many have a schedule that loses?",
            "first_draft.bugs",
            "of 7",
            0,
            7,
        ),
        Ask("And after the mend that comes to mind first?", "second_draft.bugs", "of 7", 0, 7),
        Ask(
            "An event is cleared after the last look for jobs. In which share of runs by luck is a job forgotten?",
            "first_draft.event_luck",
            "of the runs",
            0.001,
            1,
            log=True,
        ),
        Ask(
            "Seven right programs, two to four threads each: how many states have they together?",
            "fitted.states",
            "states",
            10,
            1_000_000,
            log=True,
        ),
    ),
    why=(
        Why("Each takes, works and gives back; and somebody fails, asks again, or comes in between.", BUGS),
        Why("The mend is right where it hurt, and moves the gap.", MENDED),
        Why("What needs no second thread shows in any run.", AT_ONCE),
        Why("What needs one order of many hardly shows by luck.", SELDOM),
        Why("Order meets what is early in the order, luck what many orders show.", NEITHER),
        Why("Who need not wait for those who wait passes them, again and again.", SHUT_OUT),
        Why("Who comes stands behind who came before.", LET_IN),
        Why("Of the right ones there is no state that is wrong.", PROVED),
        Why("Who wakes everybody wakes those who have to wait on.", IN_VAIN),
    ),
    claims=CLAIMS,
    demands=DEMANDS,
    figures=FIGURES,
    hints=(
        "Draw the smallest schedule that loses. Which two steps had to come without anybody between them?",
        "For each wait: what exactly must be true, who makes it true, and is that the one who wakes?",
        "Take in one order and give back only what was taken; look again after each wait and each new lock; one"
        " condition a kind of waiter, or wake all; number the meetings; let all come in through one turnstile.",
    ),
    sources=SOURCES,
    seeds=6,
    quick={"walks": 20},
)

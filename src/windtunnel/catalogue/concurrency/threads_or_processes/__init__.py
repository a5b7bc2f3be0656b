"""The same work for two, one after the other and at the same time: in threads, and in processes.

**Clarify.** Is it work for the processor, or waiting? Written in Python, or done in C that lets go of the interpreter's
lock? How much is there of it, against what it takes to start whoever does it? Is there a second processor that nobody
else uses?

**Estimate.** One thread at a time runs Python in an interpreter with a lock: two threads compute as much as one
(speed-up 1). Two processes have a lock each, and two threads that work without the lock need none: at most as many
times as much as there are processors, `min(workers, cores)` (`estimate`).

**Design.** `threads` does it in threads of one process. `processes` does it in processes, forked for it. Both do
`python`, a loop of bytecode, and `hash`, hashlib on a large buffer, which lets go of the lock. `by_kind` looks at what
it is: processes for what needs the interpreter for long, threads for the rest.

**Deep dive.** Speed-up here is work by the wall, over work by the processor time of one process alone in the same
minute: who takes the processor away makes it less and never more. `cores` is how many processors were in use at a time.

**Scale.** A process costs more to start than a thread (`start_ms`), and what it finds has to be sent. That pays where
there is work for many times as long as it takes to start. PEP 703 gives about 0.1 ms for a thread and 50 ms for a
process that is spawned, which begins Python anew; here it is forked, and does not.

**Real systems.** Old wisdom says that two threads which compute take longer than one after the other: Beazley measured
15.4 s for 7.8 s in 2010, on four processors, and 11.3 s on one of them. The lock was replaced in Python 3.2, and it no
longer holds: an earlier trial of ours found 1.12 times as long, and `cost_python` says what it is here, in processor
time. Interpreters of one process have a lock each since 3.12 (PEP 684, and from Python since 3.14, PEP 734): an answer
between the two, which is measured where this Python has them (`speed_up_interpreters`). Builds without the lock
(`3.13t`, `3.14t`) are not asked here. PEP 703 gives the cost of its prototype as 6 and 5 % in one thread (8 and 7 % in
several; pyperformance 1.0.6, Skylake and Zen 3), Python's own pages that of 3.13 as about 40 %, PEP 779 of 3.14 as
about 10 %, and 15 to 20 % more memory.

**Left open.** What processes send each other is not measured, nor a pool that stays. Where somebody else uses the other
processor nothing can be said of a speed-up, and the claims say that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from windtunnel import Ask, Chart, Claim, Experiment, Figure, History, Op, Source, Stage, Why, WrongInput, param
from windtunnel.catalogue.concurrency.threads_or_processes.designs import ByKind, Processes, Threads, Work as Work
from windtunnel.catalogue.concurrency.threads_or_processes.machine import measurable, processors
from windtunnel.catalogue.concurrency.threads_or_processes.pieces import at_once, beside, elsewhere, interpreters
from windtunnel.statistics import not_measurable
from windtunnel.workload import batches

WORKER = Path(__file__).with_name("worker.py")
MS = 1000
KINDS = ("python", "hash")
TURNS = ("alone", "together", "together", "alone")
"""So that a processor that gets faster, or slower, favours neither."""


@dataclass(frozen=True)
class Params:
    workers: int = param(2, "threads, or processes", 2, 4)
    work_ms: int = param(50, "processor time of the work of each", 20, 200)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    """One after the other and at the same time, twice each; at last hardly any work."""
    rounds = [(how, kind) for kind in KINDS for how in TURNS]
    return batches("round", ("start", *rounds, "interpreters", ("together", "little"), "interpreters"))


class Rig:
    """Lets a design do its work in a process of its own, and measures there."""

    def __init__(self, design: object, stage: Stage, params: Params) -> None:
        if not hasattr(os, "fork"):
            raise WrongInput("This is no Unix, whose processes threads-or-processes forks; run it on one.")
        self.design = design
        told = {"workers": params.workers, "work_s": params.work_ms / MS}
        self.worker = stage.child("worker", WORKER, told, design)
        self.seen: dict[str, list[Any]] = {}

    async def round(self, what: Any) -> None:
        """One way of doing the work once."""
        words = [what] if isinstance(what, str) else what
        self.seen.setdefault(" ".join(words), []).append(await self.worker.ask(*words))

    async def report(self) -> Mapping[str, object]:
        """What each took; where the worker has ended it is told so here."""
        await self.worker.ask("well")
        return self.seen


def measure(history: History, p: Params) -> Mapping[str, float]:
    facts = history.facts
    little = facts["together little"][0]
    found: dict[str, float] = {"start_ms": MS * facts["start"][0]["start_s"], "estimate": estimate(p.workers)}
    found["elsewhere_little"] = elsewhere(little)
    all_rounds = [little]
    for kind in KINDS:
        alone = [one["cpu_s"] for one in facts[f"alone {kind}"]]
        both = facts[f"together {kind}"]
        all_rounds += both
        wall_s = sum(one["wall_s"] for one in both)
        others = None if both[0]["others"] is None else sum(one["others"] * one["wall_s"] for one in both) / wall_s
        found[f"cores_{kind}"] = sum(one["cpu_s"] for one in both) / wall_s
        found[f"cost_{kind}"] = min(one["cpu_s"] for one in both) / min(alone)
        found[f"at_most_{kind}"] = min(alone) / min(one["wall_s"] for one in both)
        found[f"apart_{kind}"] = max(alone) / min(alone)
        found[f"speed_up_{kind}"] = measurable(found[f"at_most_{kind}"], others, found[f"cost_{kind}"])
        found[f"at_once_{kind}"] = max(at_once(one["pieces"]) for one in both)
        found[f"interpreters_{kind}"] = max(interpreters(one["pieces"]) for one in both)
        found[f"elsewhere_{kind}"] = max(elsewhere(one) for one in both)
        found[f"beside_{kind}"] = min(beside(one) for one in both)
    found |= in_interpreters(facts["interpreters"], min(one["cpu_s"] for one in facts["alone python"]))
    found["cost_old_lock"] = not_measurable("the lock of Python 2 was replaced in 3.2, and no Python 2 is asked here")
    found["cost_without_lock"] = not_measurable("no build of Python without the lock (3.13t, 3.14t) is asked here")
    found["done_once"] = float(all(done == 1 for one in all_rounds for done, *_ in one["pieces"]))
    found["left_behind"] = sum(one["left"] for one in all_rounds)
    return found


def in_interpreters(found: Sequence[Mapping[str, Any] | None], alone_s: float) -> Mapping[str, float]:
    """What interpreters of one process with a lock each make of the loop, if this Python has them."""
    rounds = [one for one in found if one is not None]
    if not rounds:
        python = ".".join(map(str, sys.version_info[:2]))
        missing = not_measurable(
            f"interpreters of Python {python} share a lock; since 3.12 they may have one each"
            if sys.version_info < (3, 12)
            else f"this Python ({python}) has no module that makes interpreters with a lock each"
        )
        return {"speed_up_interpreters": missing, "start_interpreter_ms": missing}
    best = min(rounds, key=lambda one: one["wall_s"])
    return {
        "speed_up_interpreters": measurable(alone_s / best["wall_s"], best["others"], best["cpu_s"] / alone_s),
        "start_interpreter_ms": MS * min(one["start_s"] for one in rounds),
    }


def estimate(workers: int) -> float:
    """Where no lock is in the way."""
    return float(min(workers, processors()))


def speed_ups(history: History, p: Params) -> Mapping[str, Sequence[tuple[str, float]]]:
    """Of each kind of work, whatever others did meanwhile."""
    found = measure(history, p)
    return {"work over that of one alone": [(kind, found[f"at_most_{kind}"]) for kind in KINDS]}


def who_works(history: History, p: Params) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """The first time that the design did each kind of work: each piece from its beginning to its end, by the wall.

    Above it as long as all of the same work took one after the other. Each kind begins at nothing.
    """
    found: dict[str, list[tuple[str, float, float, str]]] = {}
    for kind, word in (("python", "Python"), ("hash", "in C")):
        alone, both = history.facts[f"alone {kind}"][0], history.facts[f"together {kind}"][0]
        pieces = [one for one in both["pieces"] if one[0]]
        first = min((begin for _, begin, *_ in pieces), default=0)
        rows = [(f"{word}, one by one", 0.0, MS * alone["wall_s"], "one after the other")]
        for piece, (_, begin, end, _, process) in enumerate(pieces, 1):
            where = "in the same process" if process == both["here"] else "in a process of its own"
            rows.append((f"{word}, piece {piece}", (begin - first) / 1e6, (end - first) / 1e6, where))
        found[word] = rows
    return found


ONE = "threads.cores_python <= 1.1"
APART = "processes.speed_up_python > 0.75 * processes.estimate"
IN_C = "threads.speed_up_hash > 0.75 * threads.estimate"
CHEAP = "threads.cost_python < 1.5"
FITS = (
    "by_kind.interpreters_python >= params.workers and by_kind.at_once_hash >= params.workers"
    " and max(by_kind.elsewhere_hash, by_kind.elsewhere_little) == 0"
)

experiment = Experiment(
    title="Threads or processes",
    question="When do threads make work for the processor faster, and when does it take processes?",
    params=Params,
    workload=workload,
    designs={"threads": Threads, "processes": Processes, "by_kind": ByKind},
    rig=Rig,
    stages=("machine",),
    measure=measure,
    seeds=3,
    charts=(
        Chart("Speed-up by kind of work", "work", "times one alone", speed_ups, kind="bars"),
        Chart("Who works when, and where", "ms", "thread or process", who_works, kind="gantt"),
    ),
    asks=(
        Ask(
            "How many times as much do two threads compute as one, in Python?", "threads.at_most_python", "times", 0, 3
        ),
        Ask(
            "And how much more processor time does the same work take in threads?", "threads.cost_python", "times", 0, 4
        ),
    ),
    why=(
        Why("One thread at a time runs Python in an interpreter.", ONE),
        Why("Each process has an interpreter of its own.", APART),
        Why("Work in C that lets go of the lock needs no process.", IN_C),
        Why("Who looks at the kind of work pays for a process only where one helps.", FITS),
    ),
    claims=(
        Claim(
            ONE,
            "Whoever computes in Python holds the interpreter's lock: one processor is in use at a time.",
            breaks="threads",
        ),
        Claim(
            "threads.interpreters_python == 1 and threads.at_once_python >= 2",
            "They are under way at once, in one interpreter.",
            breaks="threads",
            where="work_ms >= 40",
        ),
        Claim(
            "threads.at_most_python <= 1.02 * threads.apart_python",
            "So threads compute no more than one does: by no more than one differs from itself before and after.",
            over="mean",
        ),
        Claim(
            CHEAP,
            "That threads make it much slower was true of the lock of Python 2, and is no longer.",
            "Beazley: Understanding the Python GIL",
            over="mean",
        ),
        Claim(APART, "Each has a lock of its own.", over="mean", where="workers == 2 and work_ms >= 40"),
        Claim(
            IN_C,
            "The lock is let go while hashlib works on a large buffer: threads are enough, and are cheaper to start.",
            "Python: hashlib",
            over="mean",
            spares="threads",
            where="workers == 2 and work_ms >= 40",
        ),
        Claim(
            "threads.start_ms / processes.start_ms < 0.5", "A process is copied, a thread gets a stack.", over="mean"
        ),
        Claim(
            FITS,
            "Python for long in interpreters of their own, all else in threads: no process without use.",
            where="work_ms >= 40",
        ),
        Claim(
            "min(processes.elsewhere_hash, processes.elsewhere_little) == params.workers",
            "A process each is paid for whatever is to be done, and however little.",
        ),
    ),
    demands=(
        Claim("yours.done_once == 1", "Each piece is done once, and is done when you are back."),
        Claim(
            "yours.interpreters_python >= params.workers",
            "Pieces in Python are under way at the same moment, each in an interpreter of its own.",
        ),
        Claim("yours.at_once_hash >= params.workers", "Pieces in C are under way at the same moment."),
        Claim("yours.elsewhere_hash == 0", "And pay for no process, since they let go of the lock."),
        Claim("yours.elsewhere_little == 0", "Nor do pieces that are over sooner than a process has started."),
        Claim(
            "max(yours.beside_python, yours.beside_hash) < 0.4", "Hardly a processor is busy with anything but them."
        ),
        Claim("yours.left_behind == 0", "And no process is left that nobody has waited for."),
    ),
    hints=(
        "Which part of the work needs the interpreter, and which part does not?",
        "How many processors are in use while two threads compute in Python?",
        "How long does it take to start who does the work, against the work?",
    ),
    sources=(
        Source(
            "Beazley: Understanding the Python GIL", 2010, "https://speakerdeck.com/dabeaz/understanding-the-python-gil"
        ),
        Source("Python: hashlib", 2024, "https://docs.python.org/3/library/hashlib.html"),
        Source(
            "Gross: PEP 703, Making the Global Interpreter Lock Optional", 2023, "https://peps.python.org/pep-0703/"
        ),
        Source(
            "Python Support for Free Threading", 2024, "https://docs.python.org/3.13/howto/free-threading-python.html"
        ),
        Source("Snow: PEP 684, A Per-Interpreter GIL", 2022, "https://peps.python.org/pep-0684/"),
        Source("Snow: PEP 734, Multiple Interpreters in the Stdlib", 2023, "https://peps.python.org/pep-0734/"),
        Source(
            "Wouters, Page, Gross: PEP 779, Criteria for supported status for free-threaded Python",
            2025,
            "https://peps.python.org/pep-0779/",
        ),
    ),
    figures=(
        Figure(
            "two threads over one after the other, Python 2.6",
            45.5 / 24.6,
            "threads.cost_old_lock",
            0.1,
            "Vq",
            "count(100,000,000) twice on a dual-core MacBook, 2010: 24.6 s one after the other, 45.5 s in two threads",
            "Beazley: Understanding the Python GIL",
        ),
        Figure(
            "one thread without the lock over one with it",
            1.06,
            "threads.cost_without_lock",
            0.03,
            "V",
            "the prototype, pyperformance 1.0.6, Skylake (1.05 on Zen 3); 1.08 and 1.07 in several threads",
            "Gross: PEP 703",
        ),
        Figure(
            "one thread without the lock over one with it, 3.13",
            1.40,
            "threads.cost_without_lock",
            0.05,
            "V",
            "about 40 % on the pyperformance suite",
            "Python Support for Free Threading",
        ),
        Figure(
            "one thread without the lock over one with it, 3.14",
            1.10,
            "threads.cost_without_lock",
            0.05,
            "V",
            "currently around 10 %, and 15 to 20 % more memory; 15 and 20 % are the most that are allowed",
            "Wouters, Page, Gross: PEP 779",
        ),
        Figure(
            "processor time of two threads over one, Python",
            1.12,
            "threads.cost_python",
            0.25,
            "R",
            "Python 3.11, two threads that count, by the wall: 3.47 s and 3.11 s",
        ),
        Figure(
            "speed-up of two processes, Python",
            2.0,
            "processes.speed_up_python",
            0.25,
            "D",
            "as many processors as processes, and nobody else on them",
        ),
        Figure(
            "speed-up of two interpreters of one process, Python",
            2.0,
            "threads.speed_up_interpreters",
            0.25,
            "D",
            "as many processors as interpreters, and nobody else on them; Python 3.12 or later, made before they work",
            "Snow: PEP 684",
        ),
    ),
    quick={"work_ms": 40},
)

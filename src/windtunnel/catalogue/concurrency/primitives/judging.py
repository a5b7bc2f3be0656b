"""How it is judged: what is measured, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from collections.abc import Mapping
from math import factorial, nan
from typing import Any, Protocol

from windtunnel import Claim, Figure, History, Source
from windtunnel.catalogue.concurrency.primitives.tasks import TASKS
from windtunnel.statistics import not_measurable

Found = Mapping[str, Any]


class Setting(Protocol):
    """The parameter that is needed here."""

    @property
    def walks(self) -> int: ...


def answers(history: History, name: str) -> dict[str, Any]:
    """What the requests of this name returned, by task."""
    return {e.args[0]: e.value for e in history.where(name=name, outcome="ok")}


def measure(history: History, p: Setting) -> dict[str, float]:
    """Which tasks lose a schedule and when it is met; which are proved; what else is paid."""
    searched, drawn, threads = (answers(history, name) for name in ("search", "draw", "threads"))
    starved: Found = next((e.value for e in history.where(name="starve", outcome="ok")), {})
    measured: dict[str, float] = {}
    for task, found in searched.items():
        measured[f"{task}_luck"] = luck(found)
    for task, found in searched.items():
        measured[f"{task}_order"] = float(found["reduced"] or found["differ"])
    for task, (first, _) in drawn.items():
        measured[f"{task}_drawn"] = float(first)
    for task, (_, lost) in drawn.items():
        measured[f"{task}_lost"] = lost / p.walks
    for task, what in (("lock", "schedules"), ("lock", "differ"), ("semaphore", "steps")):
        measured[f"{task}_{what}"] = float(searched[task][what])
    found = searched.values()
    return {
        **measured,
        "bugs": float(sum(one["loses"] for one in found)),
        "proved": float(sum(one["complete"] and not one["loses"] for one in found)),
        "sure": float(sum(one["by_luck"] == 1 for one in found)),
        "stops": float(sum(one["loses"] and one["stops"] == one["by_luck"] for one in found)),
        "seen": float(sum(one["loses"] and one["stops"] == one["raises"] == 0 for one in found)),
        "not_met": float(sum(not lost and searched[task]["loses"] for task, (_, lost) in drawn.items())),
        "schedules": sum(one["schedules"] for one in found),
        "differ": float(sum(one["differ"] for one in found)),
        "states": float(sum(one["states"] for one in found)),
        "woken": sum(one["woken"] for one in found),
        "spins": float(sum(one["spins"] for one in found)),
        "hurried": float(all(one["hurried"] for one in found)),
        "readers": float(max((one["readers"] for one in found), default=0)),
        "users": float(max((one["users"] for one in found), default=0)),
        "writer_starves": shut(starved, "writer"),
        "reader_starves": shut(starved, "reader"),
        **on_threads(threads, searched),
    }


def luck(found: Found) -> float:
    """The share of runs that lose where all who can go on are as likely; 0 only where that is proved."""
    if not found["loses"]:
        return 0.0 if found["complete"] else nan
    return float(found["by_luck"])


def shut(starved: Found, who: str) -> float:
    """Whether one of these can be left out for ever; nan where the search did not end."""
    if not starved or not starved["complete"]:
        return nan
    return float(starved[who] is not None)


def on_threads(threads: Found, searched: Found) -> dict[str, float]:
    """The same on real threads, and whether it is the same."""
    asked = {task: one for task, one in threads.items() if one}
    if not asked:
        return {}
    if not all(one["exact"] for one in asked.values()):
        none = not_measurable("what an opcode touches is not seen in this Python, so that hardly two steps commute")
        return {f"real_{name}": none for name in ("bugs", "replays", "agrees", "proved", "steps")}
    found = [one for one in asked.values() if one["found"]]
    return {
        "real_bugs": float(len(found)),
        "real_replays": float(sum(one["replays"] for one in found)),
        "real_agrees": float(sum(one["found"] == searched[task]["loses"] for task, one in asked.items())),
        "real_proved": float(sum(one["proved"] for one in asked.values())),
        "real_steps": float(sum(one["steps"] for one in asked.values())),
    }


def all_of(measured: str, design: str, word: str = "min") -> str:
    """The least of it among the tasks, or the most."""
    return f"{word}({', '.join(f'{design}.{task}_{measured}' for task in TASKS)})"


ALONE = {"pairs": 1, "rounds": 2}
USUAL = {"places": 1, "pairs": 2, "parties": 2, "rounds": 3}
CROWD = "pairs >= 2 and rounds >= 3"
SIM, MACHINE = ("sim",), ("machine",)
MESA, GO, DOWNEY, DOCS = "Lampson and Redell 1980", "Go, sync.RWMutex 2023", "Downey 2016", "CPython, Condition 2012"

BUGS = "first_draft.bugs == 7"
MENDED = "second_draft.bugs == 7"
PROVED = "min(one_monitor.proved, fitted.proved) == 7 and max(one_monitor.bugs, fitted.bugs) == 0"
AT_ONCE = "first_draft.rlock_luck == 1 and second_draft.rlock_luck == 1"
SELDOM = "0 < first_draft.event_luck < 0.02"
NEITHER = (
    "first_draft.event_order * first_draft.event_luck < 0.2"
    " and second_draft.condition_order * second_draft.condition_luck > 2"
)
SHUT_OUT = "first_draft.writer_starves == 1 and second_draft.reader_starves == 1 and second_draft.writer_starves == 0"
LET_IN = (
    "max(one_monitor.writer_starves, one_monitor.reader_starves, fitted.writer_starves, fitted.reader_starves) == 0"
)
IN_VAIN = "one_monitor.woken > 1.5 * fitted.woken"
FEWER = "max(fitted.states, fitted.differ) < 0.1 * fitted.schedules"

CLAIMS = (
    Claim(
        BUGS,
        "Each of the seven, used as it comes, has a schedule that loses.",
        breaks="first_draft",
        where=CROWD,
    ),
    Claim(
        "first_draft.condition_luck == 0 and first_draft.barrier_luck == 0",
        "One who puts, one who takes and one meeting: `if`, one condition and an event that is never cleared will do.",
        spares="first_draft",
        given=ALONE,
    ),
    Claim(MENDED, "Each of the seven, mended where it hurt, has another one.", where=CROWD),
    Claim(PROVED, "Of these all states were searched, and in none is anything wrong or anybody stuck."),
    Claim(AT_ONCE, "A lock that its holder takes again, or that lets its holder in half-way, shows it in any run."),
    Claim("first_draft.sure == 1 and second_draft.sure == 1", "Of the other six some runs end well.", given=USUAL),
    Claim(
        "first_draft.stops == 5 and first_draft.seen == 2 and second_draft.stops == 4 and second_draft.seen == 2",
        "An `if` and the first barrier, then the reentrant lock and the page, let in who should wait; a permit too many"
        " does so or is refused. Of the others somebody waits for ever.",
        given=USUAL,
    ),
    Claim(
        "first_draft.rwlock_luck == 7 / 8 and second_draft.rwlock_luck == 15 / 16",
        "Four steps to the upgrade, five to the write lock: right if the other takes none before, 1/2 each.",
    ),
    Claim(SELDOM, "A signal that is cleared after the last look is lost in one of 64 runs by luck."),
    Claim(
        f"{all_of('order', 'first_draft', 'max')} <= 20 and {all_of('order', 'second_draft', 'max')} <= 33",
        "Of schedules that differ, one after the other, none of these needs more than 33.",
        given=USUAL,
    ),
    Claim(
        "min(first_draft.condition_order, first_draft.rwlock_order, second_draft.condition_order,"
        " second_draft.barrier_order) > 6",
        "These four are in none of the first six.",
        given=USUAL,
    ),
    Claim(
        NEITHER,
        "Luck is worse than order for the lost signal, and better for the wake-up that the wrong one gets.",
        given=USUAL,
    ),
    Claim(
        "abs(first_draft.semaphore_lost - first_draft.semaphore_luck) < 0.1",
        "The share of drawn runs that lose is that of the states, weighed by who could go on.",
        over="mean",
        where="walks >= 100",
    ),
    Claim(
        SHUT_OUT,
        "Where readers need not wait for who waits they keep a writer out for ever; where writers go first, a reader.",
        GO,
    ),
    Claim(LET_IN, "Where one gets in after another, in the order of coming, nobody is kept out for ever.", DOWNEY),
    Claim(
        "min(one_monitor.readers, fitted.readers) == 2",
        "And two can still read at once.",
    ),
    Claim(
        IN_VAIN,
        "One condition for everything wakes those too for whom nothing has changed.",
        MESA,
        given=USUAL,
    ),
    Claim(
        "fitted.semaphore_steps < 0.9 * one_monitor.semaphore_steps",
        "A permit is one step to take and one to give back; a counter in a monitor is a lock, and perhaps a wait.",
        given=USUAL,
    ),
    Claim(
        FEWER,
        "What is searched to prove it is less than a tenth of all schedules.",
        given=USUAL,
    ),
    Claim(
        "first_draft.real_bugs == 7 and second_draft.real_bugs == 7",
        "Threads of this Python lose each of them, in a schedule that is found.",
        given=USUAL,
        stages=MACHINE,
    ),
    Claim(
        "first_draft.real_replays == 7 and second_draft.real_replays == 7",
        "And lose it in the same step each time that the schedule is replayed.",
        given=USUAL,
        stages=MACHINE,
    ),
    Claim(
        "one_monitor.real_bugs == 0 and fitted.real_bugs == 0",
        "And have not lost the two that are right.",
        given=USUAL,
        stages=MACHINE,
    ),
    Claim(
        "one_monitor.real_proved == 7 and fitted.real_proved == 7",
        "Of which all schedules of opcodes that differ were tried.",
        given=USUAL,
        stages=MACHINE,
    ),
)

DEMANDS = (
    *(
        Claim(f"yours.{task}_luck == 0", why)
        for task, why in {
            "lock": "No schedule of three transfers loses money, or comes to a stop.",
            "rlock": "Who is told of a move sees all of the money, and may ask.",
            "semaphore": "A broken connection, or one who does not wait, costs no permit and makes none.",
            "condition": "What is put is taken, once, and nobody waits for ever.",
            "event": "Each job that is announced is done.",
            "barrier": "Nobody begins a round before all have ended the last.",
            "rwlock": "A stale page is made anew once.",
        }.items()
    ),
    Claim("yours.semaphore_luck == 0 and yours.users == 2", "Two connections serve two.", given={"places": 2}),
    Claim("yours.hurried == 1", "Who does not want to wait is served where there is a connection, and goes else."),
    Claim("yours.barrier_luck == 0", "Three can meet.", given={"parties": 3}),
    Claim("yours.condition_luck == 0", "One can put what one takes.", given={"pairs": 1}),
    Claim("yours.readers == 2", "Two read at once."),
    Claim("yours.writer_starves == 0", "Readers who come and go do not keep a writer out for ever."),
    Claim("yours.reader_starves == 0", "Nor writers a reader."),
    Claim("yours.spins == 0", "Nobody asks again and again."),
)

FIGURES = (
    Figure(
        "share of runs in which a lost permit leaves somebody waiting",
        1 / 2,
        "first_draft.semaphore_lost",
        0.15,
        "D",
        "one permit; who breaks his connection and who waits for it are as likely to be first; drawn runs",
        given=USUAL,
    ),
    Figure(
        "share of runs in which the wrong one is woken",
        1 / 12,
        "second_draft.condition_lost",
        0.4,
        "D",
        "both takers come first (2/4 * 1/3), and the second who puts comes before the taker that was woken (1/2)",
        given=USUAL,
    ),
    Figure(
        "share of runs in which a fast one laps the barrier",
        1 / 4,
        "second_draft.barrier_lost",
        0.2,
        "D",
        "the last to come works (1/2) and comes again (1/2) before the other, who was woken, has the lock",
        given=USUAL,
    ),
    Figure(
        "schedules of three transfers with one lock",
        factorial(3),
        "one_monitor.lock_schedules",
        0.0,
        "D",
        "3! orders in which three take a lock once each",
    ),
    Figure(
        "and that differ, with two locks in one order",
        factorial(3),
        "fitted.lock_differ",
        0.0,
        "D",
        "the second lock is taken by who has the first, so that the order of the first decides",
    ),
)

SOURCES = (
    Source(
        "B. W. Lampson and D. D. Redell, Experience with Processes and Monitors in Mesa, CACM 23(2)",
        1980,
        "https://doi.org/10.1145/358818.358824",
    ),
    Source("A. B. Downey, The Little Book of Semaphores", 2016, "https://greenteapress.com/wp/semaphores/"),
    Source("Go, sync.RWMutex", 2023, "https://github.com/golang/go/blob/master/src/sync/rwmutex.go"),
    Source(
        "CPython, Improve the threading.Condition docs",
        2012,
        "https://www.python.org/pipermail/python-checkins/2012-April/112598.html",
    ),
)

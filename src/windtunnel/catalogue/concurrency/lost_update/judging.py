"""How it is judged: what is measured, what theory says, what is claimed and demanded, and from where that comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import factorial, isnan, nan
from typing import Any, Protocol

from windtunnel import Claim, Figure, History, Source
from windtunnel.sim.closed_forms import scalability

LISTED = 100
"""Schedules after which a list of all does not go on."""
MOST = 2_000
"""Schedules after which a search gives up."""
WALKS = 150
"""Schedules that are drawn by luck."""
DRAWN = 24
"""Most schedules in the picture."""


class Setting(Protocol):
    """What the experiment's parameters say; they stand in its own file."""

    @property
    def threads(self) -> int: ...

    @property
    def times(self) -> int: ...

    @property
    def cores(self) -> int: ...

    @property
    def work_ns(self) -> float: ...

    @property
    def fetch_ns(self) -> float: ...

    @property
    def run_us(self) -> float: ...


def sizes(p: Setting) -> list[int]:
    """How many cores count: 1, 2, 4, and so on, and the most."""
    return sorted({1 << i for i in range(p.cores.bit_length())} | {p.cores})


def law(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Gunther's alpha and beta, by least squares: n / C(n) - 1 = alpha (n - 1) + beta n (n - 1), and none below 0.

    Args:
        points: (n, C(n)): how many times the work of one is done by n. Where none is done the law has no point, and
            where there is none no numbers (NaN).
    """
    rows = [(n - 1.0, n * (n - 1.0), n / c - 1) for n, c in points if n > 1 and c > 0]
    if not rows:
        return nan, nan
    aa, ab, bb = (sum(r[i] * r[j] for r in rows) for i, j in ((0, 0), (0, 1), (1, 1)))
    ay, by = (sum(r[i] * r[2] for r in rows) for i in (0, 1))
    det = aa * bb - ab * ab
    alpha, beta = ((bb * ay - ab * by) / det, (aa * by - ab * ay) / det) if det > 1e-9 * aa * bb else (ay / aa, 0.0)
    if beta < 0:
        alpha, beta = ay / aa, 0.0
    if alpha < 0:
        alpha, beta = 0.0, max(0.0, by / bb)
    return alpha, beta


def serial(threads: int, times: int) -> int:
    """Schedules in which nobody comes between a read and its write."""
    return factorial(threads * times) // int(factorial(times) ** threads)


def schedules(threads: int, times: int) -> int:
    """All of them: each count is a read and a write."""
    return factorial(2 * threads * times) // int(factorial(2 * times) ** threads)


def answer(history: History, name: str) -> Any:
    """What the one request of this name returned."""
    return next((e.value for e in history.where(name=name, outcome="ok")), None)


def counted(history: History) -> dict[int, Mapping[str, float]]:
    """What was timed, by the number of cores."""
    return {e.args[0]: e.value for e in history.where(name="count", outcome="ok") if e.value is not None}


def times_one(timed: Mapping[int, Mapping[str, float]]) -> list[tuple[int, float]]:
    """How many times the work of one so many cores do."""
    alone = timed[1]["per_us"]
    return [(cores, one["per_us"] / alone) for cores, one in timed.items()] if alone else []


def measure(history: History, p: Setting) -> dict[str, float]:
    """All of it."""
    explored = answer(history, "schedules")
    found = answer(history, "real_threads")
    chance = {e.args[0]: e.value for e in history.where(name="by_chance", outcome="ok")}
    searched = answer(history, "search")
    explored_here = {
        "schedules": len(explored),
        "losing": sum(lost for lost, _ in explored),
        "found": float(searched[0]),
        "proved": float(searched[1]),
        "walks_lost": answer(history, "walks") / WALKS,
    }
    if not found:  # no threads in the tunnel
        return {**explored_here, **speed(counted(history), p)}
    real = {f"real_{name}": value for name, value in found.items()}
    asked = dict.fromkeys(("most_per_us", "best_per_us"), nan)  # of this machine's cores nothing is timed
    return {**explored_here, **asked, **real, "chance_lost": chance[False], "called_lost": chance[True]}


def speed(timed: Mapping[int, Mapping[str, float]], p: Setting) -> dict[str, float]:
    """What was timed."""
    alpha, beta = law(times_one(timed))
    most = timed[p.cores]
    return {
        "alone_per_us": timed[1]["per_us"],
        "best_per_us": max(one["per_us"] for one in timed.values()),
        "most_per_us": most["per_us"],
        "kept_per_us": most["per_us"] * (1 - most["lost"]),
        "alpha": alpha,
        "beta": beta,
        "lost_alone": timed[1]["lost"],
        "lost_share": most["lost"],
        "read_ns": most["read_ns"],
    }


def table(history: History, p: Setting) -> Mapping[str, Sequence[tuple[str, float, float, str]]]:
    """The first schedules, a row each: who took which step, and whether a count was lost."""
    rows: dict[str, list[tuple[str, float, float, str]]] = {"keeps all": [], "loses": []}
    for number, (lost, steps) in enumerate(answer(history, "schedules")[:DRAWN], 1):
        name = f"{number} loses" if lost else f"{number}"
        own = rows["loses" if lost else "keeps all"]
        own += [(name, float(i), i + 1.0, f"{who} {what}") for i, (who, what) in enumerate(steps)]
    return {kind: own for kind, own in rows.items() if own}


def rates(history: History, p: Setting) -> Mapping[str, Sequence[tuple[float, float]]]:
    """Measured, and the law that fits."""
    timed = counted(history)
    if not timed:
        return {"measured": [(1.0, 0.0)]}
    found = {"measured": [(float(n), at["per_us"]) for n, at in timed.items()]}
    alpha, beta = law(times_one(timed))
    if isnan(alpha):
        return found
    one = timed[1]["per_us"]
    fit = [(float(n), one * scalability(n, alpha=min(alpha, 1.0), beta=beta)) for n in range(1, p.cores + 1)]
    return {**found, "the law that fits": fit}


FEW = "threads * times == 2"
"""All schedules are there."""
PAIR = {"threads": 2, "times": 1}
CROWDED = "cores * fetch_ns >= work_ns + 3 * fetch_ns and cores >= 8"
"""Three times as much time is asked of one line of memory as there is."""
LONG = "1000 * run_us >= 3 * cores * fetch_ns + 4 * work_ns"
"""In a shorter run not everybody has had a turn when it ends."""
FREE = {"cores": 16, "work_ns": 2000.0, "fetch_ns": 4.0, "run_us": 40.0}
SET = {"cores": 32, "work_ns": 200.0, "fetch_ns": 40.0, "run_us": 20.0}
SMALL = {"cores": 2, "run_us": 5.0}
ALONE = {"cores": 2, "work_ns": 20.0, "fetch_ns": 40.0, "run_us": 100.0}
FAST = {"cores": 16, "work_ns": 200.0, "fetch_ns": 40.0, "run_us": 10.0}

LOSES = "unlocked.losing > 0.6 * unlocked.schedules"
HALF = "looks_again.found == 1 and looks_again.walks_lost > 0.2"
KEEPS = (
    "min(spin_lock.proved, queue_lock.proved, sharded.proved) == 1"
    " and max(spin_lock.lost_share, queue_lock.lost_share, sharded.lost_share) == 0"
)
TURNS = "queue_lock.most_per_us < 1.1 * 1000 / (3 * params.fetch_ns)"
FALLS = (
    "spin_lock.most_per_us < min(0.6 * queue_lock.most_per_us, 0.8 * spin_lock.best_per_us)"
    " and spin_lock.beta > 2 * queue_lock.beta"
)
GROWS = "sharded.most_per_us > 0.8 * 1000 * params.cores / (params.work_ns + 4) and sharded.alpha < 0.1"
SIM, MACHINE = ("sim",), ("machine",)

CLAIMS = (
    Claim(
        LOSES,
        "Of all orders of two reads and two writes those are right in which nobody comes in between: two of six.",
        breaks="unlocked",
    ),
    Claim(
        HALF,
        "A look right before the write makes the gap smaller, and leaves one.",
    ),
    Claim(
        "5 * looks_again.losing == 3 * looks_again.schedules and 3 * unlocked.losing == 2 * unlocked.schedules",
        "It helps a little: three fifths of its schedules lose, in the place of two thirds.",
        where=FEW,
    ),
    Claim(
        KEEPS,
        "With a lock, or a value for each thread, no schedule loses, and no count on many cores.",
        stages=SIM,
    ),
    Claim(
        "queue_lock.schedules < unlocked.schedules == sharded.schedules",
        "A lock leaves few schedules; values of their own leave all, and all are right.",
        where="threads * times <= 3",
    ),
    Claim(
        "unlocked.lost_share > 0.5 and looks_again.lost_share > 0.5",
        "On cores that all want the value most of what is counted is lost.",
        where=CROWDED,
        stages=SIM,
    ),
    Claim(
        "unlocked.kept_per_us < 0.75 * queue_lock.most_per_us",
        "So leaving the lock out is not even fast: what is kept is less than what a lock lets through.",
        where=CROWDED,
        stages=SIM,
    ),
    Claim(
        TURNS,
        "A lock lets one through at a time: its line, the value and its line again are fetched for each.",
        "Gunther 2008",
        where=f"{CROWDED} and fetch_ns >= 20",
        stages=SIM,
    ),
    Claim(
        FALLS,
        "Who spins fetches the lock from who wants to let it go: more cores are less.",
        "Anderson 1990",
        where=f"{CROWDED} and {LONG}",
        stages=SIM,
    ),
    Claim(
        GROWS,
        "A value for each core stays with its core, so that twice the cores count twice as much.",
        "Gunther 2008",
        where="cores >= 8 and 1000 * cores * run_us >= 300 * work_ns",
        stages=SIM,
    ),
    Claim(
        "sharded.read_ns > 0.9 * params.cores * params.fetch_ns and queue_lock.read_ns <= params.fetch_ns + 1",
        "The price: whoever wants the total fetches all of them.",
        stages=SIM,
    ),
    Claim(
        "unlocked.lost_alone == 0 and unlocked.alone_per_us >= queue_lock.alone_per_us",
        "A thread that counts alone loses nothing, and needs no lock.",
        spares="unlocked",
        stages=SIM,
    ),
    Claim(
        "abs(unlocked.alone_per_us * (params.work_ns + 4) / 1000 - 1) < 0.08",
        "What nobody else touches stays near: reading and writing it cost 2 ns each.",
        given=ALONE,
        stages=SIM,
    ),
    Claim(
        "queue_lock.most_per_us > 0.85 * sharded.most_per_us",
        "Where cores come to the value seldom a lock costs next to nothing.",
        over="mean",
        given=FREE,
        stages=SIM,
    ),
    Claim(
        "min(unlocked.real_found, looks_again.real_found, unlocked.real_replays, looks_again.real_replays) == 1",
        "Real threads lose in a schedule that the explorer finds, and each time that it is replayed.",
        stages=MACHINE,
    ),
    Claim(
        "min(spin_lock.real_proved, queue_lock.real_proved, sharded.real_proved) == 1"
        " and max(queue_lock.real_found, sharded.real_found) == 0",
        "With a lock, or values of their own, real threads have no such schedule.",
        stages=MACHINE,
    ),
    Claim(
        "unlocked.chance_lost < 0.001",
        "With nobody watching one statement hardly ever loses: this Python seldom stops a thread inside of it.",
        stages=MACHINE,
    ),
    Claim(
        "unlocked.called_lost > 0 and max(queue_lock.called_lost, sharded.called_lost) == 0",
        "Where reading and writing are calls threads are stopped in between, and the same counter loses.",
        stages=MACHINE,
    ),
)

DEMANDS = (
    Claim("yours.proved == 1", "No schedule of two threads loses a count.", given={**SMALL, **PAIR}),
    Claim("yours.proved == 1", "Nor of two that count twice each.", given={**SMALL, "threads": 2, "times": 2}),
    Claim("yours.proved == 1", "Nor of three.", given={**SMALL, "threads": 3, "times": 1}),
    Claim("yours.lost_share == 0", "Nor do many cores.", given=FAST),
    Claim("yours.most_per_us > 30", "And sixteen cores count six times as much as one.", given=FAST),
    Claim("yours.read_ns < 1500", "The total is there soon.", given=FAST),
)

FIGURES = (
    Figure("schedules of two threads", schedules(2, 1), "unlocked.schedules", 0.001, "D", "4! / (2! 2!)", given=PAIR),
    Figure(
        "schedules that lose a count",
        schedules(2, 1) - serial(2, 1),
        "unlocked.losing",
        0.001,
        "D",
        "all but the two in which one thread reads and writes before the other",
        given=PAIR,
    ),
    Figure(
        "schedules of three threads that lose a count",
        schedules(3, 1) - serial(3, 1),
        "unlocked.losing",
        0.001,
        "D",
        "6! / (2! 2! 2!) less the 3! in which they take turns",
        given={"threads": 3, "times": 1},
    ),
    Figure(
        "share of runs that lose by luck",
        0.5,
        "unlocked.walks_lost",
        0.2,
        "D",
        "at each step either thread is as likely: the first goes on to its write with 1/2; 150 runs a seed",
        given=PAIR,
    ),
    Figure(
        "counts a microsecond through one lock",
        1e3 / (3 * SET["fetch_ns"] + 2),
        "queue_lock.most_per_us",
        0.12,
        "D",
        "the lock is fetched, the value fetched and written, the lock fetched again: 3 x 40 ns and 2; less those who"
        " come meanwhile and look at the lock",
        given=SET,
        stages=SIM,
    ),
    Figure(
        "counts a microsecond of 32 cores with a value each",
        1e3 * SET["cores"] / (SET["work_ns"] + 4),
        "sharded.most_per_us",
        0.05,
        "D",
        "32 / (200 ns of work and two touches of 2 ns)",
        given=SET,
        stages=SIM,
    ),
    Figure(
        "counts a microsecond of one core that hardly works in between",
        1e3 / (ALONE["work_ns"] + 4),
        "unlocked.alone_per_us",
        0.08,
        "D",
        "1 / (20 ns of work and two touches of 2 ns): what nobody else touches stays near",
        given=ALONE,
        stages=SIM,
    ),
)

SOURCES = (
    Source(
        "N. J. Gunther, A General Theory of Computational Scalability Based on Rational Functions",
        2008,
        "https://arxiv.org/abs/0808.1431",
    ),
    Source(
        "T. E. Anderson, The Performance of Spin Lock Alternatives for Shared-Memory Multiprocessors",
        1990,
        "https://homes.cs.washington.edu/~tom/pubs/spinlock.html",
    ),
)

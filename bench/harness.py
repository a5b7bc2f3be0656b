"""Measures contenders in turns, in CPU time, and says who stands where.

A row is one job. Each contender is a function that prepares its state and returns the timed part; the timed part does
the job and returns how many operations that was. Contenders take turns, round after round, so that a noisy minute hits
all of them: in each round ours and a peer are a pair, and what is told is the median of the pairs' ratios, with the
middle half of them as its noise. One variant of ours is named before anything is measured; the peer that stands best
against it gives the row's ratio. A peer that is not installed is skipped, with a word.
"""

from __future__ import annotations

import contextlib
import gc
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

ROUNDS = 7


@dataclass(frozen=True)
class Spent:
    """What a job measured itself, because it ran elsewhere: in another process, or in a server."""

    operations: int
    cpu_ns: int


Timed = Callable[[], int | Spent]
"""Does the job once and returns the number of operations."""


class Skip(Exception):
    """Raised by a contender's preparation when it cannot run here; the sentence says why."""


@dataclass(frozen=True)
class Row:
    """One job. `contenders` maps a name to its preparation; names that start with "ours" are ours.

    The first of ours is the one that is compared; other variants of ours are shown. `bar` is the least ratio that we
    hold ourselves to (None: shown, not held). `against` names the contender that the ratio speaks of, which may be
    another one of ours; without it, it is the best of all peers. A row whose ratio is below 1 says in `note` why.
    """

    title: str
    contenders: Mapping[str, Callable[[], Timed]]
    unit: str = "op/s"
    bar: float | None = None
    against: str | None = None
    note: str = ""
    rounds: int = ROUNDS
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pairs:
    """How much more ours does than another in the same time: the median of the pairs, and their middle half."""

    median: float
    low: float
    high: float


@dataclass
class Measured:
    title: str
    unit: str
    bar: float | None
    note: str
    ours: str = ""
    rival: str = ""
    rates: dict[str, float] = field(default_factory=dict)
    operations: dict[str, int] = field(default_factory=dict)
    pairs: dict[str, Pairs] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        return self.pairs[self.rival].median if self.rival else None

    @property
    def held(self) -> bool | None:
        return None if self.bar is None or self.ratio is None else self.ratio >= self.bar


def measure(row: Row) -> Measured:
    """Run every contender of one row `rounds` times, in turns."""
    out = Measured(row.title, row.unit, row.bar, row.note)
    timed: dict[str, Timed] = {}
    with contextlib.ExitStack() as closing:
        for name, prepare in row.contenders.items():
            try:
                job = prepare()
                closing.callback(getattr(job, "close", lambda: None))
                job()  # warm: compiles, fills caches
                timed[name] = job
            except (Skip, ImportError) as why:
                out.skipped[name] = str(why)
        rates: dict[str, list[float]] = {name: [] for name in timed}
        for _ in range(row.rounds):
            for name, job in timed.items():
                spent = once(job)
                rates[name].append(spent.operations / spent.cpu_ns * 1e9)
                out.operations[name] = spent.operations
    out.rates = {name: statistics.median(found) for name, found in rates.items()}
    out.ours = next((name for name in timed if is_ours(name)), "")
    compared = [name for name in timed if not is_ours(name) or name == row.against]
    if out.ours:
        out.pairs = {name: pairs(rates[out.ours], rates[name]) for name in compared}
    if row.against in out.pairs:
        out.rival = str(row.against)
    elif row.against is None:
        out.rival = min(out.pairs, key=lambda name: out.pairs[name].median, default="")
    return out


def once(job: Timed) -> Spent:
    gc.collect()
    start = time.process_time_ns()
    done = job()
    spent = max(1, time.process_time_ns() - start)
    return done if isinstance(done, Spent) else Spent(done, spent)


def is_ours(name: str) -> bool:
    return name.startswith("ours")


def pairs(ours: list[float], peer: list[float]) -> Pairs:
    """What was measured in the same round belongs together."""
    ratios = [a / b for a, b in zip(ours, peer, strict=True)]
    if len(ratios) == 1:
        return Pairs(ratios[0], ratios[0], ratios[0])
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Pairs(median, low, high)


LEAST_MOVE = 0.05
"""Two runs differ by some per cent for reasons that no round sees: where the memory lies, which processor it is."""


def moved(before: Pairs, now: Pairs) -> bool:
    """Whether a ratio moved beyond its noise: the middle halves of the pairs lie apart, and so do the medians."""
    apart = now.low > before.high or now.high < before.low
    return apart and abs(now.median / before.median - 1) > LEAST_MOVE


def changes(before: Mapping[str, Measured], now: Iterable[Measured]) -> list[str]:
    """What a table says that the one before did not, in a sentence each; rows are told apart by their titles."""
    told = []
    seen = set()
    for row in now:
        seen.add(row.title)
        old = before.get(row.title)
        if old is None:
            told.append(f"{row.title}: a new row.")
            continue
        told += [f"{row.title}: {name} is not measured here." for name in old.rates if name in row.skipped]
        if row.rival in old.pairs:
            was, is_ = old.pairs[row.rival], row.pairs[row.rival]
            if moved(was, is_):
                told.append(f"{row.title}: {spoken(was)} before, {spoken(is_)} now, against {row.rival}.")
    return told + [f"{title}: no such row any more." for title in before if title not in seen]


def spoken(ratio: Pairs) -> str:
    return f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def remarks(row: Measured) -> list[str]:
    """What has to stand beside a row's figures."""
    told = [f"{name} skipped: {why}" for name, why in row.skipped.items()]
    own = row.operations.get(row.ours)
    other: dict[int, list[str]] = {}
    for name, operations in row.operations.items():
        if own is not None and name in row.pairs and not 0.99 <= operations / own <= 1.01:
            other.setdefault(operations, []).append(name)
    told += [
        f"a round is {count:,} operations of {', '.join(names)}, {own:,} of ours" for count, names in other.items()
    ]
    if row.note:
        told.append(row.note)
    elif row.ratio is not None and row.ratio < 1:
        told.append("NO REASON GIVEN for a ratio below 1")
    return told

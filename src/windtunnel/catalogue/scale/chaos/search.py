"""How many schedules of faults does it take to find a bug: one after the other, or at random?

    python -m windtunnel.catalogue.scale.chaos.search              schedules of one fault: some seconds
    python -m windtunnel.catalogue.scale.chaos.search --all FILE   those of two as well, written down: some minutes

A schedule has one or two of 54 faults (six kinds, three replicas, three moments): 54 of one and 1,431 of two. Going
through all of them says for each bug which schedules show it, so a random search among the same schedules needs no
further run: it draws from that table.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

from windtunnel import WrongInput
from windtunnel.catalogue.scale.chaos.bugs import BUGS
from windtunnel.catalogue.scale.chaos.programs import check_writable, program, write_whole
from windtunnel.catalogue.scale.chaos.replica import Replica
from windtunnel.catalogue.scale.chaos.trial import ALPHABET, Schedule, schedules, trial

REPETITIONS, MOST = 20, 2_000
"""So often a random search is repeated, and so many schedules it tries before it gives up."""
RANKS = (6, 15)
"""Of 20 numbers these, in order, hold the median of their distribution between them with 95.9 %."""


class RightFailed(Exception):
    """The replica without a bug did not keep the steady state: what was said to be right is not."""


def shown_by(schedule: Schedule, wanted: Iterable[str] = tuple(BUGS), seed: int = 0) -> tuple[list[str], int]:
    """Which of these bugs a schedule shows, and in how many runs that was found out.

    The right replica runs first. Where it never entered a handler, the replica in which this handler is wrong does the
    same to the byte, and is not run.
    """
    kinds = {strike.kind for strike in schedule}
    wanted = [name for name in wanted if BUGS[name].needs in ("", *kinds)]
    if not wanted:
        return [], 0
    right = trial(Replica, schedule, seed)
    if right.broken:
        raise RightFailed(f"{right.broken} That was the right replica, in {said(schedule)}.")
    entered = [name for name in wanted if BUGS[name].handler in right.met]
    return [name for name in entered if trial(BUGS[name], schedule, seed).broken], 1 + len(entered)


class Search(NamedTuple):
    """What a search has found: the number of schedules up to each bug, and the runs in all."""

    tried: Mapping[str, int]
    smallest: Mapping[str, Schedule]
    runs: int


def search(order: Iterable[Schedule], wanted: Iterable[str] = tuple(BUGS), seed: int = 0) -> Search:
    """Try schedules in this order until every wanted bug has shown itself."""
    left, tried, smallest, runs = list(wanted), dict[str, int](), dict[str, Schedule](), 0
    for number, schedule in enumerate(order, 1):
        if not left:
            break
        found, cost = shown_by(schedule, left, seed)
        runs += cost
        for name in found:
            tried[name], smallest[name] = number, schedule
            left.remove(name)
    return Search(tried, smallest, runs)


def said(schedule: Schedule) -> str:
    """A schedule in words."""
    return ", then ".join(f"{s.kind} replica {s.replica} at {s.at_s:g} s for {s.for_s:g} s" for s in schedule)


# --- at random -------------------------------------------------------------------------------------------------------
def at_random(shown: Sequence[bool], luck: Random) -> int | None:
    """How many schedules a random search tries until one shows the bug; None where it gives up first."""
    return next((tried for tried in range(1, MOST + 1) if shown[luck.randrange(len(shown))]), None)


def middle(tried: Sequence[int | None]) -> tuple[float | None, tuple[float | None, float | None]]:
    """The median of these numbers of schedules and its 95 % interval; None is more than `MOST`.

    All searches give up at the same number, so Kaplan and Meier's estimate is the median of the ordered numbers.
    """
    ordered = sorted(math.inf if one is None else float(one) for one in tried)

    def known(number: float) -> float | None:
        return None if math.isinf(number) else number

    return known(median(ordered)), (known(ordered[RANKS[0] - 1]), known(ordered[RANKS[1] - 1]))


def expected(share: float) -> int:
    """The median of the number of draws until one shows the bug, where this share of them does: geometric."""
    return math.ceil(math.log(2) / -math.log1p(-share)) if share < 1 else 1


# --- both ------------------------------------------------------------------------------------------------------------
def everything(passes: int = 3, say: Callable[[str], None] = lambda line: None) -> dict[str, Any]:
    """Go through all schedules, then search at random among them.

    What no schedule has shown by then is sought once more, with other luck: that of the next seed.
    """
    every = list(schedules())
    tables, runs = list[list[int]](), 0
    for seed in range(passes):
        left = [name for place, name in enumerate(BUGS) if not any(m >> place & 1 for table in tables for m in table)]
        if not left:
            break
        tables.append([])
        for number, schedule in enumerate(every, 1):
            shown, cost = shown_by(schedule, left, seed)
            tables[-1].append(sum(1 << place for place, name in enumerate(BUGS) if name in shown))
            runs += cost
            if number % 100 == 0:
                say(f"Luck {seed}: {number} of {len(every)} schedules, {runs} runs")
    return compared(tables, runs)


def compared(tables: Sequence[Sequence[int]], runs: int) -> dict[str, Any]:
    """What the tables of all schedules say, one for each luck: bit b of a mask is set where bug b shows."""
    every, bugs = list(schedules()), {}
    for place, name in enumerate(BUGS):
        passes = next((n for n, table in enumerate(tables, 1) if any(m >> place & 1 for m in table)), len(tables))
        shown = [bool(mask >> place & 1) for table in tables[:passes] for mask in table]
        first = shown.index(True) if any(shown) else None
        tried = [at_random(shown, luck) for luck in [Random(name)] for _ in range(REPETITIONS)]
        found, interval = middle(tried)
        bugs[name] = {
            "kind": BUGS[name].kind,
            "lucks": passes,
            "shown_by": sum(shown),
            "shown_by_one_fault": sum(shown[: len(ALPHABET)]),
            "in_order": None if first is None else first + 1,
            "smallest": None if first is None else said(every[first % len(every)]),
            "at_random": tried,
            "at_random_median": found,
            "at_random_interval": list(interval),
            "at_random_expected": expected(sum(shown) / len(shown)) if any(shown) else None,
        }
    return {"schedules": len(every), "runs": runs, "bugs": bugs, "tables": [list(table) for table in tables]}


def text(result: Mapping[str, Any]) -> str:
    """The result as a table."""
    head = f"{'bug':18} {'kind':20} {'shown by':>8} {'in order':>8} {'at random':>16} {'expected':>8}"
    lines = [f"{result['schedules']} schedules of one and two faults, {result['runs']} runs", "", head]
    for name, bug in result["bugs"].items():
        low, middle, high = (
            f">{MOST}" if number is None else f"{number:g}"
            for number in (bug["at_random_interval"][0], bug["at_random_median"], bug["at_random_interval"][1])
        )
        lines.append(
            f"{name:18} {bug['kind']:20} {bug['shown_by']:8} {bug['in_order'] or 'never':>8} "
            f"{f'{middle} ({low} to {high})':>16} {bug['at_random_expected'] or 'never':>8}"
        )
        lines.append(f"    {bug['smallest']}")
    return "\n".join(lines) + "\n"


def read(file: Path) -> dict[str, Any]:
    """A result that was written down."""
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return {**found, "tables": [[int(mask) for mask in table.split()] for table in found["tables"]]}


def write(result: Mapping[str, Any], file: Path) -> None:
    """Write a result down, each table on a line. Raises WrongInput where that cannot be."""
    tables = [" ".join(map(str, table)) for table in result["tables"]]
    write_whole(file, json.dumps({**result, "tables": tables}, indent=1) + "\n")


def asked(arguments: Sequence[str]) -> tuple[bool, Path | None]:
    """Whether all schedules are to be gone through, and where that is to be written. Raises WrongInput."""
    every = list(arguments[:1]) == ["--all"]
    names = list(arguments[1:] if every else arguments)
    if len(names) > every or any(name.startswith("-") or not name for name in names):
        raise WrongInput(
            f"The search is given {' '.join(map(repr, arguments))}; it takes nothing, or --all and the name of a file."
        )
    file = Path(names[0]) if names else None
    if file is not None:
        check_writable(file)
    return every, file


def main(arguments: Sequence[str]) -> int:
    """Search, and print what was found. Raises WrongInput."""
    every, file = asked(arguments)
    if every:
        result = everything(say=lambda line: print(line, file=sys.stderr, flush=True))
        print(text(result), end="")
        if file is not None:
            write(result, file)
        return 0
    found = search(schedules(1))
    for name, schedule in found.smallest.items():
        print(f"{name:18} after {found.tried[name]:2}: {said(schedule)}")
    print(f"{found.runs} runs; not by one fault: {', '.join(name for name in BUGS if name not in found.tried)}.")
    return 0


if __name__ == "__main__":
    program(main)

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
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, NamedTuple

from windtunnel.catalogue.scale.chaos.bugs import BUGS
from windtunnel.catalogue.scale.chaos.replica import Replica
from windtunnel.catalogue.scale.chaos.trial import Schedule, schedules, trial

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


def expected(share: float) -> float:
    """The median of a geometric distribution, as a real number: what random draws need for a bug of this share."""
    return math.log(2) / -math.log1p(-share) if share < 1 else 1.0


# --- both ------------------------------------------------------------------------------------------------------------
def everything(seed: int = 0, say: Any = None) -> dict[str, Any]:
    """Go through all schedules, then search at random among them."""
    every = list(schedules())
    masks, runs = [], 0
    for number, schedule in enumerate(every, 1):
        found, cost = shown_by(schedule, seed=seed)
        masks.append(sum(1 << place for place, name in enumerate(BUGS) if name in found))
        runs += cost
        if say is not None and number % 100 == 0:
            say(f"{number} of {len(every)} schedules, {runs} runs")
    return compared(masks, runs, seed)


def compared(masks: Sequence[int], runs: int, seed: int) -> dict[str, Any]:
    """What the table of all schedules says: bit b of a mask is set where the schedule shows bug b."""
    every, bugs = list(schedules()), {}
    for place, name in enumerate(BUGS):
        shown = [bool(mask >> place & 1) for mask in masks]
        first = shown.index(True) if any(shown) else None
        luck = Random(f"{seed} {name}")
        tried = [at_random(shown, luck) for _ in range(REPETITIONS)]
        found, interval = middle(tried)
        bugs[name] = {
            "kind": BUGS[name].kind,
            "shown_by": sum(shown),
            "of_one": sum(shown[: len(list(schedules(1)))]),
            "systematic": None if first is None else first + 1,
            "smallest": None if first is None else said(every[first]),
            "random_median": found,
            "random_interval": interval,
            "random_given_up": tried.count(None),
            "random_expected": expected(sum(shown) / len(shown)) if any(shown) else None,
            "random": tried,
        }
    return {"seed": seed, "schedules": len(every), "runs": runs, "bugs": bugs, "shown": list(masks)}


def text(result: Mapping[str, Any]) -> str:
    """The result as a table."""
    head = f"{'bug':18} {'kind':20} {'shown by':>8} {'in order':>8} {'at random':>18} {'ln 2 / p':>8}"
    lines = [f"{result['schedules']} schedules of one and two faults, {result['runs']} runs", "", head]
    for name, bug in result["bugs"].items():
        low, high = (f">{MOST}" if end is None else f"{end:g}" for end in bug["random_interval"])
        found = f">{MOST}" if bug["random_median"] is None else f"{bug['random_median']:g}"
        lines.append(
            f"{name:18} {bug['kind']:20} {bug['shown_by']:8} {bug['systematic'] or 'never':>8} "
            f"{f'{found} ({low} to {high})':>18} {bug['random_expected'] or math.inf:8.1f}"
        )
        lines.append(f"    {bug['smallest']}")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> None:
    """Search, and print what was found."""
    if arguments[:1] == ["--all"]:
        result = everything(say=lambda line: print(line, file=sys.stderr, flush=True))
        print(text(result), end="")
        if len(arguments) > 1:
            out = {**result, "shown": " ".join(map(str, result["shown"]))}
            Path(arguments[1]).write_text(json.dumps(out, indent=1) + "\n", "utf-8")
        return
    found = search(schedules(1))
    for name, schedule in found.smallest.items():
        print(f"{name:18} after {found.tried[name]:2}: {said(schedule)}")
    print(f"{found.runs} runs; not by one fault: {', '.join(name for name in BUGS if name not in found.tried)}.")


if __name__ == "__main__":
    main(sys.argv[1:])

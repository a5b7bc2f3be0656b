"""The point of no return of a failed run: the moment from which on no luck was likely to save it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log2, sqrt

from windtunnel.lab.causes import Case
from windtunnel.sim.randomness import derive

MOST_RUNS = 240
FUTURES = 60
"""At the two moments that bracket it."""
FEW = 8
"""At a moment on the way there; more where the few are divided."""
FEWEST = 3
"""Put aside for each moment that is still to come."""
WITHIN_S = 0.04


@dataclass(frozen=True, slots=True)
class Share:
    """How many of the futures after a moment fail.

    Attributes:
        ran: how many of them were run. The others are taken to do what they do after a moment nearby: who fails though
            an earlier moment is turned fails, and who is saved from a later one is saved.
    """

    at_s: float
    futures: int
    failing: int
    ran: int

    @property
    def share(self) -> float:
        return self.failing / self.futures

    def interval(self) -> tuple[float, float]:
        """Of 95 % (Wilson, *Probable Inference*, 1927)."""
        n, p, z = self.futures, self.share, 1.96
        middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


@dataclass(frozen=True, slots=True)
class NoReturn:
    """From when on at least half of all futures fail.

    Attributes:
        low_s, high_s: seconds between which one half is crossed; both 0 where it is from the beginning.
        sure: whether fewer than half of `FUTURES` fail after the first of the two, and half or more after the second.
        curve: shares by moment.
    """

    low_s: float
    high_s: float
    sure: bool
    curve: list[Share]
    runs: int


def point_of_no_return(case: Case) -> NoReturn:
    """Keep the luck up to a moment, draw the rest anew, and find when half of all futures fail.

    A future has the same new luck after every moment, so that the futures of two moments differ in the moment alone. At
    most `MOST_RUNS` runs; of the two moments that bracket one half all `FUTURES` are run. Raises OutOfTime.
    """
    futures = _Futures(case)
    low, high = 0.0, case.ends_s()
    if high <= 0 or (futures.look(low, high) and futures.full(low) >= 0.5):
        high = low
    while high - low > WITHIN_S:
        middle = round((low + high) / 2, 6)
        if futures.look(middle, high - low):
            high = middle
        else:
            low = middle
    step = high - low
    sure = high == low
    while not sure and futures.affords(low, high):
        # Where the few were wrong about a moment the bracket moves, and stays as narrow.
        if futures.full(low) >= 0.5 and low > 0:
            moved = max(0.0, round(low - step, 6)), low
        elif futures.full(high) < 0.5:
            moved = high, round(high + step, 6)
        else:
            sure = True
            break
        if not futures.affords(*moved):
            break
        low, high = moved
    if high == low:
        futures.full(low)
    return NoReturn(low, high, sure, futures.curve(), futures.runs)


class _Futures:
    """What came of the futures that were run, by moment and number."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.told: dict[float, dict[int, bool]] = {}

    @property
    def runs(self) -> int:
        return sum(map(len, self.told.values()))

    def ask(self, at_s: float, which: list[int]) -> None:
        """Run those that were not run."""
        have = self.told.setdefault(at_s, {})
        new = [i for i in which if i not in have]
        todo = [self.case.job(turn_s=at_s, turn_seed=derive(self.case.seed, "future", i)) for i in new]
        have.update(zip(new, self.case.fail(self.case.measure(todo)), strict=True))

    def full(self, at_s: float) -> float:
        """The share of all that fail."""
        self.ask(at_s, list(range(FUTURES)))
        return sum(self.told[at_s].values()) / FUTURES

    def affords(self, *moments: float) -> bool:
        """Whether all futures of these moments can be run."""
        return self.runs + sum(FUTURES - len(self.told.get(at_s, {})) for at_s in moments) <= MOST_RUNS

    def look(self, at_s: float, left_s: float) -> bool:
        """Whether half of the futures seem to fail, by as few runs as tell it.

        Args:
            left_s: how wide the search is still: what it leaves to do has its runs put aside.
        """
        left = MOST_RUNS - 2 * FUTURES - self.runs
        moments = max(1, ceil(log2(max(left_s / WITHIN_S, 1.0))))
        few = max(1, min(FEW, left // moments))
        most = max(few, left - FEWEST * (moments - 1))
        taken = self._taken(at_s)
        open_ = [i for i in range(FUTURES) if i not in taken]
        failing, half = sum(taken.values()), FUTURES / 2
        fail = 0
        for count in range(few, len(open_) + few, few):
            some = open_[: min(count, most)]
            self.ask(at_s, some)
            fail = sum(self.told[at_s][i] for i in some)
            rest = len(open_) - len(some)
            if failing + fail >= half or failing + fail + rest < half:
                break
            rate = (fail + 1) / (len(some) + 2)
            doubt = len(open_) * sqrt(rate * (1 - rate) / len(some))
            likely = failing + len(open_) * fail / len(some)
            if len(some) == most or abs(likely - half) > 3 * doubt:
                return likely >= half
        return failing + fail >= half

    def _taken(self, at_s: float) -> dict[int, bool]:
        """Futures that need not be run here: they fail after an earlier moment, or are saved after a later one."""
        failing = {i for other, told in self.told.items() if other < at_s for i, fails in told.items() if fails}
        saved = {i for other, told in self.told.items() if other > at_s for i, fails in told.items() if not fails}
        return dict.fromkeys(failing - saved, True) | dict.fromkeys(saved - failing, False)

    def curve(self) -> list[Share]:
        """Of each moment the first futures of which something is known: those were not chosen by what came of them."""
        found = []
        for at_s, told in sorted(self.told.items()):
            known = {**self._taken(at_s), **told}
            count = next((i for i in range(FUTURES) if i not in known), FUTURES)
            first = list(range(count)) or sorted(told)
            failing, ran = sum(known[i] for i in first), sum(i in told for i in first)
            found.append(Share(at_s, len(first), failing, ran))
        return found

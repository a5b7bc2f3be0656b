"""From which score on answers may be told, if of those that are told at most a share `delta` may be wrong."""

from __future__ import annotations

from itertools import accumulate
from math import exp, lgamma, log, log1p

STEPS = tuple(k / 100 for k in range(98, 38, -2))
"""Scores from which on answers may be told, the strictest first."""
ANEW = 10
"""After so many further labels it is asked again."""


def luck_of(wrong: int, of: int, delta: float) -> float:
    """How likely so few of these, or fewer, are wrong if each is with probability `delta`."""
    term = exp(
        lgamma(of + 1) - lgamma(wrong + 1) - lgamma(of - wrong + 1) + wrong * log(delta) + (of - wrong) * log1p(-delta)
    )
    total = 0.0
    for k in range(wrong, -1, -1):
        total += term
        term *= k * (1 - delta) / ((of - k + 1) * delta)
    return total


class Bound:
    """Learns from labels, (score, right): the lowest score from which on few enough are wrong, 99 times of 100.

    It goes down step by step and stops where so few wrong ones might be luck (an exact binomial test; as each step is
    asked only where the one before passed, asking many does not make a mistake likelier). Before it has seen enough it
    lets nothing pass: with no wrong one among them, `log(risk) / log(1 - delta)` labels are enough.
    """

    def __init__(self, delta: float, risk: float = 0.01) -> None:
        self.delta, self.risk = delta, risk
        self.seen, self.wrong = [0] * len(STEPS), [0] * len(STEPS)
        """Labels between each step and the one above it, and the wrong ones among them."""
        self.labels = 0
        self.least = 2.0
        """The score from which on answers may be told; above 1, none."""

    def learn(self, score: float, right: bool) -> None:
        """One more label."""
        at = next((at for at, step in enumerate(STEPS) if score >= step), None)
        if at is None:
            return  # nothing is ever told at so little
        self.seen[at] += 1
        self.wrong[at] += not right
        self.labels += 1
        if self.labels % ANEW == 0:
            self.least = self.found()

    def found(self) -> float:
        """What all labels say."""
        least = 2.0
        for step, of, wrong in zip(STEPS, accumulate(self.seen), accumulate(self.wrong), strict=True):
            if luck_of(0, of, self.delta) > self.risk:
                continue
            if luck_of(wrong, of, self.delta) > self.risk:
                break
            least = step
        return least

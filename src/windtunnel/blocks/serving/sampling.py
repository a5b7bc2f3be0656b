"""Which token follows, by the logits: the likeliest, or one that is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from random import Random
from typing import TYPE_CHECKING

from windtunnel.blocks.ground.numbers import MOST, number, whole
from windtunnel.portable import exp

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Sampling:
    """How tokens of one request are chosen. A draw goes by seed and position alone, so a crowd changes nothing; but
    where tokens are guessed, and how many depends on the crowd, other words are drawn, by the same law.

    Args:
        temperature: 0 is the likeliest token, of equals the first; 1 is the model's own law.
        top_p: only the likeliest tokens that together have this probability (Holtzman and others, 2020).
        seed: of the draws, a whole number of 64 bits.

    >>> import numpy as np
    >>> Sampling().pick(np.array([0.5, 2.0, 1.0], np.float32), position=3)
    1
    """

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        number(self.temperature, "The temperature", 0)
        if number(self.top_p, "The share of probability", above=0) > 1:
            raise ValueError(f"The share of probability is at most 1, not {self.top_p:g}.")
        whole(self.seed, "A seed", -MOST - 1)

    def law(self, logits: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probability of each token, which add up to 1. Raises ValueError for logits that are `unreadable`."""
        import numpy as np

        if unreadable(logits):
            raise ValueError("The largest of these logits is no finite number, so they say nothing of what follows.")
        if self.temperature == 0:
            law = np.zeros(logits.size)
            law[int(logits.argmax())] = 1
            return law
        with np.errstate(over="ignore"):  # by a temperature of next to nothing: all but the likeliest are nothing
            scaled = (logits.astype(np.float64) - float(logits.max())) / self.temperature
        law = exp(scaled)
        law /= law.sum()
        if self.top_p < 1:
            order = np.argsort(-law, kind="stable")
            before = np.cumsum(law[order]) - law[order]
            law[order[before >= self.top_p]] = 0
            law /= law.sum()
        return law

    def pick(self, logits: NDArray[np.float32], position: int) -> int:
        """The token at this position of its sequence. Raises ValueError for logits that are `unreadable`."""
        if self.temperature == 0 and not unreadable(logits):
            return int(logits.argmax())
        return draw(self.law(logits), Random(f"{self.seed} {position}").random())


def draw(law: NDArray[np.float64], luck: float) -> int:
    """The token of a law, which need not add up to 1, by a number from 0 to 1; none without probability."""
    import numpy as np

    total = law.cumsum()
    at = int(total.searchsorted(luck * total[-1], side="right"))
    return at if at < total.size else int(np.flatnonzero(np.diff(total, prepend=0))[-1])  # rounded up to the end


def unreadable(logits: NDArray[np.float32]) -> bool:
    """Whether the largest is NaN or infinite, as it is where one of them is NaN."""
    return not isfinite(float(logits.max()))

"""Speculative decoding: guess tokens cheaply, compute them all in one pass, and keep what the model's own law keeps.

A pass reads all weights, for one token of a sequence as for five. So somebody cheaper guesses, the model says its law
behind the last token and behind each guess in one pass, and `accept` decides how far the guesses go. What is told then
has the law of the model alone, whoever guessed (Leviathan, Kalman and Matias, Fast Inference from Transformers via
Speculative Decoding, ICML 2023, section 2.3; Chen and others, 2023).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence as List
from random import Random
from typing import TYPE_CHECKING, NamedTuple, Protocol

from windtunnel.blocks.serving.sampling import Sampling, draw
from windtunnel.blocks.serving.sequence import Sequence

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Law = NDArray[np.float64]


class Guess(NamedTuple):
    """A token that may follow, and by which law it was drawn; None where nothing else could have been guessed."""

    token: int
    law: Law | None = None


Asked = List[tuple[Sequence, int, Sampling]]
"""Sequences, how many tokens are to be guessed for each at most, and how its tokens are chosen."""


class Drafter(Protocol):
    """Who guesses."""

    def propose(self, asked: Asked) -> list[list[Guess]]:
        """For each of these what may follow its tokens, one guess after the other; none where there is no idea."""

    def forget(self, sequence: Sequence) -> None:
        """It is done, or has gone: nobody will ask for it again."""


def accept(guesses: List[Guess], laws: List[Law], luck: Random) -> list[int]:
    """The tokens that a pass gives: guesses up to the first that is rejected, and one more.

    A guess x is kept with probability min(1, p(x) / q(x)). In place of the first that is not, a token is drawn by
    max(0, p - q), normalised: what the guesses left undone of p. Behind the last one, one is drawn by p. Each
    token told has the law p, given those before it; at temperature 0 they are those of plain decoding.

    Args:
        guesses: with the laws q by which they were drawn.
        laws: p, what the model says behind the last token and behind each guess: one more than there are guesses.

    >>> import numpy as np
    >>> accept([Guess(1), Guess(0)], [np.array([0, 1.0]), np.array([0.0, 1]), np.array([1.0, 0])], Random(1))
    [1, 1]
    """
    told = list[int]()
    for guess, law in zip(guesses, laws, strict=False):
        likely = 1.0 if guess.law is None else float(guess.law[guess.token])
        if luck.random() * likely >= law[guess.token]:
            told.append(draw(undone(guess, law), luck.random()))
            return told
        told.append(guess.token)
    told.append(draw(laws[len(guesses)], luck.random()))
    return told


def undone(guess: Guess, law: Law) -> Law:
    """max(0, p - q), which need not add up to 1."""
    import numpy as np

    if guess.law is None:
        left = law.copy()
        left[guess.token] = 0
    else:
        left = np.maximum(law - guess.law, 0)
    return left if left.any() else law  # two equal laws but for rounding


def tokens_a_pass(accepted: float, guesses: int) -> float:
    """How many tokens a pass gives on average, where each guess is kept with this probability, whatever came before.

    (1 - a^(g + 1)) / (1 - a): Leviathan and others, equation 1.

    >>> round(tokens_a_pass(0.8, 5), 2)
    3.69
    """
    return sum(accepted**k for k in range(guesses + 1))


class Speculation(NamedTuple):
    """Who guesses for an engine, and how many tokens: what `LLMEngine` is told.

    `guesses` is their number, or says it for so many sequences that decode: a pass of many is bound by computing, and
    then each guess costs what it may save.
    """

    drafter: Drafter
    guesses: int | Mapping[int, int] = 4

    def propose(self, asked: Asked, vocabulary: int) -> list[list[Guess]]:
        """What the drafter proposes, no more than was asked of it. Raises ValueError for a token that there is not, a
        law of another vocabulary, and where not each was answered: nothing is guessed then, and nobody has changed.
        """
        if not asked:
            return []
        said = self.drafter.propose(asked)
        if len(said) != len(asked):
            raise ValueError(f"Who guesses was asked for {len(asked)} sequences, and answered for {len(said)}.")
        found = [list(guesses[:many]) for (_, many, _), guesses in zip(asked, said, strict=True)]
        for token, law in (guess for guesses in found for guess in guesses):
            if not 0 <= token < vocabulary:
                raise ValueError(f"Who guesses proposes token {token}, and the model knows {vocabulary}, from 0 on.")
            if law is not None and len(law) != vocabulary:
                raise ValueError(f"Who guesses has a law of {len(law)} tokens, and the model knows {vocabulary}.")
        return found

    def many(self, decoding: int) -> int:
        """How many are guessed where so many sequences decode; of a mapping the entry for the next number below."""
        if isinstance(self.guesses, int):
            return self.guesses
        return self.guesses[max((most for most in self.guesses if most <= decoding), default=min(self.guesses))]

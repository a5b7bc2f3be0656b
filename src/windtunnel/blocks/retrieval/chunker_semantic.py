"""Chunks that end where the text begins to speak of something else, as far as vectors of its sentences can tell.

Between two sentences stands how unlike are those before and those behind (1 less the cosine of their sums). Where that
is a peak, and the peak is high for this text (as in Hearst's *TextTiling*, Computational Linguistics 23(1), 1997: by
how much it rises above the lowest points on both sides, over the mean of all peaks by some standard deviations), a
chunk ends. What is still too long is cut where it is most unlike. Every sentence is embedded once: that is the price.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import sqrt
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import number, plain_array, whole
from windtunnel.blocks.retrieval.joints import SENTENCE, packed, ranks, spans_of
from windtunnel.blocks.retrieval.tokens import Span, checked_sizes, token_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], "Sequence[Sequence[float]] | NDArray[Any]"]
"""Texts to vectors, a row for each."""


class SemanticChunker(Block):
    """Cuts between sentences where those before and those behind are unlike. Threads may share it as far as `embed`
    may be shared.
    """

    def __init__(self, limit: int, embed: Embed, *, window: int = 3, peak: float = 0.5) -> None:
        """`limit`: tokens of a chunk at most; `embed` is asked once for all sentences of a text.

        `window`: sentences before and behind that are compared; `peak`: standard deviations by which a peak has to be
        above the mean of all peaks. Raises `ValueError` for sizes below 1, and `chunks` for vectors that are not a row
        of numbers for each sentence.
        """
        self.limit, _ = checked_sizes(limit, 0)
        self.embed, self.window, self.peak = embed, whole(window, "The window", 1), number(peak, "The peak")

    def _told(self) -> dict[str, object]:
        return {"limit": self.limit, "window": self.window, "peak": self.peak}

    def chunks(self, text: str) -> list[Span]:
        """Where each chunk begins and ends: at the beginnings of sentences, or of tokens where one is too long."""
        tokens = token_spans(text)
        found = ranks(text, tokens)
        if len(tokens) <= 1:
            return spans_of(text, tokens, range(len(tokens)))
        sentences = [at for at, rank in enumerate(found) if rank <= SENTENCE]
        unlike = changes(self._rows([text[begin:end] for begin, end in spans_of(text, tokens, sentences)]), self.window)
        parts = [0, *(at + 1 for at in self._cuts(unlike)), len(sentences)]
        begins: list[int] = []
        for first, last in pairwise(parts):
            begins += self._within([*sentences, len(tokens)][first : last + 1], unlike[first : last - 1], found)
        return spans_of(text, tokens, begins)

    def _within(self, sentences: Sequence[int], unlike: Sequence[float], found: Sequence[int]) -> list[int]:
        """The tokens with which chunks begin of a piece in which nothing changes much: where it is too long it is cut
        in the second half of what fits, at the joint that is most unlike.

        Args:
            sentences: the tokens with which they begin, and the end of the last.
            unlike: of the joints between them.
        """
        begins, here, last = list[int](), 0, len(sentences) - 1
        while here < last:
            start = sentences[here]
            begins.append(start)
            if sentences[last] - start <= self.limit:
                break
            fits = here + 1
            while sentences[fits] - start <= self.limit:
                fits += 1
            if fits == here + 1:  # one sentence, and too long
                begins += [start + at for at in packed(found[start : sentences[fits]], self.limit)[1:]]
                here = fits
                continue
            half = [at for at in range(here + 1, fits) if 2 * (sentences[at] - start) > self.limit] or [fits - 1]
            here = max(half, key=lambda at: unlike[at - 1])
        return begins

    def _rows(self, said: list[str]) -> NDArray[Any]:
        import numpy as np

        rows = plain_array(self.embed(said), "Vectors")
        if rows.ndim != 2 or len(rows) != len(said) or rows.dtype.kind not in "fiu" or not np.isfinite(rows).all():
            raise ValueError(f"There is a row of finite numbers for each of {len(said)} sentences, not {rows.shape}.")
        return rows

    def _cuts(self, unlike: Sequence[float]) -> list[int]:
        """The joints of sentences whose peak is high for this text."""
        rises = {at: height for at in range(len(unlike)) if (height := rise(unlike, at))}
        if not rises:
            return []
        above = fmean(rises.values()) + self.peak * pstdev(rises.values())
        return [at for at, height in rises.items() if height >= above]


def changes(rows: NDArray[Any], window: int) -> list[float]:
    """How unlike the sums of `window` rows before and behind each joint are: 1 less their cosine; 0 where a sum is."""
    import numpy as np

    wide = rows.astype(np.int64 if rows.dtype.kind in "iu" else np.float64)
    sums = np.concatenate([np.zeros((1, wide.shape[1]), wide.dtype), wide.cumsum(axis=0)])
    many = len(wide)
    joints = np.arange(1, many)
    before = sums[joints] - sums[np.maximum(0, joints - window)]
    behind = sums[np.minimum(many, joints + window)] - sums[joints]
    both, ones, others = (
        np.einsum("ij,ij->i", one, other).tolist()
        for one, other in ((before, behind), (before, before), (behind, behind))
    )
    return [
        1 - like / sqrt(one * other) if one > 0 and other > 0 else 0.0
        for like, one, other in zip(both, ones, others, strict=True)
    ]


def rise(heights: Sequence[float], at: int) -> float:
    """By how much a peak is above the lowest points that one comes to by going down on either side; 0 if it is none."""
    here, rises = heights[at], 0.0
    if not (0 < at < len(heights) - 1 and heights[at - 1] < here >= heights[at + 1]):
        return 0.0
    for step in (-1, 1):
        low, place = here, at + step
        while 0 <= place < len(heights) and heights[place] <= low:
            low, place = heights[place], place + step
        rises += here - low
    return rises

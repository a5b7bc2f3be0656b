"""Chunks of sentences that speak of one thing, as far as vectors of the sentences can tell.

Chunks are chosen so that over all of them the pairs of sentences within a chunk are as much more alike (by cosine) as
can be than `alike` times what two sentences of the text are on the average: a low bar makes long chunks. The best
choice is found by dynamic programming over where a chunk ends, as in the ClusterSemanticChunker of Chroma's
`chunking_evaluation`, but in time and memory that grow with the text, since no chunk is longer than the limit. Every
sentence is embedded once: that is the price.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import number, plain_array
from windtunnel.blocks.retrieval.joints import SENTENCE, packed, ranks, spans_of
from windtunnel.blocks.retrieval.tokens import checked_sizes, token_spans

if TYPE_CHECKING:
    from numpy.typing import NDArray

Embed = Callable[[Sequence[str]], "Sequence[Sequence[float]] | NDArray[Any]"]
"""Texts to vectors, a row for each."""
_UNIT = 1024
"""Vectors are rounded to whole numbers of this length: sums of them are the same on every processor."""


class SemanticChunker(Block):
    """Cuts between sentences so that those within a chunk are alike. Threads may share it as far as `embed` may be
    shared.
    """

    def __init__(self, limit: int, embed: Embed, *, alike: float = 0.5) -> None:
        """`limit`: tokens of a chunk at most; `embed` is asked once for all sentences of a text.

        `alike`: how alike two sentences of a chunk should be, over how alike two of the text are (`ValueError`).
        `chunks` raises it for vectors that are not a row of finite numbers for each sentence.
        """
        self.limit, _ = checked_sizes(limit, 0)
        self.embed, self.alike = embed, number(alike, "What is alike", 0)

    def _told(self) -> dict[str, object]:
        return {"limit": self.limit, "alike": self.alike}

    def chunks(self, text: str) -> list[tuple[int, int]]:
        """Where each chunk begins and ends: at the beginnings of sentences, or of tokens where one is too long."""
        tokens = token_spans(text)
        found = ranks(text, tokens)
        if len(tokens) <= 1:
            return spans_of(text, tokens, range(len(tokens)))
        sentences = [at for at, rank in enumerate(found) if rank <= SENTENCE]
        said = [text[begin:end] for begin, end in spans_of(text, tokens, sentences)]
        begins: list[int] = []
        ends = [*sentences, len(tokens)]
        for first, last in pairwise(
            [*together(_rows(self.embed(said), len(said)), ends, self.limit, self.alike), len(said)]
        ):
            start = ends[first]  # one sentence may be too long by itself
            begins += [start + at for at in packed(found[start : ends[last]], self.limit)]
        return spans_of(text, tokens, begins)


def _rows(given: Any, many: int) -> NDArray[Any]:
    """Vectors of one length, each smoothed by half of its neighbours, since a sentence alone says little."""
    import numpy as np

    rows = plain_array(given, "Vectors")
    if rows.ndim != 2 or len(rows) != many or rows.dtype.kind not in "fiu" or not np.isfinite(rows).all():
        raise ValueError(f"There is a row of finite numbers for each of {many} sentences, not {rows.shape}.")
    plain: NDArray[Any] = rows.astype(np.int64 if rows.dtype.kind in "iu" else np.float64)
    smooth = 2 * plain
    smooth[1:] += plain[:-1]
    smooth[:-1] += plain[1:]
    lengths = np.sqrt(np.einsum("ij,ij->i", smooth, smooth).astype(np.float64))
    return np.rint(_UNIT * smooth / np.where(lengths > 0, lengths, 1)[:, None]).astype(np.int64)


def together(rows: NDArray[Any], ends: Sequence[int], limit: int, alike: float) -> list[int]:
    """The sentences with which chunks begin, so that what pairs within chunks are alike beyond the bar is the most.

    Args:
        rows: of each sentence a vector of whole numbers, all of one length or nought; one of nought is as alike to all
            others as the bar.
        ends: the tokens with which sentences begin, and the end of the last.
    """
    import numpy as np

    own = np.einsum("ij,ij->i", rows, rows)
    known = (own > 0).astype(np.int64)
    pairs = int(known.sum()) * (int(known.sum()) - 1)
    whole = rows.sum(axis=0)
    bar = alike * (int((whole * whole).sum()) - int(own.sum())) / pairs if pairs else 0.0
    best, begun = [0.0], [0]
    first = 0
    for last in range(len(rows)):
        while first < last and ends[last + 1] - ends[first] > limit:
            first += 1
        sums = rows[first : last + 1][::-1].cumsum(axis=0)
        many = known[first : last + 1][::-1].cumsum()
        worth = np.einsum("ij,ij->i", sums, sums) - own[first : last + 1][::-1].cumsum() - bar * (many * many - many)
        found = [best[last - back] + one for back, one in enumerate(worth.tolist())]
        back = max(range(len(found)), key=lambda back: (found[back], back))
        best.append(found[back])
        begun.append(last - back)
    begins, at = list[int](), len(rows)
    while at:
        at = begun[at]
        begins.append(at)
    return begins[::-1]

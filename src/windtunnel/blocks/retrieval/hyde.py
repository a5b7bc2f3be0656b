"""HyDE: search with an answer that somebody made up, since an answer looks more like a passage than a question does.

Gao, Ma, Lin and Callan, *Precise Zero-Shot Dense Retrieval without Relevance Labels* (ACL 2023): a language model
writes passages that might answer the query, true or not; the mean of their vectors, and of the query's own (equation
8), is what is searched with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Encodes(Protocol):
    """What makes a vector of a text: an encoder of this package, or anybody's."""

    def encode(self, texts: Sequence[str]) -> NDArray[Any]: ...


Write = Callable[[str], Sequence[str]]
"""Passages that might answer a query: a language model's, or of whatever else writes."""


def hypothetical(query: str, encoder: Encodes, write: Write) -> NDArray[Any]:
    """The sum of the vectors of a query and of the passages that are written for it, (dim,): the direction of their
    mean. A query for which nothing is written stands alone."""
    import numpy as np

    vectors = np.asarray(encoder.encode([query, *write(query)]), np.float64)
    total: NDArray[Any] = vectors.sum(axis=0)
    return total

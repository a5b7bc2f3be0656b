"""The gradients of two towers in NumPy: the text to read, and what the kernels are held to.

The loss of a row is -log softmax of its own item among all that stand against it. Of a softmax the gradient by each
logit is its probability, less one where it is the row's own; what follows is the chain rule.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, NamedTuple

from windtunnel.portable import each, exp

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


class Gradients(NamedTuple):
    """Of the summed loss: by what the towers gave for users, (b, dim), and for items, (c, dim)."""

    loss: float
    users: Floats
    items: Floats


def unit(rows: Floats) -> Floats:
    """Each row by its length."""
    import numpy as np

    found: Floats = rows / np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    return found


def logits(users: Floats, items: Floats, temperature: float) -> Floats:
    """Inner products over the temperature: what is served, and trained before logQ."""
    import numpy as np

    found: Floats = np.einsum("ik,jk->ij", users, items) / temperature
    return found


def softmax_gradients(users: Floats, items: Floats, names: Ints, shares: Floats, temperature: float) -> Gradients:
    """Of a batch: row i's own item is item i.

    Args:
        names: (c,), which item each is: the same one again is no negative.
        shares: (c,), how often each is a candidate; ones where nothing is corrected.
    """
    import numpy as np

    own = np.arange(len(users))
    corrected = logits(users, items, temperature) - each(log, shares)
    again = names[None, :] == names[own, None]
    again[own, own] = False
    corrected[again] = -np.inf
    most = corrected.max(axis=1, keepdims=True)
    chances = exp(corrected - most)
    totals = chances.sum(axis=1, keepdims=True)
    loss = float((each(log, totals) + most - corrected[own, own][:, None]).sum())
    by_logit = chances / totals
    by_logit[own, own] -= 1
    by_logit /= temperature
    return Gradients(loss, np.einsum("ij,jk->ik", by_logit, items), np.einsum("ij,ik->jk", by_logit, users))


def through_length(rows: Floats, gradient: Floats) -> Floats:
    """The gradient by rows of any length, where it is known by the rows made one long."""
    import numpy as np

    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    along = np.einsum("ij,ij->i", rows / lengths, gradient)[:, None]
    found: Floats = (gradient - rows / lengths * along) / lengths
    return found

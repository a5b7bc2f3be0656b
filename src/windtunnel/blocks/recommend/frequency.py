"""How often each item comes in a stream, estimated by the gap from one time to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import number, whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

MOST_ITEMS = 1 << 26


class StreamingFrequency(Block):
    """The share of a stream that each item has, in two numbers an item, and it follows what changes.

    Yi, Yang, Hong, Cheng, Heldt, Kumthekar, Zhao, Wei and Chi, *Sampling-Bias-Corrected Neural Modeling for Large
    Corpus Item Recommendations*, RecSys 2019, algorithm 2: an item that came `gap` ago moves the mean of its gaps by
    `weight` of the way there, and its share is one over that mean. The paper counts batches; here what comes is
    counted, so that an item that comes twice in a batch has come twice. Not meant for several threads at once.
    """

    def __init__(self, items: int, *, weight: float = 0.05) -> None:
        """Of `items` items, alike at first. Raises `ValueError` unless `weight` lies above 0 and not above 1."""
        import numpy as np

        self.items = whole(items, "The number of items", 1, MOST_ITEMS)
        self.weight = number(weight, "The weight of a gap", above=0)
        if self.weight > 1:
            raise ValueError(f"The weight of a gap is at most 1, not {self.weight:g}.")
        self.came = 0
        self._last = np.full(self.items, -1, np.int64)
        self._gaps = np.full(self.items, float(self.items))

    def _told(self) -> dict[str, object]:
        return {"items": self.items, "came": self.came, "weight": self.weight}

    def add(self, items: ArrayLike) -> None:
        """These came, in this order. Raises `ValueError` for an item that there is not."""
        import numpy as np

        from windtunnel.blocks.recommend.interactions import as_pairs

        given = np.atleast_1d(np.asarray(items))
        for _, item in as_pairs(np.stack([given * 0, given], axis=1), 1, self.items).tolist():
            if self._last[item] >= 0:
                self._gaps[item] += self.weight * (self.came - self._last[item] - self._gaps[item])
            self._last[item] = self.came
            self.came += 1

    def shares(self) -> NDArray[np.float64]:
        """One over each item's mean gap, (items,). They need not sum to 1."""
        import numpy as np

        found: NDArray[np.float64] = 1 / np.maximum(self._gaps, 1.0)
        return found

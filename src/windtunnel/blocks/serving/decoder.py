"""A Llama-shaped model with its keys and values, in float32: what computes the tokens of a step.

RoPE, RMSNorm, a gated feed-forward and heads that share keys (Touvron and others, 2023; Ainslie and others, 2023). It
knows nothing of blocks but where each begins: who has which, and who computes what next, others say.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence as List
from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.serving.weights import ModelWeights, Scales, check_weights
from windtunnel.portable import each

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.serving.lora import AdapterPool

Row = tuple[int, int, int]
"""A token, its position, and which of the tables is its sequence's."""


class Decoder(Block):
    """A model, and a memory of `slots` for keys and values. Raises ValueError for weights that `check_weights` refuses.

    >>> from windtunnel.blocks.serving import ModelShape, made_weights
    >>> tiny = ModelShape(vocabulary=10, width=64, layers=2, heads=4, kv_heads=2, head_width=16, hidden=64)
    >>> model = Decoder(made_weights(tiny), slots=8)
    >>> model.forward([(3, 0, 0), (7, 1, 0)], [[0]], 8, [1]).shape
    (1, 10)
    """

    def __init__(self, weights: ModelWeights, slots: int) -> None:
        import numpy as np

        check_weights(weights)
        self.weights = weights
        self.slots = whole(slots, "The number of slots", 1)
        shape = weights.shape
        room = (shape.layers, self.slots, shape.kv_heads, shape.head_width)
        self._keys, self._values = np.zeros(room, np.float32), np.zeros(room, np.float32)
        pairs = np.array([shape.rope_base ** (-i / shape.head_width) for i in range(0, shape.head_width, 2)])
        if weights.slower is not None:
            pairs = pairs / weights.slower
        angles = np.outer(np.arange(shape.positions), pairs)
        self._cosines, self._sines = (each(of, angles).astype(np.float32) for of in (math.cos, math.sin))

    def copy(self, copies: Iterable[tuple[int, int]]) -> None:
        """Copy keys and values from slot to slot, one after the other. Raises ValueError for a slot that is not."""
        for old, new in copies:
            if not (0 <= old < self.slots and 0 <= new < self.slots):
                raise ValueError(f"Slot {old} cannot be copied to {new}: there are {self.slots}, from 0 on.")
            self._keys[:, new] = self._keys[:, old]
            self._values[:, new] = self._values[:, old]

    def forward(
        self,
        rows: List[Row],
        tables: List[List[int]],
        stretch: int,
        wanted: List[int],
        pool: AdapterPool | None = None,
        places: List[int] = (),
    ) -> NDArray[np.float32]:
        """Write keys and values of all rows; the logits (wanted, vocabulary) of what follows behind the `wanted` ones.

        Position p of a sequence lies in the slot `table[p // stretch] + p % stretch`. Rows of one sequence stand in
        the order of their positions. With a pool, `places` says for each table where in it the adapter of its sequence
        is, -1 for none. Raises ValueError for a token, a position, a table, a slot, a row or a place that there is not:
        what a kernel read there would be anybody's memory.
        """
        import numpy as np

        from windtunnel.blocks.serving.kernels import decoder as kernels

        shape, w = self.weights.shape, self.weights
        tokens, positions, owners = _columns(rows)
        if wanted and not (min(wanted) >= 0 and max(wanted) < tokens.size):
            raise ValueError(f"The logits of rows {wanted} are wanted, and there are {tokens.size}, from 0 on.")
        if not tokens.size:
            return np.empty((0, shape.vocabulary), np.float32)
        lengths = np.array([len(table) for table in tables], np.int64)
        begins = np.zeros((len(tables), lengths.max(initial=0)), np.int64)
        for i, table in enumerate(tables):
            try:
                begins[i, : len(table)] = table
            except OverflowError:
                raise ValueError(f"Table {i} names a slot of more than 64 bits, and there are {self.slots}.") from None
        self._check(tokens, positions, owners, begins, lengths, stretch)
        which, numbers = self._adapters(owners, len(tables), pool, places)
        logits = kernels.forward(
            tokens, positions, owners, begins, stretch, np.array(wanted, np.int64), w.embedding, w.attention_in,
            w.attention_out, w.feed_in, w.feed_out, w.gains, w.head, self._keys, self._values, self._cosines,
            self._sines, np.float32(shape.least), which, numbers, pool.rank if pool else 0,
            w.scales is not None, *(w.scales or _unscaled()),
        )  # fmt: skip
        return logits[:, : shape.vocabulary]

    def _adapters(
        self, owners: NDArray[np.int64], tables: int, pool: AdapterPool | None, places: List[int]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """For each row where its adapter is, and what is there."""
        import numpy as np

        if pool is None:
            return np.full(owners.size, -1), np.zeros((0, 0, 0), np.float32)
        if pool.shape != self.weights.shape:
            raise ValueError("The pool is for adapters of a model of another shape.")
        if len(places) != tables or min(places) < -1 or max(places) >= pool.places:
            raise ValueError(f"Each of {tables} tables has one of {pool.places} places, or -1 for none, not {places}.")
        return np.array(places, np.int64)[owners], pool.numbers

    def _check(
        self,
        tokens: NDArray[np.int64],
        positions: NDArray[np.int64],
        owners: NDArray[np.int64],
        begins: NDArray[np.int64],
        lengths: NDArray[np.int64],
        stretch: int,
    ) -> None:
        import numpy as np

        shape, stretch = self.weights.shape, whole(stretch, "How many slots lie side by side", 1)
        for numbers, many, what, has in (
            (tokens, shape.vocabulary, "token", "the model knows"),
            (positions, shape.positions, "position", "the model reads"),
            (owners, len(begins), "table", "there are"),
        ):
            least, most = numbers.min(), numbers.max()
            if least < 0 or most >= many:
                wrong = least if least < 0 else most
                raise ValueError(f"There is no {what} {wrong}: {has} {many}, from 0 on.")
        furthest = np.full(len(begins), -1)  # of each table; what its other rows read lies before
        np.maximum.at(furthest, owners, positions)
        last = furthest // stretch
        if (last >= lengths).any():
            wrong = int((last >= lengths).argmax())
            raise ValueError(f"Position {furthest[wrong]} is behind the last stretch of table {wrong}.")
        if begins.min() >= 0 and begins.max() <= self.slots - stretch:
            return
        stretches = np.arange(begins.shape[1])  # what no row reads may be anything, and the last stretch may be short
        wide = np.where(stretches < last[:, None], stretch, furthest[:, None] % stretch + 1)
        ill = (stretches <= last[:, None]) & ((begins < 0) | (begins > self.slots - wide))
        if ill.any():
            i, j = (int(at) for at in np.argwhere(ill)[0])
            slot = int(begins[i, j])
            slot += int(wide[i, j]) - 1 if slot >= 0 else 0
            raise ValueError(f"Table {i} names slot {slot}, and there are {self.slots}, from 0 on.")

    def _told(self) -> dict[str, object]:
        shape = self.weights.shape
        return {"layers": shape.layers, "width": shape.width, "slots": self.slots}


def _columns(rows: List[Row]) -> NDArray[np.int64]:
    """Tokens, positions and tables of the rows (3, rows). Raises ValueError for what is no three whole numbers."""
    import numpy as np

    try:
        found = np.array(rows)
    except ValueError:  # rows of different lengths
        found = np.empty(1, np.object_)
    if found.size and (found.ndim != 2 or found.shape[1] != 3 or found.dtype.kind not in "iu"):
        raise ValueError("A row is three whole numbers of 64 bits: a token, its position, and which table it is of.")
    return found.astype(np.int64).reshape(-1, 3).T.copy()


def _unscaled() -> Scales:
    """Of weights that are float32."""
    import numpy as np

    one, each = np.zeros((0, 0), np.float32), np.zeros((0, 0, 0), np.float32)
    return Scales(one, each, each, each, each, one)

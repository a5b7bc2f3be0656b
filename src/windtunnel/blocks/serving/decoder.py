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
from windtunnel.blocks.serving.weights import ModelWeights, Scales
from windtunnel.portable import each

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from windtunnel.blocks.serving.lora import AdapterPool

Row = tuple[int, int, int]
"""A token, its position, and which of the tables is its sequence's."""


class Decoder(Block):
    """A model, and a memory of `slots` for keys and values.

    >>> from windtunnel.blocks.serving import ModelShape, made_weights
    >>> tiny = ModelShape(vocabulary=10, width=64, layers=2, heads=4, kv_heads=2, head_width=16, hidden=64)
    >>> model = Decoder(made_weights(tiny), slots=8)
    >>> model.forward([(3, 0, 0), (7, 1, 0)], [[0]], 8, [1]).shape
    (1, 10)
    """

    def __init__(self, weights: ModelWeights, slots: int) -> None:
        import numpy as np

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
        tokens, positions, owners = np.array(rows, np.int64).reshape(-1, 3).T.copy()
        if wanted and not (min(wanted) >= 0 and max(wanted) < tokens.size):
            raise ValueError(f"The logits of rows {wanted} are wanted, and there are {tokens.size}, from 0 on.")
        if not tokens.size:
            return np.empty((0, shape.vocabulary), np.float32)
        longest = max((len(table) for table in tables), default=0)
        begins = np.full((len(tables), longest), -1, np.int64)
        for i, table in enumerate(tables):
            begins[i, : len(table)] = table
        self._check(tokens, positions, owners, begins, stretch)
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
        stretch: int,
    ) -> None:
        import numpy as np

        shape = self.weights.shape
        whole(stretch, "How many slots lie side by side", 1)
        if tokens.min() < 0 or tokens.max() >= shape.vocabulary:
            wrong = tokens.min() if tokens.min() < 0 else tokens.max()
            raise ValueError(f"There is no token {wrong}: the model knows {shape.vocabulary}, from 0 on.")
        if positions.min() < 0 or positions.max() >= shape.positions:
            raise ValueError(f"Position {positions.max()} is too far: the model reads {shape.positions} tokens.")
        if owners.min() < 0 or owners.max() >= len(begins):
            raise ValueError(f"A row is of table {owners.max()}, and there are {len(begins)}.")
        furthest = positions.max() // stretch
        if furthest >= begins.shape[1]:
            raise ValueError(f"Position {positions.max()} is behind the last stretch of its table.")
        last = positions // stretch
        read = begins[owners]
        used = np.arange(begins.shape[1]) <= last[:, None]
        ends = read + (stretch - 1)
        rows = np.arange(positions.size)
        ends[rows, last] = read[rows, last] + positions % stretch
        if (used & ((read < 0) | (ends >= self.slots))).any():
            raise ValueError(f"A table names slot {ends[used].max()}, and there are {self.slots}.")

    def _told(self) -> dict[str, object]:
        shape = self.weights.shape
        return {"layers": shape.layers, "width": shape.width, "slots": self.slots}


def _unscaled() -> Scales:
    """Of weights that are float32."""
    import numpy as np

    one, each = np.zeros((0, 0), np.float32), np.zeros((0, 0, 0), np.float32)
    return Scales(one, each, each, each, each, one)

"""LoRA: models that differ from one by matrices of low rank, all of them in one pass.

An adapter adds (x A) B to what a matrix makes of a row x, where A and B meet in a few numbers, the rank (Hu and others,
LoRA, 2021). Merged into the weights it costs a pass nothing, and those weights are of one adapter. Beside them it costs
a little, and one pass computes rows of many: the base for all, and to each row the low-rank part of its own adapter is
gathered out of a pool (Chen and others, Punica, MLSys 2024; Sheng and others, S-LoRA, MLSys 2024).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from windtunnel.blocks.ground.block import Block
from windtunnel.blocks.ground.numbers import whole
from windtunnel.blocks.serving.sequence import Sequence
from windtunnel.blocks.serving.weights import ModelShape, ModelWeights, check_shape

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

Part = tuple[Sequence, int, int]
"""A sequence, and from which of its tokens up to which a pass computes it."""


@dataclass(frozen=True, eq=False)
class LoraAdapter:
    """What one adapter adds, by the names of the matrices in `ModelWeights` to which it does, float32.

    `downs` are (layers, rank, inputs) and `ups` (layers, rank, outputs), with the factor alpha / rank in `ups`.
    """

    rank: int
    downs: Mapping[str, Floats]
    ups: Mapping[str, Floats]


def adapted(shape: ModelShape) -> dict[str, tuple[int, int]]:
    """The matrices of a layer that an adapter may change, in the order of a pass: (inputs, outputs) by name."""
    across = shape.heads * shape.head_width
    return {
        "attention_in": (shape.width, across + 2 * shape.kv_heads * shape.head_width),
        "attention_out": (across, shape.width),
        "feed_in": (shape.width, 2 * shape.hidden),
        "feed_out": (shape.hidden, shape.width),
    }


def adapter_bytes(shape: ModelShape, rank: int) -> int:
    """What an adapter of this rank takes in a pool: 4 bytes a number."""
    return 4 * shape.layers * rank * sum(map(sum, adapted(shape).values()))


def made_adapter(shape: ModelShape, rank: int = 8, seed: int = 0, loudness: float = 0.5) -> LoraAdapter:
    """An adapter that has learnt nothing: normal numbers, so scaled that it says `loudness` times what the base does.

    It is the same for the same seed, on all four matrices of each layer.
    """
    import numpy as np

    check_shape(shape)
    whole(rank, "The rank of an adapter", 1)
    luck, downs, ups = np.random.default_rng(seed), dict[str, "Floats"](), dict[str, "Floats"]()
    for name, (inputs, outputs) in adapted(shape).items():
        downs[name] = luck.standard_normal((shape.layers, rank, inputs), np.float32) / np.float32(inputs**0.5)
        scale = np.float32(loudness / rank**0.5)
        ups[name] = luck.standard_normal((shape.layers, rank, outputs), np.float32) * scale
    return LoraAdapter(rank, downs, ups)


def merge_adapter(weights: ModelWeights, adapter: LoraAdapter, times: float = 1.0) -> None:
    """Change the weights where they are, so that a pass of them is one of this adapter; `times=-1` takes it out again.

    What is taken out leaves an error of rounding. Raises ValueError for an adapter of another shape, and for weights of
    8 bits, into which nothing can be merged.
    """
    import numpy as np

    from windtunnel.blocks.serving.kernels.lora import merge as merge_layer

    check_adapter(weights.shape, adapter)
    if weights.scales is not None:
        raise ValueError("Weights of 8 bits take no adapter in: give it beside them, in a pool.")
    for name, down in adapter.downs.items():
        panels = getattr(weights, name)
        for layer in range(weights.shape.layers):
            merge_layer(down[layer], adapter.ups[name][layer], np.float32(times), panels[layer])


def merged(weights: ModelWeights, adapter: LoraAdapter) -> ModelWeights:
    """A copy of the weights with the adapter in it; embedding, head and gains are shared with the original."""
    copy = copied(weights)
    merge_adapter(copy, adapter)
    return copy


def copied(weights: ModelWeights) -> ModelWeights:
    """The weights with matrices of their own, so that they may be merged into."""
    return replace(weights, **{name: getattr(weights, name).copy() for name in adapted(weights.shape)})


def check_adapter(shape: ModelShape, adapter: LoraAdapter) -> None:
    """Raises ValueError for an adapter that is not one of such a model: a kernel would read what is behind it."""
    import numpy as np

    sizes = adapted(shape)
    if adapter.downs.keys() != adapter.ups.keys() or not adapter.downs.keys() <= sizes.keys():
        raise ValueError(f"An adapter has both halves for some of {', '.join(sizes)}, and for nothing else.")
    for name, down in adapter.downs.items():
        for half, size in zip((down, adapter.ups[name]), sizes[name], strict=True):
            if half.shape != (shape.layers, adapter.rank, size) or half.dtype != np.float32:
                raise ValueError(
                    f"Of {name} an adapter of rank {adapter.rank} has {(shape.layers, adapter.rank, size)} numbers"
                    f" of 32 bits, not {half.shape} of {half.dtype}."
                )


class AdapterPool(Block):
    """Memory for so many adapters at a time; where all places are taken, the least recently used one's is given away.

    A pool is of one owner: threads use it under a lock of their own.

    Args:
        shape: of the model.
        places: how many adapters it holds; `most_bytes // adapter_bytes(shape, rank)`, say.
        rank: the largest that an adapter may have; one of less takes as much room.

    >>> tiny = ModelShape(vocabulary=10, width=64, layers=1, heads=4, kv_heads=2, head_width=16, hidden=64)
    >>> pool = AdapterPool(tiny, places=2, rank=4)
    >>> one = made_adapter(tiny, rank=4)
    >>> pool.load("a", one), pool.load("b", one), pool.place("a"), pool.load("c", one), pool.names
    (0, 1, 0, 1, ['a', 'c'])
    """

    def __init__(self, shape: ModelShape, places: int, rank: int = 16) -> None:
        import numpy as np

        check_shape(shape)
        self.shape = shape
        self.places = whole(places, "The number of places for adapters", 1)
        self.rank = whole(rank, "The largest rank of an adapter", 1)
        each = adapter_bytes(shape, rank) // (4 * shape.layers)
        self.numbers = np.zeros((self.places, shape.layers, each), np.float32)
        """(places, layers, numbers): of each matrix A by rows and behind it B, in the order of `adapted`."""
        self.loads = 0
        """How often an adapter was written into the pool."""
        self._placed = OrderedDict[str, int]()  # the least recently used stands first

    @property
    def bytes(self) -> int:
        """What all places take, used or not."""
        return self.numbers.nbytes

    @property
    def names(self) -> list[str]:
        """Who is in it, the least recently used first."""
        return list(self._placed)

    def place(self, name: str) -> int | None:
        """Where it is, and it has been used now; None where it is not there."""
        if name in self._placed:
            self._placed.move_to_end(name)
        return self._placed.get(name)

    def load(self, name: str, adapter: LoraAdapter, needed: Collection[str] = ()) -> int:
        """Write an adapter into a free place, or into that of the least recently used which is not `needed`.

        Raises ValueError where its rank is larger than the pool's, its shape another, or all places are needed.
        """
        check_adapter(self.shape, adapter)
        if adapter.rank > self.rank:
            raise ValueError(f"{name!r} has rank {adapter.rank}, and the pool is for {self.rank} at most.")
        at = self.place(name)
        if at is None and len(self._placed) < self.places:
            at = len(self._placed)
        if at is None:
            victim = next((one for one in self._placed if one not in needed), None)
            if victim is None:
                raise ValueError(f"All {self.places} places are needed: let {name!r} wait for the next pass.")
            at = self._placed.pop(victim)
        self._placed[name] = at
        self.loads += 1
        begin, to = 0, self.numbers[at]
        to[:] = 0
        for matrix, (inputs, outputs) in adapted(self.shape).items():
            middle, end = begin + self.rank * inputs, begin + self.rank * (inputs + outputs)
            if matrix in adapter.downs:
                to[:, begin : begin + adapter.rank * inputs] = adapter.downs[matrix].reshape(len(to), -1)
                to[:, middle : middle + adapter.rank * outputs] = adapter.ups[matrix].reshape(len(to), -1)
            begin = end
        return at

    def passes(self, parts: Iterable[Part]) -> list[list[Part]]:
        """The work of a step, cut so that no pass needs more adapters than there are places: who is there first."""
        whose = dict[str, list[Part]]()
        for part in parts:
            whose.setdefault(part[0].adapter, []).append(part)
        base = whose.pop("", [])
        names = sorted(whose, key=lambda name: name not in self._placed)
        cut = [names[i : i + self.places] for i in range(0, len(names), self.places)]
        found = [[part for name in some for part in whose[name]] for some in cut]
        return [base + found[0], *found[1:]] if found else [base]

    def _told(self) -> dict[str, object]:
        return {"places": self.places, "rank": self.rank, "used": len(self._placed)}

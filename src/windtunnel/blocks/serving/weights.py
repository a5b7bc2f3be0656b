"""The numbers of a Llama-shaped model, and how large they are; here made by luck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from windtunnel.blocks.ground.numbers import whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Numbers = NDArray[np.float32 | np.int8]


class ModelShape(NamedTuple):
    """How large the parts of a model are. The width and the hidden width are multiples of 64.

    The defaults are those of SmolLM2-135M.
    """

    vocabulary: int = 49_152
    width: int = 576
    layers: int = 30
    heads: int = 9
    kv_heads: int = 3
    """Heads of keys and values, each read by as many heads of the query."""
    head_width: int = 64
    hidden: int = 1536
    positions: int = 8192
    """The most tokens of a sequence."""
    rope_base: float = 100_000.0
    least: float = 1e-5
    """Added to the mean square, so that a row of zeros can be normalised."""


class Scales(NamedTuple):
    """By what columns of 8 bits are multiplied, float32: (panels, 64), and of layers (layers, panels, 64)."""

    embedding: Floats
    attention_in: Floats
    attention_out: Floats
    feed_in: Floats
    feed_out: Floats
    head: Floats


@dataclass(frozen=True, eq=False)
class ModelWeights:
    """The numbers, matrices in panels as `kernels.products.multiply` reads them, float32, or 8 bits with `scales`.

    `attention_in` gives query, keys and values side by side, `feed_in` the gate and what goes through it. `gains` are
    (layers + 1, 2, width): before attention, before the feed-forward, and last (one of the two) before the head.
    """

    shape: ModelShape
    embedding: Numbers
    attention_in: Numbers
    attention_out: Numbers
    feed_in: Numbers
    feed_out: Numbers
    gains: Floats
    head: Numbers
    slower: Floats | None = None
    """By how much slower each pair of a head is turned (head_width / 2,): how Llama 3.1 reads longer texts."""
    scales: Scales | None = None
    """Of matrices of 8 bits (`in_int8`)."""


def check_shape(shape: ModelShape) -> None:
    """Raises ValueError for parts that do not fit together."""
    for name in ("vocabulary", "layers", "heads", "kv_heads", "head_width", "positions"):
        whole(getattr(shape, name), f"The {name.replace('_', ' ')} of a model", 1)
    for name in ("width", "hidden"):
        if whole(getattr(shape, name), f"The {name} of a model", 1) % 64:
            raise ValueError(f"The {name} of a model is a multiple of 64, not {getattr(shape, name)}.")
    if shape.heads % shape.kv_heads:
        raise ValueError(f"{shape.heads} heads cannot share {shape.kv_heads} heads of keys: take a divisor.")
    if shape.head_width % 4:
        raise ValueError(f"The width of a head is a multiple of 4, not {shape.head_width}.")


def check_weights(weights: ModelWeights) -> None:
    """Raises ValueError for numbers that are not those of such a model, or do not lie side by side in C order.

    Kernels count addresses by the shape of the model: they would read what is behind the numbers, or others of them.
    """
    import numpy as np

    shape = weights.shape
    check_shape(shape)
    across, tokens = shape.heads * shape.head_width, -(-shape.vocabulary // 64)
    mixed = -(-(across + 2 * shape.kv_heads * shape.head_width) // 64)
    width, panels, layers = shape.width, shape.width // 64, shape.layers
    matrices = {
        "embedding": (tokens, width, 64),
        "attention_in": (layers, mixed, width, 64),
        "attention_out": (layers, panels, across, 64),
        "feed_in": (layers, shape.hidden // 32, width, 64),
        "feed_out": (layers, panels, shape.hidden, 64),
        "head": (tokens, width, 64),
    }
    kind = np.float32 if weights.scales is None else np.int8
    wanted = [(name, getattr(weights, name), sizes, kind) for name, sizes in matrices.items()]
    wanted.append(("gains", weights.gains, (layers + 1, 2, width), np.float32))
    if weights.scales is not None:
        of = weights.scales
        wanted += [(f"scales of {a}", getattr(of, a), (*b[:-2], 64), np.float32) for a, b in matrices.items()]
    for name, found, sizes, kind in wanted:
        if found.shape != sizes or found.dtype != kind:
            said = f"{name} as {sizes} of {np.dtype(kind)}, not as {found.shape} of {found.dtype}"
            raise ValueError(f"A model of this shape has its {said}.")
        if not (found.flags.c_contiguous and found.flags.aligned):
            raise ValueError(f"The numbers of {name} lie side by side in C order: take numpy.ascontiguousarray of it.")


def made_weights(shape: ModelShape, seed: int = 0) -> ModelWeights:
    """A model that has learnt nothing: normal numbers, so scaled that no layer is louder than the one before.

    What it says means nothing, and it says the same for the same seed. It computes what a real one computes.
    """
    import numpy as np

    from windtunnel.blocks.serving.kernels.products import in_panels

    check_shape(shape)
    luck = np.random.default_rng(seed)

    def drawn(inputs: int, outputs: int) -> Floats:
        numbers = luck.standard_normal((inputs, outputs), np.float32) / np.float32(inputs**0.5)
        return in_panels(numbers)

    across, hidden, width = shape.heads * shape.head_width, shape.hidden, shape.width
    mixed = across + 2 * shape.kv_heads * shape.head_width
    head = in_panels(luck.standard_normal((width, shape.vocabulary), np.float32))
    every = range(shape.layers)
    return ModelWeights(
        shape,
        head,
        np.stack([drawn(width, mixed) for _ in every]),
        np.stack([drawn(across, width) for _ in every]),
        np.stack([drawn(width, 2 * hidden) for _ in every]),
        np.stack([drawn(hidden, width) for _ in every]),
        np.ones((shape.layers + 1, 2, width), np.float32),
        head,
    )

"""Weights of 8 bits: a quarter of the bytes that a token reads, where reading is what a pass of one token takes.

Each column of a matrix has a scale of its own, by which its largest number becomes 127 (symmetric, per output channel:
Jacob and others, Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018).
Rows, keys, values and sums stay what they are, float32.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from windtunnel.blocks.serving.weights import ModelWeights, Scales, check_weights

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def in_int8(weights: ModelWeights) -> ModelWeights:
    """The same model in 8 bits, and gains as they are.

    A number is off by half a step of its column at most. A step is the column's largest over 127, which float32 says
    down to 1.5e-36; below it is rounded up. Raises ValueError for a model in 8 bits, for weights that `check_weights`
    refuses, and for a number that is infinite or NaN: no step is long enough for it.
    """
    if weights.scales is not None:
        raise ValueError("These weights are in 8 bits already.")
    check_weights(weights)
    embedding, embedding_scale = _rounded(weights, "embedding")
    head, head_scale = embedding, embedding_scale
    if weights.head is not weights.embedding:
        head, head_scale = _rounded(weights, "head")
    attention_in, in_scale = _rounded(weights, "attention_in")
    attention_out, out_scale = _rounded(weights, "attention_out")
    feed_in, feed_in_scale = _rounded(weights, "feed_in")
    feed_out, feed_out_scale = _rounded(weights, "feed_out")
    return replace(
        weights,
        embedding=embedding,
        attention_in=attention_in,
        attention_out=attention_out,
        feed_in=feed_in,
        feed_out=feed_out,
        head=head,
        scales=Scales(embedding_scale, in_scale, out_scale, feed_in_scale, feed_out_scale, head_scale),
    )


def _rounded(weights: ModelWeights, name: str) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A matrix (..., inputs, 64) in 8 bits, and the scale of each column (..., 64)."""
    import numpy as np

    panels = getattr(weights, name)
    most = np.abs(panels).max(axis=-2)
    if not np.isfinite(most).all():
        raise ValueError(f"A number of {name} is infinite or NaN, which 8 bits cannot say: look at its file.")
    scale = np.where(most > 0, most / np.float32(127), np.float32(1)).astype(np.float32)
    scale = np.minimum(scale, np.nextafter(np.finfo(np.float32).max / np.float32(127), np.float32(0)))  # or 127 is inf
    rough = scale < np.finfo(np.float32).smallest_normal  # rounded down, a step would leave the largest behind 127
    quantum = 2.0**-149
    scale[rough] = np.ceil(most[rough].astype(np.float64) / (127 * quantum)) * quantum
    return np.rint(panels / scale[..., None, :]).astype(np.int8), scale

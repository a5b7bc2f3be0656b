"""Weights of 8 bits: a quarter of the bytes that a token reads, where reading is what a pass of one token takes.

Each column of a matrix has a scale of its own, by which its largest number becomes 127 (symmetric, per output channel:
Jacob and others, Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference, 2018).
Rows, keys, values and sums stay what they are, float32.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from windtunnel.blocks.serving.weights import ModelWeights, Scales

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def in_int8(weights: ModelWeights) -> ModelWeights:
    """The same model in 8 bits, and gains as they are. Raises ValueError for one that is.

    A number is off by half a step of its column at most, which is the column's largest over 254.
    """
    if weights.scales is not None:
        raise ValueError("These weights are in 8 bits already.")
    embedding, embedding_scale = _rounded(weights.embedding)
    head, head_scale = embedding, embedding_scale
    if weights.head is not weights.embedding:
        head, head_scale = _rounded(weights.head)
    attention_in, in_scale = _rounded(weights.attention_in)
    attention_out, out_scale = _rounded(weights.attention_out)
    feed_in, feed_in_scale = _rounded(weights.feed_in)
    feed_out, feed_out_scale = _rounded(weights.feed_out)
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


def _rounded(panels: NDArray[np.float32 | np.int8]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Panels (..., inputs, 64) in 8 bits, and the scale of each column (..., 64)."""
    import numpy as np

    most = np.abs(panels).max(axis=-2)
    scale = np.where(most > 0, most / np.float32(127), np.float32(1)).astype(np.float32)
    return np.rint(panels / scale[..., None, :]).astype(np.int8), scale

"""A Llama-shaped pass in plain NumPy, without a cache, in float64: an oracle that shares no line with ours."""

from __future__ import annotations

from typing import Any

import numpy as np

from windtunnel.blocks.serving import ModelWeights

Matrix = np.ndarray[Any, np.dtype[np.float64]]


def unpacked(panels: Any, outputs: int) -> Matrix:
    """A matrix (inputs, outputs) out of its panels (p, inputs, 64)."""
    return np.hstack(list(panels.astype(np.float64)))[:, :outputs]


def norm(x: Matrix, gain: Matrix, least: float) -> Matrix:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + least) * gain


def rotated(x: Matrix, base: float, slower: Any = 1.0) -> Matrix:
    """(tokens, heads, d), each pair a complex number that is turned."""
    tokens, heads, d = x.shape
    turns = np.exp(1j * np.arange(tokens)[:, None] * base ** (-np.arange(d // 2) * 2.0 / d) / slower)
    pairs = (x[..., 0::2] + 1j * x[..., 1::2]) * turns[:, None, :]
    return np.stack([pairs.real, pairs.imag], -1).reshape(tokens, heads, d)


def logits_of(weights: ModelWeights, tokens: list[int]) -> Matrix:
    """(tokens, vocabulary): what the model says behind each of these tokens."""
    s = weights.shape
    across, of_keys, n = s.heads * s.head_width, s.kv_heads * s.head_width, len(tokens)
    x = unpacked(weights.embedding, s.vocabulary).T[tokens]
    slower = 1.0 if weights.slower is None else weights.slower.astype(np.float64)
    unseen = np.triu(np.full((n, n), -np.inf), 1)
    for layer in range(s.layers):
        gains = weights.gains[layer].astype(np.float64)
        mixed = norm(x, gains[0], s.least) @ unpacked(weights.attention_in[layer], across + 2 * of_keys)
        q = rotated(mixed[:, :across].reshape(n, s.heads, -1), s.rope_base, slower)
        k = rotated(mixed[:, across : across + of_keys].reshape(n, s.kv_heads, -1), s.rope_base, slower)
        v = mixed[:, across + of_keys :].reshape(n, s.kv_heads, -1)
        k, v = (one.repeat(s.heads // s.kv_heads, axis=1) for one in (k, v))
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(s.head_width) + unseen
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        seen = np.einsum("hij,jhd->ihd", shares, v).reshape(n, across)
        x = x + seen @ unpacked(weights.attention_out[layer], s.width)
        gate, up = np.hsplit(norm(x, gains[1], s.least) @ unpacked(weights.feed_in[layer], 2 * s.hidden), 2)
        x = x + gate / (1 + np.exp(-gate)) * up @ unpacked(weights.feed_out[layer], s.width)
    return norm(x, weights.gains[s.layers, 0].astype(np.float64), s.least) @ unpacked(weights.head, s.vocabulary)

"""One pass of a Llama-shaped decoder over the rows of a step: Touvron and others, 2023, section 2.2.

A row is one token of one sequence. What a row becomes does not depend on which other rows are in the step: every sum
is taken in one order, over the numbers of that row alone. So a request is answered alike alone and in a crowd, and a
test can ask for equal tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from windtunnel.blocks.serving.kernels import FAST
from windtunnel.blocks.serving.kernels.lora import gather
from windtunnel.blocks.serving.kernels.products import PANEL, multiply, rescale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Numbers = NDArray[np.float32 | np.int8]
    Ints = NDArray[np.int64]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def normalise(rows: Floats, gain: Floats, least: np.float32, out: Floats) -> None:
    """RMSNorm: each row over the root of its mean square, times `gain`."""
    width = rows.shape[1]
    for i in range(rows.shape[0]):
        row, to, total = rows[i], out[i], np.float32(0)
        for x in range(width):
            total += row[x] * row[x]
        scale = np.float32(1) / np.sqrt(total / np.float32(width) + least)
        for x in range(width):
            to[x] = row[x] * scale * gain[x]


@njit(cache=True, error_model="numpy")
def turn(heads: Floats, cosines: Floats, sines: Floats) -> None:
    """RoPE: turn each pair of neighbours of each head by the angles of its row's position (Su and others, 2021)."""
    half = cosines.size
    for begin in range(0, heads.size, 2 * half):
        for i in range(half):
            even, odd = heads[begin + 2 * i], heads[begin + 2 * i + 1]
            heads[begin + 2 * i] = even * cosines[i] - odd * sines[i]
            heads[begin + 2 * i + 1] = even * sines[i] + odd * cosines[i]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def attend(
    query: Floats, keys: Floats, values: Floats, table: Ints, stretch: int, length: int, scores: Floats, out: Floats
) -> None:
    """One row looks at `length` positions, whose slots it finds by the block table: no copy of them is made.

    `query` and `out` hold heads of d numbers side by side, `keys` and `values` are (slots, heads of keys, d), `table`
    says the first slot of each stretch of so many positions. Several heads of the query read one of the keys
    (Ainslie and others, 2023). `scores` is (heads, `length` or more), to write to.
    """
    heads, kv_heads, d = scores.shape[0], keys.shape[1], keys.shape[2]
    group = heads // kv_heads
    scale = np.float32(1) / np.sqrt(np.float32(d))
    for at in range(length):
        slot = table[at // stretch] + at % stretch
        for h in range(heads):
            total = np.float32(0)
            for x in range(d):
                total += query[h * d + x] * keys[slot, h // group, x]
            scores[h, at] = total * scale
    for h in range(heads):
        most, total = scores[h, 0], np.float32(0)
        for at in range(1, length):
            most = max(most, scores[h, at])
        for at in range(length):
            scores[h, at] = np.exp(scores[h, at] - most)
            total += scores[h, at]
        for x in range(h * d, (h + 1) * d):
            out[x] = np.float32(0)
        for at in range(length):
            slot = table[at // stretch] + at % stretch
            share = scores[h, at] / total
            for x in range(d):
                out[h * d + x] += share * values[slot, h // group, x]


@njit(cache=True)
def add(rows: Floats, to: Floats) -> None:
    """Add to each number its fellow."""
    for i in range(rows.shape[0]):
        for x in range(rows.shape[1]):
            to[i, x] += rows[i, x]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def gate(gates: Floats, out: Floats) -> None:
    """The left half of each row, by SiLU, times the right half (SwiGLU: Shazeer, 2020).

    Of a negative gate x, exp(-x) does not fit 32 bits from -89 on, so the exponential is taken of what is below 0.
    """
    hidden, one = out.shape[1], np.float32(1)
    for i in range(out.shape[0]):
        for j in range(hidden):
            x = gates[i, j]
            small = np.exp(-abs(x))
            out[i, j] = (x if x >= 0 else x * small) / (one + small) * gates[i, hidden + j]


@njit(cache=True, nogil=True, error_model="numpy")
def forward(
    tokens: Ints,
    positions: Ints,
    owners: Ints,
    tables: Ints,
    stretch: int,
    wanted: Ints,
    embedding: Numbers,
    attention_in: Numbers,
    attention_out: Numbers,
    feed_in: Numbers,
    feed_out: Numbers,
    gains: Floats,
    head: Numbers,
    keys: Floats,
    values: Floats,
    cosines: Floats,
    sines: Floats,
    least: np.float32,
    which: Ints,
    adapters: Floats,
    rank: int,
    scaled: bool,
    embedding_scales: Floats,
    in_scales: Floats,
    out_scales: Floats,
    feed_in_scales: Floats,
    feed_out_scales: Floats,
    head_scales: Floats,
) -> Floats:
    """Logits (wanted, vocabulary in panels) behind the rows `wanted`; keys and values of all rows are written.

    Row i is `tokens[i]` at `positions[i]` of the sequence whose stretches begin at `tables[owners[i]]`. The rows of a
    sequence stand in the order of its positions, so each finds there what those before it have written. `which` says
    for each row where in `adapters` (places, layers, numbers) its own of this `rank` is, -1 for none. `scaled` says
    whether matrices are of 8 bits; then the last six are the scales of their columns.
    """
    layers, _, kv_heads, d = keys.shape
    n, width = tokens.size, attention_in.shape[2]
    across, of_keys = attention_out.shape[2], kv_heads * d  # numbers of all heads
    x, seen = np.empty((n, width), np.float32), np.empty((n, width), np.float32)
    mixed = np.empty((n, attention_in.shape[1] * PANEL), np.float32)
    answers, added = np.empty((n, across), np.float32), np.empty((n, width), np.float32)
    gates, fed = np.empty((n, 2 * feed_out.shape[2]), np.float32), np.empty((n, feed_out.shape[2]), np.float32)
    longest = 0
    for i in range(n):
        longest = max(longest, positions[i] + 1)
        for j in range(width):
            x[i, j] = np.float32(embedding[tokens[i] // PANEL, j, tokens[i] % PANEL])
            if scaled:
                x[i, j] *= embedding_scales[tokens[i] // PANEL, tokens[i] % PANEL]
    scores = np.empty((across // d, longest), np.float32)
    mix, hidden = across + 2 * of_keys, feed_out.shape[2]
    second = rank * (width + mix)  # where the numbers of the second matrix begin
    third = second + rank * (across + width)
    fourth = third + rank * (width + 2 * hidden)
    for layer in range(layers):
        normalise(x, gains[layer, 0], least, seen)
        multiply(seen, attention_in[layer], mixed)
        if scaled:
            rescale(mixed, in_scales[layer])
        gather(seen, which, adapters, layer, 0, rank, mix, mixed)
        for i in range(n):
            at, row = positions[i], mixed[i]
            slot = tables[owners[i], at // stretch] + at % stretch
            turn(row[: across + of_keys], cosines[at], sines[at])
            for h in range(kv_heads):
                for j in range(d):
                    keys[layer, slot, h, j] = row[across + h * d + j]
                    values[layer, slot, h, j] = row[across + of_keys + h * d + j]
        for i in range(n):
            table = tables[owners[i]]
            attend(mixed[i], keys[layer], values[layer], table, stretch, positions[i] + 1, scores, answers[i])
        multiply(answers, attention_out[layer], added)
        if scaled:
            rescale(added, out_scales[layer])
        gather(answers, which, adapters, layer, second, rank, width, added)
        add(added, x)
        normalise(x, gains[layer, 1], least, seen)
        multiply(seen, feed_in[layer], gates)
        if scaled:
            rescale(gates, feed_in_scales[layer])
        gather(seen, which, adapters, layer, third, rank, 2 * hidden, gates)
        gate(gates, fed)
        multiply(fed, feed_out[layer], added)
        if scaled:
            rescale(added, feed_out_scales[layer])
        gather(fed, which, adapters, layer, fourth, rank, width, added)
        add(added, x)
    last = np.empty((wanted.size, width), np.float32)
    for i in range(wanted.size):
        for j in range(width):
            last[i, j] = x[wanted[i], j]
    normalise(last, gains[layers, 0], least, last)
    logits = np.empty((wanted.size, head.shape[0] * PANEL), np.float32)
    multiply(last, head, logits)
    if scaled:
        rescale(logits, head_scales)
    return logits


def warm() -> None:
    """Compile each kernel here for the types it is used with."""
    from windtunnel.blocks.serving.decoder import Decoder
    from windtunnel.blocks.serving.int8 import in_int8
    from windtunnel.blocks.serving.weights import ModelShape, made_weights

    shape = ModelShape(vocabulary=2, width=64, layers=1, heads=1, kv_heads=1, head_width=4, hidden=64)
    for weights in (made_weights(shape), in_int8(made_weights(shape))):
        Decoder(weights, 1).forward([(1, 0, 0)], [[0]], 1, [0])

"""A Llama-shaped decoder of torch's own operations, as one would write it: served a round at a time.

`python -m bench.torch_serving SHAPE MANY STEPS` gives a token to so many sequences behind 64 whose keys and values are
there. SHAPE is a list of numbers: vocabulary, width, layers, heads, heads of keys, width of a head, hidden width. They
lie side by side for each sequence, which spares torch the block table; its matrices are by luck, as ours.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from bench.elsewhere import serve

READ = 64
"""Tokens behind which one is given."""


def decoder(shape: list[int], many: int) -> Any:
    """A function that gives a token to each of them."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    vocabulary, width, layers, heads, kv_heads, d, hidden = shape
    luck = torch.Generator().manual_seed(0)

    def matrix(outputs: int, inputs: int) -> Any:
        return torch.randn(outputs, inputs, generator=luck) / inputs**0.5

    mix = (heads + 2 * kv_heads) * d
    blocks = [
        (matrix(mix, width), matrix(width, heads * d), matrix(2 * hidden, width), matrix(width, hidden))
        for _ in range(layers)
    ]
    embedding, head, gain = matrix(vocabulary, width), matrix(vocabulary, width), torch.ones(width)
    memory = torch.zeros(layers, 2, many, kv_heads, READ + 1, d)
    angles = READ / 10_000 ** (torch.arange(0, d, 2) / d)
    cosines, sines = torch.cos(angles), torch.sin(angles)
    tokens = torch.arange(many) * 11 % vocabulary

    def turned(heads: Any) -> Any:
        even, odd = heads[..., 0::2], heads[..., 1::2]
        return torch.stack((even * cosines - odd * sines, even * sines + odd * cosines), -1).flatten(-2)

    def step() -> Any:
        x = embedding[tokens]
        for layer, (mixing, out, feed_in, feed_out) in enumerate(blocks):
            seen = functional.linear(functional.rms_norm(x, (width,), gain, 1e-5), mixing)
            query, key, value = seen.view(many, -1, d).split((heads, kv_heads, kv_heads), 1)
            memory[layer, 0, :, :, READ], memory[layer, 1, :, :, READ] = turned(key), value
            keys, values = memory[layer]
            answer = functional.scaled_dot_product_attention(turned(query)[:, :, None], keys, values, enable_gqa=True)
            x = x + functional.linear(answer.reshape(many, -1), out)
            gate, up = functional.linear(functional.rms_norm(x, (width,), gain, 1e-5), feed_in).chunk(2, -1)
            x = x + functional.linear(functional.silu(gate) * up, feed_out)
        return functional.linear(functional.rms_norm(x, (width,), gain, 1e-5), head)

    return torch.inference_mode()(step)


def main(shape: list[int], many: int, steps: int) -> None:
    step = decoder(shape, many)

    def job() -> tuple[int, float]:
        for _ in range(steps):
            logits = step()
        return steps * many, float(logits.sum())

    serve(job)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), *map(int, sys.argv[2:]))

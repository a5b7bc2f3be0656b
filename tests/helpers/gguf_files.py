"""GGUF files for tests, written by llama.cpp's own writer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from helpers.plain_llama import unpacked
from windtunnel.blocks.serving import ModelShape, ModelWeights

SHAPE = ModelShape(
    vocabulary=96, width=64, layers=2, heads=4, kv_heads=2, head_width=16, hidden=128, positions=64, rope_base=5e4
)


def written(
    path: Path,
    weights: ModelWeights,
    packed: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
    kind: str = "llama",
    more: Callable[[gguf.GGUFWriter], object] = lambda writer: None,
    order: gguf.GGUFEndian = gguf.GGUFEndian.LITTLE,
    gains: gguf.GGMLQuantizationType = gguf.GGMLQuantizationType.F32,
) -> Path:
    """A file of this model by llama.cpp's own writer, its matrices packed so; `more` writes what else it has."""
    s = weights.shape
    writer = gguf.GGUFWriter(path, kind, endianess=order)
    writer.add_block_count(s.layers)
    writer.add_context_length(s.positions)
    writer.add_embedding_length(s.width)
    writer.add_feed_forward_length(s.hidden)
    writer.add_head_count(s.heads)
    writer.add_head_count_kv(s.kv_heads)
    writer.add_rope_freq_base(s.rope_base)
    writer.add_layer_norm_rms_eps(s.least)

    def put(name: str, matrix: Any, packed: gguf.GGMLQuantizationType = packed) -> None:
        numbers = np.ascontiguousarray(matrix.T, np.float32)
        writer.add_tensor(name, gguf.quantize(numbers, packed), raw_dtype=packed)

    put("token_embd.weight", unpacked(weights.embedding, s.vocabulary))
    across, of_keys = s.heads * s.head_width, s.kv_heads * s.head_width
    for i in range(s.layers):
        put(f"blk.{i}.attn_norm.weight", weights.gains[i, 0], gains)
        put(f"blk.{i}.ffn_norm.weight", weights.gains[i, 1], gains)
        mixed = unpacked(weights.attention_in[i], across + 2 * of_keys)
        for part, one in zip("qkv", np.split(mixed, [across, across + of_keys], axis=1), strict=True):
            put(f"blk.{i}.attn_{part}.weight", one)
        put(f"blk.{i}.attn_output.weight", unpacked(weights.attention_out[i], s.width))
        for part, one in zip(("gate", "up"), np.hsplit(unpacked(weights.feed_in[i], 2 * s.hidden), 2), strict=True):
            put(f"blk.{i}.ffn_{part}.weight", one)
        put(f"blk.{i}.ffn_down.weight", unpacked(weights.feed_out[i], s.width))
    put("output_norm.weight", weights.gains[s.layers, 0], gains)
    more(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path

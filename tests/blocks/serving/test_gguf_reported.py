"""Files that other readers of GGUF stumbled over, or read wrongly without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest

from helpers.gguf_files import SHAPE, written
from helpers.plain_llama import logits_of
from windtunnel.blocks.serving import Decoder, in_int8, made_weights, read_gguf

BF16, Q8 = gguf.GGMLQuantizationType.BF16, gguf.GGMLQuantizationType.Q8_0
TURNS = np.linspace(1, 8, SHAPE.head_width // 2).astype(np.float32)


def one(writer: gguf.GGUFWriter, name: str, *shape: int) -> None:
    writer.add_tensor(name, np.ones(shape, np.float32))


@pytest.mark.parametrize(
    ("more", "slower"),
    [
        (lambda writer: writer.add_tensor("rope_freqs.weight", TURNS), TURNS),
        (
            lambda writer: (
                writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR),
                writer.add_rope_scaling_factor(4.0),
            ),
            4.0,
        ),
    ],
    ids=["of Llama 3.1", "linear"],
)
def test_positions_that_a_file_stretches_are_stretched(
    tmp_path: Path, more: Callable[[gguf.GGUFWriter], object], slower: object
) -> None:
    """llama.cpp, pull request 8676; kalosm, 340: models read with the turns of their base alone spoke nonsense."""
    plain, tokens = made_weights(SHAPE), [5, 9, 2, 60, 33, 5, 5, 71]
    found = read_gguf(written(tmp_path / "a.gguf", plain, more=more))
    assert found.slower is not None
    np.testing.assert_array_equal(found.slower, np.broadcast_to(np.float32(slower), TURNS.shape))  # type: ignore[arg-type]
    rows = [(token, at, 0) for at, token in enumerate(tokens)]
    ours = Decoder(found, 16).forward(rows, [[0]], 16, range(len(rows)))
    np.testing.assert_allclose(ours, logits_of(found, tokens), rtol=0, atol=2e-4)
    assert np.abs(ours - logits_of(plain, tokens)).max() > 0.1


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (lambda writer: one(writer, "blk.0.attn_q.bias", 64), "attn_q.bias, which is not read"),
        (lambda writer: [one(writer, f"blk.{i}.ffn_gate_inp.weight", 4, 64) for i in (0, 1)], "and 1 more"),
        (lambda writer: writer.add_rope_dimension_count(8), "turns 8 of 16"),
        (lambda writer: writer.add_rope_scaling_type(gguf.RopeScalingType.YARN), "'yarn'"),
        (lambda writer: one(writer, "output.weight", 96, 60), r"is of the shape \(96, 60\)"),
        (lambda writer: one(writer, "rope_freqs.weight", 4), r"asks for \(8,\)"),
        (lambda writer: writer.add_tensor("output.weight", np.zeros((96, 64), np.int32)), "packed as I32"),
    ],
    ids=["biases", "experts", "half a head", "yarn", "a head of another width", "turns of another head", "packing"],
)
def test_what_would_be_read_as_another_model_is_refused(
    tmp_path: Path, more: Callable[[gguf.GGUFWriter], object], says: str
) -> None:
    """llama.cpp, pull request 4283 (biases) and issue 5518 (tensors that nobody had asked for)."""
    file = written(tmp_path / "a.gguf", made_weights(SHAPE), more=more)
    with pytest.raises(ValueError, match=says):
        read_gguf(file)


def test_gains_that_are_packed_are_unpacked(tmp_path: Path) -> None:
    """modelaudit, pull request 1632: BF16 was no type. Its bytes, taken for numbers, are twice as many."""
    made = made_weights(SHAPE)
    made.gains[:, :] = np.linspace(0.5, 2, SHAPE.width)
    found = read_gguf(written(tmp_path / "a.gguf", made, BF16, gains=BF16))
    np.testing.assert_allclose(found.gains, made.gains, rtol=2**-8)
    np.testing.assert_allclose(found.embedding, made.embedding, rtol=2**-8)


def test_a_file_of_the_other_byte_order_is_refused_and_not_read_backwards(tmp_path: Path) -> None:
    """ollama, pull request 4938, textgen, pull request 6082; packed numbers are not turned round by the reader."""
    file = written(tmp_path / "a.gguf", made_weights(SHAPE), Q8, order=gguf.GGUFEndian.BIG)
    with pytest.raises(ValueError, match="other byte order"):
        read_gguf(file)


@pytest.mark.parametrize("share", [0.0001, 0.001, 0.004, 0.01, 0.5, 0.999])
def test_a_piece_of_a_file_is_refused_with_its_name(tmp_path: Path, share: float) -> None:
    """Micro-Expert-Router, pull request 118: a copy that was cut off is not a file of another kind."""
    file = written(tmp_path / "a.gguf", made_weights(SHAPE))
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share) or 4])
    with pytest.raises(ValueError, match=r"a\.gguf is no GGUF file that can be read, or not all of one"):
        read_gguf(file)


def test_a_type_of_numbers_that_the_library_does_not_know_is_told(tmp_path: Path) -> None:
    """lilbee, pull request 759: the library's list of types ends before llama.cpp's."""
    file = written(tmp_path / "a.gguf", made_weights(SHAPE))
    text = file.read_bytes()
    at = text.index(b"output_norm.weight") + len(b"output_norm.weight") + 4 + 8
    file.write_bytes(text[:at] + (9999).to_bytes(4, "little") + text[at + 4 :])
    with pytest.raises(ValueError, match="9999"):
        read_gguf(file)


def test_what_is_missing_is_named_and_heads_of_keys_are_as_many_as_heads_where_nothing_is_said(tmp_path: Path) -> None:
    file = written(tmp_path / "a.gguf", made_weights(SHAPE))
    for name, says in ((b"blk.1.ffn_down.weight", "no tensor blk.1.ffn_down.weight"), (b"llama.block_count", "None")):
        file.write_bytes(file.read_bytes().replace(name, name[:-1] + b"?"))
        with pytest.raises(ValueError, match=says):
            read_gguf(file)
    alike = written(tmp_path / "b.gguf", made_weights(SHAPE._replace(kv_heads=4)))
    alike.write_bytes(alike.read_bytes().replace(b"head_count_kv", b"head_count_k?"))
    assert read_gguf(alike).shape.kv_heads == 4


def test_a_file_packed_in_8_bits_says_the_same_by_columns_of_8_bits(tmp_path: Path) -> None:
    """Q8_0 has a step for 32 numbers of a row, and here a column has one: rounded twice, and still near."""
    read = read_gguf(written(tmp_path / "q8.gguf", made_weights(SHAPE), Q8))
    small = in_int8(read)
    assert small.head is small.embedding
    rows, wanted = [(token, at, 0) for at, token in enumerate([5, 6, 95, 8])], [0, 1, 2, 3]
    said = Decoder(read, 16).forward(rows, [[0]], 16, wanted)
    found = Decoder(small, 16).forward(rows, [[0]], 16, wanted)
    assert 0 < np.abs(found - said).max() < 0.1 * np.abs(said).max()

"""One key, one hash: single, in a list, in an array, in a column; the oracle is the C library of XXH3."""

from __future__ import annotations

import enum
import random

import numpy as np
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, strategies as st

from windtunnel.blocks.ground.hashing import MULTIPLIER, places, stable_hash, stable_hashes

INTEGERS = st.integers(-(2**63), 2**64 - 1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def oracle(key: str | bytes | int) -> int:
    if isinstance(key, int):
        key = (key % 2**64).to_bytes(8, "little")
    return xxhash.xxh3_64_intdigest(key.encode() if isinstance(key, str) else key)


def test_every_length_of_bytes_hashes_as_the_c_library_does() -> None:
    luck = random.Random(1)
    keys = [luck.randbytes(length) for length in [*range(1200), 2047, 2048, 2049, 4096, 10_000]]
    expected = [oracle(key) for key in keys]
    assert stable_hashes(keys).tolist() == expected
    assert [stable_hash(key) for key in keys] == expected
    assert stable_hashes(pa.array(keys, pa.binary())).tolist() == expected


@given(st.integers(0, 2**64 - 1), st.integers(1, 2**64), st.integers(1, 40))
def test_places_are_the_values_of_the_generator_scaled_to_the_size(h: int, size: int, count: int) -> None:
    expected, state = [], h
    for _ in range(count):
        expected.append(state * size >> 64)
        state = state * MULTIPLIER % 2**64
    assert places(h, size, count) == tuple(expected)


@given(st.lists(TEXTS | st.binary() | INTEGERS))
def test_a_list_of_mixed_keys_hashes_item_by_item(keys: list[str | bytes | int]) -> None:
    expected = [oracle(key) for key in keys]
    assert stable_hashes(keys).tolist() == expected
    assert stable_hashes(tuple(keys)).tolist() == expected
    assert [stable_hash(key) for key in keys] == expected


@given(st.lists(TEXTS), st.integers(0, 3), st.integers(0, 3))
def test_a_column_of_strings_hashes_as_the_list_does_also_when_sliced_and_in_chunks(
    texts: list[str], front: int, back: int
) -> None:
    expected = [oracle(text) for text in texts]
    for kind in (pa.string(), pa.large_string()):
        column = pa.array(texts, kind)
        assert stable_hashes(column).tolist() == expected
        sliced = column[front : max(front, len(column) - back)]
        assert stable_hashes(sliced).tolist() == [oracle(text) for text in sliced.to_pylist()]
        assert stable_hashes(pa.chunked_array([column, sliced], kind)).tolist() == (
            expected + [oracle(text) for text in sliced.to_pylist()]
        )


@given(st.lists(st.integers(-(2**31), 2**31 - 1)))
def test_an_integer_hashes_alike_at_every_width(numbers: list[int]) -> None:
    expected = [oracle(number) for number in numbers]
    assert stable_hashes(np.array(numbers, np.int64)).tolist() == expected
    assert stable_hashes(np.array(numbers, np.int32)).tolist() == expected
    assert stable_hashes(np.array(numbers, ">i4")).tolist() == expected
    assert stable_hashes(np.array(numbers * 2, np.int64)[:: 2 if numbers else 1]).size == len(numbers)
    assert stable_hashes(pa.array(numbers, pa.int32())).tolist() == expected
    assert [stable_hash(np.int64(number)) for number in numbers] == expected  # type: ignore[arg-type]  # an __index__


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_unsigned_arrays_need_no_lock_on_their_memory(numbers: list[int]) -> None:
    keys = np.array(numbers, np.uint64)
    keys.flags.writeable = False
    assert stable_hashes(keys).tolist() == [oracle(number) for number in numbers]


def test_subclasses_of_str_and_int_are_keys_like_their_values() -> None:
    class Colour(str, enum.Enum):  # noqa: UP042  (the older spelling is the subclass that is meant)
        RED = "red"

    keys = ["red", Colour.RED, np.str_("red"), True, 1, 2**64 - 1]
    expected = [oracle("red")] * 3 + [oracle(1)] * 2 + [oracle(-1)]
    assert stable_hashes(keys).tolist() == expected  # type: ignore[arg-type]  # mixed on purpose
    assert stable_hashes(np.array(["red", "x"])).tolist() == [oracle("red"), oracle("x")]
    assert stable_hashes(np.array([b"red", b"x"])).tolist() == [oracle("red"), oracle("x")]


@pytest.mark.parametrize("key", [1.5, None, ("a",), 2**64, -(2**63) - 1, "\ud800"])
def test_what_is_no_key_is_refused_alone_and_in_a_batch(key: object) -> None:
    with pytest.raises(ValueError, match=r"key|surrogates"):
        stable_hash(key)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(ValueError, match=r"key|surrogates"):
        stable_hashes(["a", key])  # type: ignore[list-item]  # on purpose


@pytest.mark.parametrize(
    "keys",
    [
        "abc",
        b"abc",
        np.zeros(3),
        np.zeros((2, 2), np.uint64),
        pa.array(["a", None]),
        pa.array([1.5]),
        pa.array(["a"]).dictionary_encode(),
    ],
)
def test_what_is_no_batch_is_refused_with_a_word(keys: object) -> None:
    with pytest.raises(ValueError, match="key"):
        stable_hashes(keys)  # type: ignore[arg-type]  # on purpose


def test_an_error_in_a_list_leaves_no_exception_behind() -> None:
    keys = ["a"] * 10 + ["\ud800"]
    with pytest.raises(UnicodeEncodeError):
        stable_hashes(keys)
    assert stable_hashes(keys[:10]).size == 10

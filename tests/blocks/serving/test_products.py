"""Rows times a matrix: what does not lie as the kernel counts is refused, and what is computed is the same to the bit.

The tile of sums counts addresses itself, and no check of bounds sees it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numba import int64, typeof
from numba.core.errors import TypingError

from helpers.serving_cases import TINY
from windtunnel.blocks.serving import Decoder, ModelWeights, in_int8, made_weights
from windtunnel.blocks.serving.kernels.products import _tile, multiply


def arrays(n: int = 4, k: int = 8, panels: int = 2) -> dict[str, np.ndarray]:
    return {
        "rows": np.ones((n, k), np.float32),
        "panels": np.ones((panels, k, 64), np.float32),
        "out": np.full((n, 64 * panels), 7, np.float32),
    }


def frozen(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def askew(array: np.ndarray) -> np.ndarray:
    """The same numbers from an odd byte on."""
    return np.frombuffer(b"\0" + array.tobytes(), array.dtype, offset=1).reshape(array.shape)


ILL: dict[str, Any] = {
    "rows turned over": ("rows", lambda a: np.asfortranarray(a)),
    "every other number": ("rows", lambda a: np.repeat(a, 2, 1)[:, ::2]),
    "backwards": ("rows", lambda a: a[::-1]),
    "rows of float64": ("rows", lambda a: a.astype(np.float64)),
    "a panel turned over": ("panels", lambda a: np.asfortranarray(a[0])[None]),
    "a panel of float64": ("panels", lambda a: a.astype(np.float64)),
    "a panel of 16 bits": ("panels", lambda a: a.astype(np.int16)),
    "a panel without signs": ("panels", lambda a: a.astype(np.uint8)),
    "sums into a part of rows": ("out", lambda a: np.zeros((5, 400), np.float32)[:4, :128]),
    "sums of float64": ("out", lambda a: a.astype(np.float64)),
    "sums that nobody may write": ("out", frozen),
}


@pytest.mark.parametrize("how", ILL)
def test_what_does_not_lie_as_the_tile_counts_is_not_compiled(how: str) -> None:
    """It read and wrote the memory beside it. bitsandbytes, issues 1342, 1690 and 1995, did with views of tensors."""
    which, make = ILL[how]
    given = arrays()
    given[which] = make(given[which])
    rows, panel, out = typeof(given["rows"]), typeof(given["panels"][0]), typeof(given["out"])
    with pytest.raises(TypingError, match=r"take numpy\.ascontiguousarray"):
        _tile(None, rows, int64, panel, int64, out, int64)


def test_a_product_into_a_view_is_refused_as_a_whole() -> None:
    wide, given = np.zeros((4, 200), np.float32), arrays()
    with pytest.raises(TypingError, match="C order without gaps"):
        multiply(given["rows"], given["panels"], wide[:, :128])
    assert not wide.any()


@pytest.mark.parametrize(
    "more",
    [
        {"rows": np.ones((4, 6), np.float32), "panels": np.ones((2, 6, 64), np.float32)},
        {"rows": np.ones((4, 12), np.float32)},
        {"panels": np.ones((2, 8, 32), np.float32)},
        {"out": np.ones((3, 128), np.float32)},
        {"out": np.ones((4, 64), np.float32)},
        {"out": np.ones((4, 192), np.float32)},
    ],
)
def test_shapes_that_do_not_fit_are_refused(more: dict[str, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="k is a multiple of four"):
        multiply(**(arrays() | more))


@pytest.mark.parametrize("n", range(10))
def test_sums_of_whole_numbers_are_exact(n: int) -> None:
    """-128 among them; and panels of one."""
    luck = np.random.default_rng(n)
    for k, panels in ((4, 1), (20, 3)):
        rows = luck.integers(-9, 10, (n, k)).astype(np.float32)
        eights = luck.integers(-128, 128, (panels, k, 64)).astype(np.int8)
        eights[:, 0] = -128
        wanted = rows.astype(np.int64) @ eights.astype(np.int64).transpose(1, 0, 2).reshape(k, -1)
        for numbers in (eights, eights.astype(np.float32)):
            out = np.full((n, 64 * panels), np.nan, np.float32)
            multiply(rows, numbers, out)
            assert (out == wanted).all()


@pytest.mark.parametrize("kind", [np.float32, np.int8])
@pytest.mark.parametrize("special", [-0.0, 1e-42, np.inf, -np.inf, np.nan, 3e38])
def test_a_row_of_odd_numbers_is_the_same_to_the_bit_in_any_company(special: float, kind: type) -> None:
    luck = np.random.default_rng(3)
    for n in (1, 4, 5, 7):
        rows = luck.standard_normal((n, 12)).astype(np.float32)
        rows[luck.random(rows.shape) < 0.4] = special
        panels = np.rint(40 * luck.standard_normal((2, 12, 64))).astype(kind)
        out, one = np.empty((n, 128), np.float32), np.empty((1, 128), np.float32)
        multiply(rows, panels, out)
        for i in range(n):
            multiply(rows[i : i + 1], panels, one)
            same = one[0].view(np.int32) == out[i].view(np.int32)
            assert (same | (np.isnan(one[0]) & np.isnan(out[i]))).all()


def broken(weights: ModelWeights) -> dict[str, tuple[ModelWeights, str]]:
    few = replace(made_weights(TINY), shape=TINY._replace(vocabulary=200))
    assert weights.scales is not None
    plain, scales = made_weights(TINY), weights.scales
    return {
        "turned over": (replace(plain, head=np.asfortranarray(plain.head)), "of head lie side by side"),
        "a part": (replace(plain, feed_in=np.repeat(plain.feed_in, 2, 0)[::2]), "of feed_in lie side by side"),
        "askew": (replace(plain, head=askew(plain.head)), "of head lie side by side"),
        "float64": (replace(plain, feed_out=plain.feed_out.astype(np.float64)), "feed_out as .* of float32, not as"),
        "without scales": (replace(weights, scales=None), "embedding as .* of float32, not as .* of int8"),
        "scales of others": (replace(plain, scales=scales), "embedding as .* of int8, not as .* of float32"),
        "too few tokens": (few, r"embedding as \(4, 64, 64\)"),
        "too few layers": (replace(plain, attention_in=plain.attention_in[:1]), r"attention_in as \(2, 2, 64, 64\)"),
        "too few gains": (replace(plain, gains=plain.gains[1:]), r"gains as \(3, 2, 64\)"),
        "too few scales": (
            replace(weights, scales=scales._replace(feed_in=scales.feed_in[:, :1])),
            r"scales of feed_in as \(2, 2, 64\) of float32, not as \(2, 1, 64\)",
        ),
    }


def test_weights_that_a_kernel_would_read_wrongly_are_refused() -> None:
    """A view of a matrix gave other tokens without a word, and a matrix too short was read behind its end."""
    for weights, says in broken(in_int8(made_weights(TINY))).values():
        with pytest.raises(ValueError, match=says):
            Decoder(weights, 8)

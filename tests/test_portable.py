"""What a seed decides is the same on processors with and without AVX-512."""

from __future__ import annotations

import ast
import math
import os
import re
import subprocess
import sys
from decimal import Context, Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

import windtunnel
from windtunnel.portable import exp

SOURCE = Path(windtunnel.__file__).parent
CPU = ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "power", "sin", "cos", "tan", "tanh", "sinh", "cosh")
"""Of NumPy's functions those that it computes in another way where there is AVX-512."""
TOLD = {
    "serve/writing.py": "logprobs: they are shown, and nothing follows from them",
    "catalogue/scale/quadtree/judging.py": "of a place: by a few nanometres, and who is near is asked of metres",
    "catalogue/concurrency/dining_philosophers/chain.py": "a mean time, which is told in four digits",
}
LAST = math.log(sys.float_info.max)
KERNELS = ("sim/compiled/kernels/", "blocks/serving/kernels/")
"""Numba asks the library of C, number by number."""


@given(st.floats(-745.0, 709.7))
def test_the_exponential_is_within_one_unit_in_the_last_place(x: float) -> None:
    digits = Context(prec=40)
    true = digits.exp(Decimal(x))
    found = float(exp(np.array([x]))[0])
    assert abs(Decimal(found) - true) <= Decimal(math.ulp(float(true)))


@given(st.lists(st.floats(-800.0, 800.0), max_size=5))
def test_it_is_that_of_the_library_of_c_but_for_the_last_bit(xs: list[float]) -> None:
    theirs = [math.exp(x) if x <= LAST else math.inf for x in xs]
    assert exp(np.array(xs)).tolist() == pytest.approx(theirs, rel=3e-16, abs=5e-324)


def test_it_takes_any_shape_and_its_ends() -> None:
    ends = np.array([[-math.inf, -746.0, 0.0], [710.0, math.inf, 1.0]])
    assert exp(ends).tolist() == [[0.0, 0.0, 1.0], [math.inf, math.inf, math.e]]
    assert exp(np.zeros(40_000)).tolist() == [1.0] * 40_000
    assert exp(np.array(1.0)).shape == ()


def test_without_avx512_a_seed_gives_the_same_draws_levels_and_tokens() -> None:
    program = """
import hashlib
import numpy as np
from windtunnel.blocks.serving.sampling import Sampling
from windtunnel.blocks.vectors.hnsw import draw_levels
from windtunnel.catalogue.scale.how_stale.wars import trials

luck = np.random.default_rng(5)
found = [*trials("LinkedIn disk", 3, 20_000, 1), draw_levels(1, 0, 50_000, 16)]
found.append(Sampling(0.7).law(luck.standard_normal(20_000).astype(np.float32)))
print([hashlib.sha256(np.ascontiguousarray(one).tobytes()).hexdigest() for one in found])
"""
    seen = set()
    for without in ("", "X86_V4 AVX512_ICL AVX512_SPR", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            env={**os.environ, "NPY_DISABLE_CPU_FEATURES": without},
            capture_output=True,
            text=True,
            check=True,
        )
        seen.add(done.stdout)
    assert len(seen) == 1


def used(path: Path) -> list[str]:
    """What a file asks of NumPy that differs between processors."""
    text = path.read_text("utf-8")
    if not re.search(rf"\.({'|'.join(CPU)})\b", text):  # most files: nothing is parsed for them
        return []
    tree = ast.parse(text)
    return [
        f"np.{node.attr} in line {node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in CPU
        and isinstance(node.value, ast.Name)
        and node.value.id in ("np", "numpy")
    ]


def test_nothing_that_a_seed_decides_asks_numpy_for_what_differs_between_processors() -> None:
    found = {
        name: lines
        for path in SOURCE.rglob("*.py")
        if not (name := path.relative_to(SOURCE).as_posix()).startswith(KERNELS) and (lines := used(path))
    }
    assert sorted(found) == sorted(TOLD), "If nothing follows from it, say so in TOLD; else use windtunnel.portable."

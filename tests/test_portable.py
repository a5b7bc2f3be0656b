"""What a seed decides is the same on processors with and without AVX-512."""

from __future__ import annotations

import ast
import hashlib
import json
import math
import os
import re
import subprocess
import sys
from decimal import ROUND_UP, Context, Decimal, Inexact, localcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

import windtunnel
from windtunnel import portable
from windtunnel.lab.discovery import find, modules
from windtunnel.portable import exp

SOURCE = Path(windtunnel.__file__).parent
CPU = (
    *(
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "logaddexp",
        "logaddexp2",
        "power",
        "float_power",
        "pow",
    ),
    *("sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arctan2", "arcsinh", "arccosh"),
    *("arctanh", "asin", "acos", "atan", "atan2", "asinh", "acosh", "atanh", "cbrt", "sinc", "geomspace", "logspace"),
    *("dot", "vdot", "inner", "matmul", "tensordot", "convolve", "correlate", "linalg"),
)
"""Of NumPy's functions those that it computes, or has BLAS compute, in another way on another processor."""
TOLD = {
    "serve/writing.py": "logprobs: they are shown, and nothing follows from them",
    "catalogue/scale/quadtree/judging.py": "of a place: by a few nanometres, and who is near is asked of metres",
    "catalogue/concurrency/dining_philosophers/chain.py": "a mean time, which is told in four digits",
    "blocks/space/quadtree_batches.py": "of metres that are told: who is nearer was asked of squares",
    "catalogue/ai/semantic_cache/embedding.py": "products of whole numbers below 2 ** 24: exact in any order",
    "blocks/retrieval/late_interaction.py": "of our encoder's whole numbers, below 2 ** 24: exact in any order",
    "blocks/vectors/product_quantisation.py": "which centroid is nearest: another one only where two are as near",
}
LAST = math.log(sys.float_info.max)
KERNELS = ("sim/compiled/kernels/", "blocks/serving/kernels/")
"""Numba asks the library of C, number by number."""
SAME = "c46a0b6accda20fcf6b15805fc92fa56d9263edea0f1e2fb41b6cfc08270708e"
"""What `exponentials` says, wherever it is asked."""


def exponentials() -> str:
    """Of 400,000 numbers over the whole range, which are made by sums and products alone."""
    xs = (np.arange(400_000) - 210_000) * (745.2 / 210_000)
    return hashlib.sha256(exp(xs).astype("<f8").tobytes()).hexdigest()


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
    assert exp(np.empty((0, 3))).shape == (0, 3)
    assert exp(np.arange(6, dtype=np.int8)[::-2]).tolist() == exp(np.array([5.0, 3.0, 1.0])).tolist()
    assert exp(np.array([[1.0, 2.0], [3.0, 4.0]], ">f4").T).tolist() == exp(np.array([[1.0, 3.0], [2.0, 4.0]])).tolist()


def test_of_no_number_it_is_no_number() -> None:
    one, none = exp(np.array([1.0, math.nan])).tolist()
    assert (one, math.isnan(none)) == (math.e, True)


def test_it_is_the_same_to_the_last_bit_everywhere() -> None:
    assert exponentials() == SAME


def test_another_decimal_context_of_the_program_does_not_change_it() -> None:
    portable._constants.cache_clear()
    try:
        with localcontext(Context(prec=4, rounding=ROUND_UP, traps=[Inexact])):
            assert exponentials() == SAME
    finally:
        portable._constants.cache_clear()


def test_it_does_not_ask_the_library_of_c() -> None:
    """Which, where that is glibc, computes in another way when it is told that there is no fused multiply-add."""
    done = subprocess.run(
        [sys.executable, "-c", "from tests.test_portable import exponentials; print(exponentials())"],
        env={**os.environ, "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-AVX2,-FMA4"},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == SAME


def test_without_avx512_a_seed_gives_the_same_draws_levels_and_tokens() -> None:
    program = """
import hashlib
import json
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


@pytest.mark.soak
@pytest.mark.parametrize("name", modules())
def test_without_avx512_an_experiment_has_the_same_digest(name: str) -> None:
    """What `**` of an array and other libraries may hide is seen here."""
    if find(name).stages[0] != "sim":
        pytest.skip("nothing but the machine decides what is measured")
    said = set()
    for without in ("", "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "windtunnel", "run", name, "--quick", "--seed", "0", "--json"],
            env={**os.environ, "NPY_DISABLE_CPU_FEATURES": without},
            capture_output=True,
            text=True,
        )
        said.add(json.loads(done.stdout)["digest"])
    assert len(said) == 1


def used(path: Path) -> list[str]:
    """What a file asks of NumPy that differs between processors."""
    return asked(path.read_text("utf-8"))


def asked(text: str) -> list[str]:
    """The same of a program. Not seen: `**` of an array, which looks like that of a number."""
    if "numpy" not in text or not re.search(rf"\b({'|'.join(CPU)})\b| @", text):  # most: nothing is parsed for them
        return []
    nodes = list(ast.walk(ast.parse(text)))
    names = {"np", "numpy"}
    names |= {
        a.asname for one in nodes if isinstance(one, ast.Import) for a in one.names if a.asname and "numpy" in a.name
    }
    found = []
    for one in nodes:
        match one:
            case ast.Attribute(ast.Name(name), what) if name in names and what in CPU:
                found.append((one.lineno, f"np.{what}"))
            case ast.Attribute(_, "dot"):
                found.append((one.lineno, ".dot"))
            case ast.BinOp(op=ast.MatMult()) | ast.AugAssign(op=ast.MatMult()):
                found.append((one.lineno, "@"))
            case ast.ImportFrom("numpy" | "numpy.linalg", aliases):
                found += [(one.lineno, f"np.{a.name}") for a in aliases if a.name in CPU or one.module != "numpy"]
    return [f"{what} in line {line}" for line, what in sorted(found)]


@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nnp.exp(x)",
        "import numpy\nnumpy.log(x)",
        "import numpy as xp\nxp.arcsin(x)",
        "from numpy import exp as e\ne(x)",
        "from numpy.linalg import solve",
        "import numpy as np\ny = np.ones(3) @ x",
        "import numpy as np\nnp.ones(3).dot(x)",
        "import numpy as np\nnp.linalg.norm(x)",
    ],
)
def test_what_is_asked_of_numpy_is_seen_however_it_is_written(text: str) -> None:
    assert len(asked(text)) == 1


def test_what_is_the_same_everywhere_is_not_told() -> None:
    assert asked("import numpy as np\nfrom math import exp\nexp(1.0), np.sqrt(x), np.outer(x, x), x.sum()") == []


def test_nothing_that_a_seed_decides_asks_numpy_for_what_differs_between_processors() -> None:
    found = {
        name: lines
        for path in SOURCE.rglob("*.py")
        if not (name := path.relative_to(SOURCE).as_posix()).startswith(KERNELS) and (lines := used(path))
    }
    assert sorted(found) == sorted(TOLD), "If nothing follows from it, say so in TOLD; else use windtunnel.portable."

"""Faces: every public name has one home, and what people copy imports from homes only."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from windtunnel.faces import FACES, lent_by

ROOT = Path(__file__).parents[1]

TWICE = {
    "Clock": "the tunnel's clocks; the policy of the clock hand, as the literature calls it",
    "CoDel": "the law; the law as a discipline of a simulated server",
    "Fifo": "an order of service; a policy of eviction",
    "Lock": "a lock in the tunnel; a lock of an explored program",
    "Queue": "a queue in the tunnel; the model that a checker compares with",
    "exponential": "a law of latency of a link; a law of back-off",
    "lognormal": "a law of latency of a link; sizes of a workload",
}
"""Names that two faces lend, since the field has one word for both."""


@pytest.mark.parametrize("face", FACES)
def test_a_face_lends_what_it_says(face: str) -> None:
    module = importlib.import_module(face)
    assert lent_by(face), "an empty face is none"
    for name in lent_by(face):
        assert getattr(module, name) is not None
        assert name in dir(module)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = module.no_such_name


def test_every_public_name_has_one_home() -> None:
    homes = defaultdict(list)
    for face in FACES:
        importlib.import_module(face)
        for name in lent_by(face):
            homes[name].append(face)
    assert {name for name, found in homes.items() if len(found) > 1} == set(TWICE)


@pytest.mark.parametrize("face", FACES)
def test_nothing_that_is_lent_is_named_as_a_module_beside_it(face: str) -> None:
    """Whoever imports that module first puts it in the place of what is lent."""
    beside = getattr(importlib.import_module(face), "__path__", [])
    assert {found.name for found in pkgutil.iter_modules(beside)} & set(lent_by(face)) == set()


def test_every_lazy_package_is_listed_as_a_face() -> None:
    lazy = {p for p in (ROOT / "src" / "windtunnel").rglob("*.py") if "lend(__name__)" in p.read_text("utf-8")}
    names = {".".join(p.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__") for p in lazy}
    assert names == set(FACES)


def test_importing_every_face_loads_nothing_behind_it() -> None:
    code = f"import sys, importlib; [importlib.import_module(f) for f in {FACES!r}]; print(len(sys.modules))"
    code += "; assert not {'numpy', 'numba', 'asyncio', 'rich', 'windtunnel.lab.run'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def imports_of(path: Path) -> set[str]:
    """The modules of ours that a file imports from: Python, or the Python in a page."""
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        return set(re.findall(r"^ *from (windtunnel[\w.]*) import", text, re.MULTILINE))
    nodes = ast.walk(ast.parse(text))
    found = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name for name in found if name.split(".")[0] == "windtunnel"}


COPIED = [
    p
    for folder in ("src/windtunnel/catalogue", "examples", "docs", "bench")
    for p in sorted((ROOT / folder).rglob("*"))
    if p.suffix in (".py", ".md")
] + [ROOT / "README.md"]

OPEN = {
    "windtunnel.sim.closed_forms",
    "windtunnel.portable",
    "windtunnel.blocks",
    "windtunnel.engines",
    "windtunnel.parts",
}
"""Modules of formulas, and packages from which a family is imported whole."""
INSIDE = {
    "bench": {
        "windtunnel.blocks.caching.kernels.cache_trace",
        "windtunnel.sim.compiled.kernels",
        "windtunnel.sim.tier",
    },
    "catalogue": {"windtunnel.sim.compiled.kernels"},
}
"""What benchmarks and the compiled map look into, since a kernel, or the tier, is their subject."""


@pytest.mark.parametrize("path", COPIED, ids=lambda p: str(p.relative_to(ROOT)))
def test_what_people_copy_imports_from_faces(path: Path) -> None:
    inside = {name for folder, names in INSIDE.items() if folder in path.parts for name in names}
    deep = {m for m in imports_of(path) if m not in FACES and m not in OPEN and m not in inside}
    assert {m for m in deep if not m.startswith("windtunnel.catalogue")} == set()

"""Blocks start fast: importing one loads no Numba, and after `windtunnel.warm --all` first uses compile nothing."""

from __future__ import annotations

import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import windtunnel.blocks

FIRST_USES = Path(__file__).with_name("first_uses.py")
COMPILED_HALVES = {"windtunnel.blocks.space.quadtree_batches", "windtunnel.blocks.ordered.sorted_set_members"}
"""Modules that a block loads at its first use: they import their kernels at the top, and nobody imports them first."""

BLOCKS = sorted(
    {
        found.name
        for found in pkgutil.walk_packages(windtunnel.blocks.__path__, "windtunnel.blocks.")
        if not found.ispkg and ".kernels." not in found.name
    }
    - COMPILED_HALVES
)
HEAVY = ("numba", "llvmlite", "scipy")
TIMEOUT_S = 1800


def fresh_process(*arguments: str) -> str:
    """Run Python as a user would, but with the tests' bounds checks and their cache: kernels are compiled once.

    What is asked here is for which types they are compiled, and that has nothing to do with bounds.
    """
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """By block: what heavy modules its import was the first to load, in one process that imports them in turn."""
    program = f"""
import importlib, json, sys
loaded = {{}}
for name in {BLOCKS!r}:
    importlib.import_module(name)
    loaded[name] = [heavy for heavy in {HEAVY!r} if heavy in sys.modules]
    for heavy in {HEAVY!r}:
        sys.modules.pop(heavy, None)
print(json.dumps(loaded))
"""
    found: dict[str, list[str]] = json.loads(fresh_process("-c", program))
    return found


@pytest.mark.parametrize("block", BLOCKS)
def test_importing_a_block_loads_no_compiler(block: str, loaded: dict[str, list[str]]) -> None:
    assert loaded[block] == []


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """By first use the kernels compiled for it after the warm-up; and what was heard of one that had to be."""
    assert "compiled and cached" in fresh_process("-m", "windtunnel.warm", "--all")
    found: dict[str, Any] = json.loads(fresh_process(str(FIRST_USES)))
    return found


def test_after_the_warm_up_first_uses_of_all_blocks_compile_nothing(told: dict[str, Any]) -> None:
    compiled = told["compiled"]
    assert len(compiled) > 10
    assert {use: kernels for use, kernels in compiled.items() if kernels} == {}


def test_the_recorder_would_have_seen_a_compilation(told: dict[str, Any]) -> None:
    assert told["heard"] > 0

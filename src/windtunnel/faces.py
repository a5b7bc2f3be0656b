"""Faces: the few modules that authors and users import from, so that files behind them can move.

A face lists what it lends once, as imports under `if TYPE_CHECKING`; type checkers read them there, and so do we. A
name is loaded when it is first used, so that importing a face costs nothing. Each public name has exactly one home
(`tests/test_faces.py`), as in trio.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

FACES = (
    "windtunnel",
    "windtunnel.workload",
    "windtunnel.checkers",
    "windtunnel.explore",
    "windtunnel.statistics",
    "windtunnel.sim",
    "windtunnel.sim.compiled",
    "windtunnel.engines",
    "windtunnel.parts",
    "windtunnel.blocks.broker",
    "windtunnel.blocks.caching",
    "windtunnel.blocks.chunks",
    "windtunnel.blocks.consensus",
    "windtunnel.blocks.durability",
    "windtunnel.blocks.ground",
    "windtunnel.blocks.ordered",
    "windtunnel.blocks.placement",
    "windtunnel.blocks.recommend",
    "windtunnel.blocks.resilience",
    "windtunnel.blocks.retrieval",
    "windtunnel.blocks.serving",
    "windtunnel.blocks.sketches",
    "windtunnel.blocks.space",
    "windtunnel.blocks.streams",
    "windtunnel.blocks.text",
    "windtunnel.blocks.vectors",
)


@cache
def lent_by(face: str) -> dict[str, tuple[str, str]]:
    """What a face lends: the module that each name lives in, and its name there."""
    source = Path(str(sys.modules[face].__file__)).read_text("utf-8")
    found: dict[str, tuple[str, str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for line in node.body:
                if isinstance(line, ast.ImportFrom) and line.module:
                    found |= {one.asname or one.name: (line.module, one.name) for one in line.names}
    return found


def lend(face: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a face."""

    def load(name: str) -> Any:
        if name == "__all__":
            return sorted(lent_by(face))
        if name not in lent_by(face):
            raise AttributeError(f"module {face!r} has no attribute {name!r}")
        module, own = lent_by(face)[name]
        thing = getattr(import_module(module), own)
        setattr(sys.modules[face], name, thing)
        return thing

    def listed() -> list[str]:
        return sorted({*vars(sys.modules[face]), *lent_by(face)})

    return load, listed

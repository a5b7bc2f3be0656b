"""Designs are made of blocks and parts: the catalogue imports them, and writes out none that the library has."""

from __future__ import annotations

import ast
import importlib

import pytest

from helpers.source import ROOT
from windtunnel.faces import FACES, lent_by

CATALOGUE = ROOT / "src" / "windtunnel" / "catalogue"
EXPERIMENTS = {
    path.relative_to(CATALOGUE).as_posix(): path
    for path in sorted(CATALOGUE.rglob("*.py"))
    if "import" in path.read_text("utf-8")
}
"""By where it stands; what is but a docstring is left out."""
LESSONS = {
    "RetryBudget": "the design that the lesson is about; `Budget` is what it is made of",
}
ANOTHER_SENSE = {
    "ai/chunking/judging.py": {"recall"},  # of tokens of an answer; the block's is of items that are told
    "ai/hnsw/designs.py": {"first"},  # of what a query found; the block's is of scores
    "ai/two_tower/tuning.py": {"Log"},  # of who took what; the block's is a file
}
"""Words that mean something else where they stand."""
SHELVES = [face for face in FACES if face.startswith(("windtunnel.blocks.", "windtunnel.parts"))]


def on_the_shelf() -> set[str]:
    """Names of classes and functions that blocks and parts lend."""
    found = set()
    for face in SHELVES:
        importlib.import_module(face)
        found |= set(lent_by(face))
    return found


def imported(tree: ast.Module) -> set[str]:
    """What a file takes from blocks and parts, by module and name; a whole module counts with all that it lends."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module in SHELVES:
                found |= {alias.name for alias in node.names}
            elif node.module == "windtunnel" and any(alias.name == "parts" for alias in node.names):
                found |= set(lent_by("windtunnel.parts"))
    return found


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_design_named_after_a_block_or_part_is_made_of_it(name: str) -> None:
    tree = ast.parse(EXPERIMENTS[name].read_text("utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert (defined & on_the_shelf()) - imported(tree) - set(LESSONS) - ANOTHER_SENSE.get(name, set()) == set()


LAWS = {
    "tokens": "a budget or a bucket: windtunnel.blocks.resilience",
    "ewma": "windtunnel.parts.PeakEwma",
    "sha256": "keys are hashed by windtunnel.blocks.ground.stable_hash",
    "bisect_left": "a ring: windtunnel.blocks.placement.HashRing",
    "expovariate": "arrivals are windtunnel.workload.poisson; what is left are the sizes of requests",
}
SIZES = {
    "scale/up_or_out.py": 1,
    "scale/load_balancing/__init__.py": 1,
    "scale/overload/__init__.py": 1,
    "scale/death_spiral/__init__.py": 1,
    "concurrency/dining_philosophers/__init__.py": 2,
    "concurrency/lost_update/rig.py": 1,
    "scale/how_stale/wars.py": 1,
    "scale/election/servers.py": 1,
    "scale/replication_lag/__init__.py": 1,
}
"""How often an experiment draws an exponential size of a request, or of what a disk does."""


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_no_law_of_the_library_is_written_out(name: str) -> None:
    tree = ast.parse(EXPERIMENTS[name].read_text("utf-8"))
    assigned = {
        name.attr if isinstance(name, ast.Attribute) else name.id
        for node in ast.walk(tree)
        if isinstance(node, ast.AugAssign)
        for name in [node.target]
        if isinstance(name, ast.Attribute | ast.Name)
    }
    burnt = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # work for the processor, of no use
    called = [
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node not in burnt
    ]
    assert assigned & set(LAWS) == set(), LAWS
    assert called.count("expovariate") == SIZES.get(name, 0), LAWS["expovariate"]
    assert not {"sha256", "bisect_left"} & set(called), LAWS


def test_the_catalogue_stands_on_the_library() -> None:
    texts = {name: path.read_text("utf-8") for name, path in EXPERIMENTS.items()}
    users = {name for name, text in texts.items() if imported(ast.parse(text))}
    assert {"scale/metastable_failure.py", "scale/load_balancing/__init__.py", "scale/up_or_out.py"} <= users
    assert any("windtunnel.blocks" in text for text in texts.values()), "and on blocks themselves"

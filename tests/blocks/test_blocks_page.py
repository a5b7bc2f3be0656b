"""The page of blocks and features says what the code has: a row for every block, no empty cell, no name that is not."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from windtunnel.blocks.ground.block import Block, Guarded, Live

PAGE = Path(__file__).parents[2] / "docs" / "blocks.md"
FAMILIES = ("sketches", "placement", "ordered", "space", "vectors", "text", "caching")
COLUMNS = ["block", "single item", "batch", "merge", "delete", "bytes", "copy, pickle", "threads", "limits"]
VALUES = {"CacheStats", "Hitter", "Move", "Near", "Policy", "Range"}
"""What blocks take and give: records and protocols."""


def rows() -> dict[str, dict[str, str]]:
    text = PAGE.read_text("utf-8").partition("## Resilience, durability")[0]
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            assert len(cells) == len(COLUMNS), line
            found[cells[0].strip("`")] = dict(zip(COLUMNS, cells, strict=True))
    return found


def blocks() -> dict[str, type[Any]]:
    found = {}
    for family in FAMILIES:
        face = importlib.import_module(f"windtunnel.blocks.{family}")
        lent = [getattr(face, name) for name in face.__all__]
        found |= {one.__name__: one for one in lent if inspect.isclass(one) and not issubclass(one, Exception)}
    return {name: one for name, one in found.items() if name not in VALUES}


def test_every_block_has_a_row_and_every_row_a_block() -> None:
    assert set(rows()) == set(blocks())


@pytest.mark.parametrize("name", rows())
def test_a_row_says_what_the_code_has(name: str) -> None:
    row, block = rows()[name], blocks()[name]
    for column, cell in row.items():
        assert cell, column
        for word in re.findall(r"`([^`]+)`", cell) if not cell.startswith("no:") and column != "block" else ():
            known = {"in": "__contains__", "len": "__len__", "c[k]": "__getitem__", "s[rank]": "__getitem__"}
            attribute = known.get(word, "__delitem__" if word.startswith("del ") else word)
            if attribute not in {"capacity", "most_weight", "cached", "CountMin"} | set(blocks()):
                assert hasattr(block, attribute), (column, word)
    for column, method in (("merge", "merge"), ("bytes", "to_bytes")):
        assert row[column].startswith("no: ") != hasattr(block, method), column
    assert row["copy, pickle"].startswith("no: ") == issubclass(block, Live)
    assert row["threads"].startswith("locks itself") == issubclass(block, Guarded)


@pytest.mark.parametrize("name", blocks())
def test_every_block_says_what_it_is_and_has_copies_of_its_own(name: str) -> None:
    block = blocks()[name]
    assert issubclass(block, Block)
    assert block._told is not Block._told

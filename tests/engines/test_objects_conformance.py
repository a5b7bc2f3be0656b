"""One suite for every object store: whole objects, conditions in one step, parts."""

from __future__ import annotations

import pytest

from helpers.arms import Arm, World, arms
from windtunnel.engines.objects.port import Mismatch, ObjectsPort

pytestmark = pytest.mark.parametrize("arm", arms("objects"))


def test_an_object_is_there_whole_or_in_parts(arm: Arm) -> None:
    async def script(store: ObjectsPort, world: World) -> None:
        assert await store.get("a/b") is None
        body = bytes(range(256)) * 40
        tag = await store.put("a/b", body)
        found = await store.get("a/b")
        assert found is not None
        assert (found.body, found.tag, found.size_bytes) == (body, tag, len(body))
        part = await store.get("a/b", start=10, stop=20)
        assert part is not None
        assert (part.body, part.tag, part.size_bytes) == (body[10:20], tag, len(body))
        end = await store.get("a/b", start=len(body) - 1, stop=10**9)
        assert end is not None
        assert end.body == body[-1:]
        assert await store.put("another", body) == tag, "equal bytes, equal tags"
        assert await store.put("empty", b"") != tag
        assert await store.keys() == ["a/b", "another", "empty"]
        assert await store.keys("a/") == ["a/b"]
        assert (await store.delete("a/b"), await store.delete("a/b")) == (True, False)
        assert await store.keys() == ["another", "empty"]

    arm(script)


def test_of_many_who_create_a_name_one_does(arm: Arm) -> None:
    async def script(store: ObjectsPort, world: World) -> None:
        answers = await world.together(*(store.put("lock", b"%d" % i, absent=True) for i in range(10)))
        assert sum(isinstance(answer, str) for answer in answers) == 1
        assert all(isinstance(answer, str | Mismatch) for answer in answers)
        found = await store.get("lock")
        assert found is not None
        assert isinstance(answers[int(found.body)], str)

    arm(script)


def test_of_many_who_replace_a_tag_one_does_and_without_a_condition_the_last_wins(arm: Arm) -> None:
    async def script(store: ObjectsPort, world: World) -> None:
        tag = await store.put("state", b"0")
        answers = await world.together(*(store.put("state", b"%d" % i, match=tag) for i in range(1, 8)))
        assert sum(isinstance(answer, str) for answer in answers) == 1
        with pytest.raises(Mismatch):
            await store.put("missing", b"x", match=tag)
        await world.together(*(store.put("state", b"%d" % i) for i in range(8)))
        found = await store.get("state")
        assert found is not None
        assert int(found.body) in range(8)

    arm(script)


@pytest.mark.parametrize("key", ["", "/", "a//b", "../a", "a/..", "x" * 201, "a\0b"])
def test_a_name_that_cannot_be_is_refused(arm: Arm, key: str) -> None:
    async def script(store: ObjectsPort, world: World) -> None:
        with pytest.raises(ValueError, match="name"):
            await store.put(key, b"x")

    arm(script)


def test_a_range_that_is_none_is_refused(arm: Arm) -> None:
    async def script(store: ObjectsPort, world: World) -> None:
        with pytest.raises(ValueError, match="no range"):
            await store.get("a", start=5, stop=3)

    arm(script)

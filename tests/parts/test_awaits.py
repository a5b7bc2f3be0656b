"""CancelAt: each place at which asyncio code waits is met once, at both ends of the wait."""

from __future__ import annotations

import asyncio

import pytest

from windtunnel.parts import CancelAt


async def steps(done: list[str]) -> str:
    done.append("began")
    await asyncio.sleep(0)
    done.append("half")
    try:
        await asyncio.sleep(0)
    finally:
        done.append("left")
    return "through"


def cut(place: int) -> tuple[list[str], bool, int]:
    """What was done, whether it came through, and how many places it passed."""
    done: list[str] = []
    others: list[str] = []
    at = CancelAt(place, lambda: others.append("cancelled"))

    async def main() -> bool:
        async def run() -> str:
            return await at.through(steps(done))

        [end] = await asyncio.gather(asyncio.create_task(run()), return_exceptions=True)
        assert isinstance(end, asyncio.CancelledError) == bool(others)
        return end == "through"

    return done, asyncio.run(main()), at.reached


def test_each_end_of_each_wait_is_a_place() -> None:
    assert [cut(place) for place in range(1, 6)] == [
        (["began"], False, 2),
        (["began"], False, 2),
        (["began", "half", "left"], False, 4),
        (["began", "half", "left"], False, 4),
        (["began", "half", "left"], True, 4),
    ]


def test_place_none_cancels_nothing() -> None:
    assert cut(0)[1]


def test_places_of_several_coroutines_are_counted_together() -> None:
    async def main() -> int:
        at = CancelAt(0, lambda: None)

        async def run() -> str:
            return await at.through(steps([]))

        await asyncio.gather(run(), run())
        return at.reached

    assert asyncio.run(main()) == 8


def test_a_coroutine_that_catches_the_cancel_goes_on() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return "stayed"
        return "went"

    async def main() -> list[str]:
        return [await CancelAt(place, lambda: None).through(stubborn()) for place in (0, 2)]

    assert asyncio.run(main()) == ["went", "stayed"]


def test_a_negative_place_is_refused() -> None:
    with pytest.raises(ValueError, match="the first one is 1"):
        CancelAt(-1, lambda: None)

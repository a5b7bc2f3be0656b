"""Calls between processes: many at a time, answered in any order, taken back, and lost with the connection."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from windtunnel.engines import Call, Calls, Unavailable, answer_calls
from windtunnel.engines.shared.program import OwnProgram
from windtunnel.lab.errors import WrongInput
from windtunnel.lab.stage import open_stage

pytestmark = pytest.mark.skipif(os.name != "posix", reason="sockets of Unix")
ECHO = """
import asyncio, json, sys
from windtunnel.engines import answer_calls

told = json.loads(sys.argv[2])


async def answer(what, *words):
    return [told, what, *words]


asyncio.run(answer_calls(sys.argv[1], answer))
"""


class Other:
    """The side that answers when it is let."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.open = asyncio.Event()
        self.cancelled: list[str] = []

    async def answer(self, name: str, *words: Any) -> Any:
        self.asked.append((name, *words))
        if name == "at once":
            return words[0]
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.append(name)
            raise
        return None if name == "never" else name


async def connected(path: str) -> Calls:
    calls = Calls(path)
    while True:
        try:
            await calls.connect()
        except Unavailable:
            await asyncio.sleep(0)
        else:
            return calls


def play(tmp_path: Path, script: Callable[[Calls, Other], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        other, path = Other(), str(tmp_path / "socket")
        listening = asyncio.create_task(answer_calls(path, other.answer))
        calls = await connected(path)
        try:
            await asyncio.wait_for(script(calls, other), 20)
        finally:
            await calls.close()
            listening.cancel()

    asyncio.run(main())


def test_a_later_call_is_answered_first_where_its_answer_is_ready_first(tmp_path: Path) -> None:
    async def script(calls: Calls, other: Other) -> None:
        first = calls.begin("slow")
        assert await calls.begin("at once", {"a": [1, None]}) == {"a": [1, None]}
        assert not first.done()
        other.open.set()
        assert await first == "slow"
        assert [name for name, *_ in other.asked] == ["slow", "at once"]

    play(tmp_path, script)


def test_who_takes_a_call_back_cancels_the_work_for_it_and_who_drops_it_tells_nobody(tmp_path: Path) -> None:
    async def script(calls: Calls, other: Other) -> None:
        back, dropped = calls.begin("taken back"), calls.begin("dropped")
        await calls.begin("at once", 1)
        calls.take_back(back)
        calls.drop(dropped)
        await calls.begin("at once", 2)
        assert other.cancelled == ["taken back"]
        assert back.cancelled()
        assert dropped.cancelled()
        other.open.set()
        assert await calls.begin("at once", 3) == 3, "an answer that nobody waits for is passed over"
        calls.take_back(back)  # it is over: nothing happens

    play(tmp_path, script)


def test_an_answer_that_comes_in_the_moment_in_which_it_is_given_up_breaks_nothing(tmp_path: Path) -> None:
    async def script(calls: Calls, other: Other) -> None:
        for give_up in (calls.drop, calls.take_back, Call.cancel):
            give_up(calls.begin("at once", 1))
            assert await calls.begin("at once", 2) == 2

    play(tmp_path, script)


def test_where_who_answers_raises_the_connection_breaks(tmp_path: Path) -> None:
    async def script(calls: Calls, other: Other) -> None:
        with pytest.raises(ConnectionResetError, match="broke"):
            await calls.begin("at once")  # it lacks its word

    play(tmp_path, script)


def test_an_answer_of_none_is_never_sent(tmp_path: Path) -> None:
    async def script(calls: Calls, other: Other) -> None:
        lost, heard = calls.begin("never"), calls.begin("other")
        other.open.set()
        assert await heard == "other"
        assert await calls.begin("at once", 1) == 1
        assert not lost.done()

    play(tmp_path, script)


def test_calls_fail_when_the_connection_breaks_and_later_ones_are_refused(tmp_path: Path) -> None:
    async def script(calls: Calls, other: Other) -> None:
        waiting = calls.begin("slow")
        await calls.close()
        with pytest.raises(ConnectionResetError, match="broke"):
            await waiting
        with pytest.raises(Unavailable, match="connect first"):
            calls.begin("at once", 1)
        with pytest.raises(Unavailable, match="Nobody listens"):
            await Calls(str(tmp_path / "nobody")).connect()

    play(tmp_path, script)


def test_calls_fail_too_where_the_connection_breaks_before_anything_was_read(tmp_path: Path) -> None:
    async def script(calls: Calls, other: Other) -> None:
        fresh = Calls(calls.path)
        await fresh.connect()
        waiting = fresh.begin("slow")
        await fresh.close()
        with pytest.raises(ConnectionResetError, match="broke"):
            await waiting

    play(tmp_path, script)


def test_a_program_is_told_what_it_has_to_know_answers_calls_and_ends_with_its_stage(tmp_path: Path) -> None:
    file = tmp_path / "echo.py"
    file.write_text(ECHO)

    async def main() -> None:
        stage = open_stage("machine", 0)
        program = stage.program("echo", file, {"limit_s": 0.5})
        assert stage.thing("echo") is program
        assert isinstance(program, OwnProgram)
        await program.connect()
        assert await program.begin("hello", 7) == [{"limit_s": 0.5}, "hello", 7]
        await program.slow_to(0.1)
        assert program.running
        await stage.close()
        assert not program.running

    asyncio.run(main())


def test_in_the_tunnel_there_are_no_programs(tmp_path: Path) -> None:
    with pytest.raises(WrongInput, match="everything is modelled"):
        open_stage("sim", 0).program("echo", tmp_path / "echo.py", {})

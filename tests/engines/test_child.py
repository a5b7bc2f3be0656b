"""A process on a pipe answers, ends with us, and says in a sentence when it has ended."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from windtunnel import WrongInput
from windtunnel.engines import Child, Unavailable
from windtunnel.engines.shared.child import RUN
from windtunnel.lab.stage import open_stage

PROGRAM = """
import os, sys, time

def begin(told, design=None):
    def heard(what, *words):
        if what == "end":
            sys.exit()
        if what == "hang":
            print("0", flush=True)
            while True:
                pass
        if what == "fork" and os.fork() == 0:
            time.sleep(600)
        return [told, what, words if design is None else design.answer()]
    return heard
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "program.py"
    file.write_text(PROGRAM, "utf-8")
    return file


def test_it_answers_what_it_is_asked_and_says_when_it_has_ended(program: Path) -> None:
    async def main() -> None:
        child = Child("child", program, {"a": 1})
        assert await child.ask("what", 2, "three") == [{"a": 1}, "what", [2, "three"]]
        with pytest.raises(Unavailable, match="The process child ended before it had answered end"):
            await child.ask("end")
        await child.close()

    asyncio.run(main())


class Design:
    """Made in another process from this file's text."""

    def answer(self) -> int:
        return os.getppid()


def test_a_design_is_made_anew_in_the_process_from_the_text_of_its_file(program: Path) -> None:
    async def main() -> None:
        child = Child("child", program, {}, Design())
        assert await child.ask("what") == [{}, "what", os.getpid()]
        await child.close()

    asyncio.run(main())


def test_it_ends_with_its_stage_and_the_tunnel_has_none(program: Path) -> None:
    async def main() -> None:
        stage = open_stage("machine", 0)
        child = stage.child("child", program, {})
        await child.ask("what")
        await stage.close()
        with pytest.raises(Unavailable):
            await child.ask("what")

    asyncio.run(main())
    with pytest.raises(WrongInput, match="on stage sim everything is modelled"):
        open_stage("sim", 0).child("child", program, {})


def test_it_ends_when_its_input_does_in_the_middle_of_its_work(program: Path) -> None:
    command = [sys.executable, "-I", "-c", RUN, str(program), "{}", "null"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'["hang"]\n')
        process.stdin.flush()
        assert process.stdout.readline()
        process.stdin.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize("how", ["closed", "input ended"])
def test_what_it_has_forked_ends_with_it(program: Path, how: str) -> None:
    reads, writes = os.pipe()  # which says that it has ended when the last of them is gone
    os.set_inheritable(writes, True)

    async def main() -> None:
        popen = subprocess.Popen
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(subprocess, "Popen", lambda *args, **more: popen(*args, **more, close_fds=False))
            child = Child("child", program, {})
        os.close(writes)
        await child.ask("fork")
        if how == "closed":
            await child.close()
        else:
            assert child._process.stdin is not None
            child._process.stdin.close()
        assert await asyncio.to_thread(os.read, reads, 1) == b""
        os.close(reads)
        await child.close()

    asyncio.run(main())

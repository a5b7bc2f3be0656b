"""A process that was started before it is needed plays as one that is started for it, and is not left behind."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from windtunnel.lab.discovery import find
from windtunnel.lab.grading.challenge import challenge_of, write_stub
from windtunnel.lab.grading.grade import grade_on
from windtunnel.lab.grading.limits import Limits, Spare, Worker
from windtunnel.lab.grading.player import Bench


@pytest.fixture
def stub(tmp_path: Path) -> Path:
    return write_stub(find("q10-ticketmaster"), tmp_path / "mine.py")


def graded(file: Path, spare: Spare | None) -> dict[str, Any]:
    with Worker(str(file), Limits(), spare=spare) as worker:
        return grade_on(Bench(challenge_of(file), worker), [7001], brief=True).to_dict(100)


def test_a_spare_process_finds_the_same(stub: Path) -> None:
    with Spare(str(stub)) as spare:
        spare.start()
        assert graded(stub, spare) == graded(stub, None)
        assert spare.take() is None  # it served once


def test_a_spare_process_that_nobody_needs_is_ended(stub: Path) -> None:
    with Spare(str(stub)) as spare:
        spare.start()
        child = spare.take()
        assert child is not None
        assert child.stdin is not None
        child.stdin.close()  # whoever started it is gone
        assert child.wait() == 0
        for pipe in (child.stdout, child.stderr):
            assert pipe is not None
            pipe.close()
        spare.start()
        spare.start()
        pid = spare._child.pid if spare._child is not None else 0
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_what_is_wrong_with_yours_alone_is_told_before_anything_else_is_played(stub: Path) -> None:
    told: list[str] = []

    class Told(Bench):
        def play(self, design: str, *rest: Any) -> Any:
            told.append(design)
            return super().play(design, *rest)

    with Worker(str(stub), Limits()) as worker:
        bench = Told(challenge_of(stub), worker)
        grade_on(bench, [7001], lambda m: told.append("failing") if "failing" in m else None, brief=True)
    assert told[:2] == ["yours", "failing"]

"""Whatever a program reads, by whatever opcode: where it can change between, nobody must prove that it cannot."""

from __future__ import annotations

import pytest

from helpers.thread_opcodes import BODIES, READS, program
from windtunnel.explore import DPOR, explore, replay

NAMES = [*READS, *BODIES]


@pytest.mark.parametrize("name", NAMES)
def test_what_can_change_between_two_readings_is_found_to(name: str) -> None:
    threads = program(name, locked=False)
    assert threads.exact
    found = explore(threads, DPOR(), limit=200).failure
    assert found is not None
    assert found.sentence == "look: it has changed between"
    assert replay(threads, found.tape) == found


@pytest.mark.parametrize("name", NAMES)
def test_with_one_lock_it_is_proved_that_nothing_changes_between(name: str) -> None:
    found = explore(program(name, locked=True), DPOR(), limit=200)
    assert found.failure is None
    assert found.complete
    assert found.schedules == 2

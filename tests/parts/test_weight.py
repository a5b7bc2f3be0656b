"""What somebody remembers is weighed, whatever it is kept in, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from windtunnel.parts import held_bytes


class Keeps:
    def __init__(self, stage: object, **kept: Any) -> None:
        self.stage = stage
        vars(self).update(kept)


STAGE = (name for name in ("a stage cannot be written down",))
EMPTY = held_bytes(Keeps(STAGE), STAGE)


def closed_over(kept: object) -> Callable[[], object]:
    return lambda: kept


def test_what_is_kept_weighs_and_what_was_given_does_not() -> None:
    assert EMPTY < 100
    keys = [f"key {i:05}" for i in range(1000)]
    for kept in (keys, set(keys), dict.fromkeys(keys), closed_over(keys), "".join(keys).encode()):
        weight = held_bytes(Keeps(STAGE, kept=kept), STAGE)
        assert 9_000 <= weight <= 16_000


def test_a_class_of_ones_own_in_it_and_a_function_weigh_little() -> None:
    class Own:
        def __init__(self) -> None:
            self.kind, self.hash, self.table = Own, lambda key: key, {"a": 1}

    assert EMPTY < held_bytes(Keeps(STAGE, own=Own()), STAGE) < EMPTY + 200


def test_a_thing_that_is_there_twice_is_written_down_once() -> None:
    text = bytes(1000)
    assert held_bytes(Keeps(STAGE, one=text, other=text), STAGE) < 1200


def test_what_cannot_be_written_down_is_refused_in_a_sentence() -> None:
    with pytest.raises(TypeError, match="What Keeps remembers cannot be written down"):
        held_bytes(Keeps(STAGE, more=iter(x for x in "ab")), STAGE)

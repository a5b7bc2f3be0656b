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


class Slots:
    __slots__ = ("kept", "never")

    def __init__(self, kept: object) -> None:
        self.kept = kept


class SlotsAndMore(Slots):
    def __init__(self, kept: object) -> None:
        super().__init__(None)
        self.more = kept


class Below(Slots):
    """Has a dictionary, and what is kept stands in a slot of the class above."""


class Contains(dict[str, None]):
    def __init__(self, keys: list[str]) -> None:
        super().__init__(dict.fromkeys(keys))


class Lists(list[str]):
    pass


class Sets(set[str]):
    pass


@pytest.mark.parametrize("kind", [Slots, SlotsAndMore, Below, Contains, Lists, Sets])
def test_it_weighs_in_slots_too_and_in_what_the_thing_itself_contains(kind: Callable[[list[str]], object]) -> None:
    assert 9_000 <= held_bytes(kind([f"key {i:05}" for i in range(1000)])) <= 16_000


def test_what_a_function_has_for_a_default_or_an_attribute_weighs() -> None:
    def asks(*, kept: object = bytes(5000)) -> object:
        return kept

    assert held_bytes(Keeps(STAGE, asks=asks), STAGE) > 5000

    def has() -> None:
        pass

    vars(has)["kept"] = bytes(5000)
    assert held_bytes(Keeps(STAGE, has=has), STAGE) > 5000


def test_a_function_that_refers_to_itself_or_to_nothing_yet_weighs_little() -> None:
    def again(n: int) -> int:
        return again(n - 1) if n else later

    found = held_bytes(Keeps(STAGE, again=again), STAGE)
    later = 1
    assert found < EMPTY + 200
    assert again(2) == later


def test_a_long_chain_is_refused_in_a_sentence() -> None:
    chain: Any = None
    for _ in range(100_000):
        chain = Keeps(STAGE, next=chain)
    with pytest.raises(TypeError, match="a chain of hundreds"):
        held_bytes(chain, STAGE)
    while chain is not None:  # or taking it apart would go as deep
        chain = vars(chain).pop("next")


def test_what_cannot_be_written_down_is_refused_in_a_sentence() -> None:
    with pytest.raises(TypeError, match="What Keeps remembers cannot be written down"):
        held_bytes(Keeps(STAGE, more=iter(x for x in "ab")), STAGE)

"""Who shows a text that has not come to him is heard: whatever it came in, and as it was when it came."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pytest

from windtunnel.lab.stage import SimStage
from windtunnel.parts import Hearing, HearingRig, once_answered
from windtunnel.parts.hearing import hear

TEXT = re.compile(r"text \d+")


def heard() -> tuple[SimStage, Hearing]:
    stage = SimStage(1)
    for name in ("a", "b", "gate"):
        stage.host(name).inbox()
    return stage, Hearing(stage, ["a", "b"], TEXT)


@dataclass(frozen=True)
class Letter:
    entries: tuple[Any, ...]


@pytest.mark.parametrize(
    "body",
    [
        "text 1",
        b"\x00text 1,text 12",
        '{"page": "text 1"}',
        (1, None, ["x", {"page": ((1.0, 2), "text 1")}]),
        {"text 1": 3},
        Letter((("put", "text 1"),)),
        (frozenset({("text 1", 3)}), frozenset[int]()),
        bytearray(b"text 1"),
        deque(["text 1"]),
        {"page": "text 1"}.values(),
        {"text 1": 3}.keys(),
        ValueError("text 1"),
    ],
)
def test_a_text_is_found_in_whatever_it_comes_and_not_another_that_begins_with_it(body: object) -> None:
    stage, hearing = heard()
    stage.host("a").send(stage.host("b"), body)
    stage.sim.run()
    hearing.shown("b", "text 1")
    assert hearing.unheard == 0
    hearing.shown("b", "text 2")
    assert hearing.unheard == 1


def test_what_is_part_of_a_longer_text_has_not_come() -> None:
    stage, hearing = heard()
    stage.host("a").send(stage.host("b"), "text 12")
    stage.sim.run()
    hearing.shown("b", "text 1")
    assert hearing.unheard == 1


def test_what_was_given_to_one_is_known_to_no_other_and_each_is_counted_once() -> None:
    _, hearing = heard()
    hearing.given("a", "text 1")
    for at in ("a", "b", "b"):
        hearing.shown(at, "text 1")
        hearing.shown(at, None)
    assert hearing.unheard == 1


def test_what_a_gate_sends_counts_for_nothing() -> None:
    stage, hearing = heard()
    stage.host("gate").send(stage.host("b"), "text 1")
    stage.sim.run()
    hearing.shown("b", "text 1")
    assert hearing.unheard == 1


def test_a_table_that_grows_after_it_was_sent_has_told_what_was_in_it_then() -> None:
    stage, hearing = heard()
    table = {"page": "text 1"}
    stage.host("a").send(stage.host("b"), ("take", table))
    stage.sim.run()
    table["other"] = "text 2"
    hearing.shown("b", "text 1")
    assert hearing.unheard == 0
    hearing.shown("b", "text 2")
    assert hearing.unheard == 1


def test_words_of_all_that_holds_some_are_noted_and_of_objects_none() -> None:
    class Word(str):
        pass

    class Line(bytes):
        pass

    known = set[str]()
    told = (1, SimStage(1).host("a"), ["b", {"c"}], Letter((3, [Word("d")])), {"e": (4, "f")}, Line(b"g"), {("h", 5)})
    for _ in range(2):
        hear(told, TEXT, known)
        assert known == set("bcdefgh")


def test_a_record_of_somebodys_own_class_is_looked_into_and_what_is_ours_is_not() -> None:
    class Entry:
        def __init__(self, text: str, host: object) -> None:
            self.text, self.host = text, host

    class Ours(Entry):
        pass

    Entry.__module__, Ours.__module__ = "windtunnel_outside_mine", "windtunnel.sim"
    for kind, unheard in ((Entry, 0), (Ours, 1)):
        stage, hearing = heard()
        stage.host("a").send(stage.host("b"), kind("text 1", stage.host("a")))
        stage.sim.run()
        hearing.shown("b", "text 1")
        assert hearing.unheard == unheard


def test_a_field_that_was_never_set_ends_no_run() -> None:
    @dataclass
    class Later:
        more: int = field(init=False)
        text: str = "text 1"

    knows = set[str]()
    hear(Later(), TEXT, knows)
    assert knows == {"text 1"}


def test_an_answer_is_looked_at_once_it_is_there_however_it_comes() -> None:
    stage, shown = SimStage(1), list[Any]()
    signal = stage.sim.signal("an answer")
    assert once_answered(signal, shown.append) is signal
    assert shown == []
    signal.set("later")
    stage.sim.run()
    assert once_answered("at once", shown.append) == "at once"

    async def answer() -> str:
        return "awaited"

    async def fails() -> str:
        raise TimeoutError

    assert asyncio.run(once_answered(answer(), shown.append)) == "awaited"
    with pytest.raises(TimeoutError):
        asyncio.run(once_answered(fails(), shown.append))
    assert shown == ["later", "at once", "awaited"]


@pytest.mark.parametrize("listens", [True, False])
def test_a_rig_that_listens_serves_what_its_design_does_and_tells_what_was_shown_unheard(listens: bool) -> None:
    class Shop:
        stock = 3

        def report(self) -> dict[str, int]:
            return {"sold": 1}

    _, hearing = heard()
    rig = HearingRig(Shop(), hearing if listens else None)
    assert rig.stock == 3
    rig.given("a", "text 1")
    for at in ("a", "b"):
        assert rig.shown(at, ["text 1"], lambda texts: texts) == ["text 1"]
    assert asyncio.run(rig.report()) == {"sold": 1, "unheard": int(listens)}

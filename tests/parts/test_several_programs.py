"""Several programs of one design have their stage in common, and nothing that the design keeps anywhere."""

from __future__ import annotations

import threading
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from windtunnel.lab.outside import _classes
from windtunnel.parts import programs

TEXT = """
from enum import Enum
from random import Random

MISSING = object()
TABLE = {}


class _State(Enum):
    IDLE = 1


class _Page:
    texts = []

    def write(self, text):
        self.texts.append(text)


class Yours:
    locks = {}

    def __init__(self, stage):
        self.stage, self.own, self.state, self.last = stage, {}, _State.IDLE, MISSING
        self.luck, self.page, self.table = Random(7), _Page(), TABLE

    def take(self, key):
        for table in (self.own, self.locks, TABLE, self.table):
            table[key] = True
        self.page.write(key)

    def has(self, key):
        return [key in table for table in (self.own, self.locks, TABLE, self.table, self.page.texts)]

    def as_made(self):
        return self.state is _State.IDLE and self.last is MISSING and isinstance(self.page, _Page)
"""


def stage(**things: Any) -> Any:
    return SimpleNamespace(name="machine", things=things)


def made(folder: Path, where: Any) -> Any:
    file = folder / "yours.py"
    file.write_text(TEXT, "utf-8")
    return _classes(file)[0](where)


def test_what_one_remembers_itself_at_its_class_or_in_its_module_the_others_do_not_know(tmp_path: Path) -> None:
    all_of_them = programs(made(tmp_path, stage()), stage(), many=3)
    all_of_them[0].take("a")
    all_of_them[2].take("c")
    assert [one.has("a") for one in all_of_them] == [[True] * 5, [False] * 5, [False] * 5]
    assert [one.has("c") for one in all_of_them] == [[False] * 5, [False] * 5, [True] * 5]


def test_each_is_as_its_constructor_has_made_it(tmp_path: Path) -> None:
    assert all(one.as_made() for one in programs(made(tmp_path, stage()), stage()))


def test_the_stage_its_things_and_what_is_said_are_the_same_in_all() -> None:
    engine, desk = ["engine"], ["desk"]
    where = stage(db=engine)
    first, second = programs(SimpleNamespace(stage=where, db=engine, desk=desk, own=[]), where, desk)
    assert first.stage is second.stage is where
    assert first.db is second.db
    assert first.desk is second.desk
    assert first.own is not second.own


def test_no_two_programs_draw_the_same_luck() -> None:
    first, second = programs(SimpleNamespace(luck=Random(3)), stage())
    assert first.luck.getrandbits(64) != second.luck.getrandbits(64)


def test_what_cannot_be_copied_is_told_in_a_sentence() -> None:
    with pytest.raises(TypeError, match=r"not all of it can be copied.*lock.*make that in start"):
        programs(SimpleNamespace(lock=threading.Lock()), stage())


def test_one_program_is_the_design_and_none_is_an_error() -> None:
    design = SimpleNamespace(lock=threading.Lock())
    assert programs(design, stage(), many=1) == [design]
    with pytest.raises(ValueError, match="at least 1 has to serve"):
        programs(design, stage(), many=0)

"""Every cell is what its scripts show; what serializable answers has an order, whatever transactions one draws."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.catalogue.scale.isolation_levels import mvcc
from windtunnel.catalogue.scale.isolation_levels.edges import edges
from windtunnel.catalogue.scale.isolation_levels.mvcc import Mvcc, Transaction
from windtunnel.catalogue.scale.isolation_levels.stepping import Steppable, step_through
from windtunnel.catalogue.scale.isolation_levels.transcripts import (
    ANOMALIES,
    BY_NAME,
    FIRST,
    PUBLISHED,
    SCRIPTS,
    Script,
    Statement,
    Transcript,
)
from windtunnel.engines import AtLeast, Isolation, ModelDatabase, Plus
from windtunnel.sim import Simulator

LEVELS: tuple[Isolation, ...] = ("read committed", "repeatable read", "serializable")
ENGINES: Mapping[str, Callable[[Simulator], Steppable]] = {
    "model": ModelDatabase,
    "mvcc": lambda sim: Mvcc(),
}
EVERY = pytest.mark.parametrize("engine", ENGINES)
Rows = dict[int, int]


def stepped(engine: str, script: Script, level: Isolation, *, lock: bool = False) -> Transcript:
    sim = Simulator(seed=3)

    async def main() -> Transcript:
        return await step_through(ENGINES[engine](sim), script, level, lock=lock)

    async def run() -> Transcript:
        found: Transcript = await sim.host("clients").create_task(main())
        return found

    told: Transcript = sim.run_process(run())
    return told


def row(engine: str, level: Isolation, *, lock: bool = False) -> set[str]:
    """The anomalies that a level lets through."""
    return {s.anomaly for s in SCRIPTS if s.shows(stepped(engine, s, level, lock=lock))}


# --- an oracle: one transaction after the other, on a dictionary ----------------------------------------------------
def fits(key: int, value: int, where: Mapping[str, Any]) -> bool:
    found = {"id": key, "value": value}
    return all(
        found[column] >= wanted.bound if isinstance(wanted, AtLeast) else found[column] == wanted
        for column, wanted in where.items()
    )


def alone(rows: Rows, steps: list[Statement]) -> list[Any] | None:
    """What a transaction's statements answer where nobody else is there; None where it would be refused."""
    answers: list[Any] = []
    for step in steps:
        found = [key for key, value in sorted(rows.items()) if fits(key, value, step.where or {})]
        new = (step.values or {}).get("value")
        if step.verb == "select":
            answers.append({key: rows[key] for key in found})
        elif step.verb == "insert":
            key = (step.values or {})["id"]
            if key in rows:
                return None
            assert isinstance(key, int)
            assert isinstance(new, int)
            rows[key] = new
        elif step.verb in ("update", "delete"):
            answers.append(len(found))
            for key in found:
                if step.verb == "delete":
                    del rows[key]
                else:
                    rows[key] = rows[key] + int(new.amount) if isinstance(new, Plus) else int(str(new))
    return answers


def has_an_order(script: Script, told: Transcript) -> bool:
    """Whether those that were committed answered as if they had come one after the other, in some order."""
    there = [who for who in script.sessions if told.of(who, "commit") and told.committed(who)]
    said = {who: [one for one in told.said if one.step.who == who] for who in there}
    answered = {
        who: [
            one.rows if one.step.verb == "select" else one.changed
            for one in said[who]
            if one.step.verb in ("select", "update", "delete")
        ]
        for who in there
    }
    for order in permutations(there):
        rows = dict(FIRST)
        if all(alone(rows, [one.step for one in said[who]]) == answered[who] for who in order) and rows == told.final:
            return True
    return False


# --- the matrix -----------------------------------------------------------------------------------------------------
@EVERY
@pytest.mark.parametrize("level", LEVELS)
def test_each_cell_is_the_published_one(engine: str, level: Isolation) -> None:
    assert len(ANOMALIES) == 10
    assert row(engine, level) == PUBLISHED[level]


@EVERY
@pytest.mark.parametrize("script", [s.name for s in SCRIPTS])
def test_a_script_that_shows_its_anomaly_has_no_order_and_one_at_serializable_has_one(engine: str, script: str) -> None:
    one = BY_NAME[script]
    for level in LEVELS:
        told = stepped(engine, one, level)
        assert not (one.shows(told) and has_an_order(one, told))
        if level == "serializable":
            assert has_an_order(one, told)


@pytest.mark.parametrize("script", [s.name for s in SCRIPTS])
def test_the_small_engine_says_word_for_word_what_the_model_says(script: str) -> None:
    for level in LEVELS:
        model, small = (stepped(engine, BY_NAME[script], level) for engine in ("model", "mvcc"))
        assert model.plain() == small.plain()


@EVERY
def test_locks_on_what_is_found_close_all_cells_but_those_of_rows_that_are_not_there(engine: str) -> None:
    assert row(engine, "read committed", lock=True) == {"PMP", "G2"}


def test_a_statement_that_waits_is_told_by_the_step_that_lets_it_go_on() -> None:
    told = stepped("model", BY_NAME["g0"], "read committed")
    assert [one.until for one in told.said] == [-1, 3, -1, -1, -1, -1]
    assert told.final == {1: 12, 2: 22}


def test_write_skew_is_a_circle_of_two_steps_and_serializable_has_none() -> None:
    for level in LEVELS[:2]:
        found = edges(stepped("model", BY_NAME["g2_item"], level))
        assert {(a, b, which) for a, b, _, which in found} == {("T1", "T2", "rw"), ("T2", "T1", "rw")}
    assert edges(stepped("model", BY_NAME["g2_item"], "serializable")) == []
    three = edges(stepped("model", BY_NAME["g2_two_edges"], "repeatable read"))
    assert {(a, b, which) for a, b, _, which in three} == {
        ("T1", "T2", "rw"),
        ("T2", "T3", "wr"),
        ("T3", "T1", "rw"),
    }


def test_a_database_that_dies_among_it_is_said_to_have_gone_and_nobody_waits_for_it() -> None:
    sim = Simulator(seed=1)
    db = ModelDatabase(sim)

    async def main() -> str:
        running = asyncio.create_task(step_through(db, BY_NAME["g0"], "read committed"))
        await asyncio.sleep(0.01)
        db.crash()
        with pytest.raises(OSError, match="db"):
            await running
        return "gone"

    async def run() -> str:
        found: str = await sim.host("clients").create_task(main())
        return found

    assert sim.run_process(run()) == "gone"


# --- any transactions -----------------------------------------------------------------------------------------------
VALUES = st.sampled_from([10, 20, 30, 40])
IDS = st.integers(1, 6)
WHERES = st.one_of(
    st.just({}),
    st.builds(lambda key: {"id": key}, IDS),
    st.builds(lambda value: {"value": AtLeast(value)}, VALUES),
    st.builds(lambda value: {"value": value}, VALUES),
)
WORDS = st.one_of(
    st.builds(lambda where: ("select", where, None), WHERES),
    st.builds(lambda where, value: ("update", where, {"value": value}), WHERES, VALUES | st.builds(Plus, VALUES)),
    st.builds(lambda where: ("delete", where, None), WHERES),
    st.builds(lambda key, value: ("insert", None, {"id": key, "value": value}), IDS, VALUES),
)


@st.composite
def scripts(draw: st.DrawFn, sessions: int = 3) -> Script:
    those = [f"T{i}" for i in range(1, sessions + 1)]
    said = {who: [*draw(st.lists(WORDS, min_size=1, max_size=sessions)), ("commit", None, None)] for who in those}
    turns = draw(st.permutations([who for who, words in said.items() for _ in words]))
    steps = tuple(Statement(who, *said[who].pop(0)) for who in turns)
    return Script("drawn", "none", "drawn", steps, lambda told: False)


@EVERY
@given(script=scripts())
@settings(max_examples=25, deadline=None)
def test_whatever_three_transactions_say_serializable_answers_as_in_some_order(engine: str, script: Script) -> None:
    assert has_an_order(script, stepped(engine, script, "serializable"))


@pytest.mark.soak
@EVERY
@given(script=scripts(5))
@settings(max_examples=1000, deadline=None)
def test_whatever_five_transactions_say_serializable_answers_as_in_some_order(engine: str, script: Script) -> None:
    assert has_an_order(script, stepped(engine, script, "serializable"))


@EVERY
@pytest.mark.parametrize("level", LEVELS)
def test_a_row_that_somebody_has_removed_since_can_be_put_in_again_where_no_order_forbids_it(
    engine: str, level: Isolation
) -> None:
    """As PostgreSQL has it: who inserts has no older state of the row."""
    look, new = Statement("T2", "select", {}), Statement("T2", "insert", None, {"id": 2, "value": 40})
    gone, ends = Statement("T1", "delete", {"id": 2}), [Statement(who, "commit") for who in ("T1", "T2")]
    told = stepped(engine, Script("again", "none", "again", (look, gone, ends[0], new, ends[1]), bool), level)
    assert told.committed("T2") is (level != "serializable")
    assert dict(told.final) == ({1: 10, 2: 40} if told.committed("T2") else {1: 10})


@EVERY
@given(script=scripts())
@settings(max_examples=10, deadline=None)
def test_a_snapshot_does_not_change_but_by_ones_own_writes(engine: str, script: Script) -> None:
    told = stepped(engine, script, "repeatable read")
    for who in script.sessions:
        before: dict[Any, Any] = {}
        for one in (one for one in told.said if one.step.who == who):
            if one.step.verb != "select":
                before = {}
            elif one.rows is not None:
                assert before.setdefault(str(one.step), one.rows) == one.rows


# --- the engine that a learner changes ------------------------------------------------------------------------------
def test_the_engine_has_about_150_lines() -> None:
    tree = ast.parse(inspect.getsource(mvcc))
    words = {
        line
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
    }
    lines = [line for i, line in enumerate(inspect.getsource(mvcc).splitlines(), 1) if line.strip() and i not in words]
    assert 120 <= len(lines) <= 160


def newest(self: Transaction) -> int:
    self.snapshot = self.engine.commits
    return self.snapshot


async def whoever(self: Transaction, key: mvcc.Key, *, new: bool = False) -> Any:
    self.engine.owners[key] = self
    return self._see(key, float("inf"))


def first_of_all(self: Transaction) -> int:
    self.snapshot = max(self.snapshot, 0)
    return self.snapshot


@pytest.mark.parametrize(
    ("name", "wrong", "level", "turned"),
    [
        ("_dangerous", lambda self: False, "serializable", {"G2-item", "G2"}),
        ("_moment", newest, "repeatable read", {"PMP", "G-single"}),
        ("_own", whoever, "repeatable read", {"P4", "G-single"}),
        ("overwrites", lambda self, reads: False, "serializable", {"G2-item", "G2"}),
    ],
)
def test_a_line_that_is_changed_turns_its_cells(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: Any, level: Isolation, turned: set[str]
) -> None:
    monkeypatch.setattr(Transaction, name, wrong)
    assert row("mvcc", level) == PUBLISHED[level] | turned

"""The matrix on real engines: PostgreSQL's cells are the published ones, and its answers those of the model."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from windtunnel import run
from windtunnel.catalogue.scale.isolation_levels import experiment
from windtunnel.catalogue.scale.isolation_levels.stepping import step_through
from windtunnel.catalogue.scale.isolation_levels.transcripts import BY_NAME, PUBLISHED, SCRIPTS, Transcript
from windtunnel.engines import Isolation, ModelDatabase, engines, open_port
from windtunnel.sim import Simulator

MISSING = {engine.name: engine.missing for engine in engines()}
LEVELS: tuple[Isolation, ...] = ("read committed", "repeatable read", "serializable")
PATIENCE_S = 0.3
REAL = [
    pytest.param(name, marks=pytest.mark.skipif(MISSING[name] is not None, reason=str(MISSING[name])))
    for name in ("sqlite", "postgres")
]
Told = dict[tuple[str, str], Transcript]


async def all_of(db: Any, patience_s: float) -> Told:
    """Each script at each level, one after the other."""
    return {
        (script.name, level): await step_through(db, script, level, patience_s=patience_s)
        for script in SCRIPTS
        for level in LEVELS
    }


async def on_a_real(engine: str) -> Told:
    db = open_port("database", engine, "cells")
    try:
        return await all_of(db, PATIENCE_S)
    finally:
        await db.close()


def on_the_model() -> Told:
    sim = Simulator(seed=5)

    async def main() -> Told:
        found: Told = await sim.host("clients").create_task(all_of(ModelDatabase(sim), 0.02))
        return found

    told: Told = sim.run_process(main())
    return told


def row(told: Told, level: str) -> set[str]:
    return {BY_NAME[name].anomaly for (name, at), one in told.items() if at == level and BY_NAME[name].shows(one)}


@pytest.mark.live
@pytest.mark.parametrize("engine", REAL[1:])
def test_thirty_cells_of_postgresql_are_published_and_the_model_answers_as_it_does(engine: str) -> None:
    real = asyncio.run(on_a_real(engine))
    for level in LEVELS:
        assert row(real, level) == PUBLISHED[level]
    model = on_the_model()
    differ = {key for key, one in real.items() if one.plain() != model[key].plain()}
    assert differ == {("g2_two_edges", "serializable")}
    # PostgreSQL refuses the update, where the structure is closed; the model asks at the commit.
    (update,) = real["g2_two_edges", "serializable"].of("T1", "update")
    assert update.refused
    assert real["g2_two_edges", "serializable"].final == model["g2_two_edges", "serializable"].final


@pytest.mark.live
@pytest.mark.parametrize("engine", REAL[:1])
def test_sqlite_shows_no_anomaly_whatever_level_is_asked_for(engine: str) -> None:
    real = asyncio.run(on_a_real(engine))
    assert [row(real, level) for level in LEVELS] == [set(), set(), set()]
    assert any(one.plain()["refused"] for one in real.values())


@pytest.mark.live
@pytest.mark.parametrize("engine", REAL)
def test_every_claim_that_is_made_of_it_holds_on_a_real_engine(engine: str) -> None:
    found = run(experiment, stage=engine, seeds=[0], jobs=1, quick=True)
    asked = {c.expression + str(c.given): c.verdict for c in found.claims if c.verdict != "skipped"}
    assert len(asked) >= (5 if engine == "sqlite" else 12), sorted(asked)
    assert set(asked.values()) == {"holds"}, [(c.expression, c.shown) for c in found.claims if c.verdict != "holds"]

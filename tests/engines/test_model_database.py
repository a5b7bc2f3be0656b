"""What the model does that no real engine lets us see: time, crashes, and the same run from the same seed."""

from __future__ import annotations

import pytest

from windtunnel.engines.database import AtLeast, Database, Plus
from windtunnel.engines.model_database import ModelDatabase
from windtunnel.sim.kernel import Crashed, Deadlock, Simulator


async def _stock(db: Database, left: int) -> None:
    await db.create_table("event", {"id": int, "stock": int}, [{"id": 1, "stock": left}])


def _sell(seed: int, buyers: int = 30) -> tuple[float, list[float]]:
    sim = Simulator(seed)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 10))
    ends: list[float] = []

    async def buy() -> None:
        await db.update("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
        ends.append(sim.now)

    for _ in range(buyers):
        sim.spawn(buy())
    sim.run()
    return sim.now, ends


def test_the_same_seed_takes_the_same_time_and_another_seed_another() -> None:
    assert _sell(1) == _sell(1)
    assert _sell(1) != _sell(2)


def test_a_pool_of_one_connection_serves_one_after_the_other() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim, connections=1, round_trip_s=0, statement_s=0, commit_s=1.0)
    sim.run_process(_stock(db, 100))

    async def buy() -> None:
        await db.update("event", {"id": 1}, {"stock": Plus(-1)})

    for _ in range(5):
        sim.spawn(buy())
    sim.run()
    assert sim.now == pytest.approx(5.0)


def test_a_crash_keeps_what_was_committed_loses_the_rest_and_the_client_cannot_tell() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim, round_trip_s=0, statement_s=0, commit_s=1.0)
    sim.run_process(_stock(db, 10))
    seen: list[str] = []

    async def buy(start: float) -> None:
        await sim.sleep(start)
        try:
            await db.update("event", {"id": 1}, {"stock": Plus(-1)})
            seen.append("ok")
        except Crashed:
            seen.append("unknown")

    sim.spawn(buy(0))
    sim.spawn(buy(1.5))
    sim.call_at(2_000_000_000, db.crash)
    sim.call_at(2_500_000_000, db.restart)
    sim.run()
    assert seen == ["ok", "unknown"]
    assert (sim.run_process(db.get("event", 1)) or {})["stock"] == 9


def test_a_crashed_database_answers_nothing() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 10))
    db.crash()
    with pytest.raises(Crashed):
        sim.run_process(db.get("event", 1))


def test_who_waits_for_a_lock_that_is_never_released_is_named() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 10))
    never = sim.signal("the end of the world")

    async def hold() -> None:
        async with db.transaction() as t:
            await t.get("event", 1, lock=True)
            await never

    async def buy() -> None:
        await sim.sleep(1)
        await db.update("event", {"id": 1}, {"stock": Plus(-1)})

    sim.spawn(hold(), "holder")
    sim.spawn(buy(), "buyer")
    with pytest.raises(Deadlock, match=r"holder waits for the end of the world.*lock of row 1 of event"):
        sim.run()

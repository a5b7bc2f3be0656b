"""One suite for every standby: what is read there, and what a promotion loses, in the model and in PostgreSQL."""

from __future__ import annotations

import time
from typing import Any

import pytest

from helpers.arms import Arm, World, arms, done
from windtunnel.engines.database.port import Aborted, DatabasePort, Plus, ReadOnly, Standby
from windtunnel.engines.database.sqlite import SqliteDatabase
from windtunnel.engines.registry import open_port
from windtunnel.lab.running.outcomes import outcome_of
from windtunnel.lab.stage import SimStage
from windtunnel.sim.kernel import Simulator

each_arm = pytest.mark.parametrize("arm", [one for one in arms("database", "postgres") if one.id != "sqlite"])


async def counter(db: DatabasePort, world: World) -> Standby:
    """A table with a count of 0, at the standby too."""
    await db.create_table("count", {"id": int, "n": int}, [{"id": 1, "n": 0}])
    await reached(db.standby, await db.position(), world)
    return db.standby


async def reached(standby: Standby, position: int, world: World) -> None:
    """Wait until it has come so far."""
    for _ in range(5000):
        if await standby.position() >= position:
            return
        await world.sleep(0.005)
    raise AssertionError("It does not come so far.")


async def add(db: DatabasePort) -> int:
    """Add one; the position after it."""
    await db.update("count", {"id": 1}, {"n": Plus(1)})
    return await db.position()


async def n(db: Any) -> object:
    """The count, as it is read there."""
    (row,) = await db.select("count", {"id": 1})
    assert await db.get("count", 1) is not None
    return row["n"]


@each_arm
def test_who_waits_for_the_position_of_a_write_reads_it_at_the_standby(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        for i in range(1, 6):
            await reached(standby, await add(db), world)
            assert await n(standby) == i

    arm(script, standbys=1)


@each_arm
def test_a_standby_that_is_held_reads_what_was_and_then_catches_up(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        await done(standby.hold())
        before = await standby.position()
        position = await add(db)
        await world.sleep(0.2)
        assert (await n(db), await n(standby)) == (1, 0)
        assert before <= await standby.position() < position
        await done(standby.go_on())
        await reached(standby, position, world)
        assert await n(standby) == 1

    arm(script, standbys=1)


@each_arm
def test_a_commit_is_applied_so_much_later_as_was_asked(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        def now() -> float:
            return time.monotonic() if world.sim is None else world.sim.now

        standby = await counter(db, world)
        begun_s = now()
        position = await add(db)
        found = await n(standby)
        assert found == 0 or now() - begun_s >= 0.7
        await reached(standby, position, world)
        assert await n(standby) == 1
        assert now() - begun_s >= 0.7

    arm(script, standbys=1, standby_lag_s=0.7)


@each_arm
def test_a_snapshot_at_the_standby_stays_what_it_is(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        async with standby.transaction("repeatable read") as snapshot:
            assert await n(snapshot) == 0
            await reached(standby, await add(db), world)
            assert (await n(snapshot), await n(standby)) == (0, 1)
        with pytest.raises(ValueError, match="serializable"):
            async with standby.transaction("serializable"):
                pass

    arm(script, standbys=1)


@each_arm
def test_a_standby_takes_neither_writes_nor_locks(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        for attempt in (
            standby.insert("count", {"id": 2, "n": 0}),
            standby.update("count", {"id": 1}, {"n": 5}),
            standby.update("count", {"id": 7}, {"n": 5}),
            standby.delete("count", {"id": 1}),
            standby.get("count", 1, lock=True),
            standby.select("count", lock=True),
        ):
            with pytest.raises(ReadOnly, match="read only") as refused:
                await attempt
            assert outcome_of(refused.value) == "fail"
        assert (await n(db), await n(standby)) == (0, 0)

    arm(script, standbys=1)


@each_arm
def test_a_promotion_keeps_what_was_heard_and_loses_what_was_not(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        await reached(standby, await add(db), world)
        await done(standby.hold())
        await add(db)
        await world.sleep(1.0)  # heard, and not applied
        await done(standby.part())
        assert await add(db) > 0  # answered, and not heard
        assert (await n(db), await n(standby)) == (3, 1)
        await done(db.promote())
        assert await n(db) == 2
        await add(db)
        assert await n(db) == 3
        with pytest.raises(ValueError, match="has no standby"):
            _ = db.standby

    arm(script, standbys=1)


@each_arm
def test_a_standby_that_comes_back_is_told_what_it_has_missed(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        await done(standby.part())
        for _ in range(3):
            position = await add(db)
        assert await n(standby) == 0
        await done(standby.rejoin())
        await reached(standby, position, world)
        assert await n(standby) == 3

    arm(script, standbys=1)


@each_arm
def test_two_standbys_apply_each_in_its_own_time(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        await counter(db, world)
        near, far = db.standbys
        assert (near.name, far.name) == ("database standby", "database standby 2")
        await reached(far, await db.position(), world)
        position = await add(db)
        await reached(near, position, world)
        assert (await n(near), await n(far)) == (1, 0)
        await reached(far, position, world)
        assert await n(far) == 1

    arm(script, standbys=2, standby_lag_s=(0.0, 1.0))


@each_arm
@pytest.mark.parametrize("second", [False, True])
def test_of_two_standbys_the_one_that_heard_more_is_promoted_and_the_other_is_gone(arm: Arm, second: bool) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        await counter(db, world)
        deaf, heir = db.standbys if second else reversed(db.standbys)
        await reached(db.standbys[1], await db.position(), world)
        await done(deaf.part())
        await reached(heir, await add(db), world)
        await done(db.promote())
        assert await n(db) == 1
        await add(db)
        assert (await n(db), await n(heir)) == (2, 2)  # also where it is asked by its old name
        assert list(db.standbys) == []
        with pytest.raises((ConnectionError, ValueError)):
            await n(deaf)

    arm(script, standbys=2)


@each_arm
@pytest.mark.parametrize("acknowledge", ["written", "applied"])
def test_a_commit_that_waits_for_its_standby_is_seen_by_nobody_until_then(arm: Arm, acknowledge: str) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        away, back = (standby.part, standby.rejoin) if acknowledge == "written" else (standby.hold, standby.go_on)
        await done(away())

        async def look() -> object:
            await world.sleep(0.5)
            seen = await n(db)
            await done(back())
            return seen

        position, seen = await world.together(add(db), look())
        assert seen == 0
        assert await n(db) == 1
        if acknowledge == "applied":
            assert await n(standby) == 1
        await reached(standby, position, world)

    arm(script, standbys=1, acknowledge=acknowledge)


@each_arm
@pytest.mark.parametrize("acknowledge", ["written", "applied"])
def test_a_commit_that_waits_for_any_one_of_two_is_answered_while_the_other_is_away(arm: Arm, acknowledge: str) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        await counter(db, world)
        first, second = db.standbys
        await reached(second, await db.position(), world)
        for away, here in ((first, second), (second, first)):
            before = await n(db)
            await done(away.part())
            await add(db)
            if acknowledge == "applied":
                assert await n(here) == await n(db) != before
            await done(away.rejoin())
            await reached(away, await db.position(), world)

    arm(script, standbys=2, acknowledge=acknowledge, quorum=1)


@each_arm
def test_a_standby_that_had_applied_a_commit_and_is_away_now_counts_for_nothing(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        await counter(db, world)
        first, second = db.standbys
        await reached(second, await db.position(), world)
        await done(second.hold())

        async def part_of_those_who_must_have_it() -> object:
            await world.sleep(0.5)
            assert (await n(db), await n(first)) == (0, 1)
            await done(first.part())
            await done(second.go_on())
            await world.sleep(0.5)
            seen = await n(db)
            await done(first.rejoin())
            return seen

        _, seen = await world.together(add(db), part_of_those_who_must_have_it())
        assert (seen, await n(db), await n(second)) == (0, 1, 1)

    arm(script, standbys=2, acknowledge="applied")


@each_arm
def test_what_a_standby_applies_while_nobody_hears_it_is_not_answered(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        await done(standby.hold())

        async def alone() -> object:
            await world.sleep(0.5)
            await done(standby.part())
            await done(standby.go_on())
            await world.sleep(0.5)
            seen = await n(standby), await n(db)
            await done(standby.rejoin())
            return seen

        _, seen = await world.together(add(db), alone())
        assert seen == (1, 0)
        assert await n(db) == 1

    arm(script, standbys=1, acknowledge="applied")


@each_arm
def test_what_is_answered_when_it_is_written_down_outlives_the_primary_and_is_read_late_all_the_same(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        await done(standby.hold())
        await add(db)
        assert (await n(db), await n(standby)) == (1, 0)
        await done(db.promote())
        assert await n(db) == 1
        await add(db)  # there is nobody to wait for any more
        assert await n(db) == 2

    arm(script, standbys=1, acknowledge="written")


@each_arm
def test_what_waits_for_a_standby_when_the_primary_dies_for_good_was_answered_to_nobody(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        standby = await counter(db, world)
        await done(standby.part())

        async def die() -> None:
            await world.sleep(0.5)
            await done(db.promote())

        answer, _ = await world.together(add(db), die())
        assert outcome_of(answer) == "unknown"
        assert await n(db) == 0

    arm(script, standbys=1, acknowledge="written")


@each_arm
def test_who_asks_during_a_promotion_is_refused_or_answered_and_afterwards_answered(arm: Arm) -> None:
    async def script(db: DatabasePort, world: World) -> None:
        await counter(db, world)
        over: list[bool] = []

        async def ask() -> None:
            while not over:
                try:
                    assert await n(db) == 0
                except OSError:
                    await world.sleep(0.01)
                await world.sleep(0.001)

        async def take_over() -> None:
            await world.sleep(0.1)
            await done(db.promote())
            over.append(True)

        assert await world.together(ask(), ask(), take_over()) == [None, None, None]
        await add(db)
        assert await n(db) == 1

    arm(script, standbys=1)


def test_the_models_commits_that_waited_when_it_crashed_are_seen_when_it_is_back() -> None:
    sim = Simulator(seed=4)
    db = open_port("database", "sim", "db", sim=sim, standbys=1, acknowledge="applied")
    world = World(sim)

    async def script() -> None:
        standby = await counter(db, world)
        standby.hold()

        async def die() -> None:
            await world.sleep(0.1)
            assert await n(db) == 0
            db.crash()
            db.restart()

        answer, _ = await world.together(add(db), die())
        assert outcome_of(answer) == "unknown"
        assert await world.once_it_answers(lambda: n(db)) == 1
        standby.go_on()
        assert await add(db) == 2
        assert (await n(db), await n(standby)) == (2, 2)

    sim.run_process(script())


@pytest.mark.parametrize("acknowledge", ["committed", "applied"])
def test_no_write_skew_comes_from_a_commit_that_waits_for_its_standby(acknowledge: str) -> None:
    sim = Simulator(seed=5)
    db = open_port("database", "sim", "db", sim=sim, standbys=1, standby_lag_s=0.1, acknowledge=acknowledge)
    world = World(sim)

    async def leave(who: int, at_s: float) -> None:
        await world.sleep(at_s)
        async with db.transaction("serializable") as t:
            if len(await t.select("doctor", {"on_call": 1})) > 1:
                await t.update("doctor", {"id": who}, {"on_call": 0})

    async def script() -> None:
        await db.create_table("doctor", {"id": int, "on_call": int}, [{"id": i, "on_call": 1} for i in (1, 2)])
        said = await world.together(leave(1, 0.0), leave(2, 0.02))
        assert [isinstance(one, Aborted) for one in said] in ([False, acknowledge == "applied"], [False, False])
        assert len(await db.select("doctor", {"on_call": 1})) == 1

    sim.run_process(script())


def test_a_commit_of_the_model_waits_again_for_a_standby_that_had_applied_it_and_died() -> None:
    sim = Simulator(seed=6)
    db = open_port("database", "sim", "db", sim=sim, standbys=2, standby_lag_s=(0.0, 1.0), acknowledge="applied")
    world = World(sim)

    async def script() -> None:
        await counter(db, world)
        first, second = db.standbys

        async def die() -> object:
            await world.sleep(0.5)
            assert await n(first) == 1
            first.crash()
            await world.sleep(1.0)
            seen = await n(second), await n(db)
            first.restart()
            return seen

        _, seen = await world.together(add(db), die())
        assert seen == (1, 0)
        assert await n(db) == 1

    sim.run_process(script())


def test_the_models_standby_dies_and_comes_back_with_what_it_had() -> None:
    sim = Simulator(seed=3)
    db = open_port("database", "sim", "db", sim=sim, standbys=1)
    world = World(sim)

    async def script() -> None:
        standby = await counter(db, world)
        await reached(standby, await add(db), world)
        db.standby.crash(process_only=False)
        position = await add(db)
        db.standby.restart()
        assert await world.once_it_answers(lambda: n(standby)) == 1
        await reached(standby, position, world)
        assert await n(standby) == 2
        db.crash()
        db.restart()
        await reached(standby, await world.once_it_answers(lambda: add(db)), world)
        assert await n(standby) == 3

    sim.run_process(script())


def test_faults_find_a_standby_by_its_name() -> None:
    stage = SimStage(1)
    db = stage.database("db", standbys=1, standby_lag_s=0.1)
    assert stage.thing("db standby") is db.standby
    assert stage.sim.run_process(db.standby.position()) == 0


def test_without_a_standby_there_is_none_and_sqlite_says_why() -> None:
    sim = Simulator(seed=1)
    db = open_port("database", "sim", "db", sim=sim)
    assert sim.run_process(db.position()) == 0
    with pytest.raises(ValueError, match=r"db has no standby; open it with standbys=1\."):
        _ = db.standby
    for options, why in (
        ({"standbys": 3}, "db has one standby, two or none, not 3"),
        ({"standbys": 2, "standby_lag_s": (0.1,)}, "db has 2 standbys, and 1 lags"),
        ({"standbys": 1, "standby_lag_s": -1.0}, r"A lag of -1\.0 s would come before the commit"),
        ({"standbys": 1, "acknowledge": "seen"}, "take committed, written, applied"),
        ({"standbys": 1, "acknowledge": "applied", "quorum": 2}, "cannot wait for 2 of 1 standbys"),
        ({"acknowledge": "applied"}, "no standby that a commit could wait for"),
    ):
        with pytest.raises(ValueError, match=why):
            open_port("database", "sim", "db", sim=Simulator(seed=1), **options)
    with pytest.raises(ValueError, match="SQLite is one file and has no standby"):
        SqliteDatabase(standbys=1)

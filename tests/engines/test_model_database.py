"""What the model does that no real engine lets us see: time, crashes, and the same run from the same seed."""

from __future__ import annotations

import asyncio

import pytest

from windtunnel.engines.database.model import ModelDatabase
from windtunnel.engines.database.port import AtLeast, DatabasePort, Plus
from windtunnel.engines.errors import Unavailable
from windtunnel.sim.kernel import Deadlock, Simulator


async def _stock(db: DatabasePort, left: int) -> None:
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


def _buyers(db: ModelDatabase, starts: list[float], limit_s: float | None = None) -> list[str]:
    """Buyers that come at these times from the host "shop", and what each of them sees."""
    shop, seen = db.sim.host("shop"), [""] * len(starts)

    async def buy(number: int) -> None:
        await asyncio.sleep(starts[number])
        try:
            async with asyncio.timeout(limit_s):
                await db.update("event", {"id": 1}, {"stock": Plus(-1)})
            seen[number] = "ok"
        except Unavailable:
            seen[number] = "fail"
        except TimeoutError:
            seen[number] = "nothing heard"
        except ConnectionError:
            seen[number] = "reset"

    for number in range(len(starts)):
        shop.create_task(buy(number), request=number)
    return seen


def _stock_left(db: ModelDatabase) -> object:
    return (db.sim.run_process(db.get("event", 1)) or {})["stock"]


def test_a_crash_keeps_what_was_committed_loses_the_rest_and_the_client_cannot_tell() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim, round_trip_s=0, statement_s=0, commit_s=1.0)
    sim.run_process(_stock(db, 10))
    seen = _buyers(db, [0.0, 1.5, 2.2, 3.0])
    sim.call_at(2_000_000_000, db.crash)
    sim.call_at(2_500_000_000, db.restart)
    sim.run()
    assert seen == ["ok", "reset", "fail", "ok"]
    assert _stock_left(db) == 8


def test_a_database_without_power_is_silent() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 10))
    seen = _buyers(db, [0.0, 1.0, 3.0, 4.0], limit_s=0.5)
    sim.faults.crash(db.host, at_s=0.5, for_s=2.0)
    sim.run()
    # The connection of the first buyer is in the pool still: a statement on it is answered by a reset, once.
    assert seen == ["ok", "nothing heard", "ok", "ok"]
    assert _stock_left(db) == 7


def test_a_crash_frees_the_locks_of_those_who_were_under_way() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 10))
    errors: list[BaseException] = []

    async def think_long() -> None:
        try:
            async with db.transaction() as t:
                await t.update("event", {"id": 1}, {"stock": 0})
                await sim.sleep(2.0)
        except ConnectionError as error:
            errors.append(error)

    sim.spawn(think_long())
    sim.call_at(1_000_000_000, db.crash)
    sim.call_at(1_100_000_000, db.restart)
    seen = _buyers(db, [1.5])
    sim.run()
    assert (seen, len(errors)) == (["ok"], 1)
    assert _stock_left(db) == 9


# --- the network -------------------------------------------------------------------------------------------------
def test_a_statement_behind_a_partition_is_not_heard_of_and_may_happen_when_it_is_healed() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 10))
    seen = _buyers(db, [0.0, 1.5, 4.0], limit_s=1.0)
    sim.faults.split("shop", "db", at_s=1.0, for_s=2.0)
    sim.run(until=2.9)
    assert seen[1] == "nothing heard"
    sim.run()
    assert seen == ["ok", "nothing heard", "ok"]
    assert _stock_left(db) == 7  # TCP sent it again when nobody waited for the answer any more


def test_behind_a_partition_without_end_nothing_happens() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 10))
    sim.network.partition("shop", "db")
    seen = _buyers(db, [0.0, 1.0], limit_s=1.0)
    sim.run()
    assert seen == ["nothing heard"] * 2
    assert _stock_left(db) == 10


def test_a_lost_answer_leaves_the_client_in_the_dark_though_it_happened() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 10))
    seen = _buyers(db, [0.0, 1.5], limit_s=1.0)
    sim.faults.cut("db", "shop", at_s=1.0)
    sim.run()
    assert seen == ["ok", "nothing heard"]
    assert _stock_left(db) == 8


def test_what_a_lossy_link_drops_is_sent_again() -> None:
    sim = Simulator(3)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 100))
    for src, dst in (("shop", "db"), ("db", "shop")):
        sim.faults.storm(sim.host(src), sim.host(dst), loss=0.3, at_s=0.0)
    seen = _buyers(db, [i / 100 for i in range(50)])
    sim.run()
    assert set(seen) == {"ok"}
    assert _stock_left(db) == 50
    assert sim.now > 0.7


def test_links_that_somebody_has_set_stay_as_they_are() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim, statement_s=0, round_trip_s=0.001)
    sim.network.connect(sim.host("shop"), db.host, latency=1.0)
    sim.run_process(_stock(db, 10))
    shop = sim.host("shop")
    assert sim.run_until(shop.create_task(db.get("event", 1))) == {"id": 1, "stock": 10}
    assert sim.now == pytest.approx(4.0)  # there and back for the connection, and for the statement


def test_a_paused_database_answers_later() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim)
    sim.run_process(_stock(db, 10))
    db.pause(2.0)
    sim.run_process(db.get("event", 1))
    assert 2.0 < sim.now < 2.1


def test_every_host_has_a_pool_of_its_own() -> None:
    sim = Simulator(0)
    db = ModelDatabase(sim, connections=1, round_trip_s=0, statement_s=1.0, cores=2)
    sim.run_process(_stock(db, 10))
    for name in ("a", "a", "b", "b"):
        sim.host(name).spawn(db.get("event", 1))
    sim.run()
    assert sim.now == pytest.approx(2.0)


def test_what_a_request_meets_does_not_depend_on_the_others() -> None:
    def ends(numbers: list[int]) -> dict[int, float]:
        sim = Simulator(5)
        db = ModelDatabase(sim, connections=50, cores=50)
        rows = [{"id": i, "stock": 1} for i in range(20)]
        sim.run_process(db.create_table("event", {"id": int, "stock": int}, rows))
        for number in range(20):  # open the connections
            sim.spawn(db.get("event", number))
        sim.run()
        found: dict[int, float] = {}

        async def buy(number: int) -> None:
            await db.update("event", {"id": number}, {"stock": 0})
            found[number] = sim.now

        for number in numbers:
            sim.spawn(buy(number), request=number)
        sim.run()
        return found

    everything = ends(list(range(20)))
    assert len(set(everything.values())) == 20
    assert ends([n for n in range(20) if n != 7]) == {n: end for n, end in everything.items() if n != 7}


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

"""One suite for every database: what the port promises holds in the model, in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest

from windtunnel.engines.database.port import Aborted, AtLeast, AtMost, Conflict, DatabasePort, Plus
from windtunnel.engines.registry import engines, open_port
from windtunnel.sim.kernel import Simulator

Script = Callable[[DatabasePort, "Together"], Coroutine[Any, Any, Any]]
Together = Callable[..., Awaitable[list[Any]]]

MISSING = {engine.name: engine.missing for engine in engines() if engine.port == "database"}


@pytest.fixture(params=["sim", "sqlite", "postgres"])
def play(request: pytest.FixtureRequest) -> Callable[[Script], Any]:
    """Run a script on a new database of one engine; `together` runs several coroutines at the same time."""
    stage: str = request.param
    if MISSING[stage]:
        pytest.skip(f"{stage}: {MISSING[stage]}")

    def on_model(script: Script) -> Any:
        sim = Simulator(seed=7)
        database = open_port("database", "sim", "db", sim=sim)

        async def together(*coros: Coroutine[Any, Any, Any]) -> list[Any]:
            async def caught(coro: Coroutine[Any, Any, Any]) -> Any:
                try:
                    return await coro
                except Exception as error:
                    return error

            processes = [sim.spawn(caught(coro)) for coro in coros]
            return [await p for p in processes]

        return sim.run_process(script(database, together))

    def on_real(script: Script) -> Any:
        async def main() -> Any:
            database = open_port("database", stage, "db")

            async def together(*coros: Coroutine[Any, Any, Any]) -> list[Any]:
                return await asyncio.gather(*coros, return_exceptions=True)

            try:
                return await asyncio.wait_for(script(database, together), 30)
            finally:
                await database.close()

        return asyncio.run(main())

    def on_any(script: Script) -> Any:
        return (on_model if stage == "sim" else on_real)(script)

    on_any.__name__ = stage
    return on_any


async def _accounts(db: DatabasePort, *balances: int) -> None:
    rows = [{"id": i + 1, "balance": b, "owner": f"owner {i + 1}"} for i, b in enumerate(balances)]
    await db.create_table("account", {"id": int, "balance": int, "owner": str}, rows)


def test_what_was_inserted_is_read_back(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await db.create_table("thing", {"id": str, "order": int, "share": float, "note": str})
        await db.insert("thing", {"id": "a", "order": 2, "share": 0.5, "note": None})
        await db.insert("thing", {"id": "b", "order": 1, "share": 1.5, "note": "it's"})
        assert await db.get("thing", "a") == {"id": "a", "order": 2, "share": 0.5, "note": None}
        assert await db.get("thing", "c") is None
        assert [r["id"] for r in await db.select("thing", order_by="order")] == ["b", "a"]
        assert [r["id"] for r in await db.select("thing", order_by="note")] == ["b", "a"]
        assert [r["id"] for r in await db.select("thing", {"share": AtLeast(1)})] == ["b"]
        assert [r["id"] for r in await db.select("thing", {"share": AtMost(1)})] == ["a"]
        assert [r["id"] for r in await db.select("thing", {"note": None})] == ["a"]
        assert [r["id"] for r in await db.select("thing", limit=1)] == ["a"]
        assert await db.delete("thing", {"id": "a"}) == 1
        assert await db.delete("thing", {"id": "a"}) == 0
        assert await db.get("thing", "a") is None

    play(script)


def test_a_taken_key_is_a_conflict_and_changes_nothing(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 5)
        with pytest.raises(Conflict):
            await db.insert("account", {"id": 1, "balance": 9, "owner": "x"})
        with pytest.raises(Conflict):
            async with db.transaction() as t:
                await t.update("account", {"id": 1}, {"balance": 100})
                await t.insert("account", {"id": 1, "balance": 9, "owner": "x"})
        assert await db.get("account", 1) == {"id": 1, "balance": 5, "owner": "owner 1"}

    play(script)


def test_a_block_that_raises_leaves_nothing_behind(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 5, 7)
        with pytest.raises(ZeroDivisionError):
            async with db.transaction() as t:
                await t.update("account", {"id": 1}, {"balance": Plus(-5)})
                await t.delete("account", {"id": 2})
                raise ZeroDivisionError
        assert [r["balance"] for r in await db.select("account")] == [5, 7]

    play(script)


def test_a_transaction_sees_its_own_writes_and_others_do_not_until_it_commits(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 5)
        async with db.transaction() as t:
            await t.update("account", {"id": 1}, {"balance": 6})
            await t.insert("account", {"id": 2, "balance": 1, "owner": "new"})
            assert [r["balance"] for r in await t.select("account")] == [6, 1]
            assert [r["balance"] for r in await db.select("account")] == [5]
        assert [r["balance"] for r in await db.select("account")] == [6, 1]

    play(script)


def test_conditional_updates_never_take_more_than_there_is(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 10)

        async def take() -> int:
            return await db.update("account", {"id": 1, "balance": AtLeast(1)}, {"balance": Plus(-1)})

        taken = await together(*(take() for _ in range(40)))
        assert sum(taken) == 10
        row = await db.get("account", 1)
        assert row is not None
        assert row["balance"] == 0

    play(script)


def test_an_update_returns_each_buyer_another_number(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 10, 50)

        async def take() -> list[Any]:
            return await db.update_returning("account", {"id": 1, "balance": AtLeast(1)}, {"balance": Plus(-1)})

        rows = [row for taken in await together(*(take() for _ in range(20))) for row in taken]
        assert sorted(row["balance"] for row in rows) == list(range(10))
        assert {row["owner"] for row in rows} == {"owner 1"}
        both = await db.update_returning("account", {}, {"balance": Plus(1)})
        assert sorted(row["balance"] for row in both) == [1, 51]
        async with db.transaction() as t:
            assert await t.update_returning("account", {"id": 3}, {"balance": 0}) == []
            assert await t.delete("account", {}) == 2

    play(script)


def test_looking_first_and_writing_then_loses_updates(play: Callable[[Script], Any]) -> None:
    """The port does not protect whoever does not ask for it: that is what experiments are about."""

    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 0)

        async def add() -> None:
            row = await db.get("account", 1)
            assert row is not None
            await db.update("account", {"id": 1}, {"balance": int(row["balance"] or 0) + 1})

        await together(*(add() for _ in range(60)))
        row = await db.get("account", 1)
        assert row is not None
        assert 1 <= int(row["balance"] or 0) < 60

    play(script)


def test_a_row_lock_keeps_the_next_one_waiting(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 0)

        async def add() -> None:
            async with db.transaction() as t:
                row = await t.get("account", 1, lock=True)
                assert row is not None
                await t.update("account", {"id": 1}, {"balance": int(row["balance"] or 0) + 1})

        assert await together(*(add() for _ in range(30))) == [None] * 30
        row = await db.get("account", 1)
        assert row is not None
        assert row["balance"] == 30

    play(script)


@pytest.mark.parametrize("isolation", ["repeatable read", "serializable"])
def test_a_snapshot_stays_and_the_second_writer_of_a_row_is_aborted(
    play: Callable[[Script], Any], isolation: Any
) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 1)
        with pytest.raises(Aborted):
            async with db.transaction(isolation) as t:
                assert (await t.get("account", 1) or {})["balance"] == 1
                await db.update("account", {"id": 1}, {"balance": 2})
                assert (await t.get("account", 1) or {})["balance"] == 1
                await t.update("account", {"id": 1}, {"balance": 3})
        assert (await db.get("account", 1) or {})["balance"] == 2

    play(script)


def test_serializable_forbids_write_skew(play: Callable[[Script], Any]) -> None:
    """Two doctors each see the other on call and both leave (Fekete and others, *Making Snapshot Isolation
    Serializable*, 2005)."""

    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 1, 1)

        async def leave(me: int) -> bool:
            async with db.transaction("serializable") as t:
                if len(await t.select("account", {"balance": 1})) < 2:
                    return False
                await t.update("account", {"id": me}, {"balance": 0})
            return True

        for _ in range(5):
            await db.update("account", {}, {"balance": 1})
            await together(leave(1), leave(2))
            assert len(await db.select("account", {"balance": 1})) >= 1

    play(script)


def test_a_cycle_of_waiting_transactions_is_aborted_and_the_other_goes_on(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 10, 10)

        async def move(source: int, target: int) -> None:
            async with db.transaction() as t:
                await t.update("account", {"id": source}, {"balance": Plus(-1)})
                await t.update("account", {"id": target}, {"balance": Plus(1)})

        answers = await together(*(move(1 + i % 2, 2 - i % 2) for i in range(16)))
        assert all(a is None or isinstance(a, Aborted) for a in answers)
        assert answers.count(None) >= 1
        assert sum(int(r["balance"] or 0) for r in await db.select("account")) == 20

    play(script)


def test_a_client_that_gives_up_leaves_no_lock_behind(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 0)

        async def start_and_leave() -> None:
            async with db.transaction() as t:
                await t.update("account", {"id": 1}, {"balance": 99})
                raise KeyError("the caller changed its mind")

        answers = await together(*(start_and_leave() for _ in range(20)))
        assert all(isinstance(a, KeyError) for a in answers)
        assert await db.update("account", {"id": 1}, {"balance": Plus(1)}) == 1
        assert (await db.get("account", 1) or {})["balance"] == 1

    play(script)


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ({"name": str}, "needs a column id"),
        ({"id": int, "when": bytes}, "int, float and str"),
        ({"id": int, "drop table": int}, "cannot name"),
    ],
)
def test_a_table_that_cannot_be_is_refused_in_one_sentence(
    play: Callable[[Script], Any], columns: dict[str, type], sentence: str
) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        with pytest.raises(ValueError, match=sentence):
            await db.create_table("t", columns)

    play(script)


def test_a_transaction_whose_statement_was_refused_is_over_also_where_that_is_caught(
    play: Callable[[Script], Any],
) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 10, 20)
        with pytest.raises(Aborted):
            async with db.transaction() as t:
                await t.update("account", {"id": 1}, {"balance": 11})
                with pytest.raises(Conflict):
                    await t.insert("account", {"id": 2, "balance": 99, "owner": "x"})
        with pytest.raises(Aborted):
            async with db.transaction() as t:
                with pytest.raises(Conflict):
                    await t.insert("account", {"id": 2, "balance": 99, "owner": "x"})
                await t.update("account", {"id": 1}, {"balance": 11})
        assert [r["balance"] for r in await db.select("account")] == [10, 20]

    play(script)


def test_what_shall_be_unique_beside_the_key_is(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        columns = {"id": int, "seat": int, "day": str}
        await db.create_table("sale", columns, [{"id": 1, "seat": 7, "day": "mon"}], unique=[["seat", "day"]])
        with pytest.raises(Conflict):
            await db.insert("sale", {"id": 2, "seat": 7, "day": "mon"})
        await db.insert("sale", {"id": 2, "seat": 7, "day": "tue"})
        with pytest.raises(Conflict):
            await db.update("sale", {"id": 2}, {"day": "mon"})
        await db.update("sale", {"id": 1}, {"day": "mon"})
        for number in (3, 4):
            await db.insert("sale", {"id": number, "seat": 7, "day": None})  # null equals nothing
        answers = await together(*(db.insert("sale", {"id": n, "seat": 9, "day": "mon"}) for n in range(10, 18)))
        assert answers.count(None) == 1
        assert sum(isinstance(answer, Conflict) for answer in answers) == 7
        await db.delete("sale", {"id": 1})
        await db.insert("sale", {"id": 20, "seat": 7, "day": "mon"})
        with pytest.raises(ValueError, match="cannot be unique"):
            await db.create_table("other", columns, unique=[["row"]])

    play(script)


def test_workers_that_skip_what_is_locked_share_the_jobs(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        jobs = [{"id": i, "done": 0} for i in range(8)]
        await db.create_table("job", {"id": int, "done": int}, jobs)
        taken: list[object] = []

        async def worker() -> None:
            for _ in range(2):
                async with db.transaction() as t:
                    found = await t.select("job", {"done": 0}, limit=1, lock=True, skip_locked=True)
                    if found:
                        taken.append(found[0]["id"])
                        await t.update("job", {"id": found[0]["id"]}, {"done": 1})

        assert await together(*(worker() for _ in range(4))) == [None] * 4
        assert sorted(map(str, taken)) == [str(i) for i in range(8)]
        assert await db.select("job", {"done": 0}) == []

    play(script)


def test_what_one_engine_could_not_do_is_refused_by_all(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        columns = {"id": int, "n": int, "share": float, "note": str}
        await db.create_table("thing", columns, [{"id": 1, "n": 5, "share": 1.0, "note": "a"}])
        rows: list[Any] = [{"n": 1}, {"id": None}, {"id": 2.5}, {"id": 2, "zz": 1}, {}]
        rows += [{"id": 2, "n": n} for n in ("x", 0.5, 1 << 63, float("inf"), float("nan"))]
        rows += [{"id": 2, "share": "x"}, {"id": 2, "share": float("nan")}]
        rows += [{"id": 2, "note": note} for note in (4, "a\0b", "\ud800")]
        wheres: list[Any] = [{"zz": 1}, {"n": "5"}, {"n": AtLeast(5.5)}, {"note": AtLeast(1)}, {"note": 1}]
        changes: list[Any] = [{}, {"id": 2}, {"zz": 1}, {"n": Plus(0.5)}, {"note": Plus(1)}, {"share": "x"}]
        for row in rows:
            with pytest.raises(ValueError, match=r"needs its id|no column|fits no row"):
                await db.insert("thing", row)
        for one in changes:
            with pytest.raises(ValueError, match=r"Changes of|no column|fits no row|holds text"):
                await db.update("thing", {"id": 1}, one)
        for where in wheres:
            for asked in (db.select("thing", where), db.update("thing", where, {"n": 1}), db.delete("thing", where)):
                with pytest.raises(ValueError, match=r"no column|fits no row|holds text"):
                    await asked
        asked_in_vain = (
            db.get("thing", "1"),
            db.get("no", 1),
            db.select("thing", limit=-1),
            db.select("thing", order_by="zz"),
        )
        for ask in asked_in_vain:
            with pytest.raises(ValueError, match=r"fits no row|There is no table|A limit of|no column"):
                await ask
        with pytest.raises(ValueError, match="fits no row"):
            await db.create_table("other", columns, [{"id": 1, "n": 0.5}])
        with pytest.raises(ValueError, match="There is no isolation 'snapshot'"):
            async with db.transaction("snapshot"):  # type: ignore[arg-type]  # that is the question
                pass
        await db.insert("thing", {"id": 2.0, "n": (1 << 63) - 1, "share": 3, "note": "\u00e9\n"})
        with pytest.raises(ValueError, match="column"):
            await db.update("thing", {"id": 2}, {"n": Plus(1)})
        assert [row["n"] for row in await db.select("thing", limit=5)] == [5, (1 << 63) - 1]
        for key, note in enumerate(("B", "_", "Z", "z")):
            await db.insert("thing", {"id": 10 + key, "note": note})
        assert [row["note"] for row in await db.select("thing", order_by="note")] == [
            "B",
            "Z",
            "_",
            "a",
            "z",
            "\u00e9\n",
        ]

    play(script)


def test_a_transaction_says_one_statement_after_the_other_and_none_after_its_end(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 5)
        async with db.transaction() as t:
            answers = await together(t.get("account", 1), t.get("account", 1))
            assert sorted(type(one) for one in answers if isinstance(one, Exception)) == [ValueError]
            await t.update("account", {"id": 1}, {"balance": 6})
        with pytest.raises(Aborted, match="has ended"):
            await t.update("account", {"id": 1}, {"balance": 7})
        assert (await db.get("account", 1) or {})["balance"] == 6

    play(script)


def test_a_key_that_is_taken_is_so_while_somebody_only_holds_its_row(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 5)
        async with db.transaction() as t:
            await t.get("account", 1, lock=True)
            with pytest.raises(Conflict):
                await db.insert("account", {"id": 1})

    if play.__name__ == "sqlite":
        pytest.skip("has one writer, for whom the second waits")
    play(script)


def test_what_a_statement_sees_of_what_others_have_done_meanwhile(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 5)
        async with db.transaction() as t:
            await t.get("account", 1)
            await db.update("account", {"id": 1}, {"balance": 6})
            now = (await t.get("account", 1) or {})["balance"]
        assert now == (5 if play.__name__ == "sqlite" else 6), "SQLite has one level of isolation"

    play(script)


def test_a_row_that_was_removed_and_put_in_again_is_another_row(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        await _accounts(db, 5)
        ready: list[None] = []

        async def replace() -> None:
            async with db.transaction() as t:
                await t.delete("account", {"id": 1})
                await t.insert("account", {"id": 1, "balance": 50})
                ready.append(None)
                for _ in range(400):  # the other one comes and waits
                    await t.get("account", 1)

        async def add() -> int:
            while not ready:
                await db.get("account", 1)
            return await db.update("account", {"id": 1}, {"balance": Plus(1)})

        _, changed = await together(replace(), add())
        found = changed, (await db.get("account", 1) or {})["balance"]
        assert found == ((1, 51) if play.__name__ == "sqlite" else (0, 50)), "SQLite waits before it looks"

    play(script)


def test_rows_are_counted_ranked_and_read_from_the_other_end(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        columns = {"id": str, "team": int, "points": int, "place": int}
        points = {"ann": 30, "bob": 20, "cid": 20, "dan": 10, "eve": None}
        rows: list[dict[str, Any]] = [{"id": who, "team": 1, "points": many} for who, many in points.items()]
        await db.create_table("player", columns, [*rows, {"id": "fay", "team": 2, "points": 99}])
        assert await db.count("player") == 6
        assert await db.count("player", {"team": 1, "points": AtLeast(20)}) == 3
        assert await db.count("player", {"team": 3}) == 0
        down = await db.select("player", {"team": 1}, order_by="points", descending=True)
        assert [row["id"] for row in down] == ["eve", "ann", "cid", "bob", "dan"]
        assert [row["id"] for row in await db.select("player", descending=True, limit=2)] == ["fay", "eve"]
        assert await db.rank_all("player", {"team": 1}, by="points", into="place") == 4
        places = {row["id"]: row["place"] for row in await db.select("player")}
        assert places == {"ann": 1, "bob": 2, "cid": 2, "dan": 4, "eve": None, "fay": None}
        with pytest.raises(ValueError, match="id"):
            await db.rank_all("player", {}, by="points", into="id")

    play(script)


def test_an_index_spares_looking_at_rows(play: Callable[[Script], Any]) -> None:
    async def script(db: DatabasePort, together: Together) -> None:
        rows = [{"id": i, "team": i % 2, "points": i} for i in range(2000)]
        columns = {"id": int, "team": int, "points": int}
        await db.create_table("indexed", columns, rows, unique=[("team", "points", "id")])
        await db.create_table("plain", columns, rows)
        if db.looked() is None:
            return
        looks = []
        for table in ("plain", "indexed"):
            for ask in (
                db.get(table, 1000),
                db.select(table, {"team": 1}, order_by="points", descending=True, limit=10),
                db.select(table, {"team": 1, "points": AtMost(999)}, order_by="points", descending=True, limit=10),
                db.select(table, {"team": 1, "points": AtLeast(999)}, order_by="points", limit=10),
                db.count(table, {"team": 1, "points": AtLeast(1001)}),
            ):
                before = db.looked() or 0
                await ask
                looks.append((db.looked() or 0) - before)
        one, *scans, same, top, below, above, counted = looks
        assert max(one, same) <= 20, looks
        assert min(scans) >= 2000, looks
        assert max(top, below, above) <= 150, looks
        assert 500 <= counted <= 3000, looks

    play(script)

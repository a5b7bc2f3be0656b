"""What was stored can be read back, or was refused at the call; an effect happens once; a copy is a copy."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from helpers.clocked import run_virtual
from helpers.torn_disk import TornDisk
from windtunnel.blocks.durability.idempotency import IdempotencyStore, KeyBusy
from windtunnel.blocks.durability.log import DamagedLogError, LogFailed
from windtunnel.blocks.durability.outbox import Message, OutboxState, Relay, SqlOutbox
from windtunnel.blocks.durability.saga import Context, Saga, Sagas, Step
from windtunnel.blocks.durability.write_ahead_log_state import DurableState
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.resilience.bulkhead import BulkheadFull
from windtunnel.blocks.resilience.retry import Retry, no_wait

UNSTORABLE = [Decimal(1), {1: 2}, {"a": {("t",): 1}}, {1, 2}, object(), b"bytes"]


def opened(disk: TornDisk, kind: str) -> Any:
    if kind == "idempotency":
        return IdempotencyStore(disk, "s", clock=lambda: 0.0, checkpoint_every=3)
    if kind == "outbox":
        return OutboxState(disk, "s", checkpoint_every=3)
    return Sagas(disk, "s", [Saga("s", [Step("a", nothing, nothing), Step("b", nothing, nothing)])], checkpoint_every=3)


async def nothing(context: Context) -> None:
    return None


def mistakes(store: Any, kind: str) -> list[Callable[[], Coroutine[Any, Any, Any]]]:
    """Calls that are all to be refused."""

    async def held(value: Any, state: bool) -> None:
        async with store.begin("held") as request:
            await (request.reach("point", value) if state else request.finish(value))

    if kind == "idempotency":
        found = [lambda value=value, state=state: held(value, state) for value in UNSTORABLE for state in (True, False)]
        return [*found, lambda: store.once(7, nothing), lambda: store.once("f", nothing, fingerprint=Decimal(1))]
    if kind == "outbox":
        found = [lambda value=value: store.commit({"x": value}) for value in UNSTORABLE]
        found += [lambda value=value: store.commit({}, [("t", value)]) for value in UNSTORABLE]
        return [
            *found,
            lambda: store.commit({1: 2}),
            lambda: store.commit({"b": 2}, ("t", {"n": 2})),
            lambda: store.commit({"b": 2}, [("t", 1), ("t",)]),
            lambda: store.commit({"b": 2}, [(1, 2)]),
            lambda: store.commit({"b": 2}, ["ab"]),
            lambda: store.sent(["x1"]),
            lambda: store.sent(["-1"]),
        ]
    return [
        *(lambda value=value: store.run("s", "x", value) for value in UNSTORABLE),
        lambda: store.run("s", 7),
        lambda: store.run("s", ("a", "b")),
    ]


@pytest.mark.parametrize("kind", ["idempotency", "outbox", "sagas"])
def test_a_call_that_could_not_be_read_back_is_refused_and_the_store_lives_on(kind: str) -> None:
    async def main() -> None:
        disk = TornDisk()
        store = opened(disk, kind)
        for mistake in mistakes(store, kind):
            with pytest.raises(ValueError, match=r"\.$"):
                await mistake()
            opened(disk.restarted(Random(1)), kind).close()  # what the disk holds at this moment can be opened
        if kind == "outbox":
            await store.commit({"fine": 1}, [("t", 1)])
            assert store.values == {"fine": 1}
        store.close()
        opened(disk, kind).close()

    run_virtual(main())


@pytest.mark.parametrize("kind", ["idempotency", "outbox", "sagas"])
@pytest.mark.parametrize("other", ["idempotency", "outbox", "sagas"])
@pytest.mark.parametrize("calls", [1, 9])
def test_a_store_opens_the_files_of_its_own_kind_only(kind: str, other: str, calls: int) -> None:
    async def answer() -> int:
        return 1

    async def main() -> None:
        disk = TornDisk()
        store = opened(disk, kind)
        for number in range(calls):
            if kind == "idempotency":
                await store.once(f"k{number}", answer)
            elif kind == "outbox":
                await store.commit({f"k{number}": 1})
            else:
                await store.run("s", f"k{number}")
        store.close()
        if kind == other:
            opened(disk, other).close()
        else:
            with pytest.raises(DamagedLogError, match=f"hold '{kind}'"):
                opened(disk, other)

    run_virtual(main())


class Sum(DurableState):
    """A state of somebody else's, whose changes can be wrong."""

    def __init__(self, disk: TornDisk) -> None:
        self.total = 0
        super().__init__(disk, "sum")

    def _apply(self, change: Any) -> None:
        self.total += change["add"]

    def _dump(self) -> Any:
        return self.total

    def _restore(self, state: Any) -> None:
        self.total = state


def test_a_change_that_cannot_be_applied_is_not_written() -> None:
    async def main() -> None:
        disk = TornDisk()
        state = Sum(disk)
        await state._commit([{"add": 5}])
        with pytest.raises(KeyError):
            await state._commit([{"add": 1}, {"subtract": 2}])
        with pytest.raises(LogFailed, match="open it anew"):
            await state._commit([{"add": 1}])
        state.close()
        assert Sum(disk).total == 5

    run_virtual(main())


# Idempotency


def test_a_handle_is_of_no_use_after_its_block_and_an_answer_stays() -> None:
    async def main() -> None:
        store = IdempotencyStore(TornDisk(), clock=lambda: 0.0)
        async with store.begin("k") as stale:
            await stale.reach("half")
        async with store.begin("k") as request:
            await request.finish("B")
            with pytest.raises(RuntimeError, match="answer already"):
                await request.finish("C")
        for late in (lambda: stale.finish("A"), lambda: stale.reach("again")):
            with pytest.raises(RuntimeError, match="has ended"):
                await late()
        async with store.begin("k") as request:
            assert (request.finished, request.response) == (True, "B")
            with pytest.raises(ValueError, match="of your own"):
                await request.reach("finished")

    run_virtual(main())


@pytest.mark.parametrize(
    ("answer", "known"), [(None, True), (0, True), ([], True), (Decimal(1), False), ({1: 2}, False)]
)
def test_an_effect_happens_once_whatever_it_answers(answer: Any, known: bool) -> None:
    effects = 0

    async def work() -> Any:
        nonlocal effects
        effects += 1
        return answer

    async def main() -> None:
        disk = TornDisk()
        for _ in range(3):
            with IdempotencyStore(disk, clock=lambda: 0.0) as store:
                for _ in range(2):
                    if known:
                        assert await store.once("k", work) == answer
                    else:
                        with pytest.raises(ValueError, match="its answer is lost"):
                            await store.once("k", work)
        assert effects == 1

    run_virtual(main())


def test_keys_are_kept_for_their_time_after_the_last_note() -> None:
    async def main() -> None:
        now, disk, effects = [0.0], TornDisk(), [0]

        def store() -> IdempotencyStore:
            return IdempotencyStore(disk, keep_s=10, clock=lambda: now[0], checkpoint_every=2)

        async def work() -> str:
            effects[0] += 1
            return "done"

        one = store()
        with pytest.raises(ConnectionError):
            async with one.begin("k") as request:
                now[0] = 8
                await request.reach("charged")
                raise ConnectionError
        now[0] = 17
        async with one.begin("k") as request:
            assert request.point == "charged"
            await request.finish("charged once")
        one.close()
        one = store()
        for now[0] in (18, 26, 27):
            assert await one.once("k", work) == "charged once"
        now[0] = 28
        assert await one.once("k", work) == "done"
        assert effects == [1]
        one.close()

    run_virtual(main())


def test_what_stores_give_out_are_copies() -> None:
    async def main() -> None:
        given: dict[str, Any] = {"list": [1]}

        async def work() -> dict[str, Any]:
            return given

        store = IdempotencyStore(TornDisk(), clock=lambda: 0.0)
        answer = await store.once("k", work)
        answer["list"].append(2)
        given["list"].append(3)
        async with store.begin("k") as request:
            request.response["list"].append(4)
        assert await store.once("k", work) == {"list": [1]}

        outbox = OutboxState(TornDisk())
        value = {"n": [1]}
        await outbox.commit({"a": value}, [("t", value)])
        value["n"].append(2)
        outbox.values["a"]["n"].append(3)
        (await outbox.pending(1))[0].body["n"].append(4)
        assert (outbox.values, (await outbox.pending(1))[0].body) == ({"a": {"n": [1]}}, {"n": [1]})

        async def spoil(context: Context) -> list[int]:
            context.input["n"].append(5)
            context.results["earlier"] = [6]
            return [7]

        async def seen(context: Context) -> Any:
            context.results["spoil"].append(8)
            return [context.input, dict(context.results)]

        sagas = Sagas(TornDisk(), "s", [Saga("s", [Step("spoil", spoil, nothing), Step("seen", seen)])])
        run = await sagas.run("s", "x", {"n": [1]})
        run.results["spoil"].append(9)
        again = await sagas.run("s", "x")
        assert again.input == {"n": [1]}
        assert again.results == {"spoil": [7], "seen": [{"n": [1]}, {"spoil": [7, 8]}]}

    run_virtual(main())


# Sagas


def told(plan: list[Any], log: list[str], name: str) -> Callable[[Context], Awaitable[Any]]:
    """An action that raises or returns what the plan says, and the last of it for ever."""

    async def act(context: Context) -> Any:
        log.append(name)
        step = plan.pop(0) if len(plan) > 1 else plan[0]
        if isinstance(step, BaseException):
            raise step
        return step

    return act


LOST = TimeoutError("the answer was lost")
LOCAL = BulkheadFull("not asked")
NO = Refused("declined")


@pytest.mark.parametrize("pivot", [True, False], ids=["a pivot", "the last step"])
@pytest.mark.parametrize(
    ("plan", "outcome"),
    [
        ([LOST, "paid"], "done"),
        ([LOST, LOST, LOST, "paid"], "done"),
        ([NO], "undone"),
        ([LOCAL], "undone"),  # it was never asked
        ([LOST, NO], "undone"),  # whoever knows the key says that it came to nothing
        ([LOST, LOCAL, LOCAL, "paid"], "done"),  # a refusal on this side says nothing of the attempt before
        ([LOST, LOCAL, NO], "undone"),
        ([Decimal(5)], "done"),  # it was done, and cannot be undone
    ],
)
def test_a_step_that_cannot_be_undone_is_asked_until_it_is_known(plan: list[Any], outcome: str, pivot: bool) -> None:
    async def main() -> None:
        log: list[str] = []
        asked = len(plan)
        saga = Saga(
            "s",
            [
                Step("book", told([1], log, "book"), told([1], log, "unbook")),
                Step("pay", told([*plan], log, "pay"), pivot=pivot),
            ],
        )
        sagas = Sagas(TornDisk(), "d", [saga], retry=Retry(2, no_wait()))
        run = await sagas.run("s", "x")
        assert run.outcome == outcome
        assert log == ["book", *["pay"] * asked, *(["unbook"] if outcome == "undone" else [])]
        assert ("no JSON" in run.error or "must be JSON" in run.error) == isinstance(plan[0], Decimal)

    run_virtual(main())


@pytest.mark.parametrize(("plan", "undone"), [([LOCAL], False), ([ConnectionError(), LOCAL], True), ([LOST], True)])
def test_a_step_is_undone_unless_certainly_nothing_was_done(plan: list[Any], undone: bool) -> None:
    async def main() -> None:
        log: list[str] = []
        saga = Saga("s", [Step("a", told([*plan], log, "a"), told([1], log, "undo")), Step("b", nothing)])
        run = await Sagas(TornDisk(), "d", [saga], retry=Retry(2, no_wait())).run("s", "x")
        assert (run.outcome, "undo" in log) == ("undone", undone)

    run_virtual(main())


def test_a_step_that_an_earlier_life_may_have_tried_is_undone_although_it_is_refused_now() -> None:
    async def main() -> None:
        disk, log = TornDisk(), list[str]()

        async def hangs(context: Context) -> None:
            log.append("done, and nobody heard")
            await asyncio.sleep(1e9)

        def saga(action: Callable[[Context], Awaitable[Any]]) -> Saga:
            return Saga("s", [Step("a", action, told([1], log, "undo")), Step("b", nothing)])

        first = Sagas(disk, "d", [saga(hangs)])
        task = asyncio.create_task(first.run("s", "x"))
        await asyncio.sleep(1)
        first.close()
        with pytest.raises(asyncio.CancelledError):
            await task
        runs = await Sagas(disk, "d", [saga(told([LOCAL], log, "a"))]).resume()
        assert [run.outcome for run in runs] == ["undone"]
        assert log == ["done, and nobody heard", "a", "undo"]

    run_virtual(main())


def test_a_saga_whose_steps_have_changed_is_not_gone_on_with() -> None:
    async def main() -> None:
        disk = TornDisk()
        gate = asyncio.Event()

        async def waits(context: Context) -> None:
            await gate.wait()

        old = Sagas(disk, "d", [Saga("s", [Step("a", nothing, nothing), Step("b", waits, nothing)])])
        task = asyncio.create_task(old.run("s", "x"))
        await asyncio.sleep(1)
        old.close()
        with pytest.raises(asyncio.CancelledError):
            await task
        new = Sagas(disk, "d", [Saga("s", [Step("c", nothing, nothing)])])
        with pytest.raises(ValueError, match=r"has no more: \['a'\]"):
            await new.resume()
        assert new.unfinished() == ["x"]

    run_virtual(main())


# Relays


def test_a_relay_waits_for_a_locked_database_and_sends_nothing_twice_for_it(tmp_path: Path) -> None:
    mine, theirs = (sqlite3.connect(tmp_path / "db", timeout=0) for _ in range(2))
    told_of: list[str] = []
    sent: list[Any] = []

    def on_error(error: Exception) -> None:
        told_of.append(str(error))
        if len(told_of) == 3:
            theirs.rollback()
        raise RuntimeError("a hook may be broken")

    async def publish(message: Message) -> None:
        sent.append(message.body)

    async def main() -> None:
        outbox = SqlOutbox(mine)
        with mine:
            outbox.add("t", 1)
            outbox.add("t", 2)
        theirs.execute("BEGIN IMMEDIATE")
        relay = Relay(outbox, publish, on_error=on_error, random=Random(1))
        assert await asyncio.gather(relay.drain(), relay.drain()) == [2, 0]
        assert sent == [1, 2]
        assert told_of == ["database is locked"] * 3
        mine.execute("DROP TABLE outbox")
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await relay.drain()

    run_virtual(main())
    mine.close()
    theirs.close()


def test_two_relays_of_one_outbox_lose_nothing() -> None:
    async def main() -> None:
        for cancelled_at in range(12):
            state, sent = OutboxState(TornDisk()), list[str]()

            async def publish(message: Message, sent: list[str] = sent) -> None:
                await asyncio.sleep(1)
                sent.append(message.id)

            await state.commit({}, [("t", number) for number in range(5)])
            one, other = (asyncio.create_task(Relay(state, publish, batch=2).drain()) for _ in range(2))
            await asyncio.sleep(cancelled_at / 2)
            one.cancel()
            await other
            assert set(sent) == {str(number) for number in range(5)}
            assert await state.pending(9) == []

    run_virtual(main())


def test_a_busy_key_says_nothing_of_an_earlier_call() -> None:
    assert KeyBusy.this_call_only
    assert not Refused.this_call_only

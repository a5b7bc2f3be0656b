"""Write-ahead log, idempotency store, saga and outbox: what holds when the power goes at any operation of the disk."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from helpers.clocked import run_real, run_virtual
from helpers.torn_disk import Crashed, TornDisk
from windtunnel.blocks.durability.idempotency import IdempotencyStore, KeyBusy, KeyReused
from windtunnel.blocks.durability.log import DamagedLogError, LogFailed
from windtunnel.blocks.durability.outbox import Message, OutboxState, Relay, SqlInbox, SqlOutbox
from windtunnel.blocks.durability.saga import Context, Saga, Sagas, Step
from windtunnel.blocks.durability.write_ahead_log import WriteAheadLog
from windtunnel.blocks.ground.errors import Refused
from windtunnel.blocks.ground.files import DiskFiles
from windtunnel.blocks.resilience.retry import Retry, no_wait
from windtunnel.sim import Host, Simulator

Life = Callable[[TornDisk], Awaitable[None]]


def lives(live: Life, seed: int = 0, lives_each: int = 4) -> Iterator[TornDisk]:
    """Runs `live` with a crash at each operation of the disk in turn; yields each disk after its last, whole life.

    After the first crash come more, at random, as long as `lives_each` allows; the last life is left in peace.
    """
    whole = TornDisk()
    run_virtual(live(whole))
    yield whole
    for crash_at in range(1, whole.operations + 1):
        random = Random(seed * 1_000_003 + crash_at)
        disk = TornDisk(crash_at)
        for _ in range(lives_each):
            try:
                run_virtual(live(disk))
                break
            except Crashed:
                disk = disk.restarted(random)
                disk.crash_at = random.randrange(1, 2 * whole.operations)
        else:
            disk.crash_at = None
            run_virtual(live(disk))
        disk.crash_at = None
        yield disk


# Write-ahead log


@pytest.mark.parametrize("seed", range(2))
def test_committed_entries_survive_and_come_back_in_order(seed: int) -> None:
    promised: list[int] = []

    async def live(disk: TornDisk) -> None:
        wal = WriteAheadLog(disk, "wal", segment_bytes=300)
        state = [int(x) for x in (wal.snapshot or b"").split()] + [int(entry) for entry in wal.entries()]
        assert state == list(range(len(state))), "a prefix, without gap or double"
        assert len(state) >= len(promised)
        assert len(state) % 3 == 0, "what was committed together is there together"
        promised[:] = state
        while len(promised) < 45:
            batch = list(range(len(promised), len(promised) + 3))
            await wal.commit([b"%d" % i for i in batch])
            promised.extend(batch)
            if len(promised) % 5 == 0:
                wal.checkpoint(b" ".join(b"%d" % i for i in promised))

    for _ in lives(live, seed):
        assert len(promised) == 45
        promised.clear()


def test_a_snapshot_holds_nothing_that_the_log_could_lose() -> None:
    async def live(disk: TornDisk) -> None:
        wal = WriteAheadLog(disk)
        for number in range(wal.length, 10):
            wal.append([b"%d" % number])
        wal.checkpoint(b"ten")
        wal.append([b"10"])

    for disk in lives(live):
        with WriteAheadLog(disk.restarted(Random(1))) as wal:
            assert wal.snapshot == b"ten"


def test_tasks_that_commit_together_share_one_sync() -> None:
    async def main() -> None:
        disk = TornDisk()
        wal = WriteAheadLog(disk)
        before = disk.operations
        await asyncio.gather(*(wal.commit([b"%d" % i]) for i in range(100)))
        assert disk.operations - before == 100 + 1  # a hundred writes, one fsync
        assert [int(entry) for entry in wal.entries()] == list(range(100))

    run_virtual(main())


def test_a_commit_that_comes_during_a_sync_waits_for_the_next() -> None:
    async def main() -> None:
        disk, gates = TornDisk(), [asyncio.Event() for _ in range(3)]
        syncs = 0

        async def offload(sync: Callable[[], None]) -> None:
            nonlocal syncs
            sync()
            syncs += 1
            await gates[syncs - 1].wait()

        wal = WriteAheadLog(disk, offload=offload)
        first = asyncio.create_task(wal.commit([b"1"]))
        await asyncio.sleep(1)
        second = asyncio.create_task(wal.commit([b"2"]))
        await asyncio.sleep(1)
        assert (syncs, second.done()) == (1, False)
        gates[0].set()
        await first
        await asyncio.sleep(1)
        assert (syncs, second.done()) == (2, False)
        gates[1].set()
        await second
        assert [*wal.entries()] == [b"1", b"2"]

    run_virtual(main())


def test_on_a_real_loop_the_sync_runs_in_a_thread(tmp_path: Path) -> None:
    async def main() -> None:
        with WriteAheadLog(DiskFiles(tmp_path), "w", offload=asyncio.to_thread) as wal:
            await asyncio.gather(*(wal.commit([b"%d" % i]) for i in range(50)))
        with WriteAheadLog(DiskFiles(tmp_path), "w") as wal:
            assert sorted(int(entry) for entry in wal.entries()) == list(range(50))

    run_real(main())


class SlowSync:
    """A file whose `fsync` waits a moment for anybody to close it meanwhile, and notes what came first."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.syncing, self.closed = threading.Event(), threading.Event()
        self.order: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def fsync(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            self.syncing.set()
            self.closed.wait(0.1)
        self._file.fsync()
        self.order.append("synced")

    def close(self) -> None:
        self.closed.set()
        self._file.close()
        self.order.append("closed")


def test_a_checkpoint_does_not_close_a_file_that_another_thread_is_syncing(tmp_path: Path) -> None:
    async def main() -> None:
        with WriteAheadLog(DiskFiles(tmp_path), offload=asyncio.to_thread) as wal:
            active: Any = wal._log._active
            active.file = file = SlowSync(active.file)
            commit = asyncio.create_task(wal.commit([b"a"]))
            await asyncio.to_thread(file.syncing.wait)
            wal.checkpoint(b"state")
            await commit
            assert file.order == ["synced", "synced", "closed"]
        with WriteAheadLog(DiskFiles(tmp_path)) as wal:
            assert (wal.snapshot, [*wal.entries()]) == (b"state", [])

    run_real(main())


def test_after_a_failed_sync_nobody_is_told_that_his_entries_are_safe() -> None:
    async def main() -> None:
        disk = TornDisk()
        wal = WriteAheadLog(disk)
        await wal.commit([b"safe"])
        disk.error_at = disk.operations + 3
        results = await asyncio.gather(*(wal.commit([b"x"]) for _ in range(2)), return_exceptions=True)
        assert [type(result) for result in results] == [LogFailed, LogFailed]
        assert [*WriteAheadLog(disk).entries()] == [b"safe"]

    run_virtual(main())


def test_a_damaged_snapshot_is_an_error(tmp_path: Path) -> None:
    files = DiskFiles(tmp_path)
    with WriteAheadLog(files) as wal:
        wal.append([b"a"])
        wal.checkpoint(b"state")
        wal.append([b"b"])
    with WriteAheadLog(files) as wal:
        assert (wal.snapshot, [*wal.entries()]) == (b"state", [b"b"])
    (tmp_path / "snapshot").write_bytes(b"WTsnap")
    with pytest.raises(DamagedLogError, match="too short"):
        WriteAheadLog(files)
    (tmp_path / "snapshot").unlink()
    with pytest.raises(DamagedLogError, match="no snapshot"):
        WriteAheadLog(files)


# Idempotency


class Bank:
    """The outside: charges once for each key, and remembers everything."""

    def __init__(self) -> None:
        self.charges: dict[str, int] = {}
        self.calls = 0

    async def charge(self, amount: int, key: str) -> str:
        self.calls += 1
        self.charges.setdefault(key, amount)
        return f"charge of {self.charges[key]}"


def test_a_request_that_is_sent_until_it_is_answered_charges_once_at_every_crash() -> None:
    bank = Bank()

    async def live(disk: TornDisk) -> None:
        store = IdempotencyStore(disk, "keys", clock=lambda: 0.0, checkpoint_every=7)
        for number in range(6):
            async with store.begin(f"k{number}", {"amount": number}) as request:
                if request.response is None:
                    if request.point == "started":
                        charge = await bank.charge(number, f"{request.key}/charge")
                        await request.reach("charged", {"charge": charge})
                    await request.finish({"receipt": request.state["charge"]})
                assert request.response == {"receipt": f"charge of {number}"}

    for disk in lives(live):
        assert bank.charges == {f"k{number}/charge": number for number in range(6)}
        with IdempotencyStore(disk, "keys", clock=lambda: 0.0) as store:

            async def again(store: IdempotencyStore) -> None:
                async with store.begin("k3", {"amount": 3}) as request:
                    assert request.response == {"receipt": "charge of 3"}

            run_virtual(again(store))
        bank.charges.clear()


def test_what_was_reached_is_not_done_again() -> None:
    async def main() -> None:
        store, bank = IdempotencyStore(TornDisk(), clock=lambda: 0.0), Bank()
        for attempt in range(3):
            try:
                async with store.begin("k") as request:
                    if request.point == "started":
                        await request.reach("charged", {"charge": await bank.charge(5, "k")})
                    if attempt < 2:
                        raise ConnectionError("the answer is lost")
                    await request.finish(request.state)
            except ConnectionError:
                pass
        assert bank.calls == 1
        assert await store.once("k", lambda: bank.charge(5, "other")) == {"charge": "charge of 5"}
        assert bank.calls == 1

    run_virtual(main())


def test_two_requests_with_one_key_at_once_are_told_apart() -> None:
    async def main() -> None:
        store = IdempotencyStore(TornDisk(), clock=lambda: 0.0)
        gate = asyncio.Event()

        async def work() -> str:
            await gate.wait()
            return "done"

        first = asyncio.create_task(store.once("k", work))
        await asyncio.sleep(1)
        with pytest.raises(KeyBusy):
            await store.once("k", work)
        gate.set()
        assert await first == "done"
        assert await store.once("k", work) == "done"
        with pytest.raises(KeyReused):
            await store.once("k", work, fingerprint="another body")

    run_virtual(main())


def test_keys_are_forgotten_when_their_time_is_up() -> None:
    async def main() -> None:
        now, calls = [0.0], 0
        store = IdempotencyStore(TornDisk(), keep_s=100, clock=lambda: now[0], checkpoint_every=2)

        async def work() -> int:
            nonlocal calls
            calls += 1
            return calls

        assert await store.once("k", work) == 1
        now[0] = 99
        assert await store.once("k", work) == 1
        now[0] = 101
        assert await store.once("k", work) == 2
        assert await store.once("other", work) == 3
        assert list(store._entries) == ["k", "other"]

    run_virtual(main())


def test_an_answer_that_is_given_again_is_safe_though_its_first_request_was_cancelled() -> None:
    async def main() -> None:
        disk = TornDisk()

        async def offload(sync: Callable[[], None]) -> None:
            await asyncio.sleep(1)
            sync()

        store = IdempotencyStore(disk, clock=lambda: 0.0, offload=offload)
        first = asyncio.create_task(store.once("k", lambda: Bank().charge(5, "k")))
        await asyncio.sleep(1.5)  # its key is safe, its answer is under way
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        answer = await store.once("k", lambda: Bank().charge(6, "k"))
        again = IdempotencyStore(disk.restarted(Random(2)), clock=lambda: 0.0)
        assert await again.once("k", lambda: Bank().charge(7, "k")) == answer

    run_virtual(main())


# Saga


class World:
    """The outside: knows the key of every action and compensation; an undone action that comes late is nothing."""

    def __init__(self, refuse: set[str], seed: int) -> None:
        self.done: dict[str, str] = {}
        self.applied: Counter[str] = Counter()
        self.refuse = refuse
        self.random = Random(seed)

    def action(self, name: str) -> Callable[[Context], Awaitable[str]]:
        async def act(context: Context) -> str:
            if name in self.refuse:
                raise Refused(name)
            if f"{context.key}/undo" in self.done:
                raise Refused("was undone")
            if context.key not in self.done:
                self.done[context.key] = name
                self.applied[context.key] += 1
            if self.random.random() < 0.2:
                raise TimeoutError("it was done, but nobody heard")
            await asyncio.sleep(1)
            return f"{name} for {context.input}"

        return act

    def undo(self, name: str) -> Callable[[Context], Awaitable[None]]:
        async def act(context: Context) -> None:
            assert context.key.endswith("/undo")
            if self.random.random() < 0.2:
                raise TimeoutError
            if context.key not in self.done:
                self.done[context.key] = name
                self.applied[context.key] += 1

        return act

    def holds(self, saga_id: str, name: str) -> bool:
        return f"{saga_id}/{name}" in self.done and f"{saga_id}/{name}/undo" not in self.done


def trip(world: World) -> Saga:
    return Saga(
        "trip",
        [
            Step("flight", world.action("flight"), world.undo("flight")),
            Step("hotel", world.action("hotel"), world.undo("hotel")),
            Step("payment", world.action("payment"), world.undo("payment"), pivot=True),
            Step("mail", world.action("mail")),
        ],
    )


STEPS = ("flight", "hotel", "payment", "mail")


@pytest.mark.parametrize("refused", [None, "flight", "hotel", "payment"])
@pytest.mark.parametrize("seed", range(2))
def test_a_saga_is_all_done_or_all_undone_at_every_crash(refused: str | None, seed: int) -> None:
    world = World(set(), 0)

    async def live(disk: TornDisk) -> None:
        with_luck = Sagas(
            disk, "sagas", [trip(world)], retry=Retry(2, no_wait()), random=Random(seed), checkpoint_every=5
        )
        await with_luck.resume()
        for saga_id in ("a", "b"):
            run = await with_luck.run("trip", saga_id, "you")
            assert run.outcome == ("done" if world.holds(saga_id, "mail") else "undone")
            assert refused is None or run.outcome == "undone"

    def start() -> None:
        world.__init__({refused} if refused else set(), seed)  # type: ignore[misc]

    start()
    for _ in lives(live, seed, lives_each=3):
        for saga_id in ("a", "b"):
            held = [world.holds(saga_id, name) for name in STEPS]
            assert all(held) or not any(held), f"saga {saga_id} stopped half-way: {held}"
        assert set(world.applied.values()) <= {1}, "every effect happens once"
        start()


def test_a_saga_that_has_ended_answers_without_doing_anything() -> None:
    async def main() -> None:
        world = World(set(), 1)
        world.random = Random(5)
        sagas = Sagas(TornDisk(), "s", [trip(world)], retry=Retry(9, no_wait()), keep=1)
        first = await sagas.run("trip", "x", "me")
        assert (first.outcome, first.results["mail"]) == ("done", "mail for me")
        calls = sum(world.applied.values())
        assert await sagas.run("trip", "x") == first
        assert sum(world.applied.values()) == calls
        with pytest.raises(ValueError, match="no saga"):
            await sagas.run("other", "y")
        assert sagas.unfinished() == []

    run_virtual(main())


def test_callers_of_one_saga_join_it_and_may_leave_it() -> None:
    async def main() -> None:
        world = World(set(), 2)
        sagas = Sagas(TornDisk(), "s", [trip(world)], retry=Retry(9, no_wait()))
        one, other = (asyncio.create_task(sagas.run("trip", "x", 1)) for _ in range(2))
        await asyncio.sleep(1.5)
        one.cancel()
        assert (await other).outcome == "done"
        stopped = asyncio.create_task(sagas.run("trip", "y", 1))
        await asyncio.sleep(1.5)
        sagas.close()
        with pytest.raises(asyncio.CancelledError):
            await stopped

    run_virtual(main())


def test_a_step_whose_fate_is_unknown_is_undone_as_well() -> None:
    async def main() -> None:
        world = World(set(), 0)

        async def lost(context: Context) -> None:
            world.done[context.key] = "hotel"
            raise TimeoutError("it was done, but nobody heard")

        saga = Saga(
            "trip",
            [
                Step("flight", world.action("flight"), world.undo("flight")),
                Step("hotel", lost, world.undo("hotel")),
                Step("mail", world.action("mail")),
            ],
        )
        world.random = Random(5)
        run = await Sagas(TornDisk(), "s", [saga]).run("trip", "x")
        assert (run.outcome, run.error) == ("undone", "hotel: TimeoutError('it was done, but nobody heard')")
        assert not world.holds("x", "hotel")
        assert not world.holds("x", "flight")

    run_virtual(main())


async def nothing(context: Context) -> None:
    return None


@pytest.mark.parametrize(
    ("steps", "match"),
    [
        ([], "there must be one"),
        ([Step("a", nothing, nothing), Step("a", nothing)], "different names"),
        ([Step("a", nothing), Step("b", nothing)], "say how"),
        ([Step("a", nothing, pivot=True), Step("b", nothing, pivot=True)], "more than one pivot"),
    ],
)
def test_a_saga_that_could_not_be_undone_is_refused(steps: list[Step], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Saga("s", steps)


# Outbox


class Broker:
    """Takes messages, sometimes without saying so."""

    def __init__(self, seed: int = 0) -> None:
        self.random = Random(seed)
        self.got: list[Message] = []

    async def publish(self, message: Message) -> None:
        if self.random.random() < 0.1:
            raise ConnectionError("refused")
        self.got.append(message)
        if self.random.random() < 0.1:
            raise ConnectionError("taken, but the answer is lost")

    def firsts(self) -> list[Any]:
        """The bodies as a receiver with an inbox sees them."""
        seen: dict[str, Any] = {}
        for message in self.got:
            assert seen.setdefault(message.id, message.body) == message.body, "one id, one message"
        return list(seen.values())


def test_state_and_messages_agree_at_every_crash() -> None:
    broker = Broker()

    async def live(disk: TornDisk) -> None:
        state = OutboxState(disk, "o", prefix="m", checkpoint_every=4)
        relay = Relay(state, broker.publish, batch=3, random=Random(0))
        done = state.values.get("done", 0)
        assert len(broker.firsts()) <= done, "nothing is sent that did not happen"
        for number in range(done, 12):
            await state.commit({"done": number + 1, "gone": None}, [("t", number)])
            if number % 5 == 0:
                await relay.drain()
        await relay.drain()
        assert await state.pending(9) == []

    for disk in lives(live):
        assert broker.firsts() == list(range(12)), "all, in order, once"
        assert OutboxState(disk, "o").values == {"done": 12}
        broker.got.clear()


def test_a_message_is_not_sent_while_a_crash_could_take_its_state_back() -> None:
    broker = Broker()

    async def live(disk: TornDisk) -> None:
        async def offload(sync: Callable[[], None]) -> None:
            await asyncio.sleep(1)  # a slow disk: changes are seen in memory long before they are safe
            sync()

        state = OutboxState(disk, offload=offload)
        done = state.values.get("done", 0)
        assert len(broker.firsts()) <= done
        relay = Relay(state, broker.publish, idle_s=0.1, random=Random(0))
        running = asyncio.create_task(relay.run())
        running.add_done_callback(lambda task: task.cancelled() or task.exception())  # of a crash all hear soon enough
        for number in range(done, 10):
            await state.commit({"done": number + 1}, [("t", number)])
        running.cancel()
        await asyncio.wait([running])
        await relay.drain()

    for _ in lives(live):
        assert broker.firsts() == list(range(10))
        broker.got.clear()


def test_an_outbox_in_sqlite_sends_what_was_committed_and_nothing_else(tmp_path: Path) -> None:
    connection, other = sqlite3.connect(tmp_path / "db"), sqlite3.connect(tmp_path / "db")

    async def main() -> None:
        outbox, relayed, inbox = SqlOutbox(connection), SqlOutbox(other), SqlInbox(connection)
        connection.execute("CREATE TABLE account (name TEXT, balance INT)")
        broker = Broker(3)
        relay = Relay(relayed, broker.publish, batch=7, random=Random(0))
        for number in range(50):
            try:
                with connection:
                    connection.execute("INSERT INTO account VALUES ('a', ?)", (number,))
                    outbox.add("t", {"n": number}, message_id=f"id{number}")
                    if number % 3 == 0:
                        raise ConnectionError("the transaction is rolled back")
            except ConnectionError:
                pass
            if number % 10 == 0:
                await relay.drain()
        await relay.drain()
        kept = [row[0] for row in connection.execute("SELECT balance FROM account")]
        assert broker.firsts() == [{"n": number} for number in kept]
        assert len(broker.got) > len(kept), "some were sent twice"
        total = 0
        for message in broker.got:
            with connection:
                if inbox.first_time(message.id):
                    total += message.body["n"]
        assert total == sum(kept)
        with pytest.raises(ValueError, match="letters"):
            SqlInbox(connection, "x; DROP TABLE account")

    run_virtual(main())
    connection.close()
    other.close()


def test_a_relay_sends_what_comes_while_it_runs() -> None:
    async def main() -> None:
        state, broker = OutboxState(TornDisk()), Broker()
        relay = Relay(state, broker.publish, idle_s=100, random=Random(0))
        running = asyncio.create_task(relay.run())
        await state.commit({}, [("t", 1)])
        await asyncio.sleep(200)
        assert broker.firsts() == [1]
        await state.commit({}, [("t", 2)])
        relay.wake()
        await asyncio.sleep(60)
        assert broker.firsts() == [1, 2]
        running.cancel()

    run_virtual(main())


# In the tunnel


@pytest.mark.parametrize("fate", ["nothing", "prefix", "sectors", "rubbish"])
def test_on_a_simulated_host_a_log_survives_the_loss_of_power(fate: str) -> None:
    """The same write-ahead log, unchanged, on the disk of a host that crashes at random moments, thirty times."""
    random, promised = Random(fate), 0

    async def program(host: Host) -> None:
        nonlocal promised
        wal = WriteAheadLog(host.disk, "wal", segment_bytes=2000)
        found = [int(entry) for entry in wal.entries()]
        start = int(wal.snapshot or 0)
        assert found == list(range(start, start + len(found)))
        number = start + len(found)
        assert number >= promised
        while True:
            await asyncio.sleep(0.01)
            wal.append([b"%d" % number])  # in doubt, and torn if the power goes now
            await asyncio.sleep(0.01)
            await wal.commit([b"%d" % (number + 1)])
            number += 2
            promised = number
            if number % 50 == 0:
                wal.checkpoint(b"%d" % number)

    with Simulator() as tunnel:
        host = tunnel.host("server", after_power_loss=fate)
        host.start(program, host)
        for _ in range(30):
            tunnel.run(until=tunnel.now + random.uniform(0.05, 0.6))
            host.crash()
            host.restart()
        tunnel.run(until=tunnel.now + 1)
    assert promised > 500

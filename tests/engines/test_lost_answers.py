"""One lost answer for every port: what was asked happens once, its caller cannot know, and nobody asks again.

SQLite, our own log on a disk and a folder of objects have no such fault: they are called in this process, and there is
no way on which an answer could be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest

from helpers.arms import Arm, World, arms
from windtunnel.engines.database.port import Plus
from windtunnel.engines.registry import missing
from windtunnel.lab.running.outcomes import outcome_of

pytestmark = pytest.mark.skipif(os.name != "posix", reason="relays listen on sockets of Unix")
LOST = {"cut_reply"}


def leaves_connections(test: Any) -> Any:
    """Nobody complains within this test of what nats-py leaves behind."""
    ignored = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore:loop is closed:ResourceWarning")
    return ignored(pytest.mark.usefixtures("forgotten_connections")(test))


def on_servers(port: str, *live: str) -> Any:
    """The arms of a port between which and us there is a way."""
    reached = [one for one in arms(port, *live) if one.id not in ("sqlite", "disk", "folder")]
    return pytest.mark.parametrize("arm", reached)


@pytest.fixture
def forgotten_connections() -> Iterator[None]:
    """nats-py leaves the connections of attempts that failed to the garbage collector, which here complains."""
    yield
    gc.collect()


async def unanswered(thing: Any, asked: Coroutine[Any, Any, Any]) -> None:
    """Ask, and lose the answer."""
    thing.lose_replies(True)
    with pytest.raises((ConnectionError, TimeoutError)) as lost:
        await asked
    thing.lose_replies(False)
    assert outcome_of(lost.value) == "unknown"


@on_servers("database", "postgres")
def test_a_commit_without_an_answer_has_happened_once(arm: Arm) -> None:
    async def script(db: Any, world: World) -> None:
        await db.create_table("count", {"id": int, "n": int}, [{"id": 1, "n": 0}])

        async def add() -> None:
            db.lose_replies(False)
            async with db.transaction() as transaction:
                await transaction.update("count", {"id": 1}, {"n": Plus(1)})
                db.lose_replies(True)  # the answer to the commit is the next

        await unanswered(db, add())
        await world.sleep(0.2)
        assert await world.once_it_answers(lambda: db.get("count", 1)) == {"id": 1, "n": 1}

    arm(script, suffers=LOST)


@on_servers("server")
def test_work_whose_answer_is_lost_is_done_once(arm: Arm) -> None:
    async def script(server: Any, world: World) -> None:
        def worked_s() -> float:
            """The seconds of work that it has done, or of processor time that it has burnt for it."""
            if world.sim is not None:
                return 0.2 * float(server.read().served)
            spent = psutil.Process(server._process.pid).cpu_times()
            return spent.user + spent.system

        before_s = worked_s()
        await unanswered(server, asked(server))
        await world.sleep(0.2)
        assert 0.15 < worked_s() - before_s < 0.35  # in ticks of the system

    async def asked(server: Any) -> None:
        await server.serve(0.2)

    arm(script, suffers=LOST)


@on_servers("cache")
def test_an_increment_without_an_answer_has_counted_once(arm: Arm) -> None:
    async def script(cache: Any, world: World) -> None:
        await cache.set("n", 0)
        await unanswered(cache, cache.increment("n"))
        await world.sleep(0.2)
        assert await cache.get("n") == "1"

    arm(script, suffers=LOST)


@leaves_connections
@on_servers("queue", "nats")
def test_a_publish_without_a_receipt_is_there_once(arm: Arm) -> None:
    async def script(queue: Any, world: World) -> None:
        subscription = await queue.subscribe("w", "jobs")
        await unanswered(queue, queue.publish("jobs", b"a"))
        await world.once_it_answers(lambda: queue.publish("jobs", b"b"))
        got = [d.body for d in await subscription.fetch(10)]
        while b"b" not in got:
            got += [d.body for d in await subscription.fetch(10)]
        assert got == [b"a", b"b"]

    arm(script, suffers=LOST, publish_timeout_s=0.5)


@leaves_connections
@on_servers("queue", "nats")
def test_a_second_try_with_the_same_id_learns_that_the_first_has_happened(arm: Arm) -> None:
    async def script(queue: Any, world: World) -> None:
        await queue.subscribe("w", "jobs")
        await unanswered(queue, queue.publish("jobs", b"a", message_id="1"))
        receipt = await world.once_it_answers(lambda: queue.publish("jobs", b"a", message_id="1"))
        assert (receipt.sequence, receipt.duplicate) == (1, True)

    arm(script, suffers=LOST, publish_timeout_s=0.5)


@leaves_connections
@on_servers("log", "nats")
def test_an_append_without_an_answer_is_there_once(arm: Arm) -> None:
    async def script(log: Any, world: World) -> None:
        assert await log.append([b"before"]) == 0
        await unanswered(log, log.append([b"a", b"b"]))
        assert await world.once_it_answers(lambda: log.append([b"after"])) == 3
        assert [r.value for r in await log.read(0)] == [b"before", b"a", b"b", b"after"]

    arm(script, suffers=LOST)


@on_servers("objects")
def test_a_put_without_an_answer_has_happened(arm: Arm) -> None:
    async def script(store: Any, world: World) -> None:
        first = await store.put("a", b"1")
        await unanswered(store, store.put("a", b"2", match=first))
        await world.sleep(0.2)
        found = await store.get("a")
        assert found is not None
        assert found.body == b"2"
        with pytest.raises(Exception, match="not what it was"):
            await store.put("a", b"2", match=first)  # a second try is told that the first has happened

    arm(script, suffers=LOST)


# --- what others do --------------------------------------------------------------------------------------------------
@asynccontextmanager
async def deaf_to_increments(port: int) -> AsyncIterator[int]:
    """A port behind which the server on `port` answers everything but increments: there the connection breaks."""

    serving: set[asyncio.Task[Any] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        there, to_server = await asyncio.open_connection("127.0.0.1", port)
        with contextlib.suppress(OSError):
            while asked := await reader.read(1 << 16):
                to_server.write(asked)
                answer = await there.read(1 << 16)
                if b"INCR" in asked:
                    break
                writer.write(answer)
        for end in (writer, to_server):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listening:
        yield listening.sockets[0].getsockname()[1]
        await asyncio.gather(*(task for task in serving if task is not None))


@pytest.mark.live
@pytest.mark.skipif(missing("cache", "valkey") is not None, reason=str(missing("cache", "valkey")))
def test_redis_py_as_it_comes_increments_eleven_times_where_ours_does_once() -> None:
    async def main() -> tuple[str | None, bytes | None]:
        import redis.asyncio as redis

        from windtunnel.engines.cache.valkey import ValkeyCache, start_valkey

        server = start_valkey()
        try:
            port = int(server.url.rpartition(":")[2].partition("/")[0])
            async with deaf_to_increments(port) as behind, redis.Redis(port=behind) as theirs:
                ours = ValkeyCache("cache", url=f"redis://127.0.0.1:{behind}/0")
                with pytest.raises(ConnectionError):
                    await ours.increment("n")
                with pytest.raises(redis.ConnectionError):
                    await theirs.incr("n")
                found = await ours.get("n"), await theirs.get("n")
                await ours.close()
                return found
        finally:
            server.stop()

    assert asyncio.run(asyncio.wait_for(main(), 120)) == ("1", b"11")

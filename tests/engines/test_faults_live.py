"""Faults of real things: whole trees stop and die, servers come back, ways are cut, slowed and broken by a relay."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import psutil
import pytest

from windtunnel.engines.cache.valkey import ValkeyCache
from windtunnel.engines.database.port import Plus
from windtunnel.engines.database.postgres import PostgresDatabase, address_of
from windtunnel.engines.registry import missing
from windtunnel.engines.server.process import ProcessServer
from windtunnel.engines.shared import tree
from windtunnel.engines.shared.relay import Relay
from windtunnel.lab.running.outcomes import outcome_of
from windtunnel.sim.link import Disturbance

pytestmark = pytest.mark.skipif(os.name != "posix", reason="stops and kills by signals")
POSTGRES = missing("database", "postgres")
needs_postgres = pytest.mark.skipif(POSTGRES is not None, reason=str(POSTGRES))
CUT, LATE = Disturbance(None, cut=True), Disturbance(None, extra_s=0.2)
PARENT = """
import subprocess, sys, time
children = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) for _ in range(3)]
print("ready", flush=True)
time.sleep(60)
"""


# --- trees of processes ----------------------------------------------------------------------------------------------
@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE) as found:
        assert found.stdout is not None
        found.stdout.readline()
        yield found
        if found.poll() is None:
            tree.kill(found.pid)


def test_all_processes_of_a_tree_are_stopped_when_stop_returns_and_go_on_together(
    parent: subprocess.Popen[bytes],
) -> None:
    tree.stop(parent.pid)
    states = tree.family(parent.pid)
    assert len(states) == 4
    assert set(states.values()) == {"T"}
    tree.go_on(parent.pid)
    assert "T" not in tree.family(parent.pid).values()


def test_all_processes_of_a_tree_die_also_those_that_stand_still(parent: subprocess.Popen[bytes]) -> None:
    family = list(tree.family(parent.pid))
    tree.stop(parent.pid)
    tree.kill(parent.pid)
    assert all(not tree.family(pid) for pid in family)


# --- relays ----------------------------------------------------------------------------------------------------------
async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 16):
            asked.append(data)
            writer.write(data.upper())
    finally:
        writer.close()


asked: list[bytes] = []


def through(tmp_path: Any, script: Callable[[Relay], Coroutine[Any, Any, None]]) -> None:
    asked.clear()

    async def main() -> None:
        path = str(tmp_path / "echo")
        async with await asyncio.start_unix_server(echo, path):
            relay = Relay(lambda: asyncio.open_unix_connection(path))
            try:
                await asyncio.wait_for(script(relay), 30)
            finally:
                await relay.close()

    asyncio.run(main())


def test_a_relay_passes_everything_on_in_both_directions(tmp_path: Any) -> None:
    async def script(relay: Relay) -> None:
        reader, writer = await asyncio.open_unix_connection(await relay.path())
        sent = bytes(range(97, 123)) * 100_000
        writer.write(sent)
        writer.write_eof()
        assert await reader.read() == sent.upper()
        writer.close()

    through(tmp_path, script)


def test_a_way_that_is_cut_holds_what_was_said_until_it_is_mended(tmp_path: Any) -> None:
    async def script(relay: Relay) -> None:
        reader, writer = await asyncio.open_unix_connection(await relay.path())
        for way, arrived in ((relay.requests, []), (relay.answers, [b"a"])):
            asked.clear()
            way.disturb([CUT, CUT])
            writer.write(b"a")
            way.disturb([CUT])
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.1)
            assert asked == arrived
            way.disturb([])
            assert await reader.read(1) == b"A"
        writer.close()

    through(tmp_path, script)


def test_a_relay_that_holds_lets_nothing_through_also_where_a_cut_is_mended_meanwhile(tmp_path: Any) -> None:
    async def script(relay: Relay) -> None:
        relay.hold(True)
        reader, writer = await asyncio.open_unix_connection(await relay.path())  # nobody is refused
        writer.write(b"a")
        relay.requests.disturb([CUT])
        relay.requests.disturb([])
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.1)
        assert asked == []
        relay.hold(False)
        assert await reader.read(1) == b"A"
        writer.close()

    through(tmp_path, script)


def test_a_way_that_is_slow_delivers_later_and_in_order(tmp_path: Any) -> None:
    async def script(relay: Relay) -> None:
        reader, writer = await asyncio.open_unix_connection(await relay.path())
        relay.requests.disturb([LATE])
        relay.answers.disturb([LATE])
        start = time.monotonic()
        writer.write(b"abc")
        assert await reader.read(3) == b"ABC"
        assert time.monotonic() - start >= 0.4 * 0.999
        writer.close()

    through(tmp_path, script)


def test_an_answer_that_is_lost_breaks_the_connection_after_the_request_was_heard(tmp_path: Any) -> None:
    async def script(relay: Relay) -> None:
        reader, writer = await asyncio.open_unix_connection(await relay.path())
        relay.replies_lost = True
        writer.write(b"a")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        assert asked == [b"a"]
        writer.close()
        relay.replies_lost = False
        reader, writer = await asyncio.open_unix_connection(await relay.path())
        writer.write(b"b")
        assert await reader.read(1) == b"B"
        writer.close()

    through(tmp_path, script)


def test_a_server_that_cannot_be_reached_ends_the_connection(tmp_path: Any) -> None:
    async def main() -> None:
        relay = Relay(lambda: asyncio.open_unix_connection(str(tmp_path / "nowhere")))
        reader, writer = await asyncio.open_unix_connection(await relay.path())
        writer.write(b"a")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        await relay.close()

    asyncio.run(main())


# --- a process that burns processor time -----------------------------------------------------------------------------
def test_the_process_server_does_the_work_whose_answer_is_lost() -> None:
    async def script() -> list[str | None]:
        server = ProcessServer(queue_limit=5)
        server.expect({"way", "cut_reply"})
        ends = []
        try:
            for yes in (False, True, False):
                server.lose_replies(yes)
                try:
                    await server.serve(0.01)
                    ends.append(None)
                except Exception as error:
                    ends.append(outcome_of(error))
            server.crash()
            try:
                await server.serve(0.01)
            except Exception as error:
                ends.append(outcome_of(error))
            server.restart()
            await server.serve(0.01)
        finally:
            await server.close()
        return ends

    assert asyncio.run(script()) == [None, "unknown", None, "fail"]


# --- PostgreSQL ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("postgresql://postgres@/postgres?host=/tmp/x", ("/tmp/x", 5432)),
        ("postgresql://me@db.example:6000/x", ("db.example", 6000)),
        ("postgresql:///x?host=/tmp/y&port=6001", ("/tmp/y", 6001)),
    ],
)
def test_a_relay_finds_the_server_that_a_url_names(url: str, address: tuple[str, int]) -> None:
    assert address_of(url) == address


async def add(db: PostgresDatabase) -> str | None:
    """Add one; None, or what is known of the outcome."""
    try:
        await db.update("count", {"id": 1}, {"n": Plus(1)})
    except Exception as error:
        return outcome_of(error)
    return None


async def count(db: PostgresDatabase) -> Any:
    return (await db.select("count"))[0]["n"]


def with_postgres(words: set[str], script: Callable[[PostgresDatabase], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        db = PostgresDatabase("db", connections=2)
        db.expect(words)
        try:
            await db.create_table("count", {"id": int, "n": int}, [{"id": 1, "n": 0}])
            await asyncio.wait_for(script(db), 90)
        finally:
            await db.close()

    asyncio.run(main())


@pytest.mark.live
@needs_postgres
def test_a_postgres_stands_still_dies_as_a_whole_and_comes_back_with_what_was_committed() -> None:
    async def script(db: PostgresDatabase) -> None:
        assert await add(db) is None
        root = db._own_server().pid
        db.pause()
        assert set(tree.family(root).values()) == {"T"}
        asking = asyncio.create_task(add(db))
        assert not (await asyncio.wait({asking}, timeout=0.3))[0]  # a child alone would have answered
        db.resume()
        assert await asking is None
        family = [psutil.Process(pid) for pid in tree.family(root)]
        db.pause()
        db.crash()  # also where it stands still
        assert not [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        assert await add(db) in ("fail", "unknown")
        await db.restart()
        assert db._own_server().pid != root
        for _ in range(2):
            await add(db)  # a connection of the pool may still be one to the dead
        found = await count(db)
        assert await add(db) is None
        assert await count(db) == found + 1 >= 3

    with_postgres({"crash", "pause"}, script)


@pytest.mark.live
@needs_postgres
def test_a_postgres_behind_a_relay_is_cut_off_slow_and_heard_of_no_more() -> None:
    async def script(db: PostgresDatabase) -> None:
        assert db.relay is not None
        assert await add(db) is None
        db.relay.requests.disturb([CUT])
        asking = asyncio.create_task(add(db))
        assert not (await asyncio.wait({asking}, timeout=0.2))[0]
        db.relay.requests.disturb([LATE])
        assert await asking is None
        db.relay.requests.disturb([])
        db.lose_replies(True)
        assert await add(db) == "unknown"
        db.lose_replies(False)
        assert await count(db) == 3

    with_postgres({"way", "cut_reply"}, script)


# --- Valkey ----------------------------------------------------------------------------------------------------------
@pytest.mark.live
@pytest.mark.skipif(missing("cache", "valkey") is not None, reason=str(missing("cache", "valkey")))
@pytest.mark.parametrize("durable", [False, True], ids=["in memory", "durable"])
def test_a_valkey_dies_comes_back_with_what_was_on_disk_and_loses_its_answers(durable: bool) -> None:
    async def attempt(asked: Coroutine[Any, Any, Any]) -> str | None:
        try:
            await asked
        except Exception as error:
            return outcome_of(error)
        return None

    async def main() -> None:
        cache = ValkeyCache("cache", durable=durable)
        cache.expect({"crash", "pause", "way", "cut_reply"})
        try:
            assert await cache.increment("n") == 1
            cache.pause()
            asking = asyncio.create_task(cache.increment("n"))
            assert not (await asyncio.wait({asking}, timeout=0.2))[0]
            cache.resume()
            assert await asking == 2
            cache.lose_replies(True)
            assert await attempt(cache.increment("n")) == "unknown"
            cache.lose_replies(False)
            assert await cache.get("n") == "3"
            cache.crash()
            assert await attempt(cache.get("n")) in ("fail", "unknown")
            await cache.restart()
            while await attempt(cache.get("n")):
                pass  # a connection of the pool may still be one to the dead
            assert await cache.get("n") == ("3" if durable else None)
        finally:
            await cache.close()

    asyncio.run(asyncio.wait_for(main(), 60))

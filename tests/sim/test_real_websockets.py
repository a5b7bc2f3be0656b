"""websockets, unmodified: a chat on simulated hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator

client_of = pytest.importorskip("websockets.asyncio.client")
server_of = pytest.importorskip("websockets.asyncio.server")
exceptions = pytest.importorskip("websockets.exceptions")
LATENCY_S = 0.025


class Chat:
    """Everybody hears what anybody says, and how many are in the room."""

    def __init__(self) -> None:
        self.room: list[object] = []

    async def main(self) -> None:
        self.room.clear()
        async with server_of.serve(self.talk, "0.0.0.0", 80, ping_interval=5.0, ping_timeout=5.0):
            await asyncio.Event().wait()

    async def talk(self, socket) -> None:
        self.room.append(socket)
        try:
            async for text in socket:
                await asyncio.gather(*(each.send(f"{len(self.room)}: {text}") for each in self.room))
        finally:
            self.room.remove(socket)


@pytest.fixture
def world() -> Iterator[tuple[Simulator, Host, Chat]]:
    with Simulator(3) as sim:
        sim.network.default = sim.network.default.__class__(latency=LATENCY_S)
        server = sim.host("chat")
        chat = Chat()
        server.start(chat.main)
        yield sim, server, chat


async def listen(heard: list[str], ended: list[str]) -> None:
    try:
        async with client_of.connect("ws://chat", ping_interval=5.0, ping_timeout=5.0, open_timeout=4.0) as socket:
            async for text in socket:
                heard.append(text)  # noqa: PERF401  (others read it meanwhile)
        ended.append("closed")
    except (exceptions.ConnectionClosedError, OSError, TimeoutError) as error:
        ended.append(type(error).__name__)


def test_everybody_hears_everything_one_latency_after_the_room_did(world) -> None:
    sim, _, _ = world
    heard: list[list[str]] = [[], []]
    when: list[float] = []

    async def speaker() -> None:
        async with client_of.connect("ws://chat") as socket:
            await asyncio.sleep(1.0)
            start = sim.now
            for text in ("hello", "who is here?"):
                await socket.send(text)
                await socket.recv()
                when.append(sim.now - start)

    for number, each in enumerate(heard):
        sim.host(f"listener {number}").create_task(listen(each, []))
    sim.run_until(sim.host("speaker").create_task(speaker()))
    assert when == [pytest.approx(2 * LATENCY_S), pytest.approx(4 * LATENCY_S)]
    assert heard == [["3: hello", "3: who is here?"]] * 2


def test_a_partition_is_noticed_by_pings_on_both_sides(world) -> None:
    sim, _, chat = world
    cut_off, near = sim.host("cut off"), sim.host("near")
    heard: list[str] = []
    ended: list[str] = []
    ended_near: list[str] = []
    cut_off.create_task(listen(heard, ended))
    near.create_task(listen([], ended_near))
    sim.faults.split(cut_off, at_s=12.0)
    sim.run(until=10.0)
    assert len(chat.room) == 2
    sim.run(until=60.0)
    assert ended == ["ConnectionClosedError"]
    assert len(chat.room) == 1
    assert ended_near == []


def test_connecting_through_a_partition_ends_with_the_callers_patience(world) -> None:
    sim, _, _ = world
    ended: list[str] = []
    sim.network.partition("lonely", "chat")
    sim.run_until(sim.host("lonely").create_task(listen([], ended)))
    assert ended == ["TimeoutError"]
    assert sim.now == pytest.approx(4.0)


@pytest.mark.parametrize("process_only", [True, False])
def test_a_crash_in_the_middle_empties_the_room_and_people_come_back(world, process_only: bool) -> None:
    sim, server, chat = world
    heard: list[str] = []
    losses: list[float] = []

    async def faithful() -> None:
        while True:
            try:
                async with client_of.connect(
                    "ws://chat", ping_interval=1.0, ping_timeout=1.0, open_timeout=1.0
                ) as socket:
                    while True:
                        await socket.send("still here")
                        heard.append(await socket.recv())
                        await asyncio.sleep(1.0)
            except (exceptions.ConnectionClosed, OSError, TimeoutError):
                losses.append(sim.now)
                await asyncio.sleep(0.5)

    sim.host("faithful").create_task(faithful())
    sim.faults.crash(server, at_s=5.5, for_s=3.0, process_only=process_only)
    sim.run(until=5.4)
    before = len(heard)
    sim.run(until=8.4)
    assert len(heard) == before
    sim.run(until=20.0)
    assert len(heard) > before
    assert losses
    # A reset is news when the connection is next used. Silence lasts until the restarted host is sent something again
    # and answers with a reset.
    assert losses[0] == pytest.approx(6.4 if process_only else 8.6, abs=0.1)
    assert len(chat.room) == 1

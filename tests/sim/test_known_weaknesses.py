"""Weaknesses that were seen in a neighbouring simulator, each shown to be absent from hosts and network.

The others have their tests where they belong: seeds and replicas in `test_determinism`, uncounted customers with the
servers, intervals and warm-up with the laboratory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator

LATENCY_S = 0.001


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(4) as one:
        one.network.default = one.network.default.__class__(latency=LATENCY_S)
        yield one


class Counter:
    """Serves in every way that a host can serve in, and counts what it served, and when."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.sim = host.sim
        self.served: list[tuple[str, float]] = []

    def start(self) -> None:
        self.host.start(self.messages, light=True)
        self.host.start(self.streams)
        self.host.start(self.datagrams)
        self.host.start(self.background)

    def count(self, way: str) -> None:
        self.served.append((way, self.sim.now))

    async def messages(self) -> None:
        async for message in self.host.inbox(1):
            await self.host.cpu.work(0.001)
            self.count("message")
            self.host.send(message.src, "answer", port=2)

    async def streams(self) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while line := await reader.readline():
                    self.count("stream")
                    writer.write(line)
            writer.close()

        async with await asyncio.start_server(talk, "0.0.0.0", 80) as server:
            await server.serve_forever()

    async def datagrams(self) -> None:
        count = self.count

        class Answer(asyncio.DatagramProtocol):
            def connection_made(self, transport: Any) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: Any) -> None:
                count("datagram")
                self.transport.sendto(data, addr)

        await asyncio.get_running_loop().create_datagram_endpoint(Answer, local_addr=("0.0.0.0", 53))

    async def background(self) -> None:
        while True:
            await asyncio.sleep(0.01)
            self.count("background")


def keep_asking(sim: Simulator, client: Host, server: Host, answered: list[tuple[str, float]]) -> None:
    """Ask in every way, every ten milliseconds, for ever."""

    async def by_message() -> None:
        inbox = client.inbox(2)
        while True:
            client.send(server, "question", port=1)
            if await inbox.get_within(0.01):
                answered.append(("message", sim.now))
                await sim.sleep(0.01)

    async def by_stream() -> None:
        while True:
            try:
                async with asyncio.timeout(0.05):
                    reader, writer = await asyncio.open_connection(server.name, 80)
                try:
                    while True:
                        writer.write(b"question\n")
                        async with asyncio.timeout(0.05):
                            if not await reader.readline():
                                break
                        answered.append(("stream", sim.now))
                        await asyncio.sleep(0.01)
                finally:
                    writer.close()
            except (OSError, TimeoutError):
                await asyncio.sleep(0.01)

    async def by_datagram() -> None:
        class Ask(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: Any) -> None:
                answered.append(("datagram", sim.now))

        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Ask, remote_addr=(server.name, 53))
        while True:
            transport.sendto(b"question")
            await asyncio.sleep(0.01)

    client.start(by_message, light=True)
    client.start(by_stream)
    client.start(by_datagram)


def ways(seen: list[tuple[str, float]], begin: float, end: float) -> set[str]:
    return {way for way, when in seen if begin <= when < end}


@pytest.mark.parametrize("process_only", [True, False])
def test_a_crashed_server_serves_nothing_until_it_is_restarted(sim: Simulator, process_only: bool) -> None:
    client, server = sim.host("client"), sim.host("server")
    counter = Counter(server)
    counter.start()
    answered: list[tuple[str, float]] = []
    keep_asking(sim, client, server, answered)
    sim.faults.crash(server, at_s=1.0, for_s=2.0, process_only=process_only)
    sim.run(until=4.0)
    all_ways = {"message", "stream", "datagram", "background"}
    assert ways(counter.served, 0.5, 1.0) == all_ways
    assert ways(counter.served, 1.0, 3.0) == set()
    assert ways(answered, 1.0 + 2 * LATENCY_S, 3.0) == set()
    assert ways(counter.served, 3.0, 4.0) == all_ways
    assert ways(answered, 3.0, 4.0) == all_ways - {"background"}


CUTS: dict[str, Callable[[Simulator], object]] = {
    "both ways": lambda sim: sim.network.partition("client", "server"),
    "from everybody": lambda sim: sim.network.partition("server"),
    "questions": lambda sim: sim.network.partition("client", "server", one_way=True),
    "answers": lambda sim: sim.network.partition("server", "client", one_way=True),
}


@pytest.mark.parametrize("name", CUTS)
def test_a_partition_cuts_messages_datagrams_and_connections_old_and_new(sim: Simulator, name: str) -> None:
    client, server = sim.host("client"), sim.host("server")
    counter = Counter(server)
    counter.start()
    answered: list[tuple[str, float]] = []
    keep_asking(sim, client, server, answered)
    sim.run(until=1.0005)
    partition: Any = CUTS[name](sim)
    sim.run(until=3.0)
    partition.heal()
    sim.run(until=7.0)
    networked = {"message", "stream", "datagram"}
    assert ways(answered, 0.5, 1.0) == networked
    assert ways(answered, 1.0005, 3.0) == set()
    assert ways(answered, 3.0, 7.0) == networked
    arrived = ways(counter.served, 1.0005, 3.0) - {"background"}
    if name == "answers":
        assert arrived >= {"message", "datagram"}  # the questions got through, and nobody will ever know
    else:
        assert arrived == set()
    assert ways(counter.served, 1.0, 3.0) >= {"background"}  # the server itself is well

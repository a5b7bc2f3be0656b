"""UDP as programs see it: refusals, and what a buffer holds, as counted on one Linux (6.18)."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.link import LinkSpec
from windtunnel.sim.sockets import BUFFER_BYTES, SimSocket, kept_bytes


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(3) as one:
        one.network.default = LinkSpec(latency=0.01)
        yield one


def on(host: Host, program: Any) -> Any:
    return host.sim.run_until(host.create_task(program()))


class Ears(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard: list[object] = []

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.heard.append(data)

    def error_received(self, exc: Exception) -> None:
        self.heard.append(type(exc))


@pytest.mark.parametrize("connected", [True, False])
def test_only_a_connected_socket_learns_that_nobody_is_at_a_port(sim: Simulator, connected: bool) -> None:
    sim.host("server")

    async def main() -> list[object]:
        loop = asyncio.get_running_loop()
        if connected:
            transport, ears = await loop.create_datagram_endpoint(Ears, remote_addr=("server", 9))
            transport.sendto(b"x")
        else:
            transport, ears = await loop.create_datagram_endpoint(Ears, local_addr=("0.0.0.0", 0))
            transport.sendto(b"x", ("server", 9))
        await asyncio.sleep(1)
        return ears.heard

    assert on(sim.host("client"), main) == ([ConnectionRefusedError] if connected else [])


def test_a_refusal_meets_the_next_call_once(sim: Simulator) -> None:
    async def main() -> None:
        sock: Any = socket.socket(type=socket.SOCK_DGRAM)
        with pytest.raises(OSError, match="Destination address required"):
            sock.send(b"x")
        sock.connect(("127.0.0.1", 9))
        assert sock.getsockname()[0] == "127.0.0.1"
        for _ in range(2):
            sock.send(b"x")
            await asyncio.sleep(0.1)
            with pytest.raises(ConnectionRefusedError):
                sock.recv(1)
            with pytest.raises(BlockingIOError):
                sock.recv(1)
        sock.send(b"x")
        await asyncio.sleep(0.1)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0

    on(sim.host("a"), main)


@pytest.mark.parametrize(
    ("size", "count"),
    [(0, 256), (100, 256), (400, 166), (1500, 92), (2000, 48), (4000, 25), (10000, 12), (20000, 10), (60000, 3)],
)
def test_datagrams_that_nobody_reads_are_kept_as_far_as_linux_keeps_them(sim: Simulator, size: int, count: int) -> None:
    server, client = sim.host("server"), sim.host("client")
    receiver = SimSocket(type=socket.SOCK_DGRAM, host=server)
    receiver.bind(("0.0.0.0", 53))
    assert receiver.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == BUFFER_BYTES
    sender = SimSocket(type=socket.SOCK_DGRAM, host=client)
    for _ in range(300):
        sender.sendto(bytes(size), ("server", 53))
    sim.run(until=1.0)
    assert len(receiver.datagrams) == count
    receiver.recvfrom(1)
    sender.sendto(bytes(size), ("server", 53))
    sim.run(until=2.0)
    assert len(receiver.datagrams) == count
    assert count * kept_bytes(size) <= BUFFER_BYTES


def test_a_paused_host_finds_no_more_datagrams_than_its_buffer_holds(sim: Simulator) -> None:
    server, client = sim.host("server"), sim.host("client")
    ears = Ears()

    async def listen() -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: ears, local_addr=("0.0.0.0", 53))

    on(server, listen)
    server.pause(1.0)
    sender = SimSocket(type=socket.SOCK_DGRAM, host=client)
    for _ in range(1000):
        sender.sendto(bytes(1000), ("server", 53))
    sim.run(until=2.0)
    assert len(ears.heard) == 92


def test_a_protocol_that_raises_on_one_datagram_gets_the_others(sim: Simulator) -> None:
    class Picky(Ears):
        def datagram_received(self, data: bytes, addr: Any) -> None:
            self.heard.append(data)
            if data == b"0":
                raise ValueError(data)

    async def main() -> list[object]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *_: None)
        transport, ears = await loop.create_datagram_endpoint(Picky, local_addr=("127.0.0.1", 0))
        for number in range(3):
            transport.sendto(b"%d" % number, transport.get_extra_info("sockname"))
        await asyncio.sleep(0.1)
        return ears.heard

    assert on(sim.host("a"), main) == [b"0", b"1", b"2"]

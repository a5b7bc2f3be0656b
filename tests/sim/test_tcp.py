"""TCP between asyncio programs: order, windows, half-close, resets, partitions, crashes; and UDP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.link import LinkSpec

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(2) as one:
        yield one


def serve(host: Host, talk: Talk, port: int = 80, address: str = "0.0.0.0") -> None:
    async def main() -> None:
        server = await asyncio.start_server(talk, address, port)
        async with server:
            await server.serve_forever()

    host.start(main)


async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read to the end, answer with the number of bytes, close."""
    data = await reader.read()
    writer.write(str(len(data)).encode())
    writer.close()


# --- bytes -----------------------------------------------------------------------------------------------------------
@settings(max_examples=30)
@given(
    st.lists(st.integers(0, 200_000), max_size=6),
    st.sampled_from([0.0, 0.05, 0.3]),
    st.sampled_from([1000, 1 << 16]),
    st.integers(0, 3),
)
def test_all_bytes_arrive_in_order_whatever_is_lost(sizes: list[int], loss: float, segment: int, seed: int) -> None:
    with Simulator(seed) as sim:
        a, b = sim.host("a"), sim.host("b")
        sim.network.connect(a, b, latency=lambda luck: luck.uniform(0.001, 0.1), loss=loss, reorder=0.1)
        sim.network.tcp = replace(sim.network.tcp, segment_bytes=segment, window_bytes=50_000)
        pieces = [bytes([index % 251]) * size for index, size in enumerate(sizes)]
        got: list[bytes] = []

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            got.append(await reader.read())
            writer.write(b"thanks")
            writer.close()

        async def send() -> bytes:
            reader, writer = await asyncio.open_connection("b", 80)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            return answer

        serve(b, talk)
        assert sim.run_until(a.create_task(send())) == b"thanks"
        assert got == [b"".join(pieces)]


def test_a_long_transfer_is_limited_by_window_over_round_trip(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, latency=0.050)
    window = sim.network.tcp.window_bytes

    async def send() -> float:
        reader, writer = await asyncio.open_connection("b", 80)
        start = sim.now
        writer.write(bytes(40 * window))
        writer.write_eof()
        assert await reader.read() == str(40 * window).encode()
        writer.close()
        return sim.now - start

    serve(b, swallow)
    assert sim.run_until(a.create_task(send())) == pytest.approx(40 * 0.1, rel=0.05)


def test_two_transfers_share_the_bandwidth(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.connect(a, b, latency=0.001, bandwidth_bytes_per_s=1e6)
    ends: list[float] = []

    async def send() -> None:
        reader, writer = await asyncio.open_connection("b", 80)
        for _ in range(100):
            writer.write(bytes(10_000))
            await writer.drain()
        writer.write_eof()
        await reader.read()
        writer.close()
        ends.append(sim.now)

    async def both() -> None:
        await asyncio.gather(send(), send())

    serve(b, swallow)
    sim.run_until(a.create_task(both()))
    assert ends == [pytest.approx(2.0, rel=0.1)] * 2


def test_a_reader_that_does_not_read_makes_the_writer_wait(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sent: list[int] = []

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(10.0)
        while await reader.read(1 << 20):
            pass
        writer.close()

    async def send() -> float:
        _, writer = await asyncio.open_connection("b", 80)
        for number in range(40):
            writer.write(bytes(100_000))
            await writer.drain()
            sent.append(number)
            if sim.now < 10:
                last = sim.now
        writer.close()
        return last

    serve(b, slow)
    task = a.create_task(send())
    sim.run(until=9.9)
    stuck = len(sent)
    assert 2 <= stuck < 10  # a window, the reader's buffer and the writer's high-water mark
    sim.run_until(task)
    assert len(sent) == 40
    assert sim.now > 10


def test_half_close_lets_the_answer_through(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("b", 80)
        writer.write(b"12345")
        writer.write_eof()
        answer = await reader.read()
        with pytest.raises(RuntimeError, match="write_eof"):
            writer.write(b"more")
        writer.close()
        await writer.wait_closed()
        return answer

    serve(b, swallow)
    assert sim.run_until(a.create_task(ask())) == b"5"
    sim.run()
    assert not a.ports.ends
    assert not b.ports.ends  # both sides have forgotten the connection


# --- connecting ------------------------------------------------------------------------------------------------------
def test_a_server_on_localhost_is_not_reached_from_elsewhere(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    serve(b, swallow, address="127.0.0.1")

    async def connect(name: str) -> None:
        _, writer = await asyncio.open_connection(name, 80)
        writer.close()

    sim.run_until(b.create_task(connect("localhost")))
    with pytest.raises(ConnectionRefusedError):
        sim.run_until(a.create_task(connect("b")))


def test_unknown_names_and_taken_ports_are_errors_as_elsewhere(sim: Simulator) -> None:
    a = sim.host("a")

    async def main() -> None:
        with pytest.raises(socket.gaierror, match="Name or service not known"):
            await asyncio.open_connection("nowhere", 80)
        with pytest.raises(OSError, match="No route to host"):
            await asyncio.open_connection("10.9.9.9", 80)
        async with await asyncio.start_server(swallow, "0.0.0.0", 80):
            with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
                await asyncio.start_server(swallow, "0.0.0.0", 80)
        async with await asyncio.start_server(swallow, "0.0.0.0", 80), await asyncio.start_server(swallow, port=0) as s:
            assert s.sockets[0].getsockname()[1] > 1024

    sim.run_until(a.create_task(main()))


def test_connecting_through_a_partition_gives_up_after_all_retries(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    serve(b, swallow)
    sim.network.partition(a)

    async def main() -> None:
        await asyncio.open_connection("b", 80)

    with pytest.raises(TimeoutError):
        sim.run_until(a.create_task(main()))
    assert 127 < sim.now < 127 * 17 / 16  # 1 + 2 + 4 + ... + 64 seconds, as Linux does, whose timers are coarse


def test_connecting_succeeds_once_the_partition_heals(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    serve(b, swallow)
    sim.faults.split(a, at_s=0.0, for_s=5.0)

    async def main() -> float:
        await asyncio.sleep(0.1)
        _, writer = await asyncio.open_connection("b", 80)
        writer.close()
        return sim.now

    assert sim.run_until(a.create_task(main())) == pytest.approx(7.3, abs=0.25)  # the third retry


def test_a_full_backlog_makes_clients_wait(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")

    async def main() -> None:
        await asyncio.start_server(swallow, "0.0.0.0", 80, backlog=2)

    b.start(main)
    sim.run(until=0.1)
    b.pause(10.0)
    done: list[float] = []

    async def connect() -> None:
        _, writer = await asyncio.open_connection("b", 80)
        done.append(sim.now)
        writer.close()

    for _ in range(4):
        a.create_task(connect())
    sim.run(until=9.0)
    assert len(done) == 3  # a queue takes one more than its backlog
    sim.run(until=60.0)
    assert len(done) == 4


def test_a_client_that_dies_with_its_handshake_under_way_frees_the_place_that_it_took(sim: Simulator) -> None:
    first, second, server = sim.host("first"), sim.host("second"), sim.host("server")
    sim.network.default = LinkSpec(latency=1.0)
    accepted: list[str] = []

    async def main() -> None:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted.append(writer.get_extra_info("peername")[0])
            writer.close()

        await asyncio.start_server(accept, "0.0.0.0", 80, backlog=0)

    async def connect(after_s: float) -> None:
        await asyncio.sleep(after_s)
        _, writer = await asyncio.open_connection("server", 80)
        await asyncio.sleep(5.0)
        writer.close()

    server.start(main)
    first.create_task(connect(0.0))
    second.create_task(connect(1.7))
    sim.faults.crash(first, at_s=2.5, process_only=True)  # after the answer came, before the last segment arrives
    sim.run(until=30.0)
    assert accepted == [first.address, second.address]


# --- partitions ------------------------------------------------------------------------------------------------------
async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        writer.write(line)
    writer.close()


def test_a_connection_stalls_in_a_partition_and_goes_on_after_it(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    serve(b, echo)

    async def main() -> tuple[list[bytes], float]:
        reader, writer = await asyncio.open_connection("b", 80)
        writer.write(b"one\n")
        lines = [await reader.readline()]
        with sim.network.partition(a):
            writer.write(b"two\nthree\n")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.readline(), 10.0)
        healed = sim.now
        lines += [await reader.readline(), await reader.readline()]
        writer.close()
        return lines, sim.now - healed

    lines, late = sim.run_until(a.create_task(main()))
    assert lines == [b"one\n", b"two\n", b"three\n"]
    assert 0 < late <= 12.8  # the next retry was due then: waits double


def test_a_connection_dies_when_nothing_gets_through_for_too_long(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.tcp = replace(sim.network.tcp, give_up_s=20.0)
    serve(b, echo)

    async def main() -> float:
        reader, writer = await asyncio.open_connection("b", 80)
        sim.network.partition(a)
        start = sim.now
        writer.write(b"hello?\n")
        with pytest.raises(TimeoutError):
            await reader.readline()
        writer.close()
        return sim.now - start

    assert sim.run_until(a.create_task(main())) == pytest.approx(25.6, abs=0.3)  # the first retry after 20 s


def test_acknowledgements_that_do_not_come_back_stall_the_sender(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    received: list[int] = []

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1 << 20):
            received.append(len(data))
        writer.close()

    serve(b, count)
    total = 10 * sim.network.tcp.window_bytes

    async def main() -> None:
        _, writer = await asyncio.open_connection("b", 80)
        writer.write(bytes(total))
        writer.close()
        await writer.wait_closed()

    sim.faults.cut(b, a, at_s=0.002, for_s=30.0)
    task = a.create_task(main())
    sim.run(until=29.0)
    assert 0 < sum(received) < total
    sim.run_until(task)
    sim.run(until=100.0)
    assert sum(received) == total


# --- crashes ---------------------------------------------------------------------------------------------------------
def crash_while_reading(sim: Simulator, **options: Any) -> tuple[str, float]:
    a, b = sim.host("a"), sim.host("b")
    serve(b, echo)
    sim.faults.crash(b, at_s=1.0, **options)

    async def main() -> tuple[str, float]:
        reader, writer = await asyncio.open_connection("b", 80)
        writer.write(b"before\n")
        assert await reader.readline() == b"before\n"
        try:
            data = await asyncio.wait_for(reader.readline(), 60.0)
            outcome = repr(data)
        except OSError as error:
            outcome = type(error).__name__
        writer.close()
        return outcome, round(sim.now, 3)

    return sim.run_until(a.create_task(main()))


def test_the_operating_system_of_a_killed_process_closes_its_connections(sim: Simulator) -> None:
    assert crash_while_reading(sim, process_only=True) == ("b''", 1.0)


def test_a_host_without_power_is_silent(sim: Simulator) -> None:
    assert crash_while_reading(sim) == ("TimeoutError", 60.002)


def test_a_restarted_host_resets_connections_that_it_does_not_know(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    serve(b, echo)
    sim.faults.crash(b, at_s=1.0, for_s=1.0)

    async def main() -> float:
        reader, writer = await asyncio.open_connection("b", 80)
        await asyncio.sleep(5.0)
        writer.write(b"do you know me?\n")
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        writer.close()
        return sim.now

    assert sim.run_until(a.create_task(main())) == pytest.approx(5.0, abs=0.01)


def test_a_writer_whose_peer_lost_its_power_with_a_full_window_gives_up(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    sim.network.tcp = replace(sim.network.tcp, give_up_s=30.0)

    async def never_read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(1000.0)

    serve(b, never_read)
    sim.faults.crash(b, at_s=5.0)

    async def main() -> float:
        _, writer = await asyncio.open_connection("b", 80)
        writer.write(bytes(2_000_000))
        with pytest.raises(OSError, match=r"timed out|lost"):
            await writer.drain()
        writer.close()
        return sim.now

    assert 30 < sim.run_until(a.create_task(main())) < 100


def test_closing_with_unread_bytes_resets_the_peer(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()
        await asyncio.sleep(1.0)
        writer.close()

    serve(b, rude)

    async def main() -> None:
        reader, writer = await asyncio.open_connection("b", 80)
        await asyncio.sleep(0.5)
        writer.write(b"you will not read this")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()

    sim.run_until(a.create_task(main()))


# --- protocols and datagrams -----------------------------------------------------------------------------------------
class Log(asyncio.Protocol):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.calls.append("made")

    def data_received(self, data: bytes) -> None:
        self.calls.append(data)

    def eof_received(self) -> bool:
        self.calls.append("eof")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self.calls.append(error and type(error))

    def pause_writing(self) -> None:
        self.calls.append("pause")

    def resume_writing(self) -> None:
        self.calls.append("resume")


def test_a_protocol_is_told_things_in_order_and_its_transport_knows_the_peer(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert writer.get_extra_info("peername")[0] == a.address
        writer.write(b"hello")
        await reader.readexactly(1_000_000)
        writer.close()

    serve(b, talk)

    async def main() -> list[object]:
        transport, log = await asyncio.get_running_loop().create_connection(Log, "b", 80)
        assert transport.get_extra_info("peername") == (b.address, 80)
        assert transport.get_extra_info("socket").family == socket.AF_INET
        transport.set_write_buffer_limits(high=10_000, low=1000)
        transport.write(bytes(1_000_000))
        assert transport.get_write_buffer_size() > 10_000
        await asyncio.sleep(1.0)
        assert transport.get_write_buffer_size() == 0
        assert transport.is_closing()
        return log.calls

    calls = sim.run_until(a.create_task(main()))
    assert calls == ["made", "pause", b"hello", "resume", "eof", None]


def test_datagrams_arrive_or_not_and_know_their_sender(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")
    got: list[tuple[bytes, str]] = []

    class Receive(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            got.append((data, addr[0]))
            self.transport.sendto(data.upper(), addr)

    async def server() -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(Receive, local_addr=("0.0.0.0", 53))
        await asyncio.Event().wait()

    class Ask(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.answers: list[bytes] = []

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.answers.append(data)

    async def main() -> list[bytes]:
        loop = asyncio.get_running_loop()
        transport, ask = await loop.create_datagram_endpoint(Ask, remote_addr=("b", 53))
        transport.sendto(b"one")
        with sim.network.partition(a):
            transport.sendto(b"two")
            await asyncio.sleep(1.0)
        transport.sendto(b"three")
        await asyncio.sleep(1.0)
        transport.close()
        return ask.answers

    b.start(server)
    assert sim.run_until(a.create_task(main())) == [b"THREE"]
    assert got == [(b"three", a.address)]  # the first was under way when the cut came


def test_low_level_sockets_work_through_the_loop(sim: Simulator) -> None:
    a, b = sim.host("a"), sim.host("b")

    async def server() -> None:
        loop = asyncio.get_running_loop()
        listening = socket.socket()
        listening.bind(("", 9))
        listening.listen()
        connection, peer = await loop.sock_accept(listening)
        assert peer[0] == a.address
        with connection:
            while data := await loop.sock_recv(connection, 3):
                await loop.sock_sendall(connection, data)

    async def main() -> bytes:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, ("b", 9))
            await loop.sock_sendall(sock, b"abcdefg")
            sock.shutdown(socket.SHUT_WR)
            parts = []
            while part := await loop.sock_recv(sock, 100):
                parts.append(part)
            return b"".join(parts)

    b.start(server)
    assert sim.run_until(a.create_task(main())) == b"abcdefg"

"""Sockets in the details that programs see. The numbers are what Linux does, as counted on one (6.18)."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Simulator
from windtunnel.sim.link import LinkSpec
from windtunnel.sim.ports import EPHEMERAL_PORTS
from windtunnel.sim.sandbox import NotSimulated
from windtunnel.sim.sockets import SimSocket


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(3) as one:
        one.network.default = LinkSpec(latency=0.01)
        yield one


def on(host: Host, program: Any) -> Any:
    return host.sim.run_until(host.create_task(program()))


async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


def listen_and_never_accept(host: Host, backlog: int) -> SimSocket:
    sock = SimSocket(host=host)
    sock.bind(("0.0.0.0", 80))
    sock.listen(backlog)
    return sock


# --- what stays when programs die ------------------------------------------------------------------------------------
def killed_server(sim: Simulator, *, unread: bytes = b"", partition_s: float = 0.0) -> tuple[object, float]:
    """What a client that only reads sees, and when, if the server's process is killed at second 1."""
    client, server = sim.host("client"), sim.host("server")

    async def serve() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(1))
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.sleep(1000)

        async with await asyncio.start_server(talk, None, 80) as it:
            await it.serve_forever()

    async def ask() -> tuple[object, float]:
        reader, writer = await asyncio.open_connection("server", 80)
        writer.write(b"x")
        await reader.readexactly(1)
        writer.write(unread)
        try:
            seen: object = await reader.read(1)
        except OSError as error:
            seen = type(error)
        writer.close()
        return seen, sim.now

    server.start(serve)
    if partition_s:
        sim.faults.split(client, server, at_s=0.5, for_s=partition_s)
    sim.faults.crash(server, at_s=1.0, process_only=True)
    return sim.run_until(client.create_task(ask()))


def test_kill_9_is_the_end_of_the_stream_to_who_reads(sim: Simulator) -> None:
    assert killed_server(sim) == (b"", pytest.approx(1.01))


def test_kill_9_is_a_reset_where_bytes_were_not_read(sim: Simulator) -> None:
    assert killed_server(sim, unread=b"question")[0] is ConnectionResetError


def test_the_end_comes_after_the_partition_in_which_the_process_died(sim: Simulator) -> None:
    seen, when = killed_server(sim, partition_s=20.0)
    assert seen == b""
    assert 20.5 < when < 40.0


def test_what_a_killed_process_had_written_still_arrives(sim: Simulator) -> None:
    client, server = sim.host("client"), sim.host("server")

    async def serve() -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"answer")
            server.sim.call_after(0, lambda: server.crash(process_only=True))
            await asyncio.sleep(1000)

        async with await asyncio.start_server(talk, None, 80) as it:
            await it.serve_forever()

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("server", 80)
        answer = await reader.read()
        writer.close()
        return answer

    server.start(serve)
    assert on(client, ask) == b"answer"
    sim.run(until=2.0)
    assert not server.ports.ends


@pytest.mark.parametrize("listens_again", [True, False])
@pytest.mark.parametrize("process_only", [True, False])
def test_a_repeated_syn_meets_whoever_listens_now(sim: Simulator, listens_again: bool, process_only: bool) -> None:
    client, server = sim.host("client"), sim.host("server")

    async def serve() -> None:
        if server.boots == 1 or listens_again:
            async with await asyncio.start_server(echo, "0.0.0.0", 80) as it:
                await it.serve_forever()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(5))
        writer.close()

    async def ask() -> object:
        try:
            reader, writer = await asyncio.open_connection("server", 80)
        except ConnectionRefusedError:
            return "refused"
        writer.write(b"hello")
        answer = await reader.read()
        writer.close()
        return answer

    server.start(serve)
    sim.run(until=0.1)
    answers_lost = sim.network.partition("server", "client", one_way=True)
    task = client.create_task(ask())
    sim.run(until=0.5)
    server.crash(process_only=process_only)
    server.restart()
    answers_lost.heal()
    assert sim.run_until(task) == (b"hello" if listens_again else "refused")
    assert 1.1 < sim.now < 1.3


def test_a_socket_of_before_a_crash_does_nothing_after_it(sim: Simulator) -> None:
    host = sim.host("a")
    sock = listen_and_never_accept(host, 1)
    datagram = SimSocket(type=socket.SOCK_DGRAM, host=host)
    host.crash(process_only=True)
    host.restart()
    for use in (sock.accept, lambda: datagram.sendto(b"x", ("127.0.0.1", 9)), lambda: sock.listen(2)):
        with pytest.raises(OSError, match="Bad file descriptor"):
            use()
    sock.close()
    listen_and_never_accept(host, 1)


# --- connecting ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("backlog", [0, 1, 2, 5])
def test_a_queue_that_nobody_accepts_from_takes_one_more_than_its_backlog(sim: Simulator, backlog: int) -> None:
    client = sim.host("client")
    listen_and_never_accept(sim.host("server"), backlog)
    connected: list[int] = []

    async def connect(number: int) -> None:
        await asyncio.get_running_loop().create_connection(asyncio.Protocol, "server", 80)
        connected.append(number)

    for number in range(10):
        client.create_task(connect(number))
    sim.run(until=20.0)
    assert len(connected) == backlog + 1


def storm(seed: int, clients: int, backlog: int) -> list[float]:
    """When each of so many clients that connect at one moment has its answer."""
    with Simulator(seed) as sim:
        server, client = sim.host("server"), sim.host("client")
        answered: list[float] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readline())
            writer.close()

        async def ask() -> None:
            reader, writer = await asyncio.open_connection("server", 80)
            writer.write(b"x\n")
            await reader.readline()
            answered.append(sim.now)
            writer.close()

        async def start() -> None:
            async with await asyncio.start_server(serve, None, 80, backlog=backlog) as it:
                await it.serve_forever()

        server.start(start)
        tasks = [client.create_task(ask()) for _ in range(clients)]
        sim.run(until=30.0)
        assert all(task.done() for task in tasks)
        return answered


def test_clients_that_all_connect_at_once_are_served_though_few_find_a_place_at_first() -> None:
    answered = storm(1, clients=400, backlog=50)
    assert len(answered) == 400
    assert sum(when < 0.9 for when in answered) == 51
    assert max(answered) < 1.2  # the others at their first retry, which is not in step
    assert len({round(when, 4) for when in answered}) > 100
    assert storm(1, 60, 5) == storm(1, 60, 5)
    assert storm(1, 60, 5) != storm(2, 60, 5)


def test_a_host_binds_its_own_name_where_others_find_it(sim: Simulator) -> None:
    server, client = sim.host("server"), sim.host("client")

    async def serve() -> None:
        async with await asyncio.start_server(hold, "server", 80) as it:
            await it.serve_forever()

    async def connect() -> Any:
        _, writer = await asyncio.open_connection("server", 80)
        writer.close()
        return writer.get_extra_info("peername"), writer.get_extra_info("sockname")[0]

    server.start(serve)
    assert on(client, connect) == ((server.address, 80), client.address)
    assert on(server, connect) == ((server.address, 80), server.address)


def test_the_address_of_all_addresses_is_as_a_target_this_host(sim: Simulator) -> None:
    async def main() -> list[Any]:
        async with await asyncio.start_server(hold, "0.0.0.0", 80):
            seen = []
            for target in ("0.0.0.0", "127.0.0.2"):
                _, writer = await asyncio.open_connection(target, 80)
                seen += [writer.get_extra_info("peername"), writer.get_extra_info("sockname")[0]]
                writer.close()
            return seen

    assert on(sim.host("a"), main) == [("127.0.0.1", 80), "127.0.0.1", ("127.0.0.2", 80), "127.0.0.1"]


def test_ports_end_and_no_two_connections_have_the_same_four_addresses(
    sim: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("windtunnel.sim.ports.EPHEMERAL_PORTS", 50)
    monkeypatch.setattr("windtunnel.sim.ports.LAST_EPHEMERAL_PORT", 32768 + 49)
    client, server = sim.host("client"), sim.host("server")

    async def serve() -> None:
        for port in (80, 81):
            await asyncio.start_server(hold, None, port)
        await asyncio.sleep(1000)

    async def main() -> None:
        writers = [(await asyncio.open_connection("server", 80))[1] for _ in range(50)]
        assert len({writer.get_extra_info("sockname") for writer in writers}) == 50
        with pytest.raises(OSError, match="Cannot assign requested address"):
            await asyncio.open_connection("server", 80)
        _, other = await asyncio.open_connection("server", 81)  # another pair of addresses has its own
        other.close()
        writers[7].close()  # closed here first: the port waits for a minute
        await asyncio.sleep(50)
        with pytest.raises(OSError, match="Cannot assign requested address"):
            await asyncio.open_connection("server", 80)
        await asyncio.sleep(11)
        writers.append((await asyncio.open_connection("server", 80))[1])
        assert writers[-1].get_extra_info("sockname") == writers[7].get_extra_info("sockname")
        for writer in writers:
            writer.close()

    server.start(serve)
    on(client, main)


def test_linux_has_28232_ports_for_who_asks_for_none() -> None:
    assert EPHEMERAL_PORTS == 28232


def test_a_bound_port_is_taken_whether_or_not_it_listens(sim: Simulator) -> None:
    host = sim.host("a")

    def bound(*options: int, address: tuple[str, int] = ("127.0.0.1", 80), kind: int = socket.SOCK_STREAM) -> SimSocket:
        sock = SimSocket(type=kind, host=host)
        for option in options:
            sock.setsockopt(socket.SOL_SOCKET, option, 1)
        sock.bind(address)
        return sock

    def taken(call: Any) -> None:
        with pytest.raises(OSError, match="Address already in use"):
            call()

    first = bound()
    taken(bound)
    taken(lambda: bound(address=("0.0.0.0", 80)))
    bound(address=("10.0.0.1", 80)).close()
    first.close()
    one, other = bound(socket.SO_REUSEADDR), bound(socket.SO_REUSEADDR)
    one.listen()
    taken(other.listen)
    taken(lambda: bound(socket.SO_REUSEADDR))
    one.close()
    other.listen()
    with pytest.raises(OSError, match="Cannot assign requested address"):
        bound(address=("10.0.0.99", 80))
    udp = socket.SOCK_DGRAM
    bound(socket.SO_REUSEADDR, kind=udp)
    bound(socket.SO_REUSEADDR, kind=udp)
    taken(lambda: bound(kind=udp))


def test_servers_that_share_a_port_share_its_connections(sim: Simulator) -> None:
    server, client = sim.host("server"), sim.host("client")
    served = [0, 0, 0]

    async def serve() -> None:
        def counts(number: int) -> Any:
            def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                served[number] += 1
                writer.close()

            return talk

        for number in range(3):
            await asyncio.start_server(counts(number), None, 80, reuse_port=True)
        with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
            await asyncio.start_server(hold, None, 80)
        await asyncio.sleep(1000)

    async def main() -> None:
        for _ in range(60):
            reader, writer = await asyncio.open_connection("server", 80)
            await reader.read()
            writer.close()

    server.start(serve)
    on(client, main)
    assert sum(served) == 60
    assert min(served) > 5


# --- small things ----------------------------------------------------------------------------------------------------
def test_a_pair_of_sockets_is_one_pipe_each_way(sim: Simulator) -> None:
    async def main() -> None:
        one: Any
        other: Any
        one, other = socket.socketpair()
        assert (one.family, one.getsockname(), one.getpeername()) == (socket.AF_UNIX, "", "")
        assert one.send(b"ping") == 4
        assert other.recv(100) == b"ping"  # at once
        with pytest.raises(BlockingIOError):
            other.recv(1)
        reader, writer = await asyncio.open_connection(sock=one)
        writer.write(bytes(1_000_000))
        got = 0
        while got < 1_000_000:
            got += len(await asyncio.get_running_loop().sock_recv(other, 1 << 16))
        other.sendall(b"thanks")
        other.close()
        assert await reader.read() == b"thanks"
        writer.close()
        with pytest.raises(NotSimulated, match="Only pairs of Unix stream sockets"):
            socket.socketpair(type=socket.SOCK_DGRAM)

    on(sim.host("a"), main)
    with pytest.raises(NotSimulated, match="belongs to a host"):
        sim.run_process(make_pair())


async def make_pair() -> None:
    socket.socketpair()


def test_a_server_socket_is_made_and_served(sim: Simulator) -> None:
    async def main() -> bytes:
        made: Any = socket.create_server(("127.0.0.1", 0), backlog=5)
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        loop = asyncio.get_running_loop()
        asking = asyncio.create_task(asyncio.open_connection(*made.getsockname()))
        accepted, _ = await loop.sock_accept(made)
        assert accepted.gettimeout() == 0
        reader, writer = await asking
        assert writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
        await loop.sock_sendall(accepted, b"hello")
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        answer = await reader.readexactly(5)
        accepted.close()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        return answer

    assert on(sim.host("a"), main) == b"hello"


def test_services_have_their_ports_and_datagrams_go_into_buffers(sim: Simulator) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with await asyncio.start_server(hold, "127.0.0.1", "http") as server:
            assert server.sockets[0].getsockname()[1] == 80
        assert (await loop.getaddrinfo("localhost", b"https"))[0][4] == ("127.0.0.1", 443)
        assert socket.getservbyname("domain") == 53
        assert socket.gethostbyname("a") == "10.0.0.1"
        with pytest.raises(socket.gaierror, match="Servname not supported"):
            await loop.getaddrinfo("localhost", "no such service")
        sock: Any = socket.socket(type=socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        await loop.sock_sendto(sock, b"self", sock.getsockname())
        buffer = bytearray(10)
        assert await loop.sock_recvfrom_into(sock, buffer) == (4, sock.getsockname())
        assert buffer[:4] == b"self"

    on(sim.host("a"), main)


# --- what things cost ------------------------------------------------------------------------------------------------
def test_a_large_write_is_not_copied_for_every_segment(sim: Simulator) -> None:
    client, server = sim.host("client"), sim.host("server")
    copied = 0

    class Counting(bytes):
        def __getitem__(self, key: Any) -> Any:
            nonlocal copied
            part = super().__getitem__(key)
            copied += len(part) if isinstance(part, bytes) else 0
            return part

    async def serve() -> None:
        async with await asyncio.start_server(hold, None, 80) as it:
            await it.serve_forever()

    async def main() -> None:
        sock: Any = socket.socket()
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("server", 80))
        sock.end.write(Counting(8_000_000))
        sock.shutdown(socket.SHUT_WR)
        assert await loop.sock_recv(sock, 1) == b""

    server.start(serve)
    on(client, main)
    assert copied <= 2 * 8_000_000


def test_a_port_is_found_without_a_look_at_all_others(sim: Simulator) -> None:
    host = sim.host("a")
    looks = 0

    class Counting(dict[int, Any]):
        def __contains__(self, key: object) -> bool:
            nonlocal looks
            looks += 1
            return super().__contains__(key)

        def __iter__(self) -> Iterator[int]:
            raise AssertionError("went through all ports")

    for table in (host.ports.datagrams, host.ports.streams):
        table._ports = Counting()
    kept = []
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        for _ in range(2000):
            sock = SimSocket(type=kind, host=host)
            sock.bind(("0.0.0.0", 0))
            kept.append(sock)
    assert looks <= 2 * len(kept)
    assert len({(sock.type, sock.getsockname()) for sock in kept}) == len(kept)


@pytest.mark.soak
def test_the_cost_of_connections_does_not_grow_with_their_number() -> None:
    import time

    def cost(clients: int) -> float:
        start = time.process_time()
        storm(1, clients, backlog=clients)
        return (time.process_time() - start) / clients

    cost(100)
    assert cost(8000) < 4 * cost(1000)

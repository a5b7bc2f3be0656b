"""Random programs under random faults: whatever comes together, nothing is corrupted, vanishes or goes back."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest

from windtunnel.parts import AdaptiveLifo, CoDel, RequestCoDel
from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Crashed, Process, Simulator
from windtunnel.sim.link import LinkSpec, exponential
from windtunnel.sim.network import TcpSettings
from windtunnel.sim.queues import Lock, Queue, Semaphore
from windtunnel.sim.servers.base import Dropped, Rejected, Withdrawn
from windtunnel.sim.servers.disciplines import Fifo, Lifo, Priority
from windtunnel.sim.servers.fifo import FifoServer
from windtunnel.sim.servers.processor_sharing import ProcessorSharingServer
from windtunnel.sim.servers.server import Server
from windtunnel.sim.trace import Trace


# --- connections -----------------------------------------------------------------------------------------------------
def connections(seed: int, seconds: float) -> tuple[str, int]:
    """Clients and servers on four hosts send, read, abort and give up; the digest, and how many connected."""
    luck = Random(seed)
    sent: dict[int, bytes] = {}

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = b""
        try:
            key = int(await reader.readexactly(8))
            while data := await reader.read(luck.choice([10, 1000])):
                received += data
                assert sent[key].startswith(received)
                if luck.random() < 0.1:
                    await asyncio.sleep(luck.random())
                if luck.random() < 0.05:
                    writer.transport.abort()
                if luck.random() < 0.05:
                    return
                if luck.random() < 0.5:
                    writer.write(data)
                    await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def serve() -> None:
        await asyncio.start_server(talk, port=80, backlog=luck.choice([1, 2, 100]))

    async def client(hosts: list[Host]) -> None:
        while True:
            await asyncio.sleep(luck.expovariate(3))
            opening = asyncio.open_connection(luck.choice(hosts).name, 80)
            try:
                reader, writer = await asyncio.wait_for(opening, luck.choice([0.03, 0.5, 100]))
            except (OSError, TimeoutError):
                continue
            key = len(sent)
            sent[key] = b""
            try:
                writer.write(b"%08d" % key)
                for _ in range(luck.randrange(8)):
                    data = bytes([luck.randrange(256)]) * luck.randrange(1, 2500)
                    sent[key] += data
                    writer.write(data)
                    if luck.random() < 0.5:
                        await asyncio.wait_for(writer.drain(), 1)
                    if luck.random() < 0.3:
                        await asyncio.wait_for(reader.read(1000), 0.5)
                if luck.random() < 0.3:
                    writer.write_eof()
                if luck.random() < 0.2:
                    writer.transport.abort()
            except (OSError, TimeoutError):
                pass
            finally:
                writer.close()

    with Simulator(seed, Trace(10)) as sim:
        sim.network.tcp = TcpSettings(
            window_bytes=2000, segment_bytes=300, give_up_s=luck.choice([5.0, 60.0]), syn_retries=luck.choice([1, 3])
        )
        sim.network.default = LinkSpec(
            latency=exponential(0.02, 0.001),
            loss=luck.choice([0, 0.1]),
            bandwidth_bytes_per_s=luck.choice([None, 50_000]),
            queue_limit_bytes=luck.choice([None, 3000]),
            reorder=0.1,
        )
        hosts = [sim.host(f"h{i}", clock_drift_ppm=luck.choice([0, 50_000, -50_000])) for i in range(4)]
        for host in hosts:
            host.start(serve)
            host.start(client, hosts)
            host.start(client, hosts)
        storm(sim, hosts, luck, seconds)
        before = -1
        for second in range(1, round(seconds) + 10):
            sim.run(second)  # raises what an entry point raised, and what `talk` asserts
            assert sim.now_ns > before
            before = sim.now_ns
        assert sim.trace is not None
        return sim.trace.digest, len(sent)


def storm(sim: Simulator, hosts: list[Host], luck: Random, seconds: float) -> None:
    """Faults of every kind, that overlap."""
    faults, at_s = sim.faults, 0.0
    while at_s < seconds:
        at_s += luck.expovariate(0.5)
        host, other, for_s = luck.choice(hosts), luck.choice(hosts), luck.expovariate(0.5)
        others = None if other is host else other
        match luck.randrange(8):
            case 0:
                faults.crash(host, at_s=at_s, for_s=for_s)
            case 1:
                faults.crash(host, at_s=at_s, for_s=for_s, process_only=True)
            case 2:
                faults.pause(host, at_s=at_s, for_s=for_s)
            case 3:
                luck.choice([faults.split, faults.cut])(host, others, at_s=at_s, for_s=for_s)
            case 4:
                faults.slow(host, other, by_s=luck.random(), at_s=at_s, for_s=for_s)
            case 5:
                faults.storm(host, other, loss=luck.random(), at_s=at_s, for_s=for_s)
            case 6:
                faults.skew(host, drift_ppm=luck.uniform(-1e5, 1e5), at_s=at_s)
            case _:
                faults.slow(host, to=luck.uniform(0.1, 2), at_s=at_s, for_s=for_s)


@pytest.mark.parametrize("seed", [36, 1])
def test_bytes_arrive_in_order_and_uncorrupted_in_any_storm(seed: int) -> None:
    digest, connected = connections(seed, 20.0)
    assert connected > 50
    assert connections(seed, 20.0) == (digest, connected)


@pytest.mark.soak
def test_bytes_arrive_in_order_and_uncorrupted_in_a_hundred_storms() -> None:
    for seed in range(100):
        connections(seed, 60.0)


# --- servers, locks and queues ---------------------------------------------------------------------------------------
def customers(seed: int, seconds: float) -> tuple[str, dict[str, int]]:
    """Customers of all kinds of servers, who give up, withdraw, are cancelled and killed; the digest and the ends."""
    luck = Random(seed)
    ends: dict[str, int] = {}
    with Simulator(seed, Trace(10)) as sim:
        hosts = [sim.host(f"h{i}") for i in range(3)]
        servers = [luck.choice([fifo, disciplined, shared])(sim, f"s{i}", luck) for i in range(4)]
        locks = [Lock(sim, f"lock {i}") for i in range(2)]
        semaphore, queue = Semaphore(sim, 2), Queue[int](sim, 3)

        async def customer(server: Any) -> None:
            try:
                match luck.randrange(6):
                    case 0:
                        await server.serve(luck.expovariate(2))
                    case 1:
                        await server.serve(luck.choice([0, 0.5, 0.25]))
                    case 2:
                        job = server.submit(luck.expovariate(2))
                        if not await job.within(luck.choice([-0.1, 0, 0.3])) and hasattr(job, "withdraw"):
                            job.withdraw()
                    case 3:
                        async with luck.choice(locks):
                            await server.serve(0.1)
                    case 4:
                        await semaphore.acquire(0.5)
                        try:
                            await server.serve(0.1)
                        finally:
                            semaphore.release()
                    case _:
                        await (queue.put(1, 0.5) if luck.random() < 0.5 else queue.get(0.5))
                end = "ok"
            except (Rejected, Dropped, Crashed, Withdrawn, TimeoutError) as error:
                end = type(error).__name__
            ends[end] = ends.get(end, 0) + 1

        async def impatient(server: Any) -> None:
            try:
                await asyncio.wait_for(customer(server), luck.choice([0.1, 0.5, 100]))
            except TimeoutError:
                ends["impatient"] = ends.get("impatient", 0) + 1

        async def source() -> None:
            started: list[Any] = []
            while sim.now < seconds:
                await sim.sleep(luck.choice([0, 0.25, 0.1, luck.expovariate(5)]))
                server, host = luck.choice(servers), luck.choice([None, *hosts])
                if host is not None and host.down:
                    continue
                if host is not None and luck.random() < 0.5:
                    started.append(host.create_task(impatient(server)))
                else:
                    started.append(sim.spawn(customer(server), host=host, daemon=True))
                soon = sim.now + luck.choice([0, 0.25, luck.random()])
                if luck.random() < 0.2:
                    sim.faults.at(soon, luck.choice(started).cancel)
                if luck.random() < 0.05 and isinstance(started[-1], Process):
                    sim.faults.at(soon, started[-1].kill)

        sim.spawn(source(), daemon=True)
        at_s = 0.0
        while at_s < seconds:
            at_s += luck.choice([0.25, 0.5, luck.expovariate(2)])
            server, host, for_s = (
                luck.choice(servers),
                luck.choice(hosts),
                luck.choice([0.25, 0.5, luck.expovariate(1)]),
            )
            match luck.randrange(7):
                case 0:
                    sim.faults.at(at_s, server.set_speed, luck.choice([0, 0.1, 0.5, 2]))
                case 1:
                    sim.faults.at(at_s, server.pause)
                    sim.faults.at(at_s + for_s, server.resume)
                case 2:
                    sim.faults.at(at_s, server.crash)
                    sim.faults.at(at_s + for_s, server.restart)
                case 3:
                    sim.faults.pause(host, at_s=at_s, for_s=for_s)
                case 4:
                    sim.faults.crash(host, at_s=at_s, for_s=for_s)
                case _:
                    sim.faults.at(at_s, server.set_speed, 1)
        readings = [server.read() for server in servers]
        for step in range(1, round(seconds)):
            sim.run(step * 0.77)
            before, readings = readings, [server.read() for server in servers]
            for earlier, now in zip(before, readings, strict=True):
                assert now.balanced
                assert now.inside_ns >= earlier.inside_ns
                assert 0 <= now.busy_ns - earlier.busy_ns <= now.workers * (now.now_ns - earlier.now_ns)
        sim.run(seconds + 10)
        for server in servers:
            server.restart()
            server.resume()
            server.set_speed(1)
        sim.run()
        for server in servers:
            assert server.read().balanced
            assert not server.inside
        assert sim.trace is not None
        return sim.trace.digest, ends


def fifo(sim: Simulator, name: str, luck: Random) -> Any:
    return FifoServer(sim, name, workers=luck.choice([1, 2, 3]), queue_limit=luck.choice([None, 0, 2, 5]))


def disciplined(sim: Simulator, name: str, luck: Random) -> Any:
    kinds: list[Any] = [Fifo, Lifo, Priority, lambda: CoDel(0.05, 0.5), lambda: RequestCoDel(0.05, 0.5)]
    discipline = luck.choice([*kinds, lambda: AdaptiveLifo(0.3, 2.0)])()
    return Server(sim, name, workers=luck.choice([1, 2]), queue_limit=luck.choice([None, 5]), discipline=discipline)


def shared(sim: Simulator, name: str, luck: Random) -> Any:
    return ProcessorSharingServer(sim, name, workers=luck.choice([1, 2]), queue_limit=luck.choice([None, 3]))


@pytest.mark.parametrize("seed", range(20))
def test_no_customer_vanishes_in_any_storm_and_all_leave_after_it(seed: int) -> None:
    first = customers(seed, 30.0)
    assert sum(first[1].values()) > 50
    assert customers(seed, 30.0) == first


@pytest.mark.soak
def test_no_customer_vanishes_in_two_thousand_storms() -> None:
    for seed in range(2000):
        customers(seed, 40.0)

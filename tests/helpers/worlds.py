"""Whole simulations, for the tests of determinism: run as a script it prints the digest of one.

cd tests && python -m helpers.worlds light 7
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable

from windtunnel.sim.kernel import Simulator
from windtunnel.sim.link import exponential, lognormal
from windtunnel.sim.trace import Trace


def light(sim: Simulator) -> None:
    """A modelled client, three modelled servers, everything wrong with the network, a crash and a pause."""
    client = sim.host("client")
    servers = [sim.host(f"server {number}", cores=2) for number in range(3)]
    for server in servers:
        sim.network.connect(client, server, latency=lognormal(0.001, 0.01), loss=0.02, duplicate=0.02, reorder=0.05)

        async def serve(server=server) -> None:
            async for message in server.inbox():
                await server.cpu.work(sim.luck("service").expovariate(200.0))
                server.send(client, message.body, 100)

        server.start(serve, light=True)

    async def request(number: int) -> None:
        client.send(sim.luck("choice").choice(servers), number, 500)

    async def feed() -> None:
        for number in range(300):
            await sim.sleep(sim.random("arrivals").expovariate(100.0))
            client.spawn(request(number), request=number)

    client.inbox()
    sim.spawn(feed())
    sim.faults.crash(servers[0], at_s=0.8, for_s=0.5)
    sim.faults.pause(servers[1], at_s=1.0, for_s=0.3)
    sim.faults.split(client, servers[2], at_s=1.2, for_s=0.4)
    sim.run(until=5.0)


def streams(sim: Simulator) -> None:
    """asyncio streams, tasks in sets, timeouts, random sources, a crash."""
    sim.network.default = sim.network.default.__class__(latency=exponential(0.005, 0.001), loss=0.01)

    async def serve() -> None:
        import random
        import uuid

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                await asyncio.sleep(random.expovariate(100.0))
                writer.write(line.strip() + f" {uuid.uuid4()} {random.random()}\n".encode())
            writer.close()

        async with await asyncio.start_server(talk, "0.0.0.0", 80) as server:
            await server.serve_forever()

    async def ask(number: int) -> None:
        try:
            async with asyncio.timeout(0.5):
                reader, writer = await asyncio.open_connection("server", 80)
                try:
                    writer.write(b"%d\n" % number)
                    await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            await asyncio.sleep(0.1)

    async def ask_many() -> None:
        for _ in range(10):
            waiting = {asyncio.create_task(ask(number)) for number in range(8)}
            while waiting:
                _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    server = sim.host("server")
    server.start(serve)
    sim.faults.crash(server, at_s=0.15, for_s=0.1)
    sim.run_until(sim.host("client").create_task(ask_many()))


def http(sim: Simulator) -> None:
    """httpx to uvicorn and Starlette, with aiohttp beside them, and redis.asyncio behind."""
    import aiohttp
    import httpx
    import uvicorn
    from redis.asyncio import Redis
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from helpers.resp_server import RespServer

    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    sim.network.default = sim.network.default.__class__(latency=exponential(0.003, 0.001))
    web, cache = sim.host("web"), sim.host("cache")
    cache.start(RespServer().serve)

    async def main() -> None:
        async def visit(request) -> JSONResponse:
            return JSONResponse({"visits": await redis.incr("visits")}, headers={"x-id": str(request.url)})

        async with Redis(host="cache", protocol=2) as redis:
            app = Starlette(routes=[Route("/{name}", visit)])
            await uvicorn.Server(uvicorn.Config(app, "0.0.0.0", 80, log_config=None, access_log=False)).serve()

    async def by_httpx() -> None:
        async with httpx.AsyncClient(base_url="http://web") as client:
            for _ in range(3):
                await asyncio.gather(*(client.get(f"/{number}") for number in range(4)))

    async def by_aiohttp() -> None:
        async with aiohttp.ClientSession("http://web") as client:
            for _ in range(3):
                async with client.get("/aiohttp") as response:
                    await response.read()

    running = web.start(main)
    sim.run(until=1.0)
    tasks = [sim.host("one").create_task(by_httpx()), sim.host("two").create_task(by_aiohttp())]
    for task in tasks:
        sim.run_until(task)
    running.cancel()
    sim.run(until=sim.now + 1.0)


WORLDS: dict[str, Callable[[Simulator], None]] = {"light": light, "streams": streams, "http": http}


def digest(world: str, seed: int) -> str:
    trace = Trace()
    with Simulator(seed, trace) as sim:
        WORLDS[world](sim)
    assert trace.count > 50
    return f"{trace.count} {trace.digest}"


if __name__ == "__main__":
    print(digest(sys.argv[1], int(sys.argv[2])))

"""Unmodified asyncio streams on simulated hosts."""

from __future__ import annotations

import asyncio

import pytest

from windtunnel.sim.kernel import Simulator


async def echo() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(b"echo " + line)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "0.0.0.0", 7)
    async with server:
        await server.serve_forever()


async def ask(words: list[bytes], host: str = "server") -> list[bytes]:
    reader, writer = await asyncio.open_connection(host, 7)
    answers = []
    for word in words:
        writer.write(word + b"\n")
        answers.append(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return answers


def test_a_conversation_takes_one_round_trip_a_line_and_one_to_connect() -> None:
    with Simulator() as sim:
        client, server = sim.host("client"), sim.host("server")
        sim.network.connect(client, server, latency=0.010)
        server.start(echo)
        answers = sim.run_until(client.create_task(ask([b"a", b"b", b"c"])))
    assert answers == [b"echo a\n", b"echo b\n", b"echo c\n"]
    assert sim.now == pytest.approx(4 * 0.020)


def test_nobody_listening_refuses_the_connection() -> None:
    with Simulator() as sim:
        sim.host("server")
        with pytest.raises(ConnectionRefusedError):
            sim.run_until(sim.host("client").create_task(ask([b"a"])))

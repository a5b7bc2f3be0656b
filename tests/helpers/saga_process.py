"""Coordinators of saga as real processes, which `kill -9` themselves at a place; their services, on real databases."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from helpers.killed_process import Forker
from windtunnel.blocks.ground import DiskFiles
from windtunnel.catalogue.scale import saga
from windtunnel.catalogue.scale.saga.desk import FOLDER, Desk, Program, Watched
from windtunnel.catalogue.scale.saga.episodes import Episode, rows
from windtunnel.catalogue.scale.saga.services import Service
from windtunnel.catalogue.scale.saga.world import PATIENCE_S, PRICE, SERVICES, Order
from windtunnel.lab.stage import open_stage


# --- the coordinator's process -------------------------------------------------------------------------------------
class Life:
    """What a program gets in the place of a desk: this process, its disk, and a connection to the services."""

    def __init__(self, folder: str, place: int, writer: asyncio.StreamWriter) -> None:
        self.place, self.writer = place, writer
        self.machine = SimpleNamespace(disk=DiskFiles(folder), syncs=0)
        self.handles: list[object] = []
        self.reached = 0
        self.counting = False
        self.answers: dict[int, asyncio.Future[bool]] = {}
        self.files = Watched(cast("Desk", self), FOLDER)

    def here(self) -> None:
        if self.counting:
            self.reached += 1
            if self.reached == self.place:
                os.kill(os.getpid(), signal.SIGKILL)

    async def offload(self, sync: Any) -> None:
        sync()

    async def call(self, to: str, what: str, order: Order, key: str = "", *, within_s: float = 10 * PATIENCE_S) -> bool:
        """As the desk's; a busy machine is given more time."""
        self.here()
        number = len(self.answers)
        self.answers[number] = asyncio.get_running_loop().create_future()
        self.say({"call": number, "to": to, "what": what, "order": order, "key": key})
        async with asyncio.timeout(max(within_s, 10 * PATIENCE_S)):
            answer = await self.answers[number]
        self.here()
        return answer

    def say(self, what: Mapping[str, Any]) -> None:
        # Straight into the socket: what was sent before a kill has been sent.
        os.write(self.writer.get_extra_info("socket").fileno(), json.dumps(what).encode() + b"\n")


async def live(design: str, folder: str, port: int, place: int) -> None:
    """One life: go on with what is on the disk, then serve orders until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    life = Life(folder, place, writer)
    terms = SimpleNamespace(patience_s=30.0)
    program: Program = saga.experiment.designs[design](None, terms)  # type: ignore[arg-type, assignment]
    program.boot(cast("Desk", life))
    tasks = set()

    async def serve(order: Order) -> None:
        said = await program.order(order)
        life.here()
        life.say({"told": said, "order": order})

    async def recover() -> None:
        await program.recover()
        life.say({"ready": True})

    tasks.add(asyncio.create_task(recover()))
    async for line in reader:
        told = json.loads(line)
        if "answer" in told:
            answer = life.answers[told["call"]]
            if not answer.done():
                answer.set_result(told["answer"])
        else:
            life.counting = True
            tasks.add(asyncio.create_task(serve(Order(*told["order"]))))
    os._exit(0)


# --- the world around it -------------------------------------------------------------------------------------------
class Coordinator:
    """A coordinator's process, as clients and services see it."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.folder = world, world.folder / name
        self.told: dict[int, bool] = {}
        self.connected: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def open(self) -> None:
        self.forker = Forker("saga_process", self.serve)
        await self.forker.open()

    async def close(self) -> None:
        await self.forker.close()

    async def begin(self, place: int = 0) -> None:
        """Let a life begin, and go on with what it finds."""
        self.ready = asyncio.Event()
        self.forker.begin(design=self.world.design, folder=str(self.folder), place=place)
        self.writer = await self.connected.get()

    async def end(self) -> int:
        """Let go of it; which signal has ended it."""
        self.writer.close()
        return await self.forker.ended()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry out what the process asks, twice where messages come twice; its death ends the connection."""
        self.gone = asyncio.Event()
        self.connected.put_nowait(writer)
        with suppress(ConnectionError):
            async for line in reader:
                asked = json.loads(line)
                if "told" in asked:
                    self.told[asked["order"][0]] = asked["told"]
                    self.gone.set()
                elif "ready" in asked:
                    self.ready.set()
                else:
                    self.world.carry(asked, writer)
        self.gone.set()

    async def ask(self, order: Order) -> bool | None:
        """What a client is told; None where the process died."""
        self.gone.clear()
        self.writer.write(json.dumps({"order": order}).encode() + b"\n")
        await self.gone.wait()
        return self.told.get(order.number)


class World:
    """Three services on real databases, and what they are asked.

    Args:
        engine: "sqlite" or "postgres".
        twice: whether each message comes twice, its copy when the order is over.
    """

    def __init__(self, engine: str, design: str, episodes: list[Episode], folder: Path, *, twice: bool) -> None:
        self.design, self.episodes, self.folder, self.twice = design, episodes, folder, twice
        self.stage = open_stage(engine, 0)
        self.services: dict[str, Service] = {}
        self.tasks: set[asyncio.Task[None]] = set()
        self.late: list[Mapping[str, Any]] = []
        kind: Any = saga.experiment.designs[design]
        self.dbs = {name: self.stage.database(name, connections=8) for name in SERVICES}
        self.services = {name: kind.service(self.stage, name, db) for name, db in self.dbs.items()}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[tuple[Coordinator, Coordinator]]:
        for name, db in self.dbs.items():
            await db.create_table(name, {"id": int, "left": int, "out": int}, rows(self.episodes, name))
            await self.services[name].start()
        one, two = Coordinator(self, "one"), Coordinator(self, "two")
        try:
            await asyncio.gather(one.open(), two.open())
            yield one, two
        finally:
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(one.close(), two.close())
            await self.stage.close()

    def carry(self, asked: Mapping[str, Any], writer: asyncio.StreamWriter | None) -> None:
        task = asyncio.create_task(self.handle(asked, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        if self.twice and writer is not None:
            self.late.append(asked)

    async def handle(self, asked: Mapping[str, Any], writer: asyncio.StreamWriter | None) -> None:
        answer = await self.services[asked["to"]].handle(asked["what"], Order(*asked["order"]), asked["key"])
        if writer is not None and not writer.is_closing():
            writer.write(json.dumps({"call": asked["call"], "answer": answer}).encode() + b"\n")

    async def flush(self) -> None:
        """What was late comes, and all that is under way ends."""
        while self.tasks or self.late:
            if self.tasks:
                await asyncio.wait(self.tasks)
            elif self.late:
                self.carry(self.late.pop(0), None)

    async def torn(self, episode: Episode, told: bool | None) -> bool:
        """Whether an order is half done, or other than its client was told."""
        number = episode.order(0).number
        piece, paid, parcel = [
            (await self.dbs[name].get(name, episode.order(0).row(name)) or {})["out"] for name in SERVICES
        ]
        other = [
            (await self.dbs[name].get(name, episode.order(1).number) or {})["out"] for name in ("money", "parcels")
        ]
        assert number >= 0
        done = [(paid, parcel) == (PRICE, 1), other == [PRICE, 1]]
        whole = (done[0] or (paid, parcel) == (0, 0)) and (done[1] or other == [0, 0])
        return not whole or piece != sum(done) or (told is not None and told is not done[0])


async def timed(coordinator: Coordinator, order: Order) -> float:
    """For how many seconds a client waits until he is told."""
    began = asyncio.get_running_loop().time()
    assert await coordinator.ask(order) is not None
    return asyncio.get_running_loop().time() - began


async def found_in(
    engine: str, design: str, episodes: list[Episode], folder: Path, *, twice: bool, down_s: float = 0.2
) -> tuple[int, int, list[float]]:
    """Kill a coordinator at each place: how often it died, how often an order is torn, how long somebody waited."""
    world = World(engine, design, episodes, folder, twice=twice)
    killed, torn, waited_s = 0, 0, []
    ended = set()
    async with world.open() as (one, two):
        await two.begin()
        for episode in episodes:
            if episode.kind in ended:
                continue
            shutil.rmtree(one.folder, ignore_errors=True)
            await one.begin(episode.trouble.place)
            await one.ready.wait()
            told = await one.ask(episode.order(0))
            dead = told is None
            other = asyncio.create_task(timed(two, episode.order(1)))
            if dead:
                assert await one.end() == signal.SIGKILL
                await asyncio.sleep(down_s)
                await one.begin()
                await one.ready.wait()
            seconds = await other
            await world.flush()
            if dead:
                killed += 1
                torn += await world.torn(episode, told)
                waited_s.append(seconds)
            else:
                assert not await world.torn(episode, told) or design in ("in_memory", "logged")
                ended.add(episode.kind)
            await one.end()
        await two.end()
    return killed, torn, waited_s

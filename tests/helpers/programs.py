"""Random programs for the tunnel, each a function of its number: what they did, to the byte.

Run as a script with two numbers, it prints what the programs of that range did, a line each: so the compiled tier is
compared with the pure one, which lives in another process.
"""

from __future__ import annotations

import asyncio
import math
import sys
from contextvars import ContextVar, copy_context
from fractions import Fraction
from hashlib import blake2b
from random import Random
from typing import Any

from windtunnel.sim import Crashed, Deadlock, FifoServer, Lock, Process, Queue, Semaphore, Server, Simulator
from windtunnel.sim.trace import Trace

SHORT_S = (0.0, 1e-9, 0.5e-9, 1.5e-9, 0.001, 0.002, 0.01, 0.1)
ODD_S = (-1.0, 0, 1, True, math.inf, math.nan, Fraction(1, 500), 1e300, "soon", None)
colour: ContextVar[str] = ContextVar("colour", default="none")


class Program:
    """One random program: light processes and tasks of hosts that wait, work, queue, fail, cancel and are struck."""

    def __init__(self, number: int) -> None:
        self.random = Random(number)
        self.sim = Simulator(number, Trace() if self.random.random() < 0.4 else None)
        self.log: list[str] = []
        sim, random = self.sim, self.random
        self.signals = [sim.signal(f"signal {i}") for i in range(4)]
        self.fifo = FifoServer(
            sim, "fifo", workers=random.choice([1, 1, 3]), queue_limit=random.choice([None, None, 4])
        )
        self.server = Server(sim, "server", workers=2, queue_limit=random.choice([None, 6]))
        self.lock, self.permits = Lock(sim, "lock"), Semaphore(sim, 2, "permits")
        self.queue: Queue[int] = Queue(sim, limit=random.choice([None, 2]))
        self.hosts = [sim.host(f"host {i}", clock_drift_ppm=random.choice([0.0, 0.0, 200.0])) for i in range(2)]
        self.started: list[Any] = []

    def say(self, who: str, what: object) -> None:
        sim = self.sim
        self.log.append(f"{sim.now_ns} {who} {what} {sim.request} {getattr(sim.here, 'name', None)}")

    # --- light processes ---------------------------------------------------------------------------------------------
    async def light(self, name: str, depth: int) -> int:
        random, sim = self.random, self.sim
        for step in range(random.randrange(1, 14)):
            kind = random.randrange(14)
            try:
                if kind == 0:
                    await sim.sleep(random.choice(SHORT_S) * random.choice([1, 1, 3]))
                elif kind == 1:
                    await sim.sleep_ns(random.randrange(0, 5))
                elif kind == 2:
                    await self.fifo.serve(random.choice(SHORT_S))
                elif kind == 3:
                    departure = self.fifo.submit(random.choice(SHORT_S))
                    if random.random() < 0.5:
                        departure.add_done_callback(lambda done, n=name: self.say(n, f"left {done.exception()!r}"))
                    if random.random() < 0.7:
                        self.say(name, await departure.within(random.choice([0.0, 0.001, 0.05, 1.0])))
                elif kind == 4:
                    job = self.server.serve(random.choice(SHORT_S), priority=step)
                    if not await job.within(random.choice([0.001, 0.1])) and random.random() < 0.5:
                        self.say(name, job.withdraw())
                elif kind == 5:
                    signal = random.choice(self.signals)
                    if random.random() < 0.1:
                        self.say(name, await signal)
                    self.say(name, await signal.within(random.choice([0.0, 0.003, 0.2])))
                elif kind == 6:
                    random.choice(self.signals).set(step)
                elif kind == 7 and depth:
                    child = sim.spawn(
                        self.light(f"{name}.{step}", depth - 1), f"{name}.{step}", request=random.choice([None, 7])
                    )
                    self.started.append(child)
                    if random.random() < 0.6:
                        self.say(name, await child)
                elif kind == 8 and self.started:
                    self.meddle(name, random.choice(self.started))
                elif kind == 9:
                    async with self.lock if random.random() < 0.5 else self.permits:
                        await sim.sleep(random.choice(SHORT_S))
                elif kind == 10:
                    await self.queue.put(step, timeout_s=0.01)
                elif kind == 11:
                    self.say(name, await self.queue.get(timeout_s=0.01))
                elif kind == 12:
                    timer = sim.call_after(random.randrange(0, 3_000_000), self.say, name, "called")
                    if random.random() < 0.3:
                        timer.cancel()
                elif kind == 13:
                    self.say(name, f"{sim.luck('thing').random():.6f}")
            except (Crashed, RuntimeError, TimeoutError, ConnectionError, asyncio.CancelledError) as error:
                self.say(name, f"{type(error).__name__} {error}")
                if random.random() < 0.2:
                    raise
        self.say(name, "ends")
        return depth

    def meddle(self, name: str, other: Any) -> None:
        kind = self.random.randrange(4)
        if kind == 0:
            self.say(name, other.cancel())
        elif kind == 1 and isinstance(other, Process):
            other.throw(ConnectionError("thrown"))
        elif kind == 2 and isinstance(other, Process) and other is not self.sim.running:
            other.kill()
        else:
            self.say(name, f"{other.done()}")

    # --- tasks -------------------------------------------------------------------------------------------------------
    async def task(self, name: str, depth: int) -> None:
        random, sim = self.random, self.sim
        loop = asyncio.get_running_loop()
        for step in range(random.randrange(1, 6)):
            kind = random.randrange(18)
            try:
                if kind == 0:
                    await asyncio.sleep(random.choice(SHORT_S))
                elif kind == 1:
                    await sim.sleep(random.choice(SHORT_S))
                elif kind == 2:
                    await self.fifo.serve(random.choice(SHORT_S))
                elif kind == 3:
                    await asyncio.wait_for(asyncio.sleep(random.choice(SHORT_S)), random.choice([0.0005, 0.05]))
                elif kind == 4:
                    self.say(name, await random.choice(self.signals).within(0.01))
                elif kind == 5 and depth:
                    child = asyncio.create_task(self.task(f"{name}.{step}", depth - 1), name=f"{name}.{step}")
                    self.started.append(child)
                    if random.random() < 0.5:
                        await child
                elif kind == 6 and self.started:
                    self.meddle(name, random.choice(self.started))
                elif kind == 7:
                    loop.call_later(random.choice(SHORT_S), self.say, name, "later")
                    loop.call_soon(self.say, name, "soon")
                elif kind == 8:
                    future = loop.create_future()
                    loop.call_later(random.choice(SHORT_S), lambda f=future: None if f.done() else f.set_result(1))
                    self.say(name, await future)
                elif kind == 9:
                    async with asyncio.timeout(random.choice([0.0, 0.002])):
                        await self.lock.acquire()
                        self.lock.release()
                elif kind == 10 and depth:
                    results = await asyncio.gather(
                        *(self.task(f"{name}.{step}{i}", 0) for i in range(2)), return_exceptions=True
                    )
                    self.say(name, [type(r).__name__ for r in results])
                elif kind > 10:
                    await self.use_the_loop(name, kind)
            except (RuntimeError, TimeoutError, TypeError, ConnectionError) as error:
                self.say(name, f"{type(error).__name__} {error}")
        self.say(name, f"ends {loop.time():.9f}")

    async def use_the_loop(self, name: str, kind: int) -> None:
        """What a loop does for callbacks."""
        random = self.random
        loop = asyncio.get_running_loop()
        if kind == 11:
            loop.set_exception_handler(lambda _, of: self.say(name, f"{of['message'][:45]} {of['exception']!r}"))
            loop.call_soon(self.wrong, name)
            loop.call_later(random.choice(SHORT_S), self.wrong, name)
        elif kind == 12:
            handle: Any = loop.call_at(loop.time() + random.choice([*SHORT_S, -1.0]), self.say, name, "at")
            self.say(name, f"{handle.when()} {handle.cancelled()}")
            if random.random() < 0.5:
                handle.cancel()
                self.say(name, repr(handle))
        elif kind == 13:
            queue: asyncio.Queue[int] = asyncio.Queue(1)
            self.started.append(asyncio.create_task(self.fill(queue), name=f"{name} fills"))
            async with asyncio.timeout(0.05):
                for _ in range(random.randrange(6)):
                    self.say(name, await queue.get())
        elif kind == 14:
            colour.set(name)
            other = copy_context()
            other.run(colour.set, "other")
            loop.call_soon(self.say_colour, name)
            loop.call_soon(self.say_colour, name, context=other)
            loop.call_later(0.001, self.say_colour, name, context=other)
            self.say_colour(name)
        elif kind == 15:
            loop.call_later(random.choice(ODD_S), self.say, name, "odd")  # type: ignore[arg-type]
        elif kind == 16:
            loop.call_at(random.choice(ODD_S[:-2]), self.say, name, "odd at")  # type: ignore[arg-type]
        elif kind == 17:
            event = asyncio.Event()
            loop.call_soon(lambda: loop.call_soon(event.set))
            await asyncio.sleep(0)
            self.say(name, await event.wait())

    async def fill(self, queue: asyncio.Queue[int]) -> None:
        for number in range(6):
            await queue.put(number)

    def wrong(self, name: str) -> None:
        self.say(name, "goes wrong")
        raise self.random.choice([LookupError, asyncio.CancelledError, Crashed])(name)

    def say_colour(self, name: str) -> None:
        self.say(name, colour.get())

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line.upper())
                await writer.drain()
        except OSError as error:
            self.say("talk", type(error).__name__)
        finally:
            writer.close()

    async def serve(self) -> None:
        async with await asyncio.start_server(self.talk, "0.0.0.0", 80) as server:
            await server.serve_forever()

    async def ask(self, name: str) -> None:
        for _ in range(2):
            writer = None
            try:
                async with asyncio.timeout(0.5):
                    reader, writer = await asyncio.open_connection("host 0", 80)
                    writer.write(b"hello\n" * self.random.choice([1, 500]))
                    self.say(name, (await reader.readline()).decode().strip())
            except (OSError, TimeoutError) as error:
                self.say(name, type(error).__name__)
            finally:
                if writer is not None:
                    writer.close()

    # --- faults ------------------------------------------------------------------------------------------------------
    def strike(self) -> None:
        random, sim = self.random, self.sim
        for _ in range(random.randrange(0, 5)):
            at, host = random.randrange(0, 60_000_000), random.choice(self.hosts)
            what, args = random.choice(
                [
                    (self.fifo.pause, ()),
                    (self.fifo.resume, ()),
                    (self.fifo.crash, ()),
                    (self.fifo.restart, ()),
                    (self.server.crash, ()),
                    (self.server.restart, ()),
                    (host.pause, (0.005,)),
                    (host.crash, ()),
                    (host.restart, ()),
                    (host.lose_replies, (True,)),
                    (setattr, (self.fifo, "speed", random.choice([0.25, 2.0]))),
                ]
            )
            sim.call_at(at, what, *args)

    def run(self) -> str:
        random, sim = self.random, self.sim
        for i in range(random.randrange(1, 12)):
            host = random.choice([None, None, *self.hosts])
            process = sim.spawn(self.light(f"p{i}", 2), f"p{i}", host=host, daemon=random.random() < 0.3)
            self.started.append(process)
        for i in range(random.randrange(0, 6)):
            self.started.append(self.hosts[i % 2].create_task(self.task(f"t{i}", 1), name=f"t{i}"))
        if random.random() < 0.4:
            self.hosts[0].start(self.serve)
            self.hosts[1].start(self.ask, "asker")
        self.strike()
        try:
            for until in (0.001, 0.02, 5.0):
                sim.run(until)
            sim.run()
        except Deadlock as stuck:
            self.say("the end", stuck)
        except Exception as error:
            self.say("the end", f"{type(error).__name__} {error} {getattr(error, '__notes__', None)}")
        self.say("the end", f"{sim.steps} {self.fifo.read()} {self.server.read()}")
        if sim.trace is not None:
            self.say("the end", f"{sim.trace.count} {sim.trace.digest}")
        sim.close()
        return "\n".join(self.log)


def did(number: int) -> str:
    """What program `number` did."""
    return Program(number).run()


def digest(number: int) -> str:
    """The digest of what program `number` did."""
    return blake2b(did(number).encode(), digest_size=8).hexdigest()


if __name__ == "__main__":
    for number in range(int(sys.argv[1]), int(sys.argv[2])):
        print(digest(number))

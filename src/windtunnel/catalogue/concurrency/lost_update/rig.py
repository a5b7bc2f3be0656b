"""What tries a design: it explores its schedules, and lets many cores count at once.

A design says how one is counted, and how the total is read. What came of it is found out here, where no design has a
say: memory is the rig's own, and what a design keeps beside it does not count.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from math import nan
from typing import Any, Protocol

from windtunnel import Stage, process
from windtunnel.catalogue.concurrency.lost_update import real
from windtunnel.catalogue.concurrency.lost_update.cores import Cores, together
from windtunnel.catalogue.concurrency.lost_update.judging import LISTED, MOST, WALKS, Setting
from windtunnel.catalogue.concurrency.lost_update.told import Told, told
from windtunnel.explore import DPOR, Access, DepthFirst, RandomWalk, Threads, explore, runs

Memory = dict[str, int]
Steps = Generator[Access, None, None]
BY_CHANCE, EACH, ROUNDS = 4, 250_000, 8
"""Real threads that count with nobody watching, how often each does, and how often that is done until something is
lost: on a busy machine each may be through before the next one runs. Where it is proved that nothing can be lost it is
done once, by a fiftieth: threads that all want one lock took 6 to 100 times as much of the processor."""


class Design(Protocol):
    """What is tried."""

    spins: bool
    """Whether who finds a lock taken takes its memory again and again; else it is handed the lock."""
    counter: type[real.Counter]
    """The same for real threads."""

    def add(self, memory: Memory, me: int) -> Steps:
        """Count one; `me` is the number of the thread. Each read and write is told right before it."""

    def total(self, memory: Memory, threads: int) -> Generator[Access, None, int]:
        """What has been counted."""


class Rig:
    """Tries one design."""

    def __init__(self, design: Design, stage: Stage, p: Setting) -> None:
        self.design, self.stage, self.p = design, stage, p
        self.sim = stage.sim if stage.name == "sim" else None

    # --- explored ------------------------------------------------------------------------------------------------
    def program(self) -> Threads:
        """Threads that count, and a check that all of it has been counted, in the memory that they share."""
        design, p = self.design, self.p

        def make() -> tuple[Mapping[str, Steps], Any]:
            memory = Told()

            def thread(me: int) -> Steps:
                for _ in range(p.times):
                    yield from told(memory, design.add(memory, me))

            def check() -> None:
                empty = Told()
                beside = finished(told(empty, design.total(empty, p.threads)))
                assert beside == 0, f"{beside} were counted outside of the memory, where nobody sees who comes between."
                found = finished(told(memory, design.total(memory, p.threads)))
                assert found == p.threads * p.times, f"{p.threads * p.times} were counted, and the total is {found}."

            return {"ABC"[me]: thread(me) for me in range(p.threads)}, check

        return Threads(make)

    def search(self) -> tuple[bool, bool]:
        """Whether some schedule loses, and whether it is proved that none does: of those that differ one is tried."""
        found = explore(self.program(), DPOR(), MOST)
        return found.failure is not None, found.complete

    def schedules(self) -> list[tuple[bool, list[tuple[str, str]]]]:
        """Every schedule, as far as one goes: whether it loses, and who took which step."""
        every = runs(self.program(), DepthFirst(), LISTED)
        return [(lost is not None, [(step.actor, step.access.kind) for step in steps]) for steps, lost in every]

    def walks(self) -> int:
        """How many of some schedules lose in which at each step everybody who can go on is as likely to."""
        luck = RandomWalk(self.stage.luck("walks").getrandbits(32))
        return sum(lost is not None for _, lost in runs(self.program(), luck, WALKS))

    def real_threads(self) -> Mapping[str, float]:
        """The same with threads of this Python, stopped before each opcode that touches what they share."""
        return {} if self.sim is not None else real.found_in(self.design.counter, self.p.threads)

    def by_chance(self, called: bool) -> float:
        """Which share of their counts real threads lose with nobody watching; there are none in the tunnel."""
        if self.sim is not None:
            return nan
        proved = real.found_in(self.design.counter, self.p.threads)["proved"]
        rounds, each = (1, EACH // 50) if proved else (ROUNDS, EACH)
        for _ in range(rounds):
            lost = real.by_chance(self.design.counter, BY_CHANCE, each, called)
            if lost:
                break
        return lost / (BY_CHANCE * each)

    # --- timed ---------------------------------------------------------------------------------------------------
    @process
    async def count(self, cores: int) -> Mapping[str, float] | None:
        """Let so many cores count for a while: how much they did in it, what is lost, and how long a total takes."""
        if self.sim is None:
            return None  # this machine's cores share one interpreter
        sim, p, design = self.sim, self.p, self.design
        memory = Told()
        shared = Cores(sim, 1e-9 * p.fetch_ns, design.spins)
        done = in_time = 0
        ends = sim.now + 1e-6 * p.run_us

        async def thread(me: int) -> None:
            nonlocal done, in_time
            luck = self.stage.luck(f"core {me}")
            while sim.now < ends:
                await sim.sleep(1e-9 * luck.expovariate(1 / p.work_ns))
                await shared.run(me, told(memory, design.add(memory, me)))
                done += 1
                in_time += sim.now <= ends

        await together(sim, cores, thread)
        read_at = sim.now
        found = await shared.run(cores, told(memory, design.total(memory, cores)))
        return {"per_us": in_time / p.run_us, "lost": 1 - found / done, "read_ns": 1e9 * (sim.now - read_at)}


def finished(steps: Generator[Access, None, int]) -> int:
    """What a program returns that is run with nobody else there."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return int(end.value)

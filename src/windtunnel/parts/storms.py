"""The retry storm of `windtunnel.sim.compiled` by light processes: its oracle, made of the library's own parts.

The compiled kernel writes its disciplines and its budget out again, for speed; here they are the laws themselves. So
what the map of metastable failures is computed with is held to what a reader takes home.
"""

from __future__ import annotations

from typing import Any

from windtunnel.blocks.resilience import Budget
from windtunnel.parts.queues import AdaptiveLifo, CoDel, RequestCoDel
from windtunnel.sim import NS, Discipline, Dropped, Fifo, Lifo, Rejected, Server, Simulator, ns
from windtunnel.sim.compiled import COLUMNS, RetryStorm, Storm


def by_events(model: RetryStorm, seed: int = 0) -> Storm:
    """Run the model with light processes: what the kernel is tested against, and the place to read the model."""
    import numpy as np

    sim = Simulator(seed)
    server = Server(sim, "server", queue_limit=model.queue_limit, discipline=discipline(model))
    tallies: Any = np.zeros((ns(model.seconds) // NS + 1, len(COLUMNS)), np.int64)
    offered, attempts, good, failed, *_ = range(len(COLUMNS))
    budget = None if model.retry_budget is None else Budget(model.retry_budget, model.budget_burst)
    limit, pause = ns(model.timeout_s), ns(model.pause_s)

    def tally(column: int) -> None:
        tallies[sim.now_ns // NS, column] += 1

    async def client(work_ns: int) -> None:
        tally(offered)
        if budget is not None:
            budget.deposit()
        for attempt in range(model.retries + 1):
            if attempt:
                if pause:
                    await sim.sleep_ns(pause)
                if budget is not None and not budget.withdraw():
                    break
            tally(attempts)
            began = sim.now_ns
            try:
                deadline = (began + limit) / NS if model.drops_late else None
                job = server.serve(work_ns / NS, deadline=deadline)
                if await job.within(model.timeout_s) and job.result() is None and sim.now_ns < began + limit:
                    tally(good)
                    return
            except (Rejected, Dropped):
                pass
        tally(failed)

    async def clients() -> None:
        arrivals, works = model.streams(seed)
        for at_ns, work_ns in zip(arrivals.tolist(), works.tolist(), strict=True):
            await sim.sleep_ns(at_ns - sim.now_ns)
            sim.spawn(client(work_ns))

    for at_ns, pace in model.changes():
        sim.call_at(at_ns, server.set_speed, pace)
    sim.spawn(clients())
    before = server.read()
    for second in range(len(tallies)):
        sim.run(until=min(model.seconds, second + 1 - 1e-9))
        after = server.read()
        tallies[second, 4:] = [
            getattr(after, column) - getattr(before, column) for column in ("served", "rejected", "dropped")
        ]
        before = after
    left = server.inside
    sim.close()
    return Storm(tallies, left)


def discipline(model: RetryStorm) -> Discipline:
    """The model's queue."""
    made: dict[str, Discipline] = {
        "fifo": Fifo(),
        "lifo": Lifo(),
        "codel": CoDel(model.target_s, model.interval_s),
        "request codel": RequestCoDel(model.target_s, model.interval_s),
        "adaptive lifo": AdaptiveLifo(model.interval_s),
    }
    return made[model.discipline]

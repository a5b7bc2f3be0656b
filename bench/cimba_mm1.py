"""M/M/1 by cimba, after its own example, in a process of its own: its compiler wants to be the first to use Numba.

`python -m bench.cimba_mm1 given UNTIL` replays our streams; `... drawn UNTIL` draws its own. The answer is the mean
queue up to second UNTIL.
"""

from __future__ import annotations

import sys

import cimba as cb
import numpy as np
from cimba import inputs

from bench.bench_compiled_queues import LOAD, streams
from bench.elsewhere import serve


class MM1(cb.Model):  # type: ignore[misc]
    gap: cb.Input[float] = inputs.dist.exponential(mean=1 / LOAD)
    work: cb.Input[float] = inputs.dist.exponential(mean=1.0)
    queue: cb.Container
    mean_queue: cb.Output[float]

    @cb.process  # type: ignore[untyped-decorator]
    def arrivals(self) -> None:
        while True:
            cb.hold(self.gap.next())
            self.queue.put(1)

    @cb.process  # type: ignore[untyped-decorator]
    def server(self) -> None:
        while True:
            self.queue.get(1)
            cb.hold(self.work.next())

    @cb.on_end  # type: ignore[untyped-decorator]
    def measure(self) -> None:
        self.mean_queue = self.queue.mean_level()


def main(how: str, until: float) -> None:
    model = MM1()
    if how == "given":
        gaps, works = streams()
        model.gap, model.work = inputs.trace(gaps), inputs.trace(works)
    experiment = cb.Experiment(model, replications=1, window=cb.Window(warmup=0, duration=until), seed=123)

    def run() -> tuple[int, float]:
        results = experiment.run()
        return round(LOAD * until), float(np.asarray(results[model].mean_queue).ravel()[0])

    serve(run)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))

"""Two tills with a queue each, or one queue for both?

An experiment in 40 lines, outside of the package: `windtunnel run examples/experiment.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from windtunnel import Claim, Experiment, History, Op, Stage, param
from windtunnel.statistics import mean
from windtunnel.workload import poisson, requests


@dataclass(frozen=True)
class Params:
    load: float = param(0.8, "share of both tills' time that customers ask for", 0.01, 0.99)
    customers: int = param(5000, "customers who come, one a second and till at load 1", 10, 1_000_000)


def workload(p: Params, luck: Random) -> Iterable[Op]:
    times = poisson(2 * p.load, luck, count=p.customers)
    return requests(times, "pay", args=lambda i: (luck.random(), luck.expovariate(1)))


class AQueueEach:
    """Every customer picks a till blindly, and stays."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.tills = [stage.server("till 0"), stage.server("till 1")]

    def pay(self, choice: float, work_s: float) -> object:
        return self.tills[choice < 0.5].submit(work_s)


class OneQueue:
    """The next customer goes to whichever till is free."""

    def __init__(self, stage: Stage, p: Params) -> None:
        self.tills = stage.server("tills", workers=2)

    def pay(self, choice: float, work_s: float) -> object:
        return self.tills.submit(work_s)


def measure(history: History, p: Params) -> dict[str, float]:
    return {"stay_s": mean(history.latencies())}


experiment = Experiment(
    title="Two queues or one",
    question="How much waiting does one common queue save?",
    params=Params,
    workload=workload,
    measure=measure,
    designs={"a_queue_each": AQueueEach, "one_queue": OneQueue},  # naive first, best last
    claims=[
        Claim("one_queue.stay_s < 0.7 * a_queue_each.stay_s", "No till is idle while somebody waits."),
        Claim("one_queue.stay_s > 0.8 * a_queue_each.stay_s", "Nobody waits at all.", given={"load": 0.1}),
    ],
)

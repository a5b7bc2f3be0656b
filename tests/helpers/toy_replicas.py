"""A front that asks two of three replicas, by messages, while hosts stand still: to be asked why it fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from windtunnel.lab.experiment import Claim, Experiment
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.stage import Stage
from windtunnel.lab.workload import requests
from windtunnel.sim.fault import Fault, pause
from windtunnel.sim.host import Host
from windtunnel.sim.kernel import Signal, process
from windtunnel.sim.link import uniform

REPLICAS = ("a", "b", "c")


@dataclass(frozen=True)
class Params:
    poison: int = param(-1, "the request whose message to b spoils it", -1, 119)
    hiccups: int = param(0, "short pauses of any host", 0, 100)
    stall_s: float = param(0.0, "how long one host stands still", 0.0, 5.0)
    lot: int = param(0, "draws the times and the hosts", 0, 1000)
    fragile: bool = param(False, "it knows no lost messages")
    copies: float = param(0.0, "probability that a message arrives twice", 0.0, 1.0)


class Service:
    """A front sends each request to two of three replicas, and waits for both."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim, self.params = stage.sim, params
        self.front = stage.host("front")
        self.replicas = [stage.host(name) for name in REPLICAS]
        for host in self.replicas:
            self.sim.network.connect(self.front, host, latency=uniform(0.0002, 0.0006), duplicate=params.copies)
        self.waiting: dict[int, Signal[None]] = {}
        self.numbers = count()
        self.spoilt = False

    def start(self) -> None:
        self.front.spawn(self.hear(), daemon=True)
        for host in self.replicas:
            host.spawn(self.serve(host), daemon=True)
            self.front.send(host, (-1, -1))  # no message of the run: it is not yet begun

    async def serve(self, host: Host) -> None:
        async for message in host.inbox():
            host.spawn(self.work(host, *message.body), request=message.request)

    async def work(self, host: Host, number: int, request: int) -> None:
        self.spoilt |= host.name == "b" and request >= 0 and request == self.params.poison
        await self.sim.sleep(self.sim.luck(f"work of {host.name}").expovariate(1000.0))
        if request >= 0:
            host.send(self.front, number)

    async def hear(self) -> None:
        async for message in self.front.inbox():
            if (waiting := self.waiting.pop(message.body, None)) is not None:
                waiting.set()

    @process
    async def ask(self, i: int) -> None:
        answers = []
        for host in (self.replicas[i % 3], self.replicas[(i + 1) % 3]):
            number = next(self.numbers)
            self.waiting[number] = Signal(self.sim)
            answers.append(self.waiting[number])
            self.front.send(host, (number, i))
        for answer in answers:
            await answer.within(2.0)
            if self.params.fragile and not answer.done():
                raise RuntimeError("An answer is missing.")

    def report(self) -> dict[str, Any]:
        return {"spoilt": self.spoilt}


def workload(params: Params, luck: Random) -> Iterable[Op]:
    return requests([(i + luck.random()) / 12 for i in range(120)], "ask", args=lambda i: (i,))


def measure(history: History, params: Params) -> Mapping[str, float]:
    late = sum(event.end - event.due > 0.4 for event in history)
    return {"late": late, "spoilt": float(history.facts["spoilt"])}


def faults(params: Params) -> tuple[Fault, ...]:
    lot = Random(params.lot)
    short = [pause(lot.choice(REPLICAS), at_s=lot.uniform(1, 9), for_s=0.05) for _ in range(params.hiccups)]
    stall = [pause(lot.choice(REPLICAS), at_s=lot.uniform(1, 6), for_s=params.stall_s)] if params.stall_s else []
    return tuple(sorted(short + stall, key=lambda fault: fault.at_s))


LATE = Claim("service.late == 0", "Nobody waits.")
SPOILT = Claim("service.spoilt == 0", "No message spoils b.")
experiment = Experiment(
    title="A front and three replicas",
    question="What did it?",
    params=Params,
    workload=workload,
    designs={"service": Service},
    measure=measure,
    faults=faults,
    claims=(LATE, SPOILT),
    ends_s=lambda params: 12.0,
)

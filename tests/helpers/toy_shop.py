"""A shop that sells a few tickets to many buyers: small enough to know every number, real enough to go wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

from windtunnel.lab.asks import Ask, Why
from windtunnel.lab.charts import Chart
from windtunnel.lab.experiment import Claim, Experiment, Figure
from windtunnel.lab.history import History, Op
from windtunnel.lab.params import param
from windtunnel.lab.stage import Stage
from windtunnel.lab.workload import poisson, requests
from windtunnel.sim.kernel import process


@dataclass(frozen=True)
class Params:
    stock: int = param(10, "tickets", 0, 1000)
    buyers: int = param(100, "people who want one", 1, 10_000)
    rate: float = param(1000.0, "buyers per second", 0.1)
    round_trip_s: float = param(0.01, "seconds to the till and back", 0)


def workload(params: Params, random: Random) -> Iterable[Op]:
    return requests(poisson(params.rate, random, count=params.buyers), "buy")


class SoldOut(Exception):
    outcome = "fail"


class LookThenWrite:
    """Look at the stock, then write it down one less."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.sim = stage.sim
        self.luck = stage.random("till")
        self.params = params
        self.stock = params.stock
        self.sold = 0

    def _travel_s(self) -> float:
        return self.luck.expovariate(1 / self.params.round_trip_s) if self.params.round_trip_s else 0.0

    @process
    async def buy(self) -> str:
        seen = self.stock
        await self.sim.sleep(self._travel_s())
        if seen <= 0:
            raise SoldOut
        self.stock = seen - 1
        self.sold += 1
        return "ticket"

    def report(self) -> dict[str, int]:
        return {"sold": self.sold}


class OneStep(LookThenWrite):
    """Look and write in one step."""

    @process
    async def buy(self) -> str:
        await self.sim.sleep(self._travel_s())
        if self.stock <= 0:
            raise SoldOut
        self.stock -= 1
        self.sold += 1
        return "ticket"


def measure(history: History, params: Params) -> Mapping[str, float]:
    sold = len(history.where(outcome="ok"))
    return {"sold": sold, "oversold": max(0, sold - params.stock)}


def so_far(history: History, params: Params) -> Mapping[str, list[tuple[float, float]]]:
    """Tickets sold in each tenth of a second."""
    ends = [e.end for e in history if e.outcome == "ok"]
    return {"sold": [(i / 10, float(sum(end <= i / 10 for end in ends))) for i in range(11)]}


experiment = Experiment(
    title="A toy shop",
    question="Who sells a ticket twice?",
    params=Params,
    workload=workload,
    designs={"naive": LookThenWrite, "one_step": OneStep},
    measure=measure,
    charts=(Chart("Tickets sold", "second", "tickets", so_far),),
    asks=(Ask("How many tickets does a shop of ten sell?", "naive.sold", "tickets", 1, 1000, log=True),),
    why=(Why("Two look before one writes.", "naive.oversold > 0"),),
    claims=(
        Claim("naive.oversold > 0", "two see the last ticket", breaks="naive"),
        Claim("one_step.sold == params.stock", "looking and writing is one step"),
        Claim("naive.oversold == 0", "a queue of one", given={"rate": 0.1, "buyers": 12}, spares="naive"),
        Claim("naive.sold > 1.5 * one_step.sold", "it is not a matter of one ticket", over="mean"),
    ),
    figures=(Figure("tickets sold", 10, "one_step.sold", 0.0, "D", "stock of 10"),),
    quick={"buyers": 50},
    seeds=3,
)

"""One stage on PostgreSQL and Valkey at once: a counter in a cache before rows in a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random

import pytest

from windtunnel import Claim, Experiment, History, Op, Stage, param, run
from windtunnel.engines.database.port import Plus
from windtunnel.engines.registry import missing
from windtunnel.workload import evenly, requests

pytestmark = [
    pytest.mark.live,
    *(
        pytest.mark.skipif(missing(*pair) is not None, reason=str(missing(*pair)))
        for pair in (("database", "postgres"), ("cache", "valkey"))
    ),
]
BOTH = {"database": "postgres", "cache": "valkey"}


@dataclass(frozen=True)
class Params:
    seats: int = param(10, "how many can be sold", 1, 100)


class Counted:
    """A counter in the cache says who is in time; the database keeps the sale."""

    def __init__(self, stage: Stage, params: Params) -> None:
        self.params = params
        self.cache = stage.cache()
        self.db = stage.database()

    async def start(self) -> None:
        await self.db.create_table("sale", {"id": int, "n": int}, [{"id": 1, "n": 0}])

    async def buy(self, buyer: int) -> bool:
        if await self.cache.increment("asked") > self.params.seats:
            return False
        await self.db.update("sale", {"id": 1}, {"n": Plus(1)})
        return True

    async def report(self) -> Mapping[str, object]:
        row = await self.db.get("sale", 1)
        assert row is not None
        return {"sold": row["n"], "asked": int(await self.cache.get("asked") or 0)}


def workload(params: Params, random: Random) -> Iterable[Op]:
    return requests(evenly(200, 30), "buy", args=lambda i: (i,))


def measure(history: History, params: Params) -> Mapping[str, float]:
    return {name: float(history.facts[name]) for name in ("sold", "asked")}


EXPERIMENT = Experiment(
    title="Two servers",
    question="Can a design stand on two real servers at once?",
    params=Params,
    workload=workload,
    measure=measure,
    designs={"counted": Counted},
    stages=("sim", BOTH),
    claims=(Claim("counted.sold == 10 and counted.asked == 30", "who is late is told so"),),
)


def test_a_design_stands_on_postgres_and_valkey_at_once() -> None:
    result = run(EXPERIMENT, stage=BOTH, seeds=[0], jobs=1)
    assert result.ok, result
    assert result.verdict == "holds"
    assert {"cache=valkey", "database=postgres"} <= set(result.stage.split(","))

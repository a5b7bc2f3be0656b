"""The model, SQLite and PostgreSQL agree about who sells the last ticket twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.real_engines import MISSING, databases
from windtunnel.lab.discovery import find
from windtunnel.lab.result import Result
from windtunnel.lab.run import run

REAL = databases({name: MISSING[name] or MISSING["valkey"] for name in ("sqlite", "postgres")})
MINE = '''
from windtunnel.engines.database.port import AtLeast, Plus


class Hopeful:
    """Nobody else will look just now."""

    def __init__(self, stage, params):
        self.db, self.stock = stage.database("db", connections=params.connections), params.stock

    async def start(self):
        await self.db.create_table("event", {"id": int, "stock": int}, [{"id": 1, "stock": self.stock}])
        await self.db.create_table("sale", {"id": int, "ticket": int})

    async def take(self):
        row = await self.db.get("event", 1)
        if row["stock"] < 1:
            return None
        await self.db.update("event", {"id": 1}, {"stock": row["stock"] - 1})
        return row["stock"]

    async def buy(self, buyer, pays_after_s):
        ticket = await self.take()
        if ticket is not None:
            await self.db.insert("sale", {"id": buyer, "ticket": ticket})
        return ticket

    async def report(self):
        return {"sold": [row["ticket"] for row in await self.db.select("sale")]}


class _Base(Hopeful):
    pass


class Careful(_Base):
    """Test and write in one step."""

    async def take(self):
        async with self.db.transaction() as t:
            if not await t.update("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)}):
                return None
            return (await t.get("event", 1))["stock"] + 1
'''


def verdicts(result: Result) -> dict[str, str]:
    return {c.expression + str(c.given): c.verdict for c in result.claims}


@pytest.mark.parametrize("stage", REAL)
def test_every_claim_has_the_verdict_of_the_model(stage: str) -> None:
    experiment = find("q10-ticketmaster")
    model, real = (run(experiment, stage=s, seeds=[0], quick=True) for s in ("sim", stage))
    found = {claim: verdict for claim, verdict in verdicts(real).items() if verdict != "skipped"}
    assert len(found) > 15
    assert found == {claim: verdicts(model)[claim] for claim in found}, [(c.expression, c.shown) for c in real.claims]


@pytest.mark.parametrize("stage", ["sim", *REAL])
def test_a_file_of_the_users_oversells_on_every_stage_or_on_none(stage: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(MINE)
    result = run(
        find("q10-ticketmaster"),
        stage=stage,
        seeds=2,
        designs=["hopeful", "careful"],
        quick=True,
        with_file=str(file),
    )
    assert all(oversold > 0 for oversold in result.samples("hopeful", "oversold"))
    assert result.samples("careful", "sold") == [result.params["stock"]] * 2
    assert result.samples("careful", "sold_twice") == [0, 0]

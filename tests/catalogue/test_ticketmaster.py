"""What the ticket shops promise, each promise taken away: then a claim has to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, strategies as st

from windtunnel import Event, History, cut_reply
from windtunnel.catalogue.interview.q10_ticketmaster import (
    TAKE,
    CacheScript,
    HoldThenPay,
    InsertFirst,
    Params,
    Shop,
    UniqueNumber,
    VersionColumn,
    experiment,
    stock,
)
from windtunnel.catalogue.interview.q10_ticketmaster.claims import FAILS_OVER, last_of
from windtunnel.catalogue.interview.q10_ticketmaster.measures import inversions, seats
from windtunnel.engines import AtLeast, Plus, Script, Where
from windtunnel.engines.registry import engines, open_port
from windtunnel.lab.run import run
from windtunnel.sim.kernel import Simulator

ONCE = "hold_then_pay.oversold == 0 and hold_then_pay.sold_twice == 0"
IN_TIME = "hold_then_pay.paid == hold_then_pay.sold and hold_then_pay.paid_late == 0"
PLAIN = replace(experiment, claims=(), figures=(), asks=(), why=())
"""The shops alone: nothing is judged, compared or asked."""


def verdicts(design: str, by: Callable[..., object], *wanted: str, **params: Any) -> list[str]:
    """What becomes of these claims, on one seed at the defaults, with something else in a design's place."""
    claims = [c for c in experiment.claims if c.expression in wanted]
    assert len(claims) == len(wanted)
    changed = replace(PLAIN, claims=claims, designs={**experiment.designs, design: by})
    return [claim.verdict for claim in run(changed, seeds=[0], designs=[design], jobs=1, **params).claims]


def fenced(*columns: str) -> type[HoldThenPay]:
    class Fenced(HoldThenPay):
        """A payment that asks for these columns alone."""

        def fence(self, seat: int, buyer: int) -> Where:
            return {name: wanted for name, wanted in super().fence(seat, buyer).items() if name in ("id", *columns)}

    return Fenced


def test_a_fence_that_asks_for_nothing_sells_seats_twice_and_late_at_the_defaults() -> None:
    assert verdicts("hold_then_pay", fenced("buyer", "state", "until"), ONCE, IN_TIME) == ["holds", "holds"]
    assert verdicts("hold_then_pay", fenced(), ONCE, IN_TIME) == ["fails", "fails"]


def test_a_fence_without_its_moment_is_paid_late_where_nobody_else_wants_the_seat() -> None:
    claim = "hold_then_pay.paid_late == 0 and hold_then_pay.sold < 40"
    assert verdicts("hold_then_pay", fenced("buyer", "state", "until"), claim) == ["holds"]
    assert verdicts("hold_then_pay", fenced("buyer", "state"), claim) == ["fails"]


def test_a_fence_without_its_buyer_is_paid_with_the_hold_of_whoever_came_next() -> None:
    assert verdicts("hold_then_pay", fenced("state", "until"), IN_TIME) == ["fails"]


def test_a_sale_that_is_in_the_cache_alone_needs_the_key_in_the_database() -> None:
    class Forgetful(UniqueNumber):
        """The table takes any number."""

        unique = ()

    kept = "unique_number.sold == 40 and unique_number.sold_twice == 0 and unique_number.retries > 0"
    assert FAILS_OVER["stock"] == 40
    assert verdicts("unique_number", UniqueNumber, kept) == ["holds"]
    assert verdicts("unique_number", Forgetful, kept) == ["fails"]


def test_optimists_try_again_as_often_as_there_are_others_inside() -> None:
    for connections in (2, 4):
        found = run(PLAIN, seeds=[0], designs=["version_column"], jobs=1, quick=True, connections=connections)
        (retries,), (sold,) = found.samples("version_column", "retries"), found.samples("version_column", "sold")
        assert 0.9 * (connections - 1) * sold <= retries <= (connections - 1) * sold
    assert VersionColumn in experiment.designs.values()


# --- half-measures and better ones ----------------------------------------------------------------------------------
class LooksFirst(InsertFirst):
    """Whoever sees nothing left writes nothing."""

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        if stock(await self.db.get("event", 1)) < 1:
            return None
        return await super().buy(buyer, pays_after_s)


class CommittedAlone(Shop):
    """The ticket is taken in a statement of its own, before the sale is recorded."""

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        left = await self.db.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
        if not left:
            return None
        ticket = stock(left[0]) + 1
        await self.db.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
        return ticket


def beside_insert_first(by: type[Shop], measure: str, **params: Any) -> tuple[float, float]:
    """What is measured of another design and of `insert_first`; both sell each ticket once."""
    both = replace(PLAIN, designs={"other": by, "insert_first": InsertFirst})
    found = run(both, seeds=[0], jobs=1, quick=True, **params)
    assert [found.samples(name, "sold") for name in both.designs] == [[found.params["stock"]]] * 2
    (other,), (first,) = found.samples("other", measure), found.samples("insert_first", measure)
    return other, first


def test_who_looks_before_recording_a_sale_writes_fewer_in_vain() -> None:
    looks, writes = beside_insert_first(LooksFirst, "statements")
    assert looks < 0.8 * writes


def test_an_update_that_is_committed_alone_keeps_the_row_for_still_less_time() -> None:
    alone, first = beside_insert_first(CommittedAlone, "latency_max_ms", stock=60, buyers=60, arrivals_per_s=1e6)
    assert alone < 0.8 * first


def test_an_update_that_is_committed_alone_loses_the_ticket_of_whoever_dies_before_the_sale_is_recorded() -> None:
    class Dies(CommittedAlone):
        """The process of one buyer ends between the two."""

        async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
            if buyer == 3:
                await self.db.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
                raise TimeoutError
            return await super().buy(buyer, pays_after_s)

    dying = replace(PLAIN, designs={"dies": Dies})
    assert run(dying, seeds=[0], jobs=1, quick=True).samples("dies", "sold") == [23]


# --- the script -----------------------------------------------------------------------------------------------------
def asked(stage: str) -> list[object]:
    """What the script answers to three buyers, of whom the second asks twice, over a stock of two."""
    keys = [("stock", "a"), ("stock", "b"), ("stock", "b"), ("stock", "c"), ("stock", "a")]

    async def script(cache: Any) -> list[object]:
        nothing = await cache.run(TAKE, ["none", "a"])
        await cache.set("stock", 2)
        return [nothing, *[str(await cache.run(TAKE, key)) for key in keys], await cache.get("stock")]

    if stage == "sim":
        sim = Simulator(seed=1)
        return sim.run_process(script(open_port("cache", "sim", "cache", sim=sim)))  # type: ignore[no-any-return]

    import asyncio

    async def main() -> list[object]:
        cache = open_port("cache", stage, "cache")
        try:
            return await script(cache)
        finally:
            await cache.close()

    return asyncio.run(main())


MISSING = {engine.name: engine.missing for engine in engines() if engine.port == "cache"}


@pytest.mark.parametrize("stage", ["sim", "valkey"])
def test_the_script_gives_each_buyer_a_number_and_the_same_one_again_on_both_servers(stage: str) -> None:
    if MISSING[stage] is not None:
        pytest.skip(str(MISSING[stage]))
    assert isinstance(TAKE, Script)
    assert asked(stage) == [None, "2", "1", "1", "None", "2", "0"]
    assert issubclass(UniqueNumber, CacheScript)


def test_a_lost_answer_of_the_cache_loses_no_number_since_the_script_knows_whom_it_answered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mute = replace(PLAIN, faults=(cut_reply("cache", at_s=0.005, for_s=0.004),))

    def sold() -> list[float]:
        return list(
            run(mute, seeds=[0], designs=["unique_number"], jobs=1, quick=True).samples("unique_number", "sold")
        )

    def forgetful(store: Any, keys: Any, args: Any) -> Any:
        return TAKE.model(store, [keys[0], f"{keys[1]}, {store.get(keys[0])}"], args)

    assert sold() == [24]
    monkeypatch.setattr("windtunnel.catalogue.interview.q10_ticketmaster.TAKE", Script(TAKE.lua, forgetful))
    assert sold()[0] < 24


# --- what is measured -------------------------------------------------------------------------------------------------
@given(st.lists(st.integers(0, 20).map(float), max_size=12))
def test_queue_jumps_are_counted_as_the_definition_has_it(dues: list[float]) -> None:
    pairs = list(combinations(dues, 2))
    wrong = sum(earlier > later for earlier, later in pairs)
    assert inversions(dues) == (wrong / len(pairs) if pairs else 0.0)


def test_the_hall_shows_empty_sold_and_doubly_sold_seats() -> None:
    def told(*numbers: int) -> list[float]:
        events = [Event(f"{i}", "buy", (i, 0.1), 0.0, 1.0, "ok", n) for i, n in enumerate(numbers)]
        return [value for _, _, value in seats(History(events), Params(stock=4))["owners of a seat"]]

    assert told(1, 3, 3, 3) == [1.0, 0.0, 2.0, 0.0]
    assert told(17, 3, 20) == [1.0, 1.0, 1.0, 0.0]  # numbers of sales, not of seats


def test_the_last_of_many_waits_for_all_that_the_others_do_with_the_row() -> None:
    assert last_of(400, 3) == pytest.approx(400 * (3 * 0.6 + 1))
    assert last_of(400, 1) == pytest.approx(640)

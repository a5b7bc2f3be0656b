"""What q10-ticketmaster counts where servers die: its places by hand, its judge, and what the look at a sale costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from windtunnel import Event, Op
from windtunnel.catalogue.interview.q10_ticketmaster import ConditionalUpdate, RowLock, experiment, stock
from windtunnel.catalogue.interview.q10_ticketmaster.claims import AGAIN, NUMBER, TORN, TRANSACTIONS
from windtunnel.catalogue.interview.q10_ticketmaster.deaths import Sale, Trouble
from windtunnel.engines import AtLeast, Plus
from windtunnel.lab.grading.loaded import joined
from windtunnel.lab.run import run
from windtunnel.ui.planted import planted_files

ALONE = {"stock": 1, "buyers": 1}
"""The stampede is none: small sales alone."""
PLAIN = replace(experiment, claims=(), figures=(), asks=(), why=())
"""The shops alone: nothing is judged, compared or asked."""


# --- by hand ---------------------------------------------------------------------------------------------------------
NAIVE = ("read", "take", "write", "tell", "told")
SCRIPT = ("number", "write", "tell", "told")


def lost(acts: Sequence[str], takes: str, asks_again: bool) -> float:
    """Of how many deaths, one before each act and one when all is done, a ticket is gone for ever."""
    wrong = 0
    for place in range(len(acts)):
        done = acts[:place]
        taken, written = takes in done, "write" in done
        wrong += (taken and not written) or (asks_again and written)
    return wrong / len(acts)


def test_the_shares_of_places_are_those_that_one_counts_by_hand() -> None:
    assert lost(NAIVE, "take", asks_again=False) == pytest.approx(TORN)
    assert lost(NAIVE, "take", asks_again=True) == pytest.approx(AGAIN)
    assert lost(SCRIPT, "number", asks_again=False) == pytest.approx(NUMBER)


# --- the judge -------------------------------------------------------------------------------------------------------
def sale(told: Mapping[int, Sequence[Any]], rows: Sequence[tuple[int, int]], gone: Sequence[int] = ()) -> Sale:
    """One in which these buyers were told these answers, "" for silence, and the table holds these rows."""
    asked = [
        Event(f"buyer {buyer}", "buy", (buyer,), 0.0, 1.0, "unknown" if said == "" else "ok", said or None)
        for buyer, answers in told.items()
        for said in answers
    ]
    return Sale(Trouble("again", 1), True, asked, [buyer for buyer in told if buyer not in gone], rows, 0.0)


def verdict(one: Sale) -> tuple[bool, int, int, int]:
    return one.doubled, one.lied, one.vanished, one.stuck


@pytest.mark.parametrize(
    ("one", "wanted"),
    [
        (sale({1: ["", 2], 2: [1], 3: [None]}, [(1, 2), (2, 1)]), (False, 0, 0, 0)),
        (sale({1: [""], 2: [1], 3: [None]}, [(1, 2), (2, 1)], gone=[1]), (False, 0, 0, 0)),
        (sale({1: [""], 2: [1], 3: [None]}, [(2, 1)], gone=[1]), (False, 0, 1, 0)),
        (sale({1: ["", ""], 2: [1], 3: [None]}, [(1, 2), (2, 1)]), (False, 0, 0, 1)),
        (sale({1: ["", None], 2: [1], 3: [None]}, [(1, 2), (2, 1)]), (False, 1, 0, 0)),
        (sale({1: [2], 2: [1], 3: [2]}, [(3, 2), (2, 1)]), (True, 1, 0, 0)),
        (sale({1: [2, 1], 2: [None], 3: [None]}, [(1, 1), (7, 2)]), (True, 2, 0, 0)),
        (sale({1: ["", 1], 2: [None], 3: [None]}, [(50, 1), (51, 2)]), (True, 2, 0, 0)),
        (sale({1: ["", None], 2: [1], 3: [2]}, [(2, 1), (3, 2)]), (False, 0, 0, 0)),
        (sale({1: ["", None], 2: [1]}, [(2, 1)], gone=[1]), (False, 1, 1, 0)),
        (sale({1: [2], 2: [None], 3: [1]}, [(1, 2), (3, 1)]), (False, 0, 0, 0)),
        (sale({1: ["", 2], 2: [1], 3: [None]}, [(50, 1), (51, 2)]), (False, 0, 0, 0)),
        (sale({1: [2], 2: [1], 3: [3]}, [(1, 2), (2, 1), (3, 3)]), (True, 0, 0, 0)),
        (sale({1: [2], 2: [1], 3: [None]}, [(1, 1), (2, 2)]), (False, 2, 0, 0)),
    ],
)
def test_a_sale_is_judged_by_what_buyers_were_told_beside_what_the_table_holds(
    one: Sale, wanted: tuple[bool, int, int, int]
) -> None:
    assert verdict(one) == wanted
    assert one.wrong == any(wanted)


# --- measured --------------------------------------------------------------------------------------------------------
def measured(design: str, stage: str | None = None, seed: int = 0, **given: Any) -> Mapping[str, float]:
    found = run(PLAIN, stage, designs=[design], seeds=[seed], jobs=1, **{**ALONE, **given})
    return found.of(design)[0].measures


@pytest.mark.parametrize("design", ["look_then_write", "conditional_update"])
def test_sqlite_has_the_verdicts_of_the_model(design: str) -> None:
    there, here = (measured(design, stage, places=5) for stage in ("sqlite", "sim"))
    same = ("killed", "wrong", "again", "gone")
    assert {name: there[name] for name in same} == {name: here[name] for name in same}


def beside(name: str, by: type, **params: Any) -> tuple[Mapping[str, float], Mapping[str, float]]:
    """What is measured of a design of the experiment, and of another one in its place."""
    both = replace(PLAIN, designs={name: experiment.designs[name], "by": by})
    found = run(both, seeds=[0], jobs=1, places=0, **params)
    return found.of(name)[0].measures, found.of("by")[0].measures


class LooksInside(RowLock):
    """Who finds nothing left looks for his own sale while he still has the row."""

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.db.transaction() as t:
            ticket = stock(await t.get("event", 1, lock=True))
            if ticket < 1:
                known = await t.get("sale", buyer)
                return None if known is None else stock({"stock": known["ticket"]})
            await t.update("event", {"id": 1}, {"stock": ticket - 1})
            await t.insert("sale", {"id": buyer, "ticket": ticket, "state": "sold"})
            return ticket


def test_who_looks_for_his_own_sale_with_the_row_in_his_hand_keeps_the_others_waiting() -> None:
    behind, inside = beside("row_lock", LooksInside)
    assert inside["sold"] == behind["sold"] == 100
    assert inside["statements"] == behind["statements"]
    assert inside["latency_p50_ms"] > 10 * behind["latency_p50_ms"]


class DoesNotLook(ConditionalUpdate):
    """Who finds nothing left is told so, whatever he has."""

    async def sell(self, buyer: int, pays_after_s: float | None) -> int | None:
        async with self.db.transaction() as t:
            left = await t.update_returning("event", {"id": 1, "stock": AtLeast(1)}, {"stock": Plus(-1)})
            if not left:
                raise SoldOut
            await t.insert("sale", {"id": buyer, "ticket": stock(left[0]) + 1, "state": "sold"})
            return stock(left[0]) + 1

    async def buy(self, buyer: int, pays_after_s: float | None) -> int | None:
        try:
            return await super().buy(buyer, pays_after_s)
        except SoldOut:
            return None


class SoldOut(Exception):
    pass


def test_the_look_at_his_own_sale_is_a_statement_for_each_who_gets_nothing_and_spares_a_lie() -> None:
    looks, does_not = beside("conditional_update", DoesNotLook, quick=True)
    nothing = looks["ops"] - looks["sold"]
    assert looks["statements"] - does_not["statements"] == nothing
    assert planted("wrong_tells_an_owner_that_all_is_sold", **ALONE)["again"] > 0


def planted(name: str, **params: Any) -> Mapping[str, float]:
    """What is measured of a planted design."""
    (file,) = (file for file in planted_files("q10-ticketmaster") if file.stem == name)
    alone = replace(joined(str(file)), claims=(), figures=(), asks=(), why=(), module=experiment.module)
    found: Mapping[str, float] = run(alone, designs=["yours"], seeds=[0], jobs=1, **params).of("yours")[0].measures
    return found


def test_who_looks_for_numbers_that_nobody_has_loses_none_and_asks_the_database_too() -> None:
    found = planted("right_a_script_whose_lost_numbers_are_found", quick=True)
    assert (found["wrong"], found["killed"]) == (0, 16)
    # A script, and a sale or the look at all of them; now and then a number whose owner was only slow is found.
    assert 2 * found["ops"] <= found["statements"] < 2.1 * found["ops"]


@pytest.mark.parametrize("design", [name for name in experiment.designs if name != "look_then_write"])
def test_who_asks_twice_at_once_has_one_ticket_and_hears_of_it_both_times(design: str) -> None:
    def twice(p: object, luck: object) -> list[Op]:
        return [Op(0.001 * b + 0.0003 * k, f"buyer {b}, {k}", "buy", (b, 0.01)) for b in range(6) for k in (0, 1)]

    both = replace(PLAIN, workload=twice)
    for seed in (0, 1):
        found = run(both, designs=[design], seeds=[seed], jobs=1, stock=4, buyers=6, places=0).of(design)[0].measures
        assert (found["ok"], found["sold"], found["sold_twice"]) == (12, 4, 0)
        assert found["told_otherwise"] == 4  # each owner is told once more than he has


@pytest.mark.soak
@pytest.mark.parametrize("design", TRANSACTIONS)
def test_what_sells_in_one_transaction_breaks_in_none_of_a_thousand_deaths_drawn_by_lot(design: str) -> None:
    found = [measured(design, seed=seed, places=0, drawn=60) for seed in range(1, 41)]
    assert sum(one["killed"] for one in found) > 1000
    assert sum(one["wrong"] for one in found) == 0

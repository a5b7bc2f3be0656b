"""What q15-payments counts: its places by hand, its right designs at all of them, and drawn by lot; on SQLite too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from windtunnel.catalogue.interview.q15_payments.claims import CHECKED, DOUBLE, FORGOTTEN, GONE, extra
from windtunnel.lab.discovery import find
from windtunnel.lab.grading.loaded import joined
from windtunnel.lab.run import run
from windtunnel.ui.planted import planted_files

CALM = {"places": 0, "seconds": 0, "back": 0, "messages": 0}
RIGHT = ["recovery_points", "ledger_outbox", "reconciled"]


# --- by hand ---------------------------------------------------------------------------------------------------------
class World:
    """What stands when a server has died: money at the bank and the merchant, goods at the shop, keys."""

    def __init__(self) -> None:
        self.charges = self.booked = self.shipped = 0
        self.known = False
        self.pending: list[str] = []

    def do(self, act: str) -> None:
        """Statements of a transaction count when it is committed, messages when they are out."""
        if act == "charge":
            self.charges += 1
        elif act == "ship":
            self.shipped += 1
        elif act == "commit":
            self.booked += "book" in self.pending
            self.known = self.known or "key" in self.pending
            self.pending = []
        elif act in ("book", "key", "balance"):
            self.pending.append(act)


NAIVE = ("charge", "out", "book", "balance", "commit", "ship", "out", "told")
LOOKED = ("look", "charge", "out", "ship", "out", "key", "book", "balance", "commit", "told")


def dies_before(acts: Sequence[str], place: int) -> World:
    """What stands when it dies before this one, counted from 0."""
    world = World()
    for act in acts[:place]:
        world.do(act)
    world.pending = []
    return world


def test_the_shares_of_places_are_those_that_one_counts_by_hand() -> None:
    after = [dies_before(NAIVE, place) for place in range(len(NAIVE))]
    assert sum(world.charges == 1 for world in after) / len(after) == DOUBLE
    assert sum(world.charges > world.booked or world.charges > world.shipped for world in after) / len(after) == GONE
    looked = [dies_before(LOOKED, place) for place in range(len(LOOKED))]
    assert sum(world.charges == 1 and not world.known for world in looked) / len(looked) == CHECKED


def test_the_places_between_a_charge_and_its_note_are_those_of_the_transaction_that_notes_it() -> None:
    before = ["insert key", "charge", "out"]
    noting = ["update key", "insert payment", "update balance", "commit"]
    behind = ["ship", "out", "update key", "told", "job looks", "job looks"]
    assert len(noting) / len(before + noting + behind) == FORGOTTEN


def test_charges_too_many_are_the_expected_number_of_lost_answers_that_somebody_asks_again_for() -> None:
    def charges(tries: int) -> float:
        return 1 + (0.05 * charges(tries - 1) if tries > 1 else 0)

    assert extra(0.05) == pytest.approx(100 * (charges(4) - 1))


# --- measured --------------------------------------------------------------------------------------------------------
def measured(design: str, stage: str | None = None, seed: int = 0, **given: object) -> Mapping[str, float]:
    found = run(find("q15-payments"), stage, designs=[design], seeds=[seed], jobs=1, **{**CALM, **given})  # type: ignore[arg-type]
    return found.of(design)[0].measures


NOTHING = ("wrong", "gross", "unbalanced", "bank_findings", "shop_findings")


def is_right(design: str, tried: int, stage: str | None = None, seed: int = 0, **given: object) -> None:
    found = measured(design, stage, seed, **given)
    assert found["tried"] >= tried
    assert {name: found[name] for name in NOTHING} == dict.fromkeys(NOTHING, 0)


@pytest.mark.parametrize("design", RIGHT)
def test_the_right_designs_break_at_no_place_of_a_second_death(design: str) -> None:
    is_right(design, 8, places=4, again=5, dies="power")


@pytest.mark.parametrize(("design", "wrong"), [("retry_on_timeout", 3), ("recovery_points", 0)])
def test_sqlite_has_the_verdicts_of_the_model(design: str, wrong: int) -> None:
    there = measured(design, "sqlite", places=3, seconds=1, down_s=0.05, lease_s=0.2)
    here = measured(design, "sim", places=3, seconds=1, down_s=0.05, lease_s=0.2)
    assert there["wrong"] >= wrong
    same = ("killed", "doubles", "wrong", "lies", "stuck", "lost", "money", "gross", "bank_findings", "shop_findings")
    assert {name: there[name] for name in same} == {name: here[name] for name in same}


def test_who_ends_payments_from_the_statement_needs_one_commit_and_no_key_first() -> None:
    (file,) = (file for file in planted_files("q15-payments") if file.stem == "right_the_statement_is_the_outbox")
    given = {**CALM, "places": 4, "seconds": 2}
    found = run(joined(str(file)), "sim", designs=["yours"], seeds=[0], jobs=1, **given).of("yours")[0].measures  # type: ignore[arg-type]
    assert (found["commits"], found["writes"]) == (1, 3)
    assert found["killed"] == 8
    assert {name: found[name] for name in NOTHING} == dict.fromkeys(NOTHING, 0)


@pytest.mark.soak
@pytest.mark.parametrize("design", RIGHT)
@pytest.mark.parametrize("dies", ["process", "power"])
@pytest.mark.parametrize("lease_s", [0.2, 0.5])
def test_the_right_designs_break_in_none_of_a_thousand_troubles_drawn_by_lot(
    design: str, dies: str, lease_s: float
) -> None:
    for seed in range(1, 6):
        is_right(design, 180, seed=seed, drawn=200, dies=dies, lease_s=lease_s)


@pytest.mark.soak
@pytest.mark.parametrize("design", RIGHT)
@pytest.mark.parametrize("again", range(1, 21))
@pytest.mark.parametrize("dies", ["process", "power"])
def test_the_right_designs_break_at_no_pair_of_places(design: str, again: int, dies: str) -> None:
    found = measured(design, places=26, again=again, dies=dies)
    assert {name: found[name] for name in NOTHING} == dict.fromkeys(NOTHING, 0)


@pytest.mark.soak
@pytest.mark.parametrize("dies", ["process", "power"])
def test_what_a_bank_forgets_is_charged_once_in_a_thousand_troubles_or_given_back(dies: str) -> None:
    found = [measured("reconciled", drawn=200, dies=dies, forgets=1, seed=seed) for seed in range(1, 6)]
    assert sum(one["wrong"] for one in found) == 0
    assert sum(one["gross"] for one in found) > 0

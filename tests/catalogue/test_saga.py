"""What saga counts: its places by hand, its right designs at all of them, dying twice, and doubled at many lags."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from windtunnel.catalogue.scale.saga.claims import (
    ALL,
    MOST_EVERY,
    gaps,
    held,
    left,
    noted,
    places,
    torn,
    torn_if_asked,
)
from windtunnel.catalogue.scale.saga.episodes import chosen
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run

STEPS = ("stock", "money", "parcels")
Done = dict[str, int]


def script(refused: int) -> list[tuple[str, int]]:
    """What a coordinator without a disk sends: (service, +1 or -1), a refused step too, and those before undone."""
    last = refused or len(STEPS)
    sent = [(step, +1) for step in STEPS[:last]]
    return sent + ([(step, -1) for step in reversed(STEPS[: last - 1])] if refused else [])


def after(sent: Sequence[tuple[str, int]], refused: int, done: Done) -> Done:
    """What stands when these messages have been carried out: there is one piece, and money and room for more."""
    done = dict(done)
    for step, way in sent:
        if way > 0 and (STEPS.index(step) + 1 == refused or (step == "stock" and done[step])):
            continue
        done[step] += way
    return done


def whole(done: Done) -> bool:
    return set(done.values()) in ({0}, {1})


@pytest.mark.parametrize("refused", ALL)
def test_the_places_at_which_an_order_is_torn_are_those_that_one_counts_by_hand(refused: int) -> None:
    sent = script(refused)
    kinds = [kind for _ in sent for kind in ("message", "answer")] + ["told"]
    assert len(kinds) == places(refused)
    nothing = dict.fromkeys(STEPS, 0)
    stays = asked = 0
    for place in range(len(kinds)):
        gone = (place + 1) // 2  # of the messages, those that were sent before this place
        stands = after(sent[:gone], refused, nothing)
        stays += not whole(stands)
        again = sent
        told = refused == 0
        if stands["stock"]:  # the piece is taken, and who asks again is refused at the first step
            again, told = [], False
        then = after(again, refused, stands)
        asked += not whole(then) or told != (then["parcels"] == 1)
    assert stays == torn(refused)
    assert asked == torn_if_asked(refused)


@pytest.mark.parametrize("refused", ALL)
def test_a_note_behind_each_step_leaves_three_of_its_four_places(refused: int) -> None:
    at = ["note", "sync"]
    for step, way in script(refused):
        effect = not (way > 0 and STEPS.index(step) + 1 == refused) and not (way < 0 and step == "money")
        at += ["message", *(["gap"] * 3 if effect else ["answer", "note", "sync"])]
    at += ["note", "sync", "told"]
    assert noted(refused) == (len(at), at.count("gap"))


@pytest.mark.parametrize("refused", ALL)
def test_two_phases_hold_the_piece_from_the_first_message_to_the_first_of_the_second_round(refused: int) -> None:
    at = ["note", "sync", *["prepare"] * 3, *["vote"] * 3, *([] if refused else ["note", "sync"])]
    at += [*["tell"] * 3, *["acknowledged"] * 3, "note", "sync", "told"]
    assert held(refused) == (len(at), at.index("tell") - at.index("prepare"))


CALM = {"places": 0, "messages": 0}


CLIENTS = ["leave", "ask"]
RIGHT = ["two_phase", "durable_saga", "money_first"]


def is_right(design: str, trouble: dict[str, object], killed: int) -> None:
    found = run(find("saga"), designs=[design], seeds=[0], **{**CALM, **trouble}).of(design)[0].measures  # type: ignore[arg-type]
    assert found["killed"] >= killed
    assert {name: found[name] for name in ("broken", "unserved")} == {"broken": 0, "unserved": 0}


@pytest.mark.parametrize("design", RIGHT)
@pytest.mark.parametrize(
    ("trouble", "killed"),
    [
        pytest.param({"places": 5, "again": 3, "every": 4}, 6, id="dies twice"),
        pytest.param({"places": 8, "dies": "process", "every": 4}, 5, id="its process alone dies"),
    ],
)
def test_the_right_designs_break_at_none_of_some_of_the_first_places(
    design: str, trouble: dict[str, object], killed: int
) -> None:
    is_right(design, trouble, killed)


@pytest.mark.parametrize("every", [1, 2, 3, MOST_EVERY])
def test_what_one_counts_by_hand_of_a_part_of_the_places_is_found_there(every: int) -> None:
    kinds = ("goes", "broke", "heavy")
    tried = {place for kind in kinds for place in chosen(kind, 9, every)}
    assert every > len(kinds) or tried == set(range(1, 10)), "each place of some kind"
    bad = [place for kind, r in zip(kinds, ALL, strict=True) for place in chosen(kind, places(r), every)]
    torn_there = [
        place
        for kind, r in zip(kinds, ALL, strict=True)
        for place in chosen(kind, places(r), every)
        if not whole(after(script(r)[: place // 2], r, dict.fromkeys(STEPS, 0)))
    ]
    assert left(every) == pytest.approx(len(torn_there) / len(bad))


def test_the_places_between_an_effect_and_its_note_are_as_many_as_are_counted() -> None:
    for refused in ALL:
        assert len(gaps(refused)) == noted(refused)[1]
        assert max(gaps(refused)) < noted(refused)[0]


@pytest.mark.soak
@pytest.mark.parametrize("design", RIGHT)
@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param({"dies": "process"}, id="its process alone dies"),
        *(pytest.param({"again": n, "clients": c}, id=f"again at {n}, {c}") for n in range(1, 13) for c in CLIENTS),
        *(pytest.param({"copies": n, "messages": 6, "clients": "ask"}, id=f"copies {n}") for n in range(1, 7)),
        *(
            pytest.param({"again": n, "copies": n % 7, "clients": "ask", "dies": "process"}, id=f"all of it {n}")
            for n in range(1, 13)
        ),
    ],
)
def test_the_right_designs_break_at_no_place(design: str, trouble: dict[str, object]) -> None:
    is_right(design, {"places": 30, **trouble}, killed=50)

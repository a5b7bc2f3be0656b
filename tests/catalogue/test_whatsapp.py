"""What q04-whatsapp counts: by hand, by the library's own frames, by real phones beside light ones; each place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from windtunnel import Event, History, param
from windtunnel.catalogue.interview.q04_whatsapp.claims import CALM, CROWD, GHOST, KEPT, LINES, STORM
from windtunnel.catalogue.interview.q04_whatsapp.crowd import DAY_S, MESSAGES_A_DAY
from windtunnel.catalogue.interview.q04_whatsapp.judging import Chats, checked, mistaken
from windtunnel.catalogue.interview.q04_whatsapp.presence import BEAT_S, LEASE_S
from windtunnel.catalogue.interview.q04_whatsapp.talk import chats_of, devices_of, named, text_of
from windtunnel.catalogue.interview.q04_whatsapp.wire import packed, request, response
from windtunnel.lab.discovery import find
from windtunnel.lab.params import make
from windtunnel.lab.run import run

CHAT = find("q04-whatsapp")


@dataclass(frozen=True)
class Many(CHAT.params):  # type: ignore[name-defined]  # a class that is known when it runs
    """As many phones as machines have, and not only as many as a doubt tries together with all else."""

    idle: int = param(0, "devices beside, of people who say nothing", 0, 2000)
    crowd: int = param(0, "light phones beside", 0, 100_000)


def measured(design: str, stage: str | None = None, seed: int = 0, **given: object) -> Mapping[str, float]:
    many = replace(CHAT, params=Many, claims=(), charts=(), figures=(), asks=(), why=(), maps=(), module=CHAT.module)
    found = run(replace(many, board=None), stage, designs=[design], seeds=[seed], jobs=1, **{**CALM, **given})  # type: ignore[arg-type]
    return found.of(design)[0].measures


def is_right(found: Mapping[str, float]) -> None:
    wrong = ("lost", "twice", "strange", "disorder", "lies", "findings")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)
    assert found["sent"] == found["typed"]


# --- by hand ---------------------------------------------------------------------------------------------------------
def history(shown: list[list[tuple[float, int, str]]], *said: tuple[float, int, int, float]) -> History:
    """Messages, numbered from 0: when, where, in which chat, and when they were ticked; and what phones showed."""
    events = [
        Event(f"phone {device}", "say", (device, chat, text_of(n), "", 0), at, end, "ok", end)
        for n, (at, device, chat, end) in enumerate(said)
    ]
    return History(events, {"shown": shown})


@pytest.fixture
def p() -> Any:
    return make(CHAT.params, {**CALM, "users": 2})


def test_two_people_have_three_devices_a_group_and_a_chat(p: Any) -> None:
    assert devices_of(p) == [0, 0, 1]
    assert chats_of(p) == [[0, 1], [0, 1]]
    assert len(text_of(7)) == 40


def test_what_was_ticked_and_a_device_did_not_show_is_lost(p: Any) -> None:
    one = (0.1, 0, text_of(0))
    chats = Chats(history([[one], [], [one]], (0.0, 0, 0, 0.1)), p)
    assert chats.lost() == [(text_of(0), 1)]
    assert checked(chats) == 1
    assert (chats.twice(), chats.disorder(), chats.strange) == (0, 0, 0)


def test_what_is_shown_again_is_there_twice(p: Any) -> None:
    one = (0.1, 0, text_of(0))
    chats = Chats(history([[one], [one, (0.2, 0, text_of(0))], [one]], (0.0, 0, 0, 0.1)), p)
    assert chats.twice() == checked(chats) == 1
    assert chats.lost() == []


def test_who_says_the_same_again_has_said_another_message(p: Any) -> None:
    yes = [(at, "phone 0", "say", (0, 0, "yes", "", 0), at + 0.1) for at in (0.0, 1.0)]
    events = [Event(who, what, args, at, end, "ok", end) for at, who, what, args, end in yes]
    one, two = (0.1, 0, "yes"), (1.1, 0, "yes")
    assert [named([(0, "yes"), (1, "yes"), (0, "yes")])] == [["yes", "yes", "yes (2)"]]
    for shown, found in (([one, two], (0, 0)), ([one], (1, 0)), ([one, two, (1.2, 0, "yes")], (0, 1))):
        chats = Chats(History(events, {"shown": [[one, two], [one, two], shown]}), p)
        assert (len(chats.lost()), chats.twice(), chats.strange, checked(chats)) == (*found, 0, sum(found))


def test_two_orders_and_the_wrong_one_are_disorder(p: Any) -> None:
    one, two = (0.3, 0, text_of(0)), (0.3, 0, text_of(1))
    said = ((0.0, 0, 0, 0.1), (0.1, 2, 0, 0.2))
    assert Chats(history([[one, two]] * 3, *said), p).disorder() == 0
    assert Chats(history([[two, one]] * 3, *said), p).disorder() == 0  # of two people either order will do
    assert Chats(history([[one, two], [two, one], [one, two]], *said), p).disorder() == 1
    same = ((0.0, 0, 0, 0.1), (0.1, 0, 0, 0.2))
    assert Chats(history([[two, one]] * 3, *same), p).disorder() == 1


def test_what_nobody_typed_or_not_there_is_strange(p: Any) -> None:
    one = (0.1, 0, text_of(0))
    wrong = [[one, (0.2, 0, "spam")], [(0.1, 1, text_of(0))], [one]]
    assert Chats(history(wrong, (0.0, 0, 0, 0.1)), p).strange == 2


def test_a_tick_lies_where_somebody_has_not_seen_it(p: Any) -> None:
    shown = [[(0.2, 0, text_of(0))], [(0.2, 0, text_of(0))], [(0.3, 0, text_of(0))]]
    chats = Chats(history(shown, (0.0, 0, 0, 0.1)), p)
    early, late = [(0.25, text_of(0), "read")], [(0.35, text_of(0), "read")]
    assert chats.lies([early, [], []]) == 1
    assert chats.lies([late, [], []]) == 0
    assert (chats.untold([late, [], []], "read"), chats.untold([[], [], []], "read")) == (0, 1)
    assert chats.untold([late, [], []], "delivered") == 1


def online(*seen: tuple[float, int, bool], out: list[list[tuple[float, float]]]) -> tuple[float, float]:
    """For how long the first device of two users is wrong about the second, who has two; until 100 s."""
    facts = {"owners": [0, 1, 1], "seen": [seen, [], []], "out": out, "over_s": 100.0}
    return mistaken(facts, 0, 1)


def test_who_is_shown_as_online_without_a_radio_is_a_ghost_and_who_has_one_and_is_not_is_unseen() -> None:
    there, gone = (1.0, 1, True), (40.0, 1, False)
    assert online(there, out=[[], [], []]) == (0.0, 1.0)
    both = [[], [(30.0, 60.0)], [(35.0, 60.0)]]
    assert online(there, gone, out=both) == (5.0, 40.0)  # one of his devices was there until 35, and both are from 60
    assert online(there, out=both) == (25.0, 1.0)
    assert online(there, out=[[(30.0, 50.0)], *both[1:]]) == (10.0, 1.0)  # nobody looks at a phone that is out itself
    assert online(there, gone, (62.0, 1, True), out=both) == (5.0, 2.0)
    assert online(out=[[], [], []]) == (0.0, 100.0)


# --- by others -------------------------------------------------------------------------------------------------------
def test_bytes_of_a_frame_are_those_of_the_library_and_a_request_has_the_least_head() -> None:
    said = packed({"sent": "3/1"})
    down = Frame(Opcode.TEXT, said).serialize(mask=False)
    up = Frame(Opcode.TEXT, said).serialize(mask=True)
    assert (len(down) - len(said), len(up) - len(said)) == (2, 6)
    assert len(request(3, {})) - 2 < 100
    assert len(response({})) - 2 < 50


def test_bytes_of_a_calm_minute_are_what_frames_and_a_little_more_come_to() -> None:
    found = measured("push", messages=20)
    assert 100 < found["bytes"] < 400


@pytest.fixture(scope="module")
def asking() -> Mapping[str, float]:
    """What a hundred light phones that poll come to."""
    return measured("poll", **{**CROWD, "crowd": 100})


def test_real_phones_ask_as_often_as_light_ones(asking: Mapping[str, float]) -> None:
    real = measured("poll", messages=6, every_s=2.5)
    each = real["up_a_second"] / len(devices_of(make(CHAT.params, CALM)))
    # A real one waits for the answer before it waits for the next second.
    assert each == pytest.approx(asking["asks_a_second"] / 100, rel=0.15)
    held = measured("long_poll", messages=6, every_s=4.0)
    light = measured("long_poll", **{**CROWD, "crowd": 100})
    assert 0.1 <= light["asks_a_second"] / 100 < 0.11
    assert held["up_a_second"] / 6 > light["asks_a_second"] / 100  # who is told something asks again


def test_a_day_of_light_phones_is_what_division_says(asking: Mapping[str, float]) -> None:
    assert asking["asks_a_message"] == pytest.approx(DAY_S / MESSAGES_A_DAY, rel=0.01)


# --- each place ------------------------------------------------------------------------------------------------------
PLACES = range(1, 25)


@pytest.mark.soak
@pytest.mark.parametrize("design", KEPT)
@pytest.mark.parametrize("how", ["kills", "cuts"])
def test_before_each_effect_behind_each_of_ten_messages_nothing_is_lost_or_doubled(design: str, how: str) -> None:
    struck = 0
    for place in PLACES:
        found = measured(design, seed=place, messages=10, place=place, **{how: 10})
        is_right(found)
        struck += int(found["killed"] + found["vanished"])
    assert struck >= 30


@pytest.mark.soak
@pytest.mark.parametrize("design", KEPT)
def test_a_thousand_deaths_by_lot_lose_and_double_nothing(design: str) -> None:
    struck = 0
    for seed in range(40):
        found = measured(design, seed=seed, messages=60, kills=30, cuts=30, every_s=1.0)
        is_right(found)
        struck += int(found["killed"] + found["vanished"])
    assert struck >= 1000


@pytest.mark.soak
@pytest.mark.parametrize("gateways", [2, 3, 4])
@pytest.mark.parametrize("design", ["forgets_on_send", "without_ids", "store_and_forward"])
def test_a_ghost_is_online_until_it_is_back_where_there_is_a_flag_and_no_longer_than_a_lease_else(
    design: str, gateways: int
) -> None:
    for seed in range(10):
        found = measured(design, seed=seed, **{**GHOST, "gateways": gateways})
        assert found["ghost_s"] == 30.0 if design == "forgets_on_send" else found["ghost_s"] < LEASE_S + 2 * BEAT_S
        assert found["unseen_s"] < 10.0


@pytest.mark.soak
@pytest.mark.parametrize("gateways", [1, 3, 4])
@pytest.mark.parametrize("users", [2, 8])
def test_other_numbers_of_gateways_and_people_are_right_too(gateways: int, users: int) -> None:
    for design in KEPT:
        is_right(measured(design, gateways=gateways, users=users, messages=40, kills=15, cuts=15))


@pytest.mark.soak
def test_two_thousand_phones_of_the_real_library_come_back() -> None:
    given = {**STORM, "idle": 2000, "login_ms": 5.0}
    one, all_ = (measured(design, **given) for design in ("store_and_forward", "at_once"))
    assert one["back_s"] < 13
    assert all_["back_s"] < 13
    assert all_["tries"] > 2 * one["tries"]


@pytest.mark.soak
def test_a_hundred_thousand_light_phones_ask_a_hundred_thousand_times_a_second() -> None:
    given = {**CROWD, "crowd": 100_000}
    poll, line = (measured(design, **given) for design in ("poll", "store_and_forward"))
    assert poll["asks_a_second"] == pytest.approx(100_000, rel=0.01)
    assert line["asks_a_second"] == pytest.approx(2 * 100_000 * MESSAGES_A_DAY / DAY_S, rel=0.01)
    assert line["pings_a_second"] == pytest.approx(5_000, rel=0.01)
    assert poll["crowd_ms"] == pytest.approx(500, rel=0.02)


def test_lines_are_named_as_the_experiment_has_them() -> None:
    assert {*KEPT, *LINES} < {*CHAT.designs}

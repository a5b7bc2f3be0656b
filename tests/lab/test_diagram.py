"""Diagrams show what came between what."""

from __future__ import annotations

from xml.etree import ElementTree

from windtunnel.lab.diagram import Arrow, of_events
from windtunnel.lab.history import Event

TWO_BUYERS = [
    Event("ann", "buy", (1,), 0.0, 0.004, "ok", "seat 1", id=0),
    Event("bob", "buy", (1,), 0.001, 0.005, "ok", "seat 1", id=1),
]


def test_the_text_shows_each_operation_in_its_lane_and_marks_the_bad_one() -> None:
    assert of_events(TWO_BUYERS, bad=[1]).text(60).splitlines() == [
        "            ann                     bob",
        "0.000000 s  ┌ buy(1)",
        "0.001000 s  │                       ┌ buy(1)  ✗",
        "0.004000 s  └ ok seat 1             │",
        "0.005000 s                          └ ok seat 1  ✗",
    ]


def test_messages_have_two_ends_or_are_lost() -> None:
    arrows = [Arrow(0.002, "ann", 0.003, "db", "write"), Arrow(0.0045, "db", None, "bob", "answer")]
    text = of_events(TWO_BUYERS, arrows=arrows).text(90)
    assert "• write to db" in text
    assert "• write from ann" in text
    assert "• answer to bob (lost)" in text


def test_the_svg_is_well_formed_and_escapes_what_it_shows() -> None:
    events = [*TWO_BUYERS, Event("<eve>", "say", ("<script>",), 0.002, 0.003, "unknown", id=2)]
    svg = of_events(events, arrows=[Arrow(0.002, "ann", 0.003, "db", "a & b")]).svg()
    root = ElementTree.fromstring(svg)
    assert "".join(root.itertext()).count("<script>") == 1
    assert len(root.findall("{http://www.w3.org/2000/svg}circle")) == 8


def test_a_client_that_asks_again_before_it_is_answered_has_a_lane_for_each() -> None:
    events = [
        Event("ann", "get", (), 0.0, 3.0, "ok", 1.23456789, id=0),
        Event("ann", "get", (), 1.0, 2.0, "ok", id=1),
        Event("ann", "put", (), 2.0, 2.0, "ok", id=2),
    ]
    assert of_events(events).text(60).splitlines() == [
        "            ann                     ann (2)",
        "0.000000 s  ┌ get()",
        "1.000000 s  │                       ┌ get()",
        "2.000000 s  │                       └ ok",
        "2.000000 s  │                       • put() ok",
        "3.000000 s  └ ok 1.235",
    ]


def test_long_text_runs_on_where_nothing_is_under_way() -> None:
    events = [
        Event("ann", "say", ("a long sentence that runs on",), 0.0, 3.0, "ok", id=0),
        Event("bob", "wait", (), 1.0, 2.0, "ok", id=1),
        Event("ann", "nod", (), 4.0, 5.0, "ok", id=2),
    ]
    lines = of_events(events).text(52).splitlines()
    assert lines[1] == "0.000000 s  ┌ say(a long sentence that runs on)"
    beside = [*events, Event("bob", "wait", (), -1.0, 0.5, "ok", id=3)]
    assert "┌ say(a long senten…" in of_events(beside).text(52)  # no room to the right
    first = [Event("ann", "wait", (), -1.0, -0.5, "ok", id=3), *events, Event("bob", "wait", (), -1.0, 0.5, "ok", id=4)]
    assert "┌ say(a long sente… │" in of_events(first).text(52)


def test_the_svg_carries_its_caption() -> None:
    caption = "Every ticket has one owner, and here <two> have it. " * 4
    root = ElementTree.fromstring(of_events(TWO_BUYERS).svg(caption))
    name = "{http://www.w3.org/2000/svg}"
    assert root.findtext(f"{name}title") == caption
    shown = [t.text or "" for t in root.findall(f"{name}text")]
    assert " ".join(shown).startswith(caption.strip())


def test_too_many_lanes_become_a_list() -> None:
    crowd = [Event(f"buyer {i}", "buy", (), i * 1.0, i + 0.5, "ok", id=i) for i in range(12)]
    lines = of_events(crowd).text(80).splitlines()
    assert lines[:2] == ["0.000000 s  buyer 0: buy()", "0.500000 s  buyer 0: ok"]
    assert all(len(line) <= 80 for line in lines)

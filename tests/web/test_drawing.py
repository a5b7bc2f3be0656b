"""Charts, maps, texts of designs and of systems: pure functions from values."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, strategies as st

from windtunnel.lab.charts import Drawn
from windtunnel.lab.discovery import find
from windtunnel.web import maps, prose, store, svg, systems
from windtunnel.web.leaner import script, style
from windtunnel.web.scales import scale, step_of
from windtunnel.web.sliders import sliders
from windtunnel.web.source import side_by_side

NUMBERS = st.floats(-1e9, 1e9)


def read(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)


@given(st.lists(NUMBERS, min_size=1, max_size=20), st.booleans())
def test_every_value_stands_within_the_axis_and_in_its_order(values: list[float], zero: bool) -> None:
    axis = scale(values, 40, 300, zero=zero)
    places = [axis(v) for v in sorted(values)]
    assert all(40 <= place <= 300 for place in places)
    assert places == sorted(places)
    assert 0 < len(axis.ticks()) <= 9 or axis.high - axis.low < 1e-6 * max(1, abs(axis.low))


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20))
def test_a_logarithmic_axis_leaves_out_what_has_no_place(values: list[float]) -> None:
    axis = scale([*values, 0.0, -1.0, math.nan], 0, 100, log=True)
    assert axis.low > 0
    assert all(0 <= axis(v) <= 100 for v in [*values, 0.0])


@given(st.floats(1e-9, 1e9), st.integers(1, 9))
def test_a_step_is_round_and_there_are_few(span: float, most: int) -> None:
    assert span / step_of(span, most) <= most * (1 + 1e-6)


@given(st.lists(st.tuples(st.integers(0, 10_000).map(float), st.floats(allow_infinity=False)), max_size=2000))
def test_a_thinned_line_keeps_its_peaks(points: list[tuple[float, float]]) -> None:
    kept = svg.thinned(points)
    assert len(kept) <= max(200, len(points))
    numbers = [y for _, y in points if not math.isnan(y)]
    if numbers:
        shown = [y for _, y in kept if not math.isnan(y)]
        assert (min(shown), max(shown)) == (min(numbers), max(numbers))


def test_lines_are_a_panel_a_design_with_the_naive_one_behind_the_others() -> None:
    drawn = Drawn("Goodput", "second", "answers", "", "lines", [(2.0, 3.0, "crash <b>")])
    found = svg.picture(drawn, {"naive": {"a": [(0, 1), (5, 9)]}, "cure": {"a": [(0, 2), (5, math.nan)]}}, "c0")
    assert [panel.name for panel in found.panels] == ["naive", "cure"]
    assert found.key == []
    assert "from 1 at second 0 to 9 at 5; least 1, most 9." in found.panels[0].words
    assert 'href="#c0-0"' in found.panels[1].svg
    for panel in found.panels:
        assert read(panel.svg).attrib["role"] == "img"
        assert "crash &lt;b&gt;" in panel.svg


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("bars", [("ok", 3.0), ("lost", math.nan)]),
        ("heat", [(0.0, 0.0, 1.0), (1.0, 0.0, 3.0), (0.0, 1.0, 3.0), (1.0, 1.0, math.nan)]),
        ("misses", [(0.5, 0.0, 1.0), (1.5, 0.0, 3.0)]),
        ("space-time", [("a", 0.0, "b", 1.0, "<hello>"), ("b", 2.0, "b", 2.0, "thinks")]),
        ("gantt", [("worker", 0.0, 2.0, "busy"), ("worker", 3.0, 4.0, "idle & calm")]),
        ("graph", [("0", "1", "A & B", "well"), ("1", "1", "A", "round"), ("0", "2", "B", "well")]),
    ],
)
def test_every_kind_of_chart_is_drawn_and_said(kind: str, rows: list[tuple[object, ...]]) -> None:
    found = svg.picture(Drawn("T", "x", "y", "", kind), {"one": {"part": rows}, "other": {}}, "c1")
    assert found.panels
    for panel in found.panels:
        assert read(panel.svg).attrib["aria-label"] == panel.words
        assert panel.words.endswith(".")


def test_where_each_design_is_a_point_all_stand_in_one_panel_with_their_names_apart() -> None:
    parts = {name: {"here": [(1.0, 0.2)]} for name in ("one", "two", "three")} | {"far": {"here": [(90.0, 0.0)]}}
    (panel,) = svg.picture(Drawn("T", "ms", "share", "", "lines"), parts, "c").panels
    assert panel.svg.count("<circle") == 4
    named = re.findall(r'<text x="(-?\d+)" y="(-?\d+)">(one|two|three|far)<', panel.svg)
    lines = sorted(int(y) for _, y, name in named if name != "far")
    assert len(lines) == 3
    assert lines[1] - lines[0] >= 12
    assert lines[2] - lines[1] >= 12
    assert panel.words == "one: ms 1, share 0.2; two: ms 1, share 0.2; three: ms 1, share 0.2; far: ms 90, share 0."


def test_messages_stand_in_their_order_with_what_was_said_and_what_is_wrong_stands_out() -> None:
    rows = [("b", 0.002, "a", 0.004, "<old>", "✗"), ("a", 0.0, "b", 0.002, "read", "")]
    found = svg.picture(
        Drawn("T", "second", "who", "", "space-time"), {"one": {"it": rows}, "two": {"it": rows[1:]}}, "c"
    )
    assert (found.wrong, found.own, found.y) == (True, True, "seconds downwards, a line a message")
    one, two = found.panels
    assert re.findall(r'<text class="([^"]*)"[^>]*>([^<]*)<', one.svg) == [
        ("said", "read (2 ms)"),
        ("said wrong", "✗ &lt;old&gt; (2 ms)"),
    ]
    assert re.findall(r'<path class="(arrow[^"]*)"', one.svg) == ["arrow", "arrow wrong"]
    assert "wrong" not in two.svg
    assert one.words == "one: 0: a to b: read (2 ms); 0.002: b to a: ✗ <old> (2 ms)."
    assert not svg.picture(Drawn("T", "x", "y", "", "space-time"), {"two": {"it": rows[1:]}}, "c").wrong


def test_designs_of_which_the_same_is_told_share_a_panel() -> None:
    rows = {"it": [("nobody", 0.0, "nobody", 1.0, "no state is stuck", "")]}
    other = {"it": [("a", 0.0, "b", 1.0, "fork", "")]}
    found = svg.picture(Drawn("T", "step", "", "", "space-time"), {"a": other, "b": rows, "c": rows}, "c")
    assert [panel.name for panel in found.panels] == ["a", "b, c"]


def test_of_more_messages_than_can_be_read_the_first_are_drawn() -> None:
    rows = [("a", float(i), "b", i + 0.5, f"number {i}", "") for i in range(100)]
    (panel,) = svg.picture(Drawn("T", "second", "", "", "space-time"), {"one": {"it": rows}}, "c").panels
    assert panel.svg.count('class="said"') == 40
    assert "and 60 more" in panel.svg


def test_a_single_point_is_drawn_as_a_dot() -> None:
    parts = {"alone": [(1, 2), (2, math.nan)], "line": [(1, 2), (2, 3)]}
    (panel,) = svg.picture(Drawn("T", "x", "y", "", "lines"), {"one": parts}, "c").panels
    assert re.search(r'class="line k0 lone"[^>]* d="M\d+ \d+h0"', panel.svg)
    assert re.search(r'class="line k1"[^>]* d="M\d+ \d+l', panel.svg)


def test_spans_of_more_kinds_than_shades_are_told_in_words_where_these_fit() -> None:
    rows = [("worker", float(i), float(i + 1), f"does thing {i} & more") for i in range(4)]
    few = svg.picture(Drawn("T", "x", "y", "", "gantt"), {"one": {"part": rows}}, "c")
    assert (len(few.key), 'class="spans"' in few.panels[0].svg) == (4, False)
    rows += [("worker", 4.0, 4.01, "blinks")]
    many = svg.picture(Drawn("T", "x", "y", "", "gantt"), {"one": {"part": rows}}, "c")
    assert many.key == []
    spans = many.panels[0].svg.partition('<g class="spans">')[2]
    inside = re.findall(r"<text[^>]*>([^<]*)<", spans)
    assert inside == [f"does thing {i} &amp; more" for i in range(4)], "what is too short has its title alone"
    assert "blinks" in spans
    alone = [
        *rows,
        ("other", 0.0, 0.1, "has all the room that is left"),
        ("third", 4.9, 5.0, "has no room, since it is late"),
    ]
    beside = svg.picture(Drawn("T", "x", "y", "", "gantt"), {"one": {"part": alone}}, "c").panels[0].svg
    assert re.findall(r">(has [^<]*)</text>", beside) == ["has all the room that is left"]


def test_a_graph_is_drawn_step_by_step_from_the_left_and_what_is_last_in_the_key_on_top() -> None:
    many = [("0", f"{i}", "A", "well") for i in range(1, 60)]
    rows = [("0", "60", "B takes it", "loses"), *many, ("60", "61", "A stands", "loses"), ("0", "1", "A", "well")]
    found = svg.picture(Drawn("T", "", "", "", "graph"), {"one": {"lock": rows, "rest": many}, "none": {}}, "c")
    assert found.key == ["loses", "well"]
    first, second = found.panels
    assert (first.name, second.name) == ("one lock", "one rest")
    assert first.words == "one lock: 62 states, at most 2 steps deep; steps: 2 loses, 60 well."
    paths = read(first.svg).findall(".//{*}path") or read(first.svg).findall(".//path")
    assert [path.attrib["class"] for path in paths] == ["line way k0", "line way k0", "line way k1"]
    assert [len(re.findall("M", path.attrib["d"])) for path in paths] == [1, 1, 60]
    starts = [re.match(r"M(\d+) (\d+)l(-?\d+)", path.attrib["d"]) for path in paths]
    assert [match and int(match[1]) for match in starts] == [8, 160, 8]
    assert all(match and int(match[3]) > 0 for match in starts)
    assert "<title>B takes it</title>" in first.svg


def test_cells_of_one_shade_side_by_side_are_one_piece() -> None:
    rows = [(float(x), 0.0, 1.0 if x < 4 else 0.0) for x in range(9)]
    (panel,) = svg.picture(Drawn("T", "x", "y", "", "heat"), {"one": {"part": rows}}, "c").panels
    assert len(re.findall("M", panel.svg.partition('class="heat"')[2].partition("</svg>")[0])) == 1


def test_cells_side_by_side_have_round_numbers_at_their_axes_and_cells_of_things_their_own() -> None:
    def written(kind: str, places: list[float]) -> list[str]:
        rows: list[tuple[object, ...]] = [(x, 0.0, 1.0) for x in places]
        (panel,) = svg.picture(Drawn("T", "x", "y", "", kind), {"one": {"part": rows}}, "c").panels
        assert (f'class="heat {kind}"' in panel.svg) == (kind != "heat")
        return re.findall(r">([-\d.−]+)</text>", panel.svg)[:-1]

    assert written("misses", [20 / 24 * (2 * i - 23) for i in range(24)]) == ["-20", "-10", "0", "10", "20"]
    assert written("heat", [float(i) for i in range(5)]) == ["0", "2", "4"]
    assert written("heat", [0.1, 1.0, 10.0]) == ["0.1", "1", "10"]


def test_the_committed_maps_have_a_mark_for_where_one_is() -> None:
    (document, *_) = store.maps_of("sinkhole")
    here = maps.drawing(document, {"load": 0.5, "slots": 4})
    place = re.search(r'class="here" transform="translate\(([\d.-]+) ([\d.-]+)\)', here.svg)
    assert place
    axis = here.axes["x"]
    share = (0.5 - axis["low"]) / (axis["high"] - axis["low"])
    assert float(place[1]) == pytest.approx(axis["first"] + share * (axis["last"] - axis["first"]), abs=0.1)
    assert read(here.svg).attrib["aria-label"].startswith("Map of")
    assert "translate(-20 -20)" in maps.drawing(document, {}).svg


def test_a_turning_point_is_a_dot_a_seed() -> None:
    turning = next(d for d in store.maps_of("circuit-breaker") + store.maps_of("death-spiral") if "cells" not in d)
    found = maps.drawing(turning, {})
    assert found.svg.count('class="seed"') == len([x for x in turning["at"] if x is not None])
    assert found.told.startswith("It turns")


class One:
    """The first."""

    def serve(self) -> int:
        queue = []
        return len(queue)


class Two(One):
    """The second."""

    def serve(self) -> int:
        queue = [1]
        return len(queue)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("// why\n\n  const a = 1; // told\n    return a;\n", "const a=1;\nreturn a;\n"),
        ('a = "two  // words"; /* gone */ b', 'a="two  // words";b\n'),
        ('b = `x  ${c ? `// ${d}` : "}"} y`;', 'b=`x  ${c ? `// ${d}` : "}"} y`;\n'),
        ("a = b / c; d = /[/ ]  x/g.test(e) ? f + +g : h - -i;", "a=b/c;d=/[/ ]  x/g.test(e)?f+ +g:h- -i;\n"),
        ("i++\nj\nf(a,\n  b)", "i++\nj\nf(a,b)\n"),
        ("return x in y;\nconst {a, b: c} = d", "return x in y;\nconst{a,b:c}=d\n"),
    ],
)  # fmt: skip
def test_what_is_served_is_the_program_without_what_only_readers_need(text: str, left: str) -> None:
    assert script(text) == left


def test_a_style_that_is_served_means_the_same() -> None:
    text = "/* why */\na :hover , b { color: red; margin: 0 1px; }\n@media (max-width: 9px) { a { top: 0 } }\n"
    assert style(text) == "a :hover,b{color:red;margin:0 1px}@media (max-width:9px){a{top:0}}\n"


def test_lines_that_only_one_design_has_are_marked() -> None:
    first, second = side_by_side(("one", One), ("two", Two))
    marked = [[line.strip() for line, same in listing.lines if not same] for listing in (first, second)]
    assert marked[0] == []
    assert "queue = [1]" in marked[1]
    assert "return len(queue)" in [line.strip() for line, _ in second.lines]


def test_systems_are_told_with_what_lessons_say_of_them() -> None:
    found = systems.systems()
    assert "Envoy" in found
    assert {mention.card.id for mention in found["Envoy"]} >= {"sinkhole"}
    assert all("{" not in sentence for mentions in found.values() for m in mentions for sentence in m.said)


def test_a_lesson_is_escaped_and_keeps_its_lists_and_tables() -> None:
    text = "**Strong** & `code <b>`.\n\n- one\n  more\n- two\n\n| a | b |\n|---|---|\n| 1 | <i> |\n\n    as it is"
    found = prose.html(text)
    assert "<strong>Strong</strong> &amp; <code>code &lt;b&gt;</code>." in found
    assert "<li>one more</li><li>two</li>" in found
    assert "<td>&lt;i&gt;</td>" in found
    assert "<pre>    as it is</pre>" in found


def test_a_slider_goes_between_the_bounds_of_its_definition() -> None:
    found = {one["name"]: one for one in sliders(find("sinkhole"))}
    assert (found["load"]["low"], found["load"]["high"]) == (0.1, 1.0) or found["load"]["low"] < found["load"]["high"]
    assert all(one["kind"] in ("range", "choice", "text") for one in found.values())
    assert found["slots"]["whole"]
    assert found["slots"]["quick"] == 2

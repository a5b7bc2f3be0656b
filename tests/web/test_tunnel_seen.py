"""The tunnel seen, in a browser: what it draws of a moment is what the trace says, whichever way one came there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import windtunnel.web
from helpers.browser import PATIENCE_MS, chromium, served
from windtunnel.lab.discovery import find
from windtunnel.lab.run import run
from windtunnel.lab.trace.reading import State, at, life, somebody_waits
from windtunnel.lab.trace.records import Trace
from windtunnel.web.picture import document

pytestmark = pytest.mark.soak  # without a graphics card drawing costs more than `make test` has

STATIC = Path(windtunnel.web.__file__).parent / "static"
PAIRS = {
    "chaos": ("untested", "tested"),
    "circuit-breaker": ("time_limits", "shard_breakers"),
    "metastable-failure": ("three_retries", "bounded_queue"),
    "overload": ("unbounded", "gradient_limit"),
    "pool-exhaustion": ("shared", "all_three"),
    "timeout-cascade": ("outer_shorter", "cancelled"),
}
SVG = "{http://www.w3.org/2000/svg}"
MOMENTS = 20
PAGE = b"""<!doctype html><html lang="en"><head><title>t</title><link rel="stylesheet" href="/static/tunnel/tunnel.css">
</head><body><section id="tunnel" class="tunnel"></section><script type="module" src="/go.js"></script></body></html>"""
GO = b"""import {mount} from "/static/tunnel/tunnel.js";
const said = JSON.parse(decodeURIComponent(location.hash.slice(1))), element = document.getElementById("tunnel");
globalThis.told = [];
for (const what of ["ready", "moment", "pick", "without", "fault"])
  element.addEventListener(`tunnel:${what}`, e => told.push([what, e.detail]));
globalThis.tunnel = mount(element, said);
import("/static/tunnel/words.js").then(found => { globalThis.spoken = found; });
import("/static/tunnel/layout.js").then(found => { globalThis.layout = found; });
"""
COUNTS = """moments => tunnel.scene.runs.map(run => moments.map(t => {
  const now = run.at(t);
  const some = now.boxes.map(({waiting, serving, hollow}, i) =>
    [run.boxes[i].name, [waiting.length, serving.length, hollow]]).filter(([, [w, s]]) => w + s);
  return {open: now.open, sent: now.sent.length, inside: Object.fromEntries(some)};
}))"""
PICTURE = """() => [...document.querySelectorAll(".tunnel canvas")].map(canvas => canvas.toDataURL())"""
LOADED = "globalThis.layout && globalThis.spoken ? tunnel.scene.runs.every(run => run.whole) : false"
FRAME = "() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)))"


@dataclass
class Tunnel:
    """A page with two runs on it, and the traces that it shows."""

    page: Any
    traces: dict[str, Trace]
    wrong: list[str] = field(default_factory=list)

    def seek(self, moment_s: float) -> None:
        self.page.evaluate("t => tunnel.seek(t)", moment_s)
        self.page.evaluate(FRAME)

    def picture(self) -> list[str]:
        found: list[str] = self.page.evaluate(PICTURE)
        return found


class Tunnels:
    """Pages by experiment, opened when they are asked for."""

    def __init__(self, browser: Any, address: str, made: dict[str, bytes]) -> None:
        self.browser, self.address, self.made = browser, address, made
        self.traces: dict[str, dict[str, Trace]] = {}

    def open(self, name: str, *, more: str = "", width: int = 1280, **context: Any) -> Tunnel:
        if name not in self.traces:
            found = run(find(name), quick=True, seeds=[0], designs=list(PAIRS[name]), trace=True).trace
            assert found is not None
            self.traces[name] = {design: found[design] for design in PAIRS[name]}
            self.made |= {f"/{name}/{design}.bin": document(one) for design, one in self.traces[name].items()}
        page = self.browser.new_page(viewport={"width": width, "height": 800}, **context)
        page.set_default_timeout(PATIENCE_MS)
        tunnel = Tunnel(page, self.traces[name])
        page.on("pageerror", lambda error: tunnel.wrong.append(str(error)))
        page.on("console", lambda said: tunnel.wrong.append(said.text) if said.type == "error" else None)
        page.on("request", lambda asked: None if asked.url.startswith(self.address) else tunnel.wrong.append(asked.url))
        designs = ",".join(f'{{"name":"{d}","idea":"An idea.","url":"/{name}/{d}.bin"}}' for d in PAIRS[name])
        page.goto(f'{self.address}/t.html#{{"designs":[{designs}]{more}}}', wait_until="commit")
        page.locator(".t-pane").nth(1).wait_for()
        while not page.evaluate(LOADED):
            page.wait_for_timeout(25)
        return tunnel


@pytest.fixture(scope="module")
def tunnels() -> Iterator[Tunnels]:
    made: dict[str, bytes] = {"/t.html": PAGE, "/go.js": GO, "/favicon.ico": b""}
    with chromium() as browser, served(STATIC, made) as address:
        yield Tunnels(browser, address, made)


@pytest.fixture(scope="module")
def storm(tunnels: Tunnels) -> Iterator[Tunnel]:
    tunnel = tunnels.open("metastable-failure")
    yield tunnel
    tunnel.page.close()
    assert tunnel.wrong == []


def counts(trace: Trace, state: State) -> dict[str, Any]:
    def hollow(attempts: Any) -> int:
        return sum(not somebody_waits(trace, one, state.moment_s) for one in attempts)

    inside = {
        name: [len(box.waiting), len(box.serving), hollow(box.waiting + box.serving)]
        for name, box in state.boxes.items()
    }
    return {"open": len(state.open), "sent": len(state.under_way), "inside": inside}


# --- what is drawn ---
@pytest.mark.parametrize("name", PAIRS)
def test_at_each_moment_the_picture_has_in_its_boxes_what_the_trace_says(tunnels: Tunnels, name: str) -> None:
    tunnel = tunnels.open(name)
    end_s = max(one.run.end * one.unit_s for one in tunnel.traces.values())
    moments = [end_s * (i + 0.5) / MOMENTS for i in range(MOMENTS)]
    drawn = tunnel.page.evaluate(COUNTS, moments)
    assert drawn == [[counts(one, at(one, t)) for t in moments] for one in tunnel.traces.values()]
    tunnel.page.close()
    assert tunnel.wrong == []


def test_the_picture_of_a_moment_is_the_same_whichever_way_one_came_there(storm: Tunnel) -> None:
    storm.seek(10.9)
    there = storm.picture()
    for moment_s in (3.0, 12.0, 23.9):
        storm.seek(moment_s)
        assert storm.picture() != there
    storm.seek(10.9)
    assert storm.picture() == there


def test_each_of_the_waiting_is_a_mark_until_they_are_too_many_for_their_tank(storm: Tunnel) -> None:
    storm.seek(14.0)
    waiting = len(at(storm.traces["three_retries"], 14.0).boxes["server"].waiting)
    found = storm.page.evaluate(
        "() => { const {marks, state, seen} = tunnel.panes[0].drawn; return [marks.hollow.length / 3 + "
        "marks.alive.reduce((n, list) => n + list.length / 3, 0), seen.coming.length + seen.going.length]; }"
    )
    assert waiting > 500
    assert found[0] == waiting + 1 + found[1]  # one is served


def test_red_is_work_for_nobody_and_nothing_else_is_red() -> None:
    inked = {file.name: file.read_text().count("ink.nobody") for file in (STATIC / "tunnel").glob("*.js")}
    assert {name: count for name, count in inked.items() if count} == {"marks.js": 1, "line.js": 2}


# --- hands and words ---
def test_stepping_names_what_happened_and_stepping_back_comes_to_the_same_moment(storm: Tunnel) -> None:
    storm.seek(10.0)
    storm.page.keyboard.press(".")
    storm.page.evaluate(FRAME)
    first = storm.page.evaluate("() => [tunnel.moment, tunnel.words()]")
    assert re.search(r"request [\d,]+ (comes to server|is asked)|server (begins|is done) with request", first[1])
    storm.page.keyboard.press(".")
    storm.page.keyboard.press(",")
    assert storm.page.evaluate("() => [tunnel.moment, tunnel.words()]") == first


def test_the_next_surprise_is_a_moment_with_a_sentence(storm: Tunnel) -> None:
    storm.seek(9.0)
    told = []
    for _ in range(4):
        storm.page.keyboard.press("j")
        told.append(storm.page.evaluate("() => [tunnel.moment, tunnel.words()]"))
    assert [moment for moment, _ in told] == sorted(moment for moment, _ in told)
    assert told[0] == [10, "It begins: server works at 0.1 of its speed."]


def test_space_plays_and_pauses_and_tells_the_page_where(storm: Tunnel) -> None:
    storm.seek(9.0)
    storm.page.keyboard.press(" ")
    while storm.page.evaluate("() => tunnel.moment") == 9.0:
        storm.page.wait_for_timeout(25)
    storm.page.keyboard.press(" ")
    moment = storm.page.evaluate("() => tunnel.moment")
    assert moment > 9.0
    assert storm.page.evaluate("() => told.filter(one => one[0] === 'moment').at(-1)[1].t") == moment


def test_a_dot_that_is_pointed_at_tells_its_life_in_both_designs(storm: Tunnel) -> None:
    storm.seek(14.0)
    x, y = storm.page.evaluate("() => { const {marks} = tunnel.panes[0].drawn; return [marks.x[300], marks.y[300]]; }")
    storm.page.locator(".t-pane canvas").first.click(position={"x": x, "y": y})
    storm.page.evaluate(FRAME)
    request = storm.page.evaluate("() => told.findLast(one => one[0] === 'pick')[1].request")
    said = storm.page.locator(".t-life").inner_text()
    assert f"Request {request:,}" in said
    for one in storm.traces.values():
        outcome = life(one, request).request.outcome
        assert {"ok": "answered after", "unknown": "gave up after"}[outcome] in said
    storm.page.get_by_role("button", name="what if it had not come?").click()
    assert storm.page.evaluate("() => told.at(-1)") == ["without", {"request": request}]


NUMBERS = """async () => {
  const {grouped, inOrder} = await import("/static/numbers.js"), wrong = [];
  const some = [0, 7, 12.5, -3, 999, 1000, 12345.678, 1e6, 123456789, 0.5, 0.0012, 2e-7, 1e15];
  for (const n of some) for (const digits of [3, 12]) {
    const theirs = n.toLocaleString("en", {maximumFractionDigits: digits});
    if (grouped(n, digits) !== theirs) wrong.push([n, grouped(n, digits), theirs]);
  }
  const names = ["server 10", "server 2", "Server 1", "db", "db standby 1", "cache", "a10b2", "a10b10", "a9b3", "10"];
  const compare = new Intl.Collator("en", {numeric: true}).compare;
  const ours = [...names].sort(inOrder).join(), theirs = [...names].sort(compare).join();
  return ours === theirs ? wrong : [...wrong, ours, theirs];
}"""


def test_numbers_and_the_order_of_names_are_as_the_browser_itself_has_them(storm: Tunnel) -> None:
    assert storm.page.evaluate(NUMBERS) == []


def test_what_comes_after_the_question_stays_hidden_until_it_is_answered(tunnels: Tunnels) -> None:
    tunnel = tunnels.open("metastable-failure", more=',"sealed":{"from_s":10}')
    tunnel.page.locator(".t-table summary").click()
    tunnel.seek(20.0)
    assert tunnel.page.evaluate("() => tunnel.moment") == 10
    assert tunnel.page.locator(".t-table tr").count() == 0
    tunnel.page.evaluate("() => tunnel.open()")
    tunnel.seek(20.0)
    assert tunnel.page.evaluate("() => tunnel.moment") == 20
    assert tunnel.page.locator(".t-table tbody tr").count() > 20
    tunnel.page.close()
    assert tunnel.wrong == []


def test_new_runs_take_the_place_of_the_old_at_the_same_moment(storm: Tunnel) -> None:
    storm.seek(12.0)
    storm.page.evaluate("() => tunnel.load(tunnel.options.designs.reverse())")
    assert storm.page.evaluate("() => tunnel.scene.runs.map(run => run.name)") == ["bounded_queue", "three_retries"]
    assert storm.page.evaluate("() => tunnel.moment") == 12
    storm.page.evaluate("() => tunnel.load(tunnel.options.designs.reverse())")


def test_a_fault_that_is_dragged_along_the_time_line_is_told_to_the_page(tunnels: Tunnels) -> None:
    tunnel = tunnels.open("metastable-failure", more=',"faults":true')
    line = tunnel.page.locator(".t-line").bounding_box()
    x = tunnel.page.evaluate("() => [tunnel.line.x(10.5), tunnel.line.x(15)]")
    tunnel.page.mouse.move(line["x"] + x[0], line["y"] + 10)
    tunnel.page.mouse.down()
    tunnel.page.mouse.move(line["x"] + x[1], line["y"] + 12)
    tunnel.page.mouse.up()
    told = tunnel.page.evaluate("() => told.findLast(one => one[0] === 'fault')[1]")
    assert told["index"] == 0
    assert told["at_s"] == pytest.approx(15, abs=0.05)
    tunnel.page.close()
    assert tunnel.wrong == []


PLAIN = {
    "slow server to 0.1": "server works at 0.1 of its speed",
    "pause provider": "provider stands still",
    "crash n1, n2": "n1, n2 is down",
    "split a, b | c": "a, b and c do not hear each other",
    "cut a > b": "nothing gets from a to b",
    "call disk 0 fill()": "disk 0 fills",
    "call cache fail_over()": "cache fails over",
    "storm a by 3": "storm a by 3",
}


def test_faults_are_told_in_plain_words(storm: Tunnel) -> None:
    told = storm.page.evaluate("words => words.map(one => spoken.plain(one))", list(PLAIN))
    assert told == list(PLAIN.values())


SAYS = """async ([at, ok, fail, p99, open, since]) => {
  const {Run} = await import("/static/tunnel/run.js"), none = ok.map(() => 0), curves = {width: 10, p99, ok, fail};
  for (const kind of ["asked", "work", "waste", "turned", "unknown", "waiting"]) curves[kind] = none;
  curves.asked = fail;
  const head = {run: {design: "one", end: 10 * ok.length, unit_s: 1}, boxes: [], names: [], changes: [], faults: []};
  const run = new Run({...head, curves});
  run.at = now => ({now, open, since});
  return spoken.now({runs: [run]}, at, null).map(part => part[0]).join("");
}"""
BUSY, NEVER = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0], [-1] * 10
SAID = {
    "one: it has just begun.": (5, BUSY, [0] * 10, NEVER, 1, 5),
    "one: nobody is answered, and 2 wait.": (90, BUSY, [0] * 10, [15] * 10, 2, 60),
    "one: nobody is answered, and 1 waits.": (90, [0] * 10, [0] * 10, NEVER, 1, 60),
    "one: 2 wait for an answer.": (90, BUSY, [0] * 10, [45] * 10, 2, 60),
    "one: 1 waits for an answer.": (70, BUSY, [0] * 10, [15] * 10, 1, 50),
    "one: nobody asks.": (90, BUSY, [0] * 10, [15] * 10, 0, 0),
    "one: 75 of 100 fail.": (60, BUSY, [3] * 10, [15] * 10, 0, 0),
}


def test_nobody_is_said_to_wait_in_vain_who_waits_no_longer_than_usual(storm: Tunnel) -> None:
    assert [storm.page.evaluate(SAYS, given) for given in SAID.values()] == list(SAID)


def test_a_moment_is_an_image_of_its_own_and_a_stretch_one_that_moves(storm: Tunnel) -> None:
    storm.seek(18.0)
    drawn = [storm.page.evaluate(f"() => tunnel.{how}") for how in ("svg()", "animation(9, 12)")]
    still, moving = map(ElementTree.fromstring, drawn)
    assert "three_retries" in still.attrib["aria-label"]
    dots = sum(path.attrib["d"].count("h0") for path in still.iter(f"{SVG}path") if "stroke-linecap" in path.attrib)
    assert 10 < dots < 200
    assert len(list(moving.iter(f"{SVG}animate"))) == 48
    assert storm.page.evaluate("() => tunnel.svg()") == storm.page.evaluate("() => tunnel.svg()")


# --- where boxes stand ---
LAID = """([boxes, ways, width, height]) => {
  const byName = new Map(boxes.map((box, i) => [box[0], i]));
  const run = {boxes: boxes.map(([name, kind]) => ({name, kind, workers: 1, bound: -1})), byName, head: {ways}};
  const {places} = layout.layout(run, width, height);
  return boxes.map(([name], i) => places[i] &&
    {name, ...places[i].server, left: places[i].tank?.x0 ?? places[i].server.x});
}"""
TOPOLOGIES = {
    "three tiers": ([("web", "server"), ("app 0", "server"), ("app 1", "server"), ("db", "database")],
                    [("clients", "web"), ("web", "app 0"), ("web", "app 1"), ("app 0", "db"), ("app 1", "db")]),
    "forty servers": ([(f"server {i}", "server") for i in range(40)], [("clients", f"server {i}") for i in range(40)]),
    "two regions": ([(f"{r} {k}", k) for r in ("east", "west") for k in ("server", "cache", "database")],
                    [("clients", f"{r} server") for r in ("east", "west")]
                    + [(f"{r} server", f"{r} {k}") for r in ("east", "west") for k in ("cache", "database")]),
    "five replicas": ([(f"n{i}", "host") for i in range(5)],
                      [("clients", f"n{i}") for i in range(5)]
                      + [(f"n{i}", f"n{j}") for i in range(5) for j in range(5) if i != j]),
    "a ring between two": ([("gate", "host"), *[(f"n{i}", "host") for i in range(5)], ("keys", "host")],
                           [("gate", f"n{i}") for i in range(5)] + [(f"n{i}", "keys") for i in range(5)]
                           + [(f"n{i}", f"n{j}") for i in range(5) for j in range(5) if i != j]),
    "one that calls by itself": ([("timer", "host"), ("queue", "queue")], [("timer", "queue")]),
}  # fmt: skip


@pytest.mark.parametrize("width", [358, 610])
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_boxes_stand_apart_inside_of_the_pane_and_those_who_are_called_to_the_right(
    storm: Tunnel, name: str, width: int
) -> None:
    boxes, ways = TOPOLOGIES[name]
    calls = [
        [source, target, 0 if kind == "host" else 7, 5] for source, target in ways for kind in [dict(boxes)[target]]
    ]
    asked = [[["clients", "client"], *boxes], calls, width, 240]
    places = storm.page.evaluate(LAID, asked)[1:]
    assert all(place is not None for place in places)
    for place in places:
        assert 0 <= place["left"] <= place["x"] <= width - place["size"]
        assert 0 <= place["y"] <= 240 - place["size"]
    for i, one in enumerate(places):
        for other in places[:i]:
            apart = max(abs(one["x"] - other["x"]), abs(one["y"] - other["y"]))
            assert apart >= max(one["size"], other["size"]), (one, other)
    where = {place["name"]: place["x"] for place in places}
    assert all(where[s] < where[t] for s, t in ways if s in where and (t, s) not in ways)
    often = [[source, target, 900 * count, 900 * sends] for source, target, count, sends in calls]
    assert storm.page.evaluate(LAID, [asked[0], often, width, 240])[1:] == places


KIN: dict[str, tuple[list[tuple[str, str]], list[list[str]]]] = {
    "a chat": (
        [
            ("clients", "gate-0"),
            ("gate-0", "phone-0"),
            ("phone-0", "gate-1"),
            ("gate-0", "gate-1"),
            ("gate-1", "phone-1"),
        ],
        [["gate-0", "gate-1"], ["phone-0", "phone-1"]],
    ),
    "a leader": (
        [("clients", "node 0"), ("node 0", "node 1"), ("node 0", "node 2")],
        [["node 0"], ["node 1", "node 2"]],
    ),
}


@pytest.mark.parametrize("name", KIN)
def test_hosts_of_one_name_stand_in_one_column_but_for_a_leader_before_its_followers(storm: Tunnel, name: str) -> None:
    ways, wanted = KIN[name]
    hosts = sorted({one for way in ways for one in way} - {"clients"})
    asked = [[["clients", "client"], *([one, "host"] for one in hosts)], [[*way, 0, 5] for way in ways], 610, 240]
    columns: dict[float, list[str]] = {}
    for place in storm.page.evaluate(LAID, asked)[1:]:
        columns.setdefault(place["x"] + place["size"] / 2, []).append(place["name"])
    assert [columns[x] for x in sorted(columns)] == wanted


def test_hosts_that_hear_each_other_stand_in_one_ring_whether_clients_send_them_messages_or_stand_beside_them(
    storm: Tunnel,
) -> None:
    boxes, ways = TOPOLOGIES["five replicas"]
    asked = [["clients", "client"], *boxes]
    sent = [[source, target, 0, 5] for source, target in ways]
    beside = [way for way in sent if way[0] != "clients"]
    rings = [storm.page.evaluate(LAID, [asked, some, 610, 240])[1:] for some in (sent, beside)]
    assert rings[0] == rings[1]


# --- widths, light and dark ---
@pytest.mark.parametrize("context", [{"color_scheme": "dark"}, {"width": 390}, {"reduced_motion": "reduce"}], ids=str)
def test_it_fits_its_page_and_draws_something(tunnels: Tunnels, context: dict[str, Any]) -> None:
    tunnel = tunnels.open("pool-exhaustion", more=',"at":3', **context)
    wide = tunnel.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1]
    assert tunnel.page.evaluate("() => tunnel.panes.every(pane => pane.drawn.marks.x.length > 0)")
    tunnel.page.close()
    assert tunnel.wrong == []

"""The player of what a real machine was seen to do: a moment in words, a clock, keys and a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.browser import chromium, served

STATIC = Path(__file__).parents[2] / "src" / "windtunnel" / "web" / "static"
GIVEN: dict[str, Any] = {
    "title": "Who runs",
    "unit": "ms",
    "told": "Recorded on a desk",
    "shown": ["naive", "best"],
    "ideas": {"naive": "One at a time."},
    "designs": {
        "naive": {"lanes": ["talks", "computes"], "rows": [["computes", 0, 8, "runs"], ["talks", 0, 10, "waits"]]},
        "best": {"lanes": ["talks", "computes"], "rows": [["talks", 0, 2, "waits"], ["computes", 4, 20, "runs"]]},
    },
}
PAGE = b"""<!doctype html><html class="js open"><link rel="stylesheet" href="/static/page.css">
<link rel="stylesheet" href="/static/tunnel/tunnel.css"><section id="tunnel" class="tunnel"></section>
<script type="module" src="/go.js"></script></html>"""
GO = f"""import {{hidden, play}} from "/static/recorded.js";
globalThis.seen = play(hidden(document.getElementById("tunnel"), "after recorded"), {json.dumps(GIVEN)});""".encode()
TOLD = (
    "t => { seen.go(t); return [seen.sentence.textContent, seen.runs.map(one => one.curtain.getAttribute('width'))]; }"
)


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    with chromium() as browser, served(STATIC, {"/t.html": PAGE, "/go.js": GO, "/favicon.ico": b""}) as address:
        found = browser.new_page(viewport={"width": 1280, "height": 800})
        wrong: list[str] = []
        found.on("pageerror", lambda error: wrong.append(str(error)))
        found.goto(f"{address}/t.html")
        found.locator(".recorded svg").nth(1).wait_for()
        yield found
        assert wrong == []


def test_a_moment_says_who_is_at_what_and_for_how_long(page: Any) -> None:
    both = "naive: talks waits ({0} ms so far); computes runs ({0} ms so far). best: "
    assert page.evaluate(TOLD, 5)[0] == both.format(5) + "computes runs (1 ms so far)."
    assert page.evaluate(TOLD, 3)[0] == both.format(3) + "nothing."
    assert page.evaluate(TOLD, 12)[0] == "naive: all is over. best: computes runs (8 ms so far)."


def test_the_curtain_goes_with_the_clock_and_comes_back_to_the_same_place(page: Any) -> None:
    there = page.evaluate(TOLD, 5)
    assert page.evaluate(TOLD, 15) != there
    assert page.evaluate(TOLD, 5) == there
    begin, end = (float(page.evaluate(TOLD, t)[1][0]) for t in (0, 20))
    assert begin > 400
    assert end < 1


def test_it_goes_from_event_to_event_by_keys_and_is_a_table_too(page: Any) -> None:
    page.evaluate(TOLD, 0)
    page.locator(".t-play").focus()
    moments = []
    for key in (".", ".", ".", ","):
        page.keyboard.press(key)
        moments.append(page.evaluate("seen.t"))
    assert moments == [2, 4, 8, 4]
    assert page.locator(".t-table tbody tr").count() == 4

"""From a request to a server that has just started to the last paint of the committed result, and to the picture's."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from bench.page_browser import WIDE, browsers, serving, used_s

NAMES = ("honest-measurement", "metastable-failure", "q10-ticketmaster")
"""The first one that a newcomer opens, that of the mock, and one whose page is long."""
ROUNDS = 5
COLUMNS = ("told_ms", "drawn_ms", "server_cpu_ms", "browser_cpu_ms")
WATCH = """(() => {
  const painted = (name) => requestAnimationFrame(() => requestAnimationFrame((now) => { globalThis[name] = now; }));
  const look = () => {
    const result = document.getElementById("result"), whole = document.readyState === "complete";
    const settled = document.documentElement.classList.contains("settled");
    if (!globalThis.toldAt && whole && settled && result?.offsetHeight && result.querySelector(".claims")) {
      globalThis.toldAt = -1; painted("toldAt");
    }
    if (!globalThis.drawnAt && document.querySelector("#tunnel .t-pane canvas, #tunnel .stills")) {
      globalThis.drawnAt = -1; painted("drawnAt");
    }
    if (!(globalThis.toldAt > 0 && globalThis.drawnAt > 0)) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})()"""
TOLD = "[globalThis.toldAt ?? -1, globalThis.drawnAt ?? -1]"
LOOK_S, PATIENCE_S = 0.02, 60.0


def once(browser: Any, name: str) -> dict[str, float]:
    """One start of a server and one request: milliseconds since the request, and CPU until the result was painted."""
    with serving([name]) as (home, server):
        page = browser.new_page(viewport=WIDE)
        page.add_init_script(WATCH)
        before = used_s([server]), used_s(browsers())
        page.goto(f"{home}e/{name}", wait_until="commit")
        used: list[float] = []
        told = drawn = -1.0
        end = time.monotonic() + PATIENCE_S
        while drawn < 0 or told < 0:
            if time.monotonic() > end:
                raise TimeoutError(f"{name} was not painted within {PATIENCE_S:g} s.")
            time.sleep(LOOK_S)
            told, drawn = page.evaluate(TOLD)
            if told >= 0 and not used:
                used = [used_s([server]) - before[0], used_s(browsers()) - before[1]]
        page.close()
        return dict(zip(COLUMNS, (told, drawn, 1000 * used[0], 1000 * used[1]), strict=True))


def measured(browser: Any) -> dict[str, dict[str, list[float]]]:
    """Of each experiment all rounds, interleaved."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in NAMES}
    for _ in range(ROUNDS):
        for name in NAMES:
            for key, value in once(browser, name).items():
                found[name].setdefault(key, []).append(round(value))
    return found


def lines(found: dict[str, dict[str, list[float]]]) -> list[str]:
    """A table for people."""
    out = [
        "Milliseconds from the request to a server that has just started: least of the rounds, then the median.",
        "",
        "| page | result painted | picture painted | CPU of the server until the result | of the browser |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, columns in found.items():
        cells = [f"{min(columns[key]):.0f} ({median(columns[key]):.0f})" for key in COLUMNS]
        out.append(f"| {name} | {' | '.join(cells)} |")
    return out

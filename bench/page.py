"""The page in a browser: a cold server, frames and tasks, previews.

    python -m bench.page [cold] [frames] [previews] [--ahead] [NAME ...]

All three of all experiments where none is named. Needs Playwright and a Chromium; without them it says so. Times are of
the wall: they mean something on a machine that does nothing else, so the load stands beside them. With --ahead what is
measured runs before what others run, where the system lets us (as root on Linux). No test reads any of it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import page_cold, page_frames, page_previews
from bench.page_browser import ahead, chromium, executable
from bench.tables import machine

FOLDER = Path(__file__).parent.parent / "results" / "page"
PARTS = ("cold", "frames", "previews")
AHEAD = "--ahead"
TITLES = {"cold": "A cold server", "frames": "Frames and tasks", "previews": "Previews and exact runs"}


def main(arguments: Sequence[str]) -> int:
    """Measure, print, and write what was measured beside what was measured before."""
    if executable() is None or importlib.util.find_spec("playwright") is None:
        print("There is no Chromium here, or no Playwright: the page was not measured.")
        return 0
    wanted = [part for part in PARTS if part in arguments] or list(PARTS)
    names = [word for word in arguments if word not in (*PARTS, AHEAD)]
    if AHEAD in arguments:
        ahead()
    file = FOLDER / "measured.json"
    known: dict[str, Any] = json.loads(file.read_text("utf-8")) if file.exists() else {}
    with chromium() as browser:
        for part in wanted:
            before = os.getloadavg()[0]
            found = measured(part, browser, names)
            where = {**machine((), before), "chromium": browser.version, "ahead": AHEAD in arguments}
            if part == "previews" and names:  # some anew
                found = {**known.get(part, {}).get("found", {}), **found}
            known[part] = {"where": where, "found": found}
            print("\n".join(lines(part, known[part])), flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    text = "\n\n".join("\n".join(lines(part, known[part])) for part in PARTS if part in known)
    (FOLDER / "measured.md").write_text(f"# The page, measured (`python -m bench.page`)\n\n{text}\n", "utf-8")
    return 0


def measured(part: str, browser: Any, names: list[str]) -> dict[str, Any]:
    """What one part finds."""
    if part == "previews":
        return page_previews.measured(browser, names)
    return page_cold.measured(browser) if part == "cold" else page_frames.measured(browser)


def lines(part: str, one: dict[str, Any]) -> list[str]:
    """A part as Markdown."""
    modules = {"cold": page_cold, "frames": page_frames, "previews": page_previews}
    w = one["where"]
    load = f"load {w['load'][0]} before and {w['load'][1]} after"
    load += ", ahead of what made it" * w.get("ahead", False)
    on = f"{w['cpu']}, {w['cores']} cores, {load}; Python {w['python']}, Chromium {w['chromium']}, no graphics card."
    return [f"## {TITLES[part]}", "", on, "", *modules[part].lines(one["found"])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The page in a browser: how soon a preview is drawn, how many frames a second play, and how long a task holds it up.

    python -m bench.page [NAME ...]

Needs Playwright and a Chromium. Times are of the wall: they mean something on a machine that does nothing else, so the
load is printed with them. No test reads them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

from windtunnel import find

SEEDS = range(1, 8)
CROWD, FROM_S = "metastable-failure", 20.0
CROWDS: dict[str, dict[str, float]] = {"about 2,000 dots": {}, "10,000 in flight": {"capacity": 400.0}}
PREVIEW = """async ([name, seed, params]) => {
  const token = document.querySelector('meta[name=token]').content, begun = performance.now();
  const answer = await fetch(`/api/experiments/${name}/preview`, {method: "POST", body: JSON.stringify({seed, params}),
    headers: {"content-type": "application/json", "x-windtunnel-token": token}});
  const found = await answer.json(), asked = performance.now();
  const designs = Object.entries(found.traces).map(([name, url]) => ({name, idea: "", url}));
  if (!designs.length) return [asked - begun, asked - begun];
  const {mount} = await import("/static/tunnel/tunnel.js");
  const place = document.getElementById("tunnel");
  if (!globalThis.measured) {
    document.documentElement.classList.add("open");
    globalThis.measured = mount(place, {designs, at: null});
    while (!measured.scene?.runs.every(run => run.whole)) await new Promise(go => setTimeout(go, 10));
  } else await measured.load(designs);
  await new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)));
  return [asked - begun, performance.now() - begun];
}"""
DRAWN = """t => {
  const times = [];
  for (let i = 0; i < 60; i++) {
    measured.clock.t = t + i / 60;
    const begun = performance.now();
    measured.draw();
    times.push(performance.now() - begun);
  }
  measured.seek(t);
  measured.play();
  return Math.min(...times);
}"""
FRAMES = """() => new Promise(done => {
  const long = [], frames = [], watch = new PerformanceObserver(list => long.push(...list.getEntries()));
  watch.observe({entryTypes: ["longtask"]});
  const begun = performance.now();
  const frame = now => { frames.push(now); if (now - begun < 4000) requestAnimationFrame(frame); else {
    watch.disconnect();
    const longest = Math.max(0, ...long.map(one => one.duration));
    done([1000 * (frames.length - 1) / (frames.at(-1) - frames[0]), longest]); } };
  requestAnimationFrame(frame);
})"""


@contextmanager
def serving() -> Iterator[str]:
    """A server of the page while the block runs; its address."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "WINDTUNNEL_PROGRESS": str(Path(folder) / "progress.json")}
        command = [sys.executable, "-m", "windtunnel", "web", "--port", "0", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None
            try:
                yield json.loads(process.stdout.readline())["address"]
            finally:
                process.terminate()


def opened(browser: Any, address: str) -> Any:
    """The page of an experiment, once its own picture is there."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(120_000)
    page.goto(address, wait_until="commit")
    page.locator("#tunnel canvas, #tunnel .stills").first.wait_for(state="attached")
    return page


def main(names: list[str]) -> None:
    """Measure, and print; all experiments where none is named."""
    from playwright.sync_api import sync_playwright

    where = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright, serving() as home:
        browser = playwright.chromium.launch(executable_path=where, args=["--no-sandbox", "--disable-gpu"])
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        print("preview of one seed, two designs, ms: answered, drawn (median of seven, then the least)")
        with urlopen(f"{home}api/experiments") as answer:
            known = [one["id"] for one in json.load(answer)]
        for name in names or known:
            if "sim" not in find(name).stages:
                continue
            page = opened(browser, f"{home}e/{name}")
            times = [page.evaluate(PREVIEW, [name, seed, {}]) for seed in SEEDS]
            answered, drawn = zip(*times, strict=True)
            print(f"  {name:22} {median(answered):5.0f} {median(drawn):5.0f}   {min(answered):5.0f} {min(drawn):5.0f}")
            page.close()
        print("least script for a frame, ms; frames a second while it plays; longest task, ms")
        for crowd, params in CROWDS.items():
            page = opened(browser, f"{home}e/{CROWD}")
            page.evaluate(PREVIEW, [CROWD, 0, params])
            least = page.evaluate(DRAWN, FROM_S)
            rate, longest = page.evaluate(FRAMES)
            print(f"  {crowd:22} {least:5.1f} {rate:5.0f} {longest:5.0f}")
            page.close()
        print(f"load {os.getloadavg()[0]:.1f}")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])

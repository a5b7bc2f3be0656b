"""From a slider to its preview, drawn, and to the exact result, of every experiment, by the browser's own clock."""

from __future__ import annotations

import json
from statistics import median
from typing import Any
from urllib.request import urlopen

from bench.page_browser import PATIENCE_MS, WIDE, serving, used_s
from windtunnel import find

SEEDS = range(1, 6)
PREVIEW_MS, EXACT_MS, CHEAP_S = 300, 2000, 3.0
"""What a preview may take, what an exact run may, and which runs: those that cost so much CPU at most."""
PREVIEW = """async ([name, seed]) => {
  const token = document.querySelector('meta[name=token]').content, begun = performance.now();
  const answer = await fetch(`/api/experiments/${name}/preview`, {method: "POST", body: JSON.stringify({seed}),
    headers: {"content-type": "application/json", "x-windtunnel-token": token}});
  const found = await answer.json();
  if (found.error) throw new Error(found.error);
  const designs = Object.entries(found.traces).map(([name, url]) => ({name, idea: "", url}));
  if (!designs.length) document.getElementById("tunnel").innerHTML = found.charts;
  else {
    const {mount} = await import("/static/tunnel/tunnel.js");
    globalThis.measured ??= mount(document.getElementById("tunnel"), {designs: [], at: null});
    await measured.load(designs);
  }
  await new Promise(go => requestAnimationFrame(() => requestAnimationFrame(go)));
  return performance.now() - begun;
}"""
EXACT = """async ([name]) => {
  const token = document.querySelector('meta[name=token]').content, begun = performance.now();
  const answer = await fetch(`/api/experiments/${name}/runs`, {method: "POST", body: JSON.stringify({seed: 1}),
    headers: {"content-type": "application/json", "x-windtunnel-token": token}});
  const {id, error} = await answer.json();
  if (error) throw new Error(error);
  let progress = 0;
  await new Promise((done, failed) => {
    const heard = new EventSource(`/api/runs/${id}/events`);
    heard.addEventListener("progress", () => progress++);
    heard.addEventListener("done", () => { heard.close(); done(); });
    heard.addEventListener("wrong", (event) => { heard.close(); failed(new Error(event.data)); });
  });
  await (await fetch(`/api/runs/${id}/fragment`)).text();
  return [performance.now() - begun, progress];
}"""


def once(browser: Any, home: str, server: Any, name: str) -> dict[str, float]:
    """One experiment: previews of some seeds, then the quick run twice, the first of which starts its worker."""
    page = browser.new_page(viewport=WIDE)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{home}e/{name}", wait_until="commit")
    found: dict[str, float] = {}
    if "sim" in find(name).stages:
        page.locator("#tunnel canvas, #tunnel .stills, #tunnel .recorded svg").first.wait_for(state="attached")
        page.evaluate(PREVIEW, [name, 0])
        before = used_s([server])
        times = [page.evaluate(PREVIEW, [name, seed]) for seed in SEEDS]
        found = {"preview_ms": min(times), "preview_median_ms": median(times)}
        found["preview_cpu_ms"] = 1000 * (used_s([server]) - before) / len(times)
    page.evaluate(EXACT, [name])
    before = used_s([server])
    took, progress = page.evaluate(EXACT, [name])
    page.close()
    return {**found, "exact_ms": took, "exact_cpu_ms": 1000 * (used_s([server]) - before), "progress": progress}


def measured(browser: Any, names: list[str]) -> dict[str, dict[str, float]]:
    """Of each experiment; all where none is named."""
    with serving() as (home, server):
        with urlopen(f"{home}api/experiments") as answer:
            known = [one["id"] for one in json.load(answer)]
        found = {}
        for name in names or known:
            found[name] = {key: round(value) for key, value in once(browser, home, server, name).items()}
            print(f"  {name}: {found[name]}", flush=True)
        return found


def verdict(took_ms: float, cpu_ms: float, bar_ms: float) -> str:
    """Whether a bar is held; by CPU where so little was used that nobody waits longer on a machine that is free."""
    return "held" if took_ms <= bar_ms else "held by CPU" if cpu_ms <= bar_ms else "MISSED"


def lines(found: dict[str, dict[str, float]]) -> list[str]:
    """A table for people."""
    out = [
        f"Milliseconds: a preview (one seed, two designs, drawn; bar {PREVIEW_MS}) is the least of {len(SEEDS)}, then "
        f"the median. An exact run (all designs, three seeds; bar {EXACT_MS} where it costs {CHEAP_S:g} s of CPU at "
        "most) was made once by a warm worker. CPU is that of the server and its workers, one run each: held by CPU is "
        "what used less than the bar, and took longer because others used the processors.",
        "",
        "| experiment | preview | CPU | | exact | CPU | |",
        "|---|--:|--:|---|--:|--:|---|",
    ]
    for name, c in found.items():
        progress = f"with progress, {c['progress']} times"
        dear = c["exact_cpu_ms"] > 1000 * CHEAP_S
        if "preview_ms" in c:
            held = verdict(c["preview_ms"], c["preview_cpu_ms"], PREVIEW_MS)
            drawn = f"{c['preview_ms']} ({c['preview_median_ms']}) | {c['preview_cpu_ms']} | {held}"
            exact = progress if dear else verdict(c["exact_ms"], c["exact_cpu_ms"], EXACT_MS)
        else:
            drawn, exact = "measured on the machine: none | |", f"as long as its windows last, {progress}"
        out.append(f"| {name} | {drawn} | {c['exact_ms']} | {c['exact_cpu_ms']} | {exact} |")
    return out

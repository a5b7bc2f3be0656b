"""How many frames a second play, how long a frame's script takes, and the longest task, by the browser's own clock."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psutil

from bench.page_browser import PATIENCE_MS, WIDE, browsers, serving
from bench.page_tasks import longest_task

NAME, FROM_S, PLAYED_S, ROUNDS = "metastable-failure", 20.0, 4.0, 3
CROWDS: dict[str, dict[str, float]] = {"about 2,000 dots": {}, "10,000 in flight": {"capacity": 500.0, "load": 0.8}}
TASKS = """(() => {
  globalThis.tasks = [];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((one) => one.duration)))
    .observe({type: "longtask", buffered: true});
})()"""
LOAD = """async ([name, params]) => {
  const token = document.querySelector('meta[name=token]').content;
  const answer = await fetch(`/api/experiments/${name}/preview`, {method: "POST", body: JSON.stringify({params}),
    headers: {"content-type": "application/json", "x-windtunnel-token": token}});
  const {traces} = await answer.json(), designs = Object.entries(traces).map(([name, url]) => ({name, idea: "", url}));
  const {mount} = await import("/static/tunnel/tunnel.js");
  globalThis.measured = mount(document.getElementById("tunnel"), {designs, at: null});
  while (!measured.scene?.runs.every(run => run.whole)) await new Promise(go => setTimeout(go, 10));
}"""
DRAWN = """t => {
  const times = [];
  for (let i = 0; i < 60; i++) {
    measured.clock.t = t + i / 60;
    const begun = performance.now();
    measured.draw();
    times.push(performance.now() - begun);
  }
  const {state, marks} = measured.panes[0].drawn;
  const inside = state.boxes.reduce((n, box) => n + box.waiting.length + box.serving.length, 0);
  return [Math.min(...times), times.sort((a, b) => a - b)[30], inside, marks.x.length];
}"""
FRAMES = """([t, seconds]) => new Promise(done => {
  const frames = [], loaded = Math.max(0, ...tasks);
  measured.seek(t);
  measured.speed(-1);
  measured.play();
  tasks.length = 0;
  const begun = performance.now();
  const frame = now => { frames.push(now); if (now - begun < 1000 * seconds) requestAnimationFrame(frame); else
    done([1000 * (frames.length - 1) / (frames.at(-1) - frames[0]), loaded, Math.max(0, ...tasks)]); };
  requestAnimationFrame(frame);
})"""


def threads_s() -> dict[int, float]:
    """CPU seconds of each thread of the browser: a frame cannot come sooner than its busiest thread is done with it."""
    found = {}
    for process in browsers():
        with suppress(psutil.Error):
            found |= {thread.id: thread.user_time + thread.system_time for thread in process.threads()}
    return found


def once(browser: Any, home: str, params: dict[str, float]) -> dict[str, float]:
    """One page with this setting's crowd."""
    page = browser.new_page(viewport=WIDE)
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(TASKS)
    page.goto(f"{home}e/{NAME}", wait_until="commit")
    page.locator("#tunnel .t-pane canvas").first.wait_for(state="attached")
    page.evaluate(LOAD, [NAME, params])
    least, middle, inside, dots = page.evaluate(DRAWN, FROM_S)
    before = threads_s()
    rate, loading, playing = page.evaluate(FRAMES, [FROM_S, PLAYED_S])
    busiest = max(used - before.get(thread, 0.0) for thread, used in threads_s().items())
    page.close()
    found = {"frames_per_s": rate, "script_ms": least, "script_median_ms": middle, "in_flight": inside, "dots": dots}
    found["busiest_ms"] = 1000 * busiest / (rate * PLAYED_S)
    return {**found, "longest_task_loading_ms": loading, "longest_task_playing_ms": playing}


def tasks(browser: Any, home: str, params: dict[str, float]) -> dict[str, float]:
    """The same in CPU time: tracing takes time of its own, so it has a page of its own."""
    page = browser.new_page(viewport=WIDE)
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(TASKS)
    with longest_task(browser, page) as loading:
        page.goto(f"{home}e/{NAME}", wait_until="commit")
        page.locator("#tunnel .t-pane canvas").first.wait_for(state="attached")
        page.evaluate(LOAD, [NAME, params])
    with longest_task(browser, page) as playing:
        page.evaluate(FRAMES, [FROM_S, PLAYED_S / 2])
    page.close()
    return {"task_cpu_loading_ms": loading[0], "task_cpu_playing_ms": playing[0]}


def measured(browser: Any) -> dict[str, dict[str, list[float]]]:
    """Of each crowd all rounds, interleaved."""
    found: dict[str, dict[str, list[float]]] = {crowd: {} for crowd in CROWDS}
    with serving([NAME]) as (home, _):
        for _ in range(ROUNDS):
            for crowd, params in CROWDS.items():
                for key, value in {**once(browser, home, params), **tasks(browser, home, params)}.items():
                    found[crowd].setdefault(key, []).append(round(value, 1))
    return found


def lines(found: dict[str, dict[str, list[float]]]) -> list[str]:
    """A table for people: what else runs makes frames fewer and tasks longer, so the best of the rounds is told."""
    out = [
        f"{NAME} from second {FROM_S:g} on, two panes, 1280 pixels wide: best of the rounds.",
        "",
        "| crowd | in flight | dots in a pane | frames a second | script a frame, ms | busiest thread a frame, ms | "
        "longest task playing, ms | its CPU | loading, ms | its CPU |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for crowd, c in found.items():
        out.append(
            f"| {crowd} | {c['in_flight'][0]:.0f} | {c['dots'][0]:.0f} | {max(c['frames_per_s']):.0f} | "
            f"{min(c['script_ms']):.1f} | {min(c['busiest_ms']):.1f} | {min(c['longest_task_playing_ms']):.0f} | "
            f"{min(c['task_cpu_playing_ms']):.0f} | {min(c['longest_task_loading_ms']):.0f} | "
            f"{min(c['task_cpu_loading_ms']):.0f} |"
        )
    return [*out, "", "A task below 50 ms is none that the browser tells of: 0."]

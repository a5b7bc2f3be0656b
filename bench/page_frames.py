"""How many frames a second play, how long a frame's script takes, and the longest task, by the browser's own clock."""

from __future__ import annotations

from typing import Any

from bench.page_browser import PATIENCE_MS, WIDE, serving

NAME, FROM_S, ROUNDS = "metastable-failure", 20.0, 3
CROWDS: dict[str, dict[str, float]] = {"about 2,000 dots": {}, "10,000 in flight": {"capacity": 400.0}}
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
  return [Math.min(...times), times.sort((a, b) => a - b)[30], state.open, marks.x.length];
}"""
FRAMES = """t => new Promise(done => {
  const frames = [], loaded = Math.max(0, ...tasks);
  measured.seek(t);
  measured.speed(4);
  measured.play();
  tasks.length = 0;
  const begun = performance.now();
  const frame = now => { frames.push(now); if (now - begun < 4000) requestAnimationFrame(frame); else
    done([1000 * (frames.length - 1) / (frames.at(-1) - frames[0]), loaded, Math.max(0, ...tasks)]); };
  requestAnimationFrame(frame);
})"""


def once(browser: Any, home: str, params: dict[str, float]) -> dict[str, float]:
    """One page with this setting's crowd."""
    page = browser.new_page(viewport=WIDE)
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script(TASKS)
    page.goto(f"{home}e/{NAME}", wait_until="commit")
    page.locator("#tunnel .t-pane canvas").first.wait_for(state="attached")
    page.evaluate(LOAD, [NAME, params])
    least, middle, waiting, dots = page.evaluate(DRAWN, FROM_S)
    rate, loading, playing = page.evaluate(FRAMES, FROM_S)
    page.close()
    found = {"frames_per_s": rate, "script_ms": least, "script_median_ms": middle, "waiting": waiting, "dots": dots}
    return {**found, "longest_task_loading_ms": loading, "longest_task_playing_ms": playing}


def measured(browser: Any) -> dict[str, dict[str, list[float]]]:
    """Of each crowd all rounds, interleaved."""
    found: dict[str, dict[str, list[float]]] = {crowd: {} for crowd in CROWDS}
    with serving([NAME]) as (home, _):
        for _ in range(ROUNDS):
            for crowd, params in CROWDS.items():
                for key, value in once(browser, home, params).items():
                    found[crowd].setdefault(key, []).append(round(value, 1))
    return found


def lines(found: dict[str, dict[str, list[float]]]) -> list[str]:
    """A table for people: what else runs makes frames fewer and tasks longer, so the best of the rounds is told."""
    out = [
        f"{NAME} from second {FROM_S:g} on, two panes, 1280 pixels wide: best of the rounds.",
        "",
        "| crowd | wait | dots in a pane | frames a second | script a frame, ms | longest task playing, ms | loading |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for crowd, c in found.items():
        out.append(
            f"| {crowd} | {c['waiting'][0]:.0f} | {c['dots'][0]:.0f} | {max(c['frames_per_s']):.0f} | "
            f"{min(c['script_ms']):.1f} | {min(c['longest_task_playing_ms']):.0f} | "
            f"{min(c['longest_task_loading_ms']):.0f} |"
        )
    return [*out, "", "A task below 50 ms is none that the browser tells of: 0."]

// The tunnel seen: designs side by side on one clock with the same requests and the same luck.

import {grouped} from "../numbers.js";
import {node, legend, pane, table} from "./build.js";
import {open} from "./bytes.js";
import {Clock} from "./clock.js";
import {layout, columns} from "./layout.js";
import {lines, story} from "./life.js";
import {Line, fit} from "./line.js";
import {paint} from "./paint.js";
import {Run, below} from "./run.js";
import {SPEEDS, sceneOf, telling} from "./scene.js";
import {moving, still} from "./svg.js";
import {inks} from "./theme.js";
import {events, happened, now, rows} from "./words.js";

export function mount(element, options) {
  const tunnel = new Tunnel(element, options);
  tunnel.load(options.designs);
  return tunnel;
}

class Tunnel {
  constructor(element, options) {
    Object.assign(this, {element, options, sealed: options.sealed ?? null, scene: null, panes: [], chosen: -1, hovered: -1, stepped: null, untouched: true, told: 0, generation: 0});
    this.clock = new Clock(() => this.draw(), () => this.stopped());
    this.ink = inks(element);
    this.build();
    this.off = new AbortController();
    const on = (target, event, hand) => target.addEventListener(event, hand, {signal: this.off.signal});
    on(document, "theme", () => this.repaint()); on(window, "resize", () => this.repaint());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint(), {signal: this.off.signal});
    on(document, "keydown", event => this.key(event));
    this.watch = new ResizeObserver(() => this.repaint()); this.watch.observe(element);
  }

  // --- what the page may do --------------------------------------------------------------------------------------------
  get moment() { return this.clock.t; }
  seek(t) { this.untouched = this.turns = false; this.stepped = null; this.clock.go(t); this.say(true); }
  play() {
    if (!this.scene) return;
    if (this.untouched && !this.options.at) this.clock.t = 0;
    this.untouched = false; this.stepped = null; this.sentence.setAttribute("aria-live", "off");
    this.clock.play(); this.playing();
  }
  pause() { this.clock.pause(); }
  // What was sealed may be seen: who has touched nothing yet sees the moment that tells most.
  open() {
    this.sealed = null;
    if (!this.scene) return;
    this.clock.limit = this.scene.end;
    if (this.untouched) this.clock.go(this.options.at ?? telling(this.scene));
    this.fill(); this.repaint(); this.say(true);
  }
  svg() { return still(this.scene, this.clock.t, this.ink); }
  animation(from_s = 0, to_s = this.clock.limit) { return moving(this.scene, from_s, to_s, this.ink); }
  words() { return this.sentence.textContent; }
  destroy() { this.clock.end(); this.off.abort(); this.watch.disconnect(); this.element.replaceChildren(); }

  // New runs in the place of the old: those stay until of each of the new ones the first piece has come.
  async load(designs) {
    const generation = ++this.generation, runs = [];
    let ready = 0, failed = false;
    const shown = () => { if (generation === this.generation && ready === designs.length && !failed) this.show(runs); };
    const each = designs.map(async (design, i) => {
      await open(design, head => { runs[i] = new Run(head, design.name, design.idea); if (!head.pieces) { ready++; shown(); } }, async piece => {
        if (generation !== this.generation) return;
        runs[i].add(piece);
        if (runs[i].pieces === 1) { ready++; shown(); } else if (this.scene?.runs[i] === runs[i]) this.clock.later();
        await new Promise(go => setTimeout(go));                // let the page breathe between pieces
      });
    });
    try { await Promise.all(each); } catch (error) { failed = true; if (generation === this.generation) this.sentence.textContent = error.message; throw error; }
  }

  show(runs) {
    const first = this.turns = !this.scene;
    this.scene = sceneOf(runs, this.options.marks);
    this.clock.scene = this.scene;
    this.clock.limit = this.sealed ? Math.min(this.sealed.from_s, this.scene.end) : this.scene.end;
    if (first) this.clock.t = Math.min(this.clock.limit, this.options.at ?? telling(this.scene));
    this.clock.t = Math.min(this.clock.limit, this.clock.t);
    this.panes = runs.map(run => this.hands(pane(run)));
    this.row.replaceChildren(...this.panes.map(one => one.figure));
    this.row.dataset.panes = runs.length;
    const most = Math.max(...runs.map(run => Math.max(1, ...columns(run).list.map(boxes => Math.min(12, boxes.length)))));
    this.row.classList.toggle("t-tall", most > 4);
    this.fill(); this.repaint(); this.say(true);
    if (first) this.tell("ready", {});
  }

  // --- the parts --------------------------------------------------------------------------------------------------------
  build() {
    const button = (text, label, hand, cls = "") => node("button", {type: "button", "aria-label": label, title: label, class: cls, onclick: hand}, text);
    this.sentence = node("p", {class: "t-say", "aria-live": "polite"}, "Reading the run …");
    this.row = node("div", {class: "t-panes"});
    this.life = node("div", {class: "t-life", "aria-live": "polite"});
    this.button = button("▶", "play", () => this.toggle(), "t-play");
    this.time = node("output", {class: "t-clock", "aria-label": "moment"});
    this.slider = node("input", {type: "range", min: -1, max: SPEEDS.length - 1, step: 1, value: -1, "aria-label": "speed of the clock", oninput: event => this.speed(Number(event.target.value))});
    this.pace = node("span", {class: "t-num t-pace"});
    this.canvas = node("canvas", {class: "t-line", role: "slider", tabindex: "0", "aria-label": "time line: what the servers work for in each design", "aria-valuemin": "0", "aria-valuemax": "0", "aria-valuenow": "0"});
    this.line = new Line(this.canvas);
    this.rows = node("div", {class: "t-scroll", tabindex: "0", role: "region", "aria-label": "the run as a table"});
    this.details = node("details", {class: "t-table", ontoggle: () => this.scene && this.fill()}, node("summary", {}, "The same as a table"), this.rows);
    const transport = node("div", {class: "t-transport"}, button("‹", "one event back (,)", () => this.step(-1)), this.button, button("›", "one event on (.)", () => this.step(1)),
      button("»", "the next surprise (j)", () => this.surprise(1)), this.time, node("label", {class: "t-speed"}, node("span", {}, "speed"), this.slider, this.pace), legend());
    this.element.replaceChildren(this.sentence, this.row, this.life, node("div", {class: "t-deck"}, transport, this.canvas), this.details);
    this.scrub();
    this.speed(-1);
  }

  hands(one) {
    const at = event => { const box = one.canvas.getBoundingClientRect(); return one.drawn ? one.drawn.marks.nearest(event.clientX - box.left, event.clientY - box.top) : -1; };
    const id = row => row < 0 ? -1 : one.run.requests.id[row];
    one.canvas.addEventListener("pointermove", event => { const found = id(at(event)); if (found !== this.hovered) { this.hovered = found; this.clock.later(); } });
    one.canvas.addEventListener("pointerleave", () => { this.hovered = -1; this.clock.later(); });
    one.canvas.addEventListener("click", event => this.choose(id(at(event))));
    one.canvas.setAttribute("aria-label", `${one.run.name}: its boxes and requests at this moment; n and shift n choose a request`);
    return one;
  }

  scrub() {
    let held = false, fault = -1;
    const t = event => this.line.moment(event.clientX - this.canvas.getBoundingClientRect().left);
    this.canvas.addEventListener("pointerdown", event => {
      if (!this.scene) return;
      this.pause(); held = true; this.canvas.setPointerCapture?.(event.pointerId);
      const x = event.clientX - this.canvas.getBoundingClientRect().left, low = event.clientY - this.canvas.getBoundingClientRect().top < 18;
      fault = this.options.faults && low ? this.line.faultAt(x) : -1;
      if (fault < 0) this.seek(t(event));
    });
    this.canvas.addEventListener("pointermove", event => {
      if (held && fault < 0) this.seek(t(event));
      else if (held) { this.line.ghost = Math.max(0, t(event)); this.clock.later(); }
    });
    const done = event => { if (held && fault >= 0) this.tell("fault", {index: fault, at_s: Math.max(0, t(event))}); held = false; this.line.ghost = null; this.clock.later(); };
    this.canvas.addEventListener("pointerup", done);
    this.canvas.addEventListener("pointercancel", () => { held = false; });
  }

  fill() { if (this.details.open) this.rows.replaceChildren(this.sealed ? "It is shown when you have committed." : table(rows(this.scene))); }

  // --- drawing -----------------------------------------------------------------------------------------------------------
  repaint() {
    this.ink = inks(this.element); this.line.key = ""; this.lifeShown = "";
    for (const one of this.panes) one.lay = null;
    this.clock.later();
  }

  draw() {
    if (!this.scene) return;
    const {t} = this.clock, lit = this.hovered >= 0 ? this.hovered : this.chosen, small = this.element.clientWidth < 560;
    const wanted = `${Line.height(this.scene.runs, small, this.options.chance)}px`;
    if (this.canvas.style.height !== wanted) this.canvas.style.height = wanted;
    // What is drawn for the first time is drawn in turns, a part a frame: all of it at once would be felt.
    const next = this.turns && !this.clock.playing ? this.panes.find(one => !one.drawn) : null;
    for (const one of next ? [next] : this.panes) {
      const [c, width, height] = fit(one.canvas);
      if (!one.lay || one.lay.width !== width || one.lay.height !== height) one.lay = layout(one.run, width, height);
      one.drawn = paint(c, one.run, one.lay, t, this.ink, this.scene, one.run.place.get(lit) ?? -1);
      this.number(one, t);
    }
    if (next) { this.clock.later(); return; }
    this.turns = false;
    this.line.draw(this.scene, t, this.ink, this.sealed, this.options.chance, [this.generation, Boolean(this.sealed)].join());
    this.say(!this.clock.playing); this.show_life(lit, small); this.clockwork(t);
    if (this.clock.playing && performance.now() - this.told > 250) this.tell("moment", {t});
  }

  number({run, numbers, drawn}, t) {
    const step = run.head.curves.width * run.unit, done = run.recent("work", t), dead = run.recent("waste", t), share = Math.round(100 * dead / (done + dead || 1));
    const put = (cell, text) => { if (cell.textContent !== text) cell.textContent = text; };
    put(numbers.good, `${grouped(Number((run.recent("ok", t) / step).toPrecision(3)))}/s`);
    put(numbers.dead, `${share} %`); numbers.dead.classList.toggle("t-nobody", share > 0);
    put(numbers.wait, grouped(run.head.run.share < 1 ? Math.round(run.recent("waiting", t, 1)) : drawn.state.boxes.reduce((n, box) => n + box.waiting.length, 0)));
  }

  clockwork(t) {
    const digits = Math.max(0, Math.min(6, 3 - Math.floor(Math.log10(this.scene.end / 10)))), speed = SPEEDS[this.clock.speed(this.scene)][1];
    this.time.textContent = `t = ${t.toFixed(this.clock.playing ? Math.max(0, digits - 1) : digits)} s`;
    this.pace.textContent = this.clock.chosen < 0 ? `auto ${speed}` : speed;
    this.slider.setAttribute("aria-valuetext", this.pace.textContent);
    this.canvas.setAttribute("aria-valuemax", this.scene.end.toFixed(3)); this.canvas.setAttribute("aria-valuenow", t.toFixed(3));
    this.canvas.setAttribute("aria-valuetext", `${t.toFixed(digits)} seconds. ${this.sentence.textContent}`);
  }

  say(always) {
    if (!this.scene || (!always && performance.now() - (this.saidAt ?? 0) < 400)) return;
    const parts = this.stepped && !this.clock.playing ? this.stepped : now(this.scene, this.clock.t, this.sealed), text = parts.map(part => part[0]).join("");
    if (text === this.sentence.textContent) return;
    this.saidAt = performance.now();
    this.sentence.replaceChildren(...parts.map(([words, dead]) => dead ? node("em", {}, words) : words));
  }

  show_life(id, small) {
    const key = [id, this.chosen, small, this.generation, this.element.clientWidth, this.panes.every(one => one.run.whole)].join();
    if (key === this.lifeShown) return;
    this.lifeShown = key;
    const {runs} = this.scene, known = runs.find(run => run.place.has(id));
    if (id < 0 || !known) { this.life.replaceChildren(node("p", {}, small ? "Touch a dot: that request’s life in each design." : "Point at a dot, or press n: that request’s life in each design. The same request, the same luck.")); return; }
    const r = known.place.get(id), R = known.requests, what = `Request ${grouped(id)}, ${known.name_of(R.name[r])} of ${known.name_of(R.client[r])}, due at ${Number((R.due[r] * known.unit).toPrecision(6))} s`;
    const ask = this.chosen === id ? node("button", {type: "button", class: "t-quiet", onclick: () => this.tell("without", {request: id})}, "what if it had not come?") : null;
    const width = Math.max(300, this.life.clientWidth);
    this.life.replaceChildren(node("p", {}, what, ask ? " " : "", ...(ask ? [ask] : [])), node("span", {class: "t-hidden"}, runs.map(run => `${run.name}: ${story(run, id)}`).join("; ")), lines(runs, id, width, small));
  }

  // --- hands and keys ------------------------------------------------------------------------------------------------------
  toggle() { if (this.clock.playing) this.pause(); else this.play(); }
  playing() { this.button.textContent = "‖"; this.button.setAttribute("aria-label", "pause"); }
  stopped() { this.button.textContent = "▶"; this.button.setAttribute("aria-label", "play"); this.sentence.setAttribute("aria-live", "polite"); this.tell("moment", {t: this.clock.t}); this.say(true); }
  speed(i) { this.clock.chosen = Math.max(-1, Math.min(SPEEDS.length - 1, i)); this.slider.value = this.clock.chosen; this.clock.later(); }
  choose(id) { this.chosen = id; this.clock.later(); if (id >= 0) this.tell("pick", {request: id}); }

  step(way) {
    if (!this.scene) return;
    this.pause(); this.untouched = false;
    const {t} = this.clock, tiny = 1e-3 * Math.min(...this.scene.runs.map(run => run.unit)), at = this.scene.runs.map(run => {
      const list = events(run);
      return way > 0 ? list[below(list, t + tiny)] ?? Infinity : list[below(list, t - tiny) - 1] ?? -1;
    });
    const to = way > 0 ? Math.min(...at, this.clock.limit) : Math.max(...at, 0);
    this.clock.go(to);
    const told = this.scene.runs.map(run => happened(run, to)), chosen = told.flat().filter(one => one[0] >= 0 && one[0] < Infinity);
    const last = told.map(list => list[list.length - 1]).map((one, i) => one && [this.scene.runs[i].name, one]).filter(Boolean);
    const alike = last.length === this.scene.runs.length && last.length > 1 && last.every(([, one]) => one[1] === last[0][1][1]);
    this.stepped = !last.length ? null : alike ? [["In all: ", false], [last[0][1][1], last[0][1][2]], [".", false]] : last.flatMap(([name, one]) => [[`${name}: `, false], [one[1], one[2]], [". ", false]]);
    if (chosen.length) { const k = told.findIndex(list => list.some(one => one[0] >= 0)), list = told[k].filter(one => one[0] >= 0); this.chosen = this.scene.runs[k].requests.id[list[list.length - 1][0]]; }
    this.say(true); this.tell("moment", {t: to});
  }

  surprise(way) {
    if (!this.scene) return;
    this.pause(); this.untouched = false;
    const {surprises, end} = this.scene, {t} = this.clock, tiny = end * 1e-6;
    const next = way > 0 ? surprises.find(one => one.t > t + tiny) : surprises.findLast(one => one.t < t - tiny);
    if (!next || next.t > this.clock.limit) return;
    this.clock.go(next.t); this.stepped = [[`${next.text}.`, /nobody/.test(next.text)]]; this.say(true); this.tell("moment", {t: next.t});
  }

  neighbour(way) {
    const run = this.scene.runs[0], ids = run.requests.id, due = run.requests.due, now = this.clock.t / run.unit;
    let r = this.chosen >= 0 ? (run.place.get(this.chosen) ?? 0) + way : 0;
    if (this.chosen < 0) while (r + 1 < run.requests.length && due[r + 1] <= now) r++;
    while (r > 0 && r < run.requests.length - 1 && ids[r] < 0) r += way;
    this.choose(ids[Math.max(0, Math.min(run.requests.length - 1, r))]);
  }

  key(event) {
    const {target} = event, inside = this.element.contains(target), typing = /INPUT|SELECT|TEXTAREA/.test(target.tagName);
    if (!this.scene || event.ctrlKey || event.metaKey || event.altKey || (!inside && target !== document.body) || (typing && (!inside || /^(Arrow|Home|End)/.test(event.key))) || (/BUTTON|SUMMARY/.test(target.tagName) && /^[ E]/.test(event.key) && event.key !== "End")) return;
    const small = this.scene.end / (event.shiftKey ? 40 : 400), keys = {
      " ": () => this.toggle(), ",": () => this.step(-1), ".": () => this.step(1), ArrowLeft: () => this.seek(this.clock.t - small), ArrowRight: () => this.seek(this.clock.t + small),
      ArrowUp: () => this.speed(this.clock.speed(this.scene) + 1), ArrowDown: () => this.speed(Math.max(0, this.clock.speed(this.scene) - 1)), a: () => this.speed(-1), Home: () => this.seek(0), End: () => this.seek(this.clock.limit),
      j: () => this.surprise(1), J: () => this.surprise(-1), n: () => this.neighbour(1), N: () => this.neighbour(-1), Escape: () => { this.hovered = -1; this.choose(-1); },
    };
    if (!keys[event.key]) return;
    event.preventDefault(); keys[event.key]();
    if (/^(Arrow(Left|Right)|Home|End)$/.test(event.key)) this.tell("moment", {t: this.clock.t});
  }

  tell(what, detail) {
    if (what === "moment") this.told = performance.now();
    this.element.dispatchEvent(new CustomEvent(`tunnel:${what}`, {detail, bubbles: true}));
  }
}

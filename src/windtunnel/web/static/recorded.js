// What was seen to be done, on a real machine or in a schedule: lanes with spans, two designs on one clock. What is drawn
// is a function of the spans and the moment: what was going on until then. Nothing is run for it.
import { node } from "./tunnel/build.js";

const SPEEDS = [[1e-4, "1/10,000"], [1e-3, "1/1000"], [1 / 300, "1/300"], [0.01, "1/100"], [1 / 30, "1/30"], [0.1, "1/10"], [1 / 3, "1/3"], [1, "1×"]];
const WHOLE_S = 20, LANE = 26, TOP = 6, STILL_MS = 1000;
const UNITS = { ms: 1e-3, second: 1, us: 1e-6 };
const SHADES = 4, LETTER = 5.6;                                // more kinds than that stand in words
const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  made.append(...children);
  return made;
}

const round = (x) => Number(x.toPrecision(3));

// What goes on in a lane at a moment: the last span that has begun, where it is not over.
export function now(rows, lane, t) {
  return rows.findLast((row) => row[0] === lane && row[1] <= t && t < row[2]) ?? null;
}

// A sentence of a design: what its lanes are at, the same things together.
export function said(one, t, unit) {
  const found = new Map();
  for (const lane of one.lanes) {
    const row = now(one.rows, lane, t);
    if (row) found.set(row[3], [...(found.get(row[3]) ?? []), [lane, t - row[1]]]);
  }
  const parts = [...found].map(([what, lanes]) => lanes.length > 3 ? `${lanes.length} ${what}` : lanes.map(([lane, since]) => `${lane} ${what} (${round(since)} ${unit} so far)`).join("; "));
  return parts.length ? parts.join("; ") : t >= Math.max(...one.rows.map((row) => row[2])) ? "all is over" : "nothing";
}

export function play(element, given) {
  return new Recorded(element, given);
}

// A place for what is seen once a number is committed, and the word that stands there until then.
export function hidden(element, kind) {
  const open = document.documentElement.classList.contains("open"), place = node("div", { class: kind });
  element.replaceChildren(node("p", { class: open ? "before" : "before waiting" }, "The picture is shown when you have committed to a number."), place);
  return place;
}

class Recorded {
  // `given`: {title, unit, told, designs: {name: {lanes, rows}}, shown: names, ideas: by name}
  constructor(element, given) {
    Object.assign(this, given, { element, asked: 0, playing: false, chosen: -1 });
    this.runs = this.shown.filter((name) => this.designs[name]).map((name) => ({ name, ...this.designs[name] }));
    const every = this.runs.flatMap((run) => run.rows);
    this.end = Math.max(...every.map((row) => row[2]));
    this.kinds = [...new Set(every.map((row) => row[3]))];
    this.events = [...new Set(every.flatMap((row) => [row[1], row[2]]))].sort((a, b) => a - b);
    this.unitS = UNITS[this.unit] ?? 1;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.build();
    this.go(this.end);
  }

  get usual() {
    const wanted = this.end * this.unitS / WHOLE_S;
    return SPEEDS.reduce((best, [speed], i) => (Math.abs(Math.log(speed / wanted)) < Math.abs(Math.log(SPEEDS[best][0] / wanted)) ? i : best), 0);
  }
  get speed() { return this.chosen < 0 ? this.usual : this.chosen; }

  build() {
    const button = (text, label, hand, cls = "") => node("button", { type: "button", "aria-label": label, title: label, class: cls, onclick: hand }, text);
    this.sentence = node("p", { class: "t-say", "aria-live": "polite" });
    this.button = button("▶", "play", () => this.toggle(), "t-play");
    this.time = node("output", { class: "t-clock", "aria-label": "moment" });
    this.scrub = node("input", { type: "range", min: 0, max: 1000, step: 1, "aria-label": "moment", class: "r-scrub", oninput: (event) => { this.pause(); this.go(this.end * event.target.value / 1000); } });
    this.pace = node("span", { class: "t-num t-pace" });
    const slider = node("input", { type: "range", min: 0, max: SPEEDS.length - 1, step: 1, value: this.usual, "aria-label": "speed of the clock", oninput: (event) => { this.chosen = Number(event.target.value); this.tell(); } });
    this.worded = this.kinds.length > SHADES;
    const key = this.worded ? null : node("span", { class: "t-legend" }, ...this.kinds.map((kind, i) => node("span", { class: `key k${i}` }, kind)));
    const transport = node("div", { class: "t-transport" }, button("‹", "one event back (,)", () => this.step(-1)), this.button, button("›", "one event on (.)", () => this.step(1)), this.time, node("label", { class: "t-speed" }, node("span", {}, "speed"), slider, this.pace), key);
    const rows = this.runs.flatMap((run) => run.rows.map((row) => [run.name, row[0], row[3], round(row[1]), round(row[2])]));
    const line = (cells, tag) => node("tr", {}, ...cells.map((cell, i) => node(i && tag === "td" ? "td" : "th", tag === "th" ? { scope: "col" } : i ? {} : { scope: "row" }, String(cell))));
    const table = node("table", {}, node("thead", {}, line(["design", "who", "what", `from, ${this.unit}`, `to, ${this.unit}`], "th")), node("tbody", {}, ...rows.map((cells) => line(cells, "td"))));
    this.element.replaceChildren(
      this.sentence, node("div", { class: this.worded ? "t-panes r-broad" : "t-panes" }, ...this.runs.map((run) => this.pane(run))),
      node("div", { class: "t-deck r-deck" }, transport, this.scrub),
      node("p", { class: "dim" }, `${this.told}: ${this.title.toLowerCase()}, the first run of the result below${this.unitS && UNITS[this.unit] ? ". Nothing here is modelled" : ""}.`),
      node("details", { class: "t-table" }, node("summary", {}, "The same as a table"), node("div", { class: "t-scroll", tabindex: "0", role: "region", "aria-label": "the spans as a table" }, table)),
    );
    this.element.addEventListener("keydown", (event) => this.key(event));
  }

  // All spans once, behind a curtain that goes with the clock.
  pane(run) {
    const left = 20 + 6.3 * Math.max(...run.lanes.map((lane) => lane.length)), width = innerWidth < 760 ? 380 : this.worded ? 1240 : 620, right = 12, height = TOP + run.lanes.length * LANE + 20;
    const x = (t) => left + (width - left - right) * t / this.end;
    const parts = [];
    run.lanes.forEach((lane, i) => {
      const y = TOP + i * LANE;
      parts.push(shape("path", { class: "rule", d: `M${left} ${y + 20}H${width - right}` }), shape("text", { x: left - 8, y: y + 16, "text-anchor": "end" }, lane));
      const own = run.rows.filter((row) => row[0] === lane), last = own.reduce((a, b) => (b[1] >= a[1] ? b : a), own[0]);
      for (const row of own) {
        const title = shape("title", {}, `${lane}: ${row[3]}, ${round(row[1])} to ${round(row[2])} ${this.unit}`);
        const wide = Math.max(1, x(row[2]) - x(row[1]) - 0.6), kind = this.worded ? "r-worded" : `bar k${this.kinds.indexOf(row[3])}`;
        parts.push(shape("rect", { class: kind, x: x(row[1]).toFixed(1), y: y + 4, width: wide.toFixed(1), height: 16, rx: 2 }, title));
        const letters = this.worded ? Math.floor((wide - 4) / LETTER) : 0;
        const beside = row === last && row[3].length > letters && x(row[2]) + 4 + LETTER * row[3].length < width - right;   // nothing comes after it
        if (this.worded && beside) parts.push(shape("text", { class: "r-word", x: (x(row[2]) + 4).toFixed(1), y: y + 16 }, row[3]));
        else if (letters > 2) parts.push(shape("text", { class: "r-word", x: x(row[1]) + 3, y: y + 16 }, row[3].length > letters ? `${row[3].slice(0, letters - 1).trim()}…` : row[3]));
      }
    });
    for (let i = 0; i <= 4; i += width < 600 ? 2 : 1) parts.push(shape("text", { x: x(this.end * i / 4), y: height - 4, "text-anchor": i === 4 ? "end" : "middle" }, `${round(this.end * i / 4)}${i === 4 ? ` ${this.unit}` : ""}`));
    run.x = x;
    run.curtain = shape("rect", { class: "r-curtain", y: 0, height: height - 18, x: 0, width: 0 });
    run.hand = shape("path", { class: "r-hand", d: "" });
    run.bottom = height - 18; run.width = width - right;
    run.svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" }, ...parts, run.curtain, run.hand);
    return node("figure", { class: "t-pane r-pane" }, node("figcaption", {}, node("b", {}, run.name), this.ideas[run.name] ? node("span", { class: "t-idea" }, this.ideas[run.name]) : null), run.svg);
  }

  // --- a moment --------------------------------------------------------------------------------------------------------
  go(t) {
    this.t = Math.max(0, Math.min(this.end, t));
    for (const run of this.runs) {
      const at = run.x(this.t);
      run.curtain.setAttribute("x", at.toFixed(1));
      run.curtain.setAttribute("width", Math.max(0, run.width - at + 0.5).toFixed(1));
      run.hand.setAttribute("d", this.t < this.end ? `M${at.toFixed(1)} 0V${run.bottom}` : "");
      run.svg.setAttribute("aria-label", `${run.name}: ${said(run, this.t, this.unit)}`);
    }
    this.tell();
  }
  tell() {
    this.time.textContent = `t = ${this.t.toFixed(Math.max(0, 2 - Math.floor(Math.log10(this.end))))} ${this.unit}`;
    this.scrub.value = Math.round(1000 * this.t / this.end);
    this.scrub.setAttribute("aria-valuetext", this.time.textContent);
    this.pace.textContent = `${this.chosen < 0 ? "auto " : ""}${SPEEDS[this.speed][1]}`;
    const words = this.t >= this.end ? `All that was recorded, ${round(this.end)} ${UNITS[this.unit] ? this.unit : `${this.unit}s`} of it; play it to see who waits for whom.` : this.runs.map((run) => `${run.name}: ${said(run, this.t, this.unit)}.`).join(" ");
    if (this.sentence.textContent !== words) this.sentence.textContent = words;
  }

  // --- the clock ---------------------------------------------------------------------------------------------------------
  toggle() { if (this.playing) this.pause(); else this.start(); }
  start() {
    if (this.t >= this.end) this.go(0);
    this.playing = true; this.last = this.stood = performance.now();
    this.sentence.setAttribute("aria-live", "off");
    this.button.textContent = "‖"; this.button.setAttribute("aria-label", "pause");
    this.asked = requestAnimationFrame((at) => this.frame(at));
  }
  pause() {
    this.playing = false;
    cancelAnimationFrame(this.asked);
    this.sentence.setAttribute("aria-live", "polite");
    this.button.textContent = "▶"; this.button.setAttribute("aria-label", "play");
  }
  frame(at) {
    const passed = Math.min(100, at - this.last) / 1000 / this.unitS * SPEEDS[this.speed][0];
    this.last = at;
    if (!this.calm.matches) this.go(this.t + passed);
    else if (at - this.stood >= STILL_MS) { this.stood = at; this.go(this.next(1)); }   // from event to event instead of motion
    if (this.t >= this.end) this.pause();
    else if (this.playing) this.asked = requestAnimationFrame((then) => this.frame(then));
  }
  next(way) {
    const tiny = this.end * 1e-9;
    return (way > 0 ? this.events.find((at) => at > this.t + tiny) : this.events.findLast((at) => at < this.t - tiny)) ?? (way > 0 ? this.end : 0);
  }
  step(way) { this.pause(); this.go(this.next(way)); }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.target.tagName === "BUTTON" && event.key === " ")) return;
    const keys = { " ": () => this.toggle(), ",": () => this.step(-1), ".": () => this.step(1) };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }
}

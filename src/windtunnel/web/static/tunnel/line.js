// The time line: what the servers work for in each design, latency, faults as spans, moments that are worth a look. It
// is drawn once and kept; only the hand moves.

import {grouped} from "../numbers.js";
import {short} from "./paint.js";

const LEFT = 46, RIGHT = 14;
const laneOf = small => small ? 46 : 60;                        // a line of words and what is below it

export class Line {
  constructor(canvas) { this.canvas = canvas; this.kept = null; this.key = ""; this.ghost = null; }

  // How many pixels it needs.
  static height(runs, small, chance) { return laneOf(small) * runs.length + 40 + 26 + (chance ? 40 : 0); }

  x(t) { return LEFT + (this.width - LEFT - RIGHT) * t / this.scene.end; }
  moment(x) { return this.scene.end * (x - LEFT) / (this.width - LEFT - RIGHT); }

  draw(scene, t, ink, sealed, chance, key) {
    const {canvas} = this, [c, width, height, ratio] = fit(canvas);
    Object.assign(this, {scene, width, height, ink, sealed, chance});
    this.end = sealed ? sealed.from_s : scene.end;
    if (!canvas.width || !canvas.height) return;                  // it has no place on the page just now
    const now = [key, width, height, ratio].join();
    if (now !== this.key) {
      this.key = now; this.kept = document.createElement("canvas"); this.kept.width = canvas.width; this.kept.height = canvas.height;
      const k = this.kept.getContext("2d"); k.setTransform(ratio, 0, 0, ratio, 0, 0); this.paint(k);
    }
    c.drawImage(this.kept, 0, 0, width, height);
    const x = this.x(t);
    if (this.ghost !== null) { c.strokeStyle = ink["trouble-ink"]; c.lineWidth = 3; c.beginPath(); c.moveTo(this.x(this.ghost), 6); c.lineTo(this.x(this.ghost), height - 20); c.stroke(); }   // a fault that is being dragged
    c.strokeStyle = c.fillStyle = ink.ink; c.lineWidth = 1.5; c.beginPath(); c.moveTo(x, 4); c.lineTo(x, height - 18); c.stroke();
    c.beginPath(); c.moveTo(x - 5, 1); c.lineTo(x + 5, 1); c.lineTo(x, 8); c.fill();
  }

  paint(c) {
    const {scene, width, height, ink, sealed} = this, {runs} = scene, small = width < 560, x0 = this.x(0), x1 = this.x(scene.end);
    const lane = laneOf(small), floor = height - 20;
    c.font = `11px ${ink.sans}`; c.textBaseline = "alphabetic";
    this.faults(c, floor);
    const peaks = runs.map(run => Math.max(1e-9, this.peak(run))), most = Math.max(...peaks), alike = most <= 8 * Math.min(...peaks);
    runs.forEach((run, i) => this.lane(c, run, 6 + lane * (i + 1), lane - 20, alike ? most : peaks[i], small));
    const y = 6 + lane * runs.length;
    this.latency(c, y + 38, 22);
    if (this.chance) this.chances(c, y + 78, 22);
    this.marks(c, floor);
    if (sealed) this.hatch(c, floor);
    c.strokeStyle = ink.line; c.beginPath(); c.moveTo(x0, floor); c.lineTo(x1, floor); c.stroke();
    c.fillStyle = ink.dim; c.textAlign = "center";
    for (const t of ticks(scene.end, small ? 4 : 9)) c.fillText(short(t), Math.min(this.x(t), width - 18), height - 5);
  }

  peak(run) {
    const {ok, nobody, asked, width} = run.head.curves, high = list => [...list].sort((a, b) => a - b)[Math.floor(list.length * 0.985)];
    const done = high(ok.map((n, i) => n + nobody[i]));                   // a single column that stands out is cut off
    return (done > 0 ? Math.max(done, Math.min(high(asked), 4 * done)) : high(asked)) / (width * run.unit);
  }

  // Work for somebody below, work for nobody above it, what is asked for as a dotted line.
  lane(c, run, y0, tall, high, small) {
    const {ink} = this, {ok, nobody, asked, width} = run.head.curves, step = width * run.unit, count = Math.min(ok.length, Math.floor(this.end / step + 1e-9));
    const y = n => y0 - Math.min(1.08, n / step / high) * tall;
    const stairs = (low, top, colour) => {
      c.fillStyle = colour; c.beginPath(); c.moveTo(this.x(0), y0 - 0);
      for (let i = 0; i < count; i++) { const a = this.x(i * step), b = this.x(Math.min(this.end, (i + 1) * step)); c.lineTo(a, y(top(i))); c.lineTo(b, y(top(i))); }
      for (let i = count - 1; i >= 0; i--) { const a = this.x(i * step), b = this.x(Math.min(this.end, (i + 1) * step)); c.lineTo(b, y(low(i))); c.lineTo(a, y(low(i))); }
      c.fill();
    };
    stairs(() => 0, i => ok[i], ink.work); stairs(i => ok[i], i => ok[i] + nobody[i], ink.nobody);
    c.strokeStyle = ink.ink; c.globalAlpha = 0.55; c.setLineDash([1, 3]); c.lineWidth = 1.1; c.beginPath();
    const smooth = i => { let s = 0, n = 0; for (let k = Math.max(0, i - 3); k < Math.min(asked.length, i + 4); k++) { s += asked[k]; n++; } return s / n; };
    for (let i = 0; i < count; i++) c.lineTo(this.x((i + 0.5) * step), y(smooth(i)));
    c.stroke(); c.setLineDash([]); c.globalAlpha = 1;
    c.strokeStyle = ink.line; c.lineWidth = 1; c.beginPath(); c.moveTo(this.x(0), y0 + 0.5); c.lineTo(this.x(this.scene.end), y0 + 0.5); c.stroke();
    c.fillStyle = ink.dim; c.textAlign = "right"; c.fillText(`${compact(high)}/s`, LEFT - 6, y0 - tall + 8); c.fillText("0", LEFT - 6, y0);
    this.caption(c, `600 11px ${ink.mono}`, run.name, this.x(0), y0 - tall - 6, "left");
    if (small || this.sealed) return;
    const all = list => list.reduce((a, b) => a + b, 0), dead = all(nobody);
    this.caption(c, `11px ${ink.sans}`, `${grouped(all(ok))} of ${grouped(all(asked))} answered${dead ? `, ${grouped(dead)} answers for nobody` : ""}`, this.x(this.scene.end), y0 - tall - 6, "right");
  }
  caption(c, font, text, x, y, align) {
    c.font = font; c.textAlign = align;
    c.fillStyle = this.ink.ink; c.fillText(text, x, y); c.font = `11px ${this.ink.sans}`;
  }

  // How long what ended took (99 of 100 at most), on a line of tenfolds: the first design dashed, one between dotted, the last one solid.
  latency(c, y0, tall) {
    const {ink, scene} = this, all = scene.runs.flatMap(run => run.head.curves.p99.filter(n => n > 0).map(n => n * run.unit));
    c.fillStyle = ink.dim; c.textAlign = "right";
    if (!all.length) return;
    const low = Math.min(...all), high = Math.max(...all, low * 1.01), y = s => y0 - tall * Math.log(s / low) / Math.log(high / low);
    c.fillText(brief(high), LEFT - 6, y0 - tall + 7); if (tall > 20) c.fillText(brief(low), LEFT - 6, y0);
    const style = k => !k ? ["- -", [3, 2], 0.6] : k < scene.runs.length - 1 ? ["···", [1, 2], 0.6] : ["—", [], 0.95];
    scene.runs.forEach((run, k) => {
      const {p99, width} = run.head.curves, step = width * run.unit, [, dash, alpha] = style(k);
      c.strokeStyle = ink.ink; c.lineWidth = 1.3; c.setLineDash(dash); c.globalAlpha = alpha; c.beginPath();
      let pen = false;
      for (let i = 0; i < p99.length && (i + 0.5) * step <= this.end; i++) {
        if (p99[i] <= 0) continue;
        const x = this.x((i + 0.5) * step), at = y(p99[i] * run.unit);
        if (pen) c.lineTo(x, at); else c.moveTo(x, at);
        pen = true;
      }
      c.stroke();
    });
    c.setLineDash([]); c.globalAlpha = 1;
    const names = scene.runs.map((run, k) => `${run.name} ${style(k)[0]}`).join("   ");
    this.caption(c, `10.5px ${ink.sans}`, this.width < 560 ? "p99" : `p99 latency: ${names}`, this.x(0), y0 - tall - 4, "left");
  }

  chances(c, y0, tall) {
    const {ink} = this;
    c.strokeStyle = ink.nobody; c.lineWidth = 1.6;
    for (const {t_s, p} of this.chance) { c.beginPath(); t_s.forEach((t, i) => { if (t <= this.end) c.lineTo(this.x(t), y0 - tall * p[i]); }); c.stroke(); }
    c.fillStyle = ink.dim; c.textAlign = "right"; c.fillText("100 %", LEFT - 6, y0 - tall + 7);
    if (this.width >= 560) this.caption(c, `10.5px ${ink.sans}`, "with other luck from here on: the share that fails all the same", this.x(this.scene.end), y0 - tall - 4, "right");
  }

  // Spans of what goes wrong; a fault of no length is a line.
  faults(c, floor) {
    const {ink, scene} = this, run = scene.runs[0];
    for (const fault of run.head.faults) {
      const from = fault.at * run.unit, to = fault.until < 0 ? scene.end : fault.until * run.unit;
      if (from >= this.end && this.sealed) continue;
      c.fillStyle = ink.trouble; c.fillRect(this.x(from), 6, Math.max(2, this.x(Math.min(to, this.end)) - this.x(from)), floor - 6);
    }
  }
  faultAt(x) {
    const run = this.scene.runs[0];
    return run.head.faults.findIndex(f => x >= this.x(f.at * run.unit) - 5 && x <= this.x(f.until < 0 ? this.scene.end : f.until * run.unit) + 3);
  }

  marks(c, floor) {
    const {ink, scene} = this;
    c.fillStyle = ink.ink; c.strokeStyle = ink.ink;
    for (const {t, text} of scene.surprises) {
      if (t > this.end) continue;
      const x = this.x(t), strong = /no return/.test(text);
      c.globalAlpha = strong ? 1 : 0.75; c.beginPath(); c.moveTo(x, floor - 5); c.lineTo(x + 3, floor); c.lineTo(x, floor + 5); c.lineTo(x - 3, floor); c.fill();
      if (strong) { c.setLineDash([3, 2]); c.lineWidth = 1.2; c.beginPath(); c.moveTo(x, 8); c.lineTo(x, floor); c.stroke(); c.setLineDash([]); }
    }
    c.globalAlpha = 1;
  }

  hatch(c, floor) {
    const {ink, scene} = this, x = this.x(this.end), right = this.x(scene.end);
    c.strokeStyle = ink.line; c.lineWidth = 1; c.save(); c.beginPath(); c.rect(x, 6, right - x, floor - 6); c.clip(); c.beginPath();
    for (let v = x - floor; v < right; v += 9) { c.moveTo(v, floor); c.lineTo(v + floor, 0); }
    c.stroke(); c.restore();
    this.caption(c, `italic 14px ${ink.serif ?? "Georgia,serif"}`, this.width < 560 ? "commit, then look" : "the rest is shown when you have committed", (x + right) / 2 + (this.width < 560 ? 50 : 130), floor / 2, "right");
  }
}

const compact = n => n >= 1e6 ? `${Number((n / 1e6).toPrecision(2))}M` : n >= 1e4 ? `${Number((n / 1e3).toPrecision(2))}k` : String(Number(n.toPrecision(2)));
const brief = s => s < 1e-3 ? `${Number((s * 1e6).toPrecision(2))}µs` : s < 1 ? `${Number((s * 1e3).toPrecision(2))}ms` : `${Number(s.toPrecision(2))}s`;

// Round moments, at most so many.
function ticks(end, most) {
  let step = 10 ** Math.floor(Math.log10(end / most));
  for (const factor of [1, 2, 5, 10]) if (end / (step * factor) <= most) { step *= factor; break; }
  return Array.from({length: Math.floor(end / step + 1e-9) + 1}, (_, i) => i * step);
}

// A canvas in the size of its box, at the screen's density; cleared.
export function fit(canvas) {
  const box = canvas.getBoundingClientRect(), ratio = Math.min(2, devicePixelRatio || 1), w = Math.round(box.width * ratio), h = Math.round(box.height * ratio);
  if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
  const c = canvas.getContext("2d");
  c.setTransform(ratio, 0, 0, ratio, 0, 0); c.clearRect(0, 0, box.width, box.height);
  return [c, box.width, box.height, ratio];
}

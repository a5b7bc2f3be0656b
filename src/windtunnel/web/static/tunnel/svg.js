// The picture as SVG: what is drawn on a canvas is written down instead. Stills, and stills one after the other, which
// any viewer of images plays without a script.

import {layout} from "./layout.js";
import {paint} from "./paint.js";

const two = n => String(Math.round(n * 10) / 10);
const escaped = text => String(text).replace(/[&<>"]/g, sign => ({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})[sign]);

// As much of a canvas's context as the painters use. Full circles that are filled become points of a round pen.
class Pen {
  constructor() { Object.assign(this, {out: [], path: "", dots: new Map(), rings: "", fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, globalAlpha: 1, font: "11px sans-serif", textAlign: "left", textBaseline: "alphabetic", dash: "", turned: ""}); }
  beginPath() { this.path = ""; this.rings = ""; this.dots = new Map(); }
  moveTo(x, y) { this.path += `M${two(x)} ${two(y)}`; }
  lineTo(x, y) { this.path += `${this.path ? "L" : "M"}${two(x)} ${two(y)}`; }
  quadraticCurveTo(a, b, x, y) { this.path += `Q${two(a)} ${two(b)} ${two(x)} ${two(y)}`; }
  bezierCurveTo(a, b, d, e, x, y) { this.path += `C${[a, b, d, e, x, y].map(two).join(" ")}`; }
  closePath() { this.path += "Z"; }
  rect(x, y, w, h) { this.path += `M${two(x)} ${two(y)}h${two(w)}v${two(h)}h${two(-w)}z`; }
  roundRect(x, y, w, h, r) { const k = Math.min(r, w / 2, h / 2); this.path += `M${two(x + k)} ${two(y)}h${two(w - 2 * k)}q${two(k)} 0 ${two(k)} ${two(k)}v${two(h - 2 * k)}q0 ${two(k)} ${two(-k)} ${two(k)}h${two(2 * k - w)}q${two(-k)} 0 ${two(-k)} ${two(-k)}v${two(2 * k - h)}q0 ${two(-k)} ${two(k)} ${two(-k)}z`; }
  arc(x, y, r) {
    this.path = this.path.replace(/M[-\d.]+ [-\d.]+$/, "");     // the pen was only brought there
    this.dots.set(two(r), `${this.dots.get(two(r)) ?? ""}M${two(x)} ${two(y)}h0`);
    this.rings += `M${two(x + r)} ${two(y)}a${two(r)} ${two(r)} 0 1 0 ${two(-2 * r)} 0a${two(r)} ${two(r)} 0 1 0 ${two(2 * r)} 0`;
  }
  fill() {
    if (this.path) this.put(`<path d="${this.path}" fill="${this.fillStyle}"${this.alpha}/>`);
    for (const [r, d] of this.dots) this.put(`<path d="${d}" stroke="${this.fillStyle}" stroke-width="${two(2 * r)}" stroke-linecap="round"${this.alpha}/>`);
  }
  stroke() { if (this.path || this.rings) this.put(`<path d="${this.path}${this.rings}" fill="none" stroke="${this.strokeStyle}" stroke-width="${two(this.lineWidth)}"${this.dash}${this.alpha}/>`); }
  fillRect(x, y, w, h) { this.put(`<rect x="${two(x)}" y="${two(y)}" width="${two(w)}" height="${two(h)}" fill="${this.fillStyle}"${this.alpha}/>`); }
  fillText(text, x, y) {
    const [, weight, size] = /^(600 )?(?:italic )?([\d.]+)px/.exec(this.font) ?? [null, "", 11];
    this.put(`<text x="${two(x)}" y="${two(y)}" fill="${this.fillStyle}" font-size="${size}"${weight ? ' font-weight="600"' : ""} text-anchor="${{left: "start", center: "middle", right: "end"}[this.textAlign]}"${this.turned}>${escaped(text)}</text>`);
  }
  measureText(text) { return {width: text.length * 6}; }
  setLineDash(dash) { this.dash = dash.length ? ` stroke-dasharray="${dash.join(" ")}"` : ""; }
  save() { this.kept = this.turned; }
  restore() { this.turned = this.kept; }
  translate(x, y) { this.moved = [x, y]; }
  rotate(angle) { this.turned = ` transform="translate(${this.moved.map(two).join(" ")}) rotate(${two(angle * 180 / Math.PI)})"`; }
  get alpha() { return this.globalAlpha < 1 ? ` opacity="${two(this.globalAlpha)}"` : ""; }
  put(element) { this.out.push(element); }
}

const WIDTH = 560, HEIGHT = 240, HEAD = 26;

function frame(scene, t, ink) {
  return scene.runs.map((run, i) => {
    const pen = new Pen();
    paint(pen, run, layout(run, WIDTH, HEIGHT), t, ink, scene);
    return `<g transform="translate(${i * (WIDTH + 12)} ${HEAD})">${pen.out.join("")}</g>`;
  }).join("") + `<text x="${width(scene) - 12}" y="17" text-anchor="end" font-size="13" fill="${ink.ink}" font-family="monospace">t = ${Number(t.toPrecision(5))} s</text>`;
}
const width = scene => scene.runs.length * (WIDTH + 12) - 12;

function whole(scene, ink, inside) {
  const names = scene.runs.map((run, i) => `<rect x="${i * (WIDTH + 12)}" width="${WIDTH}" height="${HEIGHT + HEAD}" rx="10" fill="${ink.pane}" stroke="${ink.line}"/><text x="${i * (WIDTH + 12) + 12}" y="18" font-size="14" font-weight="600" font-family="monospace" fill="${ink.ink}">${escaped(run.name)}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width(scene)} ${HEIGHT + HEAD}" font-family="sans-serif" role="img" aria-label="${escaped(scene.runs.map(run => run.name).join(" beside "))}">${names.join("")}${inside}</svg>`;
}

export function still(scene, t, ink) { return whole(scene, ink, frame(scene, t, ink)); }

// Stills from one moment to another, each for its part of so many seconds, over and over.
export function moving(scene, from, to, ink, count = 48, lasts_s = 8) {
  const frames = Array.from({length: count}, (_, i) => {
    const begin = i / count, end = (i + 1) / count, keys = [0, ...(i ? [begin] : []), ...(i + 1 < count ? [end] : [])], values = [i ? "hidden" : "visible", ...(i ? ["visible"] : []), ...(i + 1 < count ? ["hidden"] : [])];
    return `<g visibility="hidden"><animate attributeName="visibility" calcMode="discrete" dur="${lasts_s}s" repeatCount="indefinite" keyTimes="${keys.map(k => Number(k.toFixed(4))).join(";")}" values="${values.join(";")}"/>${frame(scene, from + (to - from) * i / (count - 1), ink)}</g>`;
  });
  return whole(scene, ink, frames.join(""));
}

// One pane at one moment. What is drawn is a function of the run, the moment, the pane's size and its colours; `scene`
// says what the panes of a comparison share: how long a flight is drawn (`fly_s`) and how old is old (`old_s`).

import {grouped} from "../numbers.js";
import {FATES, OUTCOMES} from "./run.js";
import {Marks} from "./marks.js";
import {grid, packing} from "./packing.js";
import {chips, cuts, drawBox, drawTank, drawWay, wrong} from "./shapes.js";
import {age} from "./theme.js";

const GOLDEN = 0.61803398875;
const ease = p => p * p * (3 - 2 * p);
const between = (low, x, high) => Math.min(high, Math.max(low, x));
const REJECTED = FATES.indexOf("rejected"), DROPPED = FATES.indexOf("dropped"), SERVED = FATES.indexOf("served"), LOST = FATES.indexOf("lost"), FAIL = OUTCOMES.indexOf("fail"), UNANSWERED = FATES.indexOf("unanswered");

export function paint(c, run, lay, moment_s, ink, scene, lit = -1) {
  const pane = new Pane(c, run, lay, moment_s, ink, scene);
  pane.ground(); pane.inside(); pane.flights(); pane.held(); pane.messages(); pane.goodbyes();
  pane.marks.draw(c, ink);
  if (lit >= 0) pane.marks.light(c, ink, lit);
  return pane;
}

class Pane {
  constructor(c, run, lay, moment_s, ink, scene) {
    Object.assign(this, {c, run, lay, ink, scene, moment_s, marks: new Marks(), mouths: [], doors: []});
    this.units = moment_s / run.unit;
    this.fly = scene.fly_s / run.unit; this.old = scene.old_s / run.unit;
    this.state = run.at(moment_s);
    this.seen = run.flights(this.units, this.fly);
    this.things = run.things(moment_s);
    this.radius = lay.small ? 3 : 3.7;
  }

  lane(req) { const {top, bottom} = this.lay; return top + 6 + ((this.run.requests.id[req] * GOLDEN) % 1) * (bottom - top - 18); }
  age(req, at = this.units) { return age(at - this.run.requests.due[req], this.old); }
  // Where the source of an attempt or message stands; clients stand along their line.
  source(box, req) { return box >= 0 && this.lay.places[box] ? this.lay.places[box].out : {x: this.lay.clientX, y: this.lane(req)}; }

  // --- what stands still, and who is inside ------------------------------------------------------------------------
  ground() {
    const {c, ink, lay} = this;
    c.strokeStyle = ink.line; c.lineWidth = 1; c.beginPath(); c.moveTo(lay.clientX, lay.top - 4); c.lineTo(lay.clientX, lay.height - 6); c.stroke();
    c.font = `${lay.small ? 10.5 : 11.5}px ${ink.sans}`; c.fillStyle = ink.dim; c.textAlign = "center"; c.textBaseline = "alphabetic";
    if (!lay.small) { c.save(); c.translate(17, lay.height / 2); c.rotate(-Math.PI / 2); c.fillText("clients", 0, 0); c.restore(); }
    for (const head of lay.heads) { c.textAlign = "right"; c.fillText(head.text, head.x + 14, head.y); }
    chips(c, ink, lay, this.run, this.things);
    const cut = cuts(this.things), drawn = new Set();
    this.bent = new Map();
    for (const [source, target, calls] of this.run.head.ways) {
      const a = this.run.byName.get(source), b = this.run.byName.get(target), one = lay.places[a], other = lay.places[b];
      const host = one?.round || other?.round, gone = cut(source, target);
      if (!other || source === target || !(host || gone || (one && calls))) continue;
      const from = one ? (one.round ? one.centre : one.out) : {x: lay.clientX, y: other.centre.y}, to = other.round ? other.centre : other.mouth, key = [source, target].sort().join("\n");
      const bend = one?.round && other.round ? 0.07 : 0;
      if (!drawn.has(key) || gone) this.bent.set(source + "\n" + target, drawWay(c, ink, from, to, bend, gone));
      drawn.add(key);
    }
  }

  inside() {
    const {c, ink, lay, run, state, marks} = this, A = run.attempts;
    this.scene.boxless = lay.boxless;
    run.boxes.forEach((box, b) => {
      const place = lay.places[b];
      if (!place) return;
      const {waiting, serving} = state.boxes[b];
      place.edge = lay.width - 4; place.small = lay.small;
      drawBox(c, ink, box, place, wrong(this.things.get(box.name)));
      if (place.tank) {
        const room = box.bound >= 0 ? Math.min(Math.max(waiting.length, box.bound), 4 * Math.max(30, waiting.length)) : waiting.length;
        const pack = packing(place.tank, Math.max(room, 6), "right", lay.small ? 8 : 11);
        this.mouths[b] = {x: drawTank(c, ink, box, place, pack, waiting.length), y: place.centre.y};
        const p = this.shift(box, waiting, pack.cell);
        for (let k = 0; k < waiting.length; k += pack.each) {
          const i = waiting[k], rank = k / pack.each, [x1, y1] = pack.place(rank), [x0, y0] = p ? (rank ? pack.place(rank - 1) : [place.tank.x1, place.centre.y]) : [x1, y1];
          marks.dot(A.req[i], x1 + (x0 - x1) * p, y1 + (y0 - y1) * p, pack.cell > 5 ? Math.min(this.radius, pack.cell * 0.4) : -pack.cell, this.age(A.req[i]), A.gone[i] <= state.now);
        }
      }
      const slots = box.workers > 0 ? run.slots() : null, count = Math.max(1, box.workers > 0 && box.workers <= 100 ? box.workers : 0, serving.length), cells = grid(place.server, count);
      const size = count === 1 ? Math.min(this.radius + 1.3, place.server.size * 0.36) : cells.cell > 6.5 ? Math.min(this.radius, cells.cell * 0.4) : -Math.max(1.2, cells.cell);
      const taken = new Set();
      serving.forEach((i, k) => {
        const slot = slots && slots[i] < count && !taken.has(slots[i]) ? slots[i] : k;
        taken.add(slot);
        const [x, y] = cells.place(slot);
        marks.dot(A.req[i], x, y, size, this.age(A.req[i]), A.gone[i] <= state.now);
      });
      if (count > 1 && cells.cell > 4) { c.fillStyle = ink.line; for (let k = 0; k < count; k++) if (!taken.has(k)) { const [x, y] = cells.place(k); c.fillRect(x - 1, y - 1, 2, 2); } }
    });
  }

  // How far the waiting have moved towards their next places: the last stretch before the first one is begun with.
  shift(box, waiting, cell) {
    if (cell <= 4 || !waiting.length || box.discipline !== "Fifo") return 0;
    const left = this.run.attempts.begun[waiting[0]] - this.units, span = Math.min(this.fly / 3, this.run.head.curves.width);
    return left < span ? ease(between(0, 1 - left / span, 1)) : 0;
  }

  // --- what moves ----------------------------------------------------------------------------------------------------
  flights() {
    const {run, lay, units, fly, marks, radius} = this, A = run.attempts, flying = this.flying = new Set();
    for (const i of this.seen.coming) {
      const place = lay.places[A.target[i]];
      if (!place) continue;
      const req = A.req[i], left = run.leaves(i, fly), p = between(0, (units - left) / (A.sent[i] - left || 1), 1), hop = A.before[i] >= 0 && left > A.sent[i] - fly;
      const from = hop && lay.places[A.target[A.before[i]]] ? lay.places[A.target[A.before[i]]].out : this.source(A.source[i], req), to = this.mouths[A.target[i]] ?? place.mouth;
      flying.add(req);
      marks.dot(req, from.x + (to.x - from.x) * p, from.y + (to.y - from.y) * ease(Math.max(0, p * 1.5 - 0.5)), radius, this.age(req), A.gone[i] <= units);
    }
    for (const i of this.seen.going) {
      const place = lay.places[A.target[i]], fate = A.fate[i];
      if (!place || (fate !== SERVED && fate !== REJECTED && fate !== DROPPED && fate !== LOST && fate !== UNANSWERED)) continue;
      const req = A.req[i], p = (units - A.ended[i]) / (run.returns(i, fly) - A.ended[i]), to = this.source(A.source[i], req);
      if (fate === LOST) { marks.crosses.push({x: place.centre.x, y: place.centre.y, strength: 1 - p, kind: "cross"}); continue; }
      const failed = run.requests.outcome[req] === FAIL && A.used[i] && run.requests.end[req] <= A.ended[i] + fly;   // what comes back is a failure
      if (fate === REJECTED || fate === DROPPED || failed) {
        const from = failed ? {x: place.server.x, y: place.backY} : this.mouths[A.target[i]] ?? place.mouth;
        marks.square(req, from.x - 4 + (to.x + 4 - from.x) * p, from.y + (to.y - from.y) * ease(p) - (place.tight ? 4 : 16) * Math.sin(Math.PI * p));
        continue;
      }
      if (fate === UNANSWERED && p > 0.5) continue;
      const s = Math.min(1, p * 6), x0 = place.round ? place.centre.x : place.server.x + place.server.size / 2, y0 = place.server.y + place.server.size, y1 = place.backY + (place.tight ? 0 : (((run.requests.id[req] * GOLDEN) % 1) - 0.5) * 8);
      marks.dot(req, p < 1 / 6 ? x0 : x0 + (to.x - x0) * (p * 6 - 1) / 5, y0 + (y1 - y0) * s, radius, this.age(req, A.ended[i]), !A.used[i]);
    }
  }

  // Open requests that are in no box: with their callers, or where their last message went.
  held() {
    const {run, lay, state, marks, c, ink} = this;
    if (lay.boxless) { this.byAge(); return; }
    const here = [], at = new Map();
    for (const r of state.held) {
      if (this.flying.has(r)) continue;
      const box = this.whereabouts(r);
      if (box >= 0) at.set(box, [...(at.get(box) ?? []), r]); else here.push(r);
    }
    const pack = packing(lay.held, Math.max(6, here.length), "left", lay.small ? 7 : 9);
    here.forEach((r, k) => { if (k % pack.each === 0) { const [x, y] = pack.place(k / pack.each); marks.dot(r, x, y, pack.cell > 5 ? Math.min(this.radius, pack.cell * 0.4) : -pack.cell, this.age(r), false); } });
    if (here.length > 8 && !lay.small) { c.font = `11px ${ink.sans}`; c.fillStyle = ink.dim; c.textAlign = "left"; c.fillText(`${grouped(here.length)} with their callers`, lay.held.x0, lay.height - 4); }
    for (const [box, some] of at) {
      const cells = grid(lay.places[box].server, Math.max(4, some.length));
      some.forEach((r, k) => { const [x, y] = cells.place(k); marks.dot(r, x, y, Math.min(this.radius, cells.cell * 0.4), this.age(r), false); });
    }
  }
  whereabouts(r) {
    const {requests: R, messages: M} = this.run;
    let last = -1;
    for (let m = R.message[r]; m < R.message[r] + R.messages[r]; m++) if (!M.carries[m] && M.arrived[m] <= this.state.now && (last < 0 || M.arrived[m] >= M.arrived[last])) last = m;
    return last >= 0 && this.lay.places[M.target[last]] ? M.target[last] : -1;
  }
  // Nothing is known of what serves them: each stands where its age has brought it.
  byAge() {
    const {c, ink, lay, run, state, marks} = this, x0 = lay.clientX + 6, wide = lay.width - x0 - 16, oldest = this.scene.oldest_s;
    const x = s => x0 + wide * Math.sqrt(between(0, s / oldest, 1));
    c.strokeStyle = ink.line; c.fillStyle = ink.dim; c.textAlign = "center"; c.font = `11px ${ink.sans}`; c.lineWidth = 1;
    for (let power = Math.floor(Math.log10(oldest)), k = 0, last = lay.width + 44; k < 6; k++) {
      const s = [1, 0.3, 0.1, 0.03, 0.01, 0.003][k] * 10 ** (power + 1);
      if (s > oldest || x(s) < x0 + 20) continue;
      c.beginPath(); c.moveTo(x(s), lay.top); c.lineTo(x(s), lay.bottom - 8); c.stroke();
      if (last - x(s) > 44) { c.fillText(short(s), Math.min(x(s), lay.width - 22), lay.height - 4); last = x(s); }
    }
    for (const r of state.held) marks.dot(r, x((this.units - run.requests.due[r]) * run.unit), this.lane(r), this.radius, this.age(r), false);
    const R = run.requests;
    for (let r = run.aliveRequests?.[run.stretch(state.now)] ?? 0; r < R.length && R.due[r] <= state.now; r++) {
      const p = (this.units - R.end[r]) / this.fly;
      if (R.end[r] <= state.now && p < 1) marks.dot(r, x((R.end[r] - R.due[r]) * run.unit), this.lane(r), this.radius * (1 - p) + 0.1, this.age(r, R.end[r]), false);
    }
  }

  messages() {
    const {run, lay, units, fly, marks} = this, M = run.messages, span = fly * 0.7;
    if (!run.pieces) return;
    for (let p = run.aliveMessages[run.stretch(units)], to = run.sendTimes.length; p < to && run.sendTimes[p] <= units; p++) {
      const m = run.sends[p];
      if (M.carries[m]) continue;
      const there = M.lost[m] ? M.sent[m] + span : Math.max(M.arrived[m], M.sent[m] + span), part = (units - M.sent[m]) / (there - M.sent[m]);
      if (part > 1 || (there === Infinity && part > 0)) continue;
      const [x, y] = this.along(M.source[m], M.target[m], M.req[m], M.lost[m] ? part / 2 : part), req = M.req[m], own = run.requests.outcome[req] < OUTCOMES.length;
      if (M.lost[m]) marks.crosses.push({x, y, strength: 1 - part, kind: "square"});
      else if (own) marks.dot(req, x, y, this.radius - 0.6, this.age(req), run.requests.end[req] < M.sent[m]);   // nobody waited when it was sent
      else marks.faint.push(x, y, 2.2);
    }
  }
  along(source, target, req, part) {
    const {run, lay} = this, names = [run.boxes[source]?.name, run.boxes[target]?.name];
    const bent = this.bent.get(names.join("\n")), back = this.bent.get(names.reverse().join("\n")), a = lay.places[source], b = lay.places[target];
    if (a && b && (bent || back)) return bent ? bent(part) : back(1 - part);
    const end = place => place ? (place.round ? place.centre : place.mouth) : {x: lay.clientX, y: this.lane(req)}, from = end(a), to = end(b);
    return [from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part];
  }

  // Who is not answered leaves the picture by the clients' line: a cross is unknown, a square is surely not served.
  goodbyes() {
    const {run, lay, units, state, marks} = this, R = run.requests, span = this.fly * 3;
    if (!run.pieces) return;
    for (let r = run.aliveRequests[run.stretch(state.now)]; r < R.length && R.due[r] <= state.now; r++) {
      const since = units - R.end[r];
      if (since < 0 || since > span || R.outcome[r] < 1 || R.outcome[r] > 2) continue;
      const x = lay.clientX - 3 - ((R.id[r] * 0.37) % 1) * (lay.small ? 16 : 26), y = this.lane(r);
      marks.hit(r, x, y);
      marks.crosses.push({x, y, strength: 1 - since / span, kind: R.outcome[r] === 1 ? "square" : "cross"});
    }
  }
}

// A time for people.
export function short(s) {
  if (s === 0) return "0 s";
  const [value, unit] = s < 1e-3 ? [s * 1e6, "µs"] : s < 1 ? [s * 1e3, "ms"] : [s, "s"];
  return `${grouped(Number(value.toPrecision(value < 100 ? 2 : 3)))} ${unit}`;
}

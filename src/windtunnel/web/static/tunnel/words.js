// The picture in words: what is so now, what has just happened, a row for each stretch of the run.

import {grouped} from "../numbers.js";
import {short} from "./paint.js";
import {FATES, below} from "./run.js";
import {does, said} from "./shapes.js";

const count = n => grouped(Math.round(n));
const NTH = ["", " for the second time", " for the third time", " for the fourth time"];
const REJECTED = FATES.indexOf("rejected");

// --- now: a list of parts, [text, true where it is about work for nobody] ----------------------------------------------
export function now(scene, t, sealed) {
  const {runs} = scene, parts = [];
  if (sealed && t >= sealed.from_s - 1e-9) return [["What comes now is shown when you have committed.", false]];
  const told = trouble(runs[0], t);
  if (told) parts.push([told + " ", false]);
  const states = runs.map(run => condition(run, t, "the")), alike = states.every(one => one[0] === states[0][0]);
  if (runs.length > 1 && alike) parts.push([`${runs.length === 2 ? "Both" : "All"}: `, false], states[0], [".", false]);
  else states.forEach((state, i) => parts.push([`${runs[i].name}: `, false], state, [i + 1 < states.length ? "; " : ".", false]));
  return parts;
}

// The words of a fault as a sentence: "slow server to 0.1" is "server works at 0.1 of its speed".
export function plain(words) {
  const told = /^(\S+) (.*)$/.exec(words) ?? [null, "", words], [, word, rest] = told, slower = /^(.*) to ([\d.]+)$/.exec(rest), sides = rest.split(/ [|>] /);
  if (word === "slow" && slower) return `${slower[1]} works at ${slower[2]} of its speed`;
  if (word === "pause") return `${rest} stands still`;
  if (word === "crash") return `${rest} is down`;
  if (word === "split") return `${sides[0]} and ${sides[1] ?? "the others"} do not hear each other`;
  if (word === "cut") return `nothing gets from ${sides[0]} to ${sides[1] ?? "anybody"}`;
  if (word === "call") return rest.replace(/ (\w+\(.*\))$/, (_, call) => ` ${does(call)}`);
  return words;
}

function trouble(run, t) {
  const faults = run.head.faults, u = run.unit, since = s => short(Number(s.toPrecision(2)));
  if (!faults.length) return "";
  const active = faults.filter(f => f.at * u <= t && (f.until < 0 || f.until * u > t));
  if (active.length > 1) return `${active.length} things are wrong: ${active.slice(0, 2).map(one => plain(one.words)).join(", ")}${active.length > 2 ? ", and more" : ""}.`;
  if (active.length) return t - active[0].at * u < run.end / 2000 ? `It begins: ${plain(active[0].words)}.` : `For ${since(t - active[0].at * u)} now: ${plain(active[0].words)}.`;
  const over = faults.filter(f => f.until >= 0 && f.until * u <= t);
  const for_s = t - Math.max(...over.map(f => f.until)) * u;
  if (over.length) return for_s < run.end / 2000 ? "The trouble is over." : `The trouble has been over for ${since(for_s)}.`;
  return "Nothing is wrong yet.";
}

function condition(run, t, its) {
  const of = kind => run.recent(kind, t), asked = of("asked"), done = of("work"), dead = of("waste"), {width} = run.head.curves, step = width * run.unit;
  if (!run.last("asked", t).length) return ["it has just begun", false];
  const share = dead / (done + dead || 1), all = Math.max(asked, of("ok") + of("fail") + of("unknown")), each = kind => asked ? Math.min(100, 100 * of(kind) / all) : 0;
  if (share > 0.95 && dead > 0) return [`all ${its} work is for nobody`, true];
  if (share > 0.08) return [`${Math.round(100 * share)} % of ${its} work is for nobody`, true];
  if (each("fail") > 4 && each("fail") > 0.6 * each("turned")) return [`${Math.round(each("fail"))} of 100 fail`, false];
  if (each("turned") > 4) return [`${Math.round(each("turned"))} of 100 are turned away`, false];
  if (each("unknown") > 4) return [`${Math.round(each("unknown"))} of 100 give up`, false];
  const waiting = of("waiting");
  if (waiting > 30 && waiting * 3 > asked) return [`${count(waiting)} wait`, false];
  if (!of("ok")) {
    // Who has waited for no longer than an answer usually takes is at work, and nothing is wrong.
    const {open, now, since} = run.at(t), long = now - since > run.usual && !run.recent("ok", t, Math.ceil(run.usual / width));
    if (open) return [`${long ? "nobody is answered, and " : ""}${count(open)} wait${open === 1 ? "s" : ""}${long ? "" : " for an answer"}`, false];
    if (!asked) return ["nobody asks", false];
  }
  const slow = run.slowest(t);
  return [`${rate(of("ok") / step)} answered a second${slow ? `, the slow ones after ${short(Number(slow.toPrecision(2)))}` : ""}`, false];
}
const rate = n => n >= 10 ? count(Number(n.toPrecision(2))) : String(Number(n.toPrecision(2)));

// --- what has just happened, when the clock goes from event to event ------------------------------------------------------
export function happened(run, t) {
  const {requests: R, attempts: A} = run, now = Math.round(t / run.unit), name = r => R.id[r] < 0 ? "work of its own" : `request ${grouped(R.id[r])}`;
  const found = [];
  for (let p = run.aliveAttempts[run.stretch(now)]; p < run.order.length && run.times[p] <= now; p++) {
    const i = run.order[p], r = A.req[i], where = run.boxes[A.target[i]].name;
    if (A.sent[i] === now) found.push(A.fate[i] === REJECTED ? [r, `${name(r)} is turned away by ${where}`, false] : [r, `${name(r)} comes to ${where}${NTH[A.number[i]] ?? ` for the ${A.number[i] + 1}th time`}`, false]);
    if (A.ended[i] === now && A.fate[i] !== REJECTED) found.push(FATES[A.fate[i]] === "served" ? [r, A.used[i] ? `${where} is done with ${name(r)}` : `${where} is done with ${name(r)}, for nobody`, !A.used[i]] : [r, `${name(r)} is ${FATES[A.fate[i]]} at ${where}`, false]);
    else if (A.begun[i] === now) found.push([r, `${where} begins with ${name(r)}`, false]);
  }
  for (let r = run.aliveRequests[run.stretch(now)]; r < R.length && R.due[r] <= now; r++) {
    if (R.end[r] === now) found.push([r, R.outcome[r] === 0 ? `${name(r)} is answered` : R.outcome[r] === 1 ? `${name(r)} fails: surely not done` : `${name(r)} gives up: unknown`, false]);
    else if (R.due[r] === now && R.outcome[r] < 3) found.push([r, `${name(r)} is asked`, false]);
  }
  for (const change of run.changes) if (change.at === now) found.push([-1, `${change.thing}: ${said(change.facet, change.state)}`, false]);
  return found;
}

// All moments at which something happens in a run, in seconds. Made when first stepped.
export function events(run) {
  if (run.events && run.eventsOf === run.pieces) return run.events;
  const {requests: R, attempts: A} = run, columns = [R.due, R.end, A.sent, A.begun, A.ended, run.changes.map(change => change.at)];
  const all = new Float64Array(columns.reduce((n, column) => n + column.length, 0));
  let place = 0;
  for (const column of columns) { all.set(column, place); place += column.length; }
  all.sort();
  const last = below(all, run.head.run.end + 0.5);
  run.eventsOf = run.pieces;
  run.events = all.subarray(0, last).filter((at, i) => at >= 0 && at !== all[i - 1]).map(at => at * run.unit);
  return run.events;
}

// --- a table -------------------------------------------------------------------------------------------------------------
export function rows(scene, most = 40) {
  const kinds = [["asked", "asked"], ["answered", "ok"], ["failed", "fail"], ["unknown", "unknown"], ["for nobody", "nobody"], ["turned away", "turned"], ["waiting", "waiting"]];
  const {width, asked} = scene.runs[0].head.curves, step = Math.max(1, Math.ceil(asked.length / most)), unit = scene.runs[0].unit;
  const head = ["second", ...scene.runs.flatMap(run => kinds.slice(run === scene.runs[0] ? 0 : 1).map(([name]) => [run.name, name]))];
  const body = [];
  for (let first = 0; first < asked.length; first += step) {
    const from = first * width * unit, to = (first + step) * width * unit;
    body.push([String(Number(from.toPrecision(6))), ...scene.runs.flatMap(run => {
      const c = run.head.curves, a = Math.round(from / (c.width * run.unit)), b = Math.max(a + 1, Math.round(to / (c.width * run.unit)));
      return kinds.slice(run === scene.runs[0] ? 0 : 1).map(([, kind]) => kind === "waiting" ? c.waiting[Math.min(b, c.waiting.length) - 1] ?? 0 : c[kind].slice(a, b).reduce((x, y) => x + y, 0));
    })]);
  }
  return {head, body};
}

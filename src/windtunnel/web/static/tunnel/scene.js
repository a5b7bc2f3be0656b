// What the runs of a comparison share: one clock, one measure of age, one length of flights; and what is worth a look.

import {grouped} from "../numbers.js";
import {plain} from "./words.js";

export const SPEEDS = [[0.01, "1/100"], [1 / 30, "1/30"], [0.1, "1/10"], [0.25, "1/4"], [1, "1×"], [3, "3×"], [10, "10×"]];
const sum = (list, from = 0, to = list.length) => { let s = 0; for (let i = from; i < to; i++) s += list[i]; return s; };
const most = list => list.reduce((a, b) => Math.max(a, b), 0);

export function sceneOf(runs, marks = []) {
  const end = most(runs.map(run => run.end)), first = runs[0].head.curves, busy = first.asked.filter(n => n > 0).length || 1;
  const rate = sum(first.asked) / (busy * first.width * runs[0].unit);
  return {
    runs, end,
    fly_s: Math.min(12 / (rate || 1), end / 40),               // so that about a dozen are to be seen on each way
    old_s: most(runs.map(run => run.head.latency.p90 * run.unit)) || end,
    oldest_s: most(runs.map(run => run.head.latency.most * run.unit)) || end,
    surprises: surprises(runs, end, marks),
  };
}

// Moments that are worth a look, in order: {t, text}.
function surprises(runs, end, marks) {
  const found = marks.map(({t_s, text}) => ({t: t_s, text}));
  for (const fault of runs[0].head.faults) {
    found.push({t: fault.at * runs[0].unit, text: `It begins: ${plain(fault.words)}`});
    if (fault.until >= 0) found.push({t: fault.until * runs[0].unit, text: `It is over: ${plain(fault.words)}`});
  }
  for (const run of runs) {
    const {width, work, waste, turned, waiting} = run.head.curves, step = width * run.unit, say = (column, text) => { if (column >= 0) found.push({t: column * step, text: `${run.name}: ${text}`}); };
    for (const [at, sentence] of run.head.marks) found.push({t: at * run.unit, text: `${run.name}: ${sentence[0].toLowerCase()}${sentence.slice(1)}`});
    const lost = waste.map((n, i) => n > work[i]);
    say(waste.findIndex(n => n > 0), "the first work for nobody");
    const from = lost.findIndex((one, i) => one && (lost[i + 1] ?? one));
    say(from, "from here on most of the work is for nobody");
    if (from >= 0) say(lost.findIndex((one, i) => i > from && !lost.slice(i, i + 5).some(Boolean)), "it works for somebody again");
    say(turned.findIndex(n => n > 0), "the first is turned away");
    const longest = most(waiting);
    if (longest > 20) say(waiting.indexOf(longest), `the longest queue: ${grouped(longest)} wait`);
  }
  if (runs.length > 1) {
    const column = apart(runs);
    if (column >= 0) found.push({t: column * runs[0].head.curves.width * runs[0].unit, text: "From here on the two differ"});
  }
  found.sort((a, b) => a.t - b.t);
  return found.filter((one, i) => one.t <= end && !found.slice(0, i).some(other => other.text === one.text));
}

// The first column from which on what is answered differs for a while. Columns of two runs may differ in width.
function apart([one, other]) {
  const a = one.head.curves, b = other.head.curves, scale = a.width * one.unit / (b.width * other.unit), usual = sum(a.asked) / a.asked.length;
  const answered = i => { const from = Math.round(i * scale), to = Math.max(from + 1, Math.round((i + 1) * scale)); return sum(b.ok, from, Math.min(to, b.ok.length)); };
  for (let i = 0; i + 3 < a.ok.length; i++) if ([0, 1, 2].every(k => Math.abs(a.ok[i + k] - answered(i + k)) > 0.3 * usual)) return i;
  return -1;
}

// The moment that tells most by itself: the first at which the work for nobody, or what waits, fails or is turned away,
// differs about as much as ever; where none does, that at which most more have been answered in one than in another.
export function telling({runs, end, surprises}) {
  const {width, asked} = runs[0].head.curves, step = width * runs[0].unit, so_far = runs.map(run => { let n = 0; return run.head.curves.ok.map(one => n += one); });
  const apart = list => most(list) - Math.min(...list), troubles = [], ahead = [];
  for (let i = 1; i < asked.length; i++) {
    const places = runs.map(run => Math.min(run.head.curves.ok.length - 1, Math.floor(i * step / (run.head.curves.width * run.unit))));
    const scores = runs.map((run, r) => {
      const {nobody, turned, fail, unknown, waiting} = run.head.curves, bad = k => (nobody[k] + turned[k] + fail[k] + unknown[k] + waiting[k] / 4) || 0;
      return i < 4 ? 0 : [-1, 0, 1].map(k => bad(places[r] + k)).sort((a, b) => a - b)[1];   // no column that stands alone
    });
    troubles.push(apart(scores) + 0.01 * most(scores)); ahead.push(apart(places.map((k, r) => so_far[r][Math.max(0, k - 1)])));
  }
  const list = most(troubles) > 0 ? troubles : ahead, high = most(list);
  return high > 0 ? Math.min(end, step * (1 + list.findIndex(one => one >= 0.8 * high))) : Math.min(end, surprises[0]?.t ?? end / 2);
}

// The speed that a moment asks for, as a place in SPEEDS: the run in half a minute, slower where something happens.
export function speedAt({end, surprises}, t) {
  const near = surprises.some(one => t > one.t - end * 0.02 && t < one.t + end * 0.03), quiet = !surprises.some(one => t > one.t - end * 0.06 && t < one.t + end * 0.12);
  const wanted = end / 30 * (near ? 0.3 : quiet ? 1.6 : 1);
  let best = 0;
  SPEEDS.forEach(([speed], i) => { if (Math.abs(Math.log(speed / wanted)) < Math.abs(Math.log(SPEEDS[best][0] / wanted))) best = i; });
  return best;
}

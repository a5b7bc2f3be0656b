// One request in all designs: what it asked for, waited for, and got. Words first, lines beside them.

import {short} from "./paint.js";
import {FATES} from "./run.js";

const SVG = "http://www.w3.org/2000/svg", REJECTED = FATES.indexOf("rejected");
const make = (name, attributes, text) => {
  const node = document.createElementNS(SVG, name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text) node.textContent = text;
  return node;
};

export function story(run, id) {
  const r = run.place.get(id), {requests: R, attempts: A} = run;
  if (r === undefined) return "not kept";
  const tries = R.tries[r], took = short((R.end[r] - R.due[r]) * run.unit), asked = tries > 1 ? `, ${tries} calls` : "";
  let turned = 0, dead = 0;
  for (let i = R.first[r]; i < R.first[r] + tries; i++) { turned += A.fate[i] === REJECTED; dead += FATES[A.fate[i]] === "served" && !A.used[i]; }
  const wasted = dead ? `; ${dead === 1 ? "one answer" : `${dead} answers`} to nobody` : turned && turned < tries ? `; turned away ${turned === 1 ? "once" : turned + " times"}` : "";
  if (R.end[r] === Infinity) return `still open at the end${asked}${wasted}`;
  if (R.outcome[r] === 0) return `answered after ${took}${asked}${wasted}`;
  if (R.outcome[r] === 1) return `failed after ${took}: surely not done${asked}${wasted}`;
  return `gave up after ${took}: unknown${asked}${wasted}`;
}

// Lines of time: waiting (thin), being served (thick), waiting though nobody waits for it any more (dotted, red).
export function lines(runs, id, width, small) {
  const rows = runs.map(run => ({run, r: run.place.get(id)})).filter(row => row.r !== undefined);
  const left = small ? 4 : 150, right = small ? 4 : 390, each = small ? 30 : 26, height = each * rows.length + 2;
  const svg = make("svg", {viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": rows.map(({run}) => `${run.name}: ${story(run, id)}`).join("; ")});
  let from = Infinity, to = -Infinity;
  for (const {run, r} of rows) {
    const {requests: R, attempts: A} = run;
    from = Math.min(from, R.due[r] * run.unit);
    to = Math.max(to, Math.min(R.end[r], run.head.run.end) * run.unit);
    for (let i = R.first[r]; i < R.first[r] + R.tries[r]; i++) to = Math.max(to, Math.min(A.ended[i], run.head.run.end) * run.unit);
  }
  const span = (to - from) * 1.03 || 1e-9, x = s => left + Math.min(1, Math.max(0, (s - from) / span)) * (width - left - right);
  rows.forEach(({run, r}, k) => {
    const {requests: R, attempts: A} = run, tries = R.tries[r], mid = each * k + (small ? 20 : 14), most = Math.min(tries, 9), u = run.unit;
    svg.append(make("text", {x: 0, y: small ? mid - 11 : mid + 4, class: "t-name"}, small ? `${run.name}: ${story(run, id)}`.slice(0, Math.floor(width / 6)) : run.name.length > 20 ? run.name.slice(0, 19) + "…" : run.name));
    svg.append(make("line", {x1: x(R.due[r] * u), x2: x(Math.min(R.end[r], run.head.run.end) * u), y1: mid, y2: mid, class: "t-open"}));
    for (let n = 0; n < tries; n++) {
      const i = R.first[r] + n, y = mid + (most > 1 ? (n % most - (most - 1) / 2) * Math.min(4, 20 / most) : 0), gone = A.gone[i] * u, begun = Math.min(A.begun[i], A.ended[i], run.head.run.end) * u, ended = Math.min(A.ended[i], run.head.run.end) * u;
      if (A.fate[i] === REJECTED) { svg.append(make("rect", {x: x(A.sent[i] * u) - 2, y: y - 2, width: 4, height: 4, class: "t-turned"})); continue; }
      svg.append(make("line", {x1: x(A.sent[i] * u), x2: x(Math.min(gone, begun)), y1: y, y2: y, class: "t-waits"}));
      if (begun > gone) svg.append(make("line", {x1: x(gone), x2: x(begun), y1: y, y2: y, class: "t-dead"}));
      if (A.begun[i] < Infinity) svg.append(make("rect", {x: x(begun), y: y - 2.5, width: Math.max(2.5, x(ended) - x(begun)), height: 5, class: A.used[i] || A.ended[i] > run.head.run.end ? "t-served" : "t-wasted"}));
    }
    if (R.outcome[r] === 2 && R.end[r] < Infinity) { const cx = x(R.end[r] * u) + 7; svg.append(make("path", {d: `M${cx - 4} ${mid - 4}l8 8m0-8l-8 8`, class: "t-cross"})); }
    if (!small) svg.append(make("text", {x: width - right + 12, y: mid + 4, class: "t-told"}, story(run, id)));
  });
  return svg;
}

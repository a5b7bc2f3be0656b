// The things that stand still in a pane: boxes by their kind, tanks, what is wrong with them, ways that are cut.

import {grouped} from "../numbers.js";
import {stem} from "./layout.js";

const letters = (c, ink, px, bold) => { c.font = `${bold ? "600 " : ""}${px}px ${ink.sans}`; };

// A box's outline says what it is: stores are round above and below, caches are cut at the corners.
function outline(c, kind, {x, y, size}) {
  c.beginPath();
  if (kind === "database" || kind === "objects" || kind === "log") {
    const h = size * 0.13;
    c.moveTo(x, y + h); c.bezierCurveTo(x, y - h * 0.35, x + size, y - h * 0.35, x + size, y + h);
    c.lineTo(x + size, y + size - h); c.bezierCurveTo(x + size, y + size + h * 0.35, x, y + size + h * 0.35, x, y + size - h); c.closePath();
  } else if (kind === "cache") {
    const k = size * 0.16;
    c.moveTo(x + k, y); c.lineTo(x + size - k, y); c.lineTo(x + size, y + k); c.lineTo(x + size, y + size - k); c.lineTo(x + size - k, y + size); c.lineTo(x + k, y + size); c.lineTo(x, y + size - k); c.lineTo(x, y + k); c.closePath();
  } else c.roundRect(x, y, size, size, kind === "host" ? size * 0.28 : Math.min(6, size * 0.2));
}

const fraction = speed => speed > 0 && speed < 1 && Math.abs(1 / speed - Math.round(1 / speed)) < 1e-6 ? "1/" + Math.round(1 / speed) : String(Math.round(speed * 100) / 100);

// What a facet's state means, in a word or two.
export function said(facet, state) {
  if (facet === "speed") return Number(state) === 0 ? "stopped" : fraction(Number(state)) + " speed";
  if (facet === "up") return "down";
  if (facet === "runs") return "paused";
  if (facet === "answers") return "answers lost";
  if (facet === "way") return "cut";
  return facet === "call" ? does(state) : `${facet} ${state}`;
}

// A call as what the thing does: "fail_over()" is "fails over", "slow_down(0.1)" is "slows down 0.1".
export function does(call) {
  const [, method, given] = /^(\w+)\((.*)\)$/.exec(call) ?? [null, call, ""], [verb, ...rest] = method.split("_");
  const said = /(s|x|z|ch|sh|o)$/.test(verb) ? `${verb}es` : /[^aeiou]y$/.test(verb) ? `${verb.slice(0, -1)}ies` : `${verb}s`;
  return [said, ...rest, ...(given ? [given] : [])].join(" ");
}

// What is wrong with a box: its words, whether a fault did it, whether it does no work at all.
export function wrong(facets) {
  if (!facets) return null;
  const all = [...facets.values()], fault = all.some(one => one.why >= 0 || one.facet !== "speed");
  return {words: all.map(one => said(one.facet, one.state)).join(", "), fault, down: facets.has("up")};
}

export function drawBox(c, ink, box, place, trouble) {
  const {server, label, tight} = place;
  if (trouble?.fault) { c.fillStyle = ink.trouble; c.beginPath(); c.roundRect(server.x - 5, server.y - 5, server.size + 10, server.size + 10, 9); c.fill(); }
  c.strokeStyle = trouble?.down ? ink.dim : ink.ink; c.fillStyle = ink.pane; c.lineWidth = 1.5;
  if (trouble?.down) c.setLineDash([3, 3]);
  outline(c, box.kind, server); c.fill(); c.stroke(); c.setLineDash([]);
  if (box.kind === "database" || box.kind === "objects" || box.kind === "log") {
    const h = server.size * 0.13; c.lineWidth = 1; c.beginPath(); c.moveTo(server.x, server.y + h); c.bezierCurveTo(server.x, server.y + h * 2.2, server.x + server.size, server.y + h * 2.2, server.x + server.size, server.y + h); c.stroke();
  }
  const hot = trouble?.fault, line = trouble && !tight && label.y < 30, named = line ? `${label.text}: ${trouble.words}` : trouble?.words;   // no room for two
  const words = trouble && !tight ? named : label.text;
  letters(c, ink, tight ? 10.5 : 11.5, hot); c.textAlign = label.align; c.fillStyle = hot ? ink["trouble-ink"] : ink.dim;
  const width = c.measureText(words).width, x = label.align === "center" ? Math.min(label.x, place.edge - width / 2) : label.x;
  c.fillText(words, x, label.y - (hot && !tight ? 4 : 0));
  if (trouble && !tight && !place.small && !line) { letters(c, ink, 11.5); c.fillStyle = ink.dim; c.fillText(label.text, label.x, label.y - (hot ? 19 : 14)); }
  if (trouble && tight) chip(c, ink, trouble.words, (place.tank?.x0 ?? server.x) - 4, label.y);
}

// The place to wait before a server: open to the left where there is no bound.
export function drawTank(c, ink, box, place, pack, count) {
  const {tank, tight} = place, bounded = box.bound >= 0, mid = (tank.y0 + tank.y1) / 2, door = Math.min(9, (tank.y1 - tank.y0) * 0.28);
  const left = bounded ? Math.max(tank.x0, pack.edge(Math.max(1, box.bound)) - 4) : tank.x0;
  c.strokeStyle = ink.dim; c.globalAlpha = tight ? 0.55 : 0.85; c.lineWidth = tight ? 1 : 1.4; c.beginPath();
  if (!bounded || box.bound > 0) {
    c.moveTo(left, tank.y0); c.lineTo(tank.x1, tank.y0); c.lineTo(tank.x1, mid - door); c.moveTo(tank.x1, mid + door); c.lineTo(tank.x1, tank.y1); c.lineTo(left, tank.y1);
    if (bounded) { c.lineTo(left, mid + door); c.moveTo(left, mid - door); c.lineTo(left, tank.y0); }
  }
  c.stroke(); c.globalAlpha = 1;
  if (bounded && pack.cell > 3 && box.bound <= 600) {
    c.fillStyle = ink.line;
    for (let r = count; r < box.bound; r++) { const [x, y] = pack.place(r); c.fillRect(x - 1, y - 1, 2, 2); }
  }
  if (!tight && (bounded || count > 99 || tank.y1 - tank.y0 > 40)) {
    const order = {Lifo: "newest first", Ranked: "by rank", RequestCoDel: "CoDel"}[box.discipline] ?? "";
    const text = [count > 99 ? `${grouped(count)} wait${pack.each > 1 ? `, a cell is ${pack.each}` : ""}` : bounded ? (box.bound ? `${box.bound} places` : "no place to wait") : "no bound", order].filter(Boolean).join(", ");
    letters(c, ink, 11); c.fillStyle = ink.dim; c.textAlign = "right"; c.fillText(text, tank.x1, tank.y1 + 13);
  } else if (pack.each > 1) { letters(c, ink, 9.5); c.fillStyle = ink.dim; c.textAlign = "left"; c.fillText(`1:${pack.each}`, tank.x0, tank.y0 + 9); }
  return bounded ? left : Math.max(tank.x0, pack.edge(Math.max(1, Math.ceil(count / pack.each))) - 3);
}

// Ways on which something is drawn: between hosts, and those that are cut.
export function drawWay(c, ink, from, to, bend, cut) {
  const mx = (from.x + to.x) / 2 + (to.y - from.y) * bend, my = (from.y + to.y) / 2 - (to.x - from.x) * bend;
  c.strokeStyle = cut ? ink["trouble-ink"] : ink.line; c.lineWidth = cut ? 1.4 : 1; c.setLineDash(cut ? [2, 5] : []);
  c.beginPath(); c.moveTo(from.x, from.y); c.quadraticCurveTo(mx, my, to.x, to.y); c.stroke(); c.setLineDash([]);
  if (cut) {
    const x = (from.x + 2 * mx + to.x) / 4, y = (from.y + 2 * my + to.y) / 4;
    c.fillStyle = ink.trouble; c.beginPath(); c.arc(x, y, 8, 0, 7); c.fill();
    c.strokeStyle = ink["trouble-ink"]; c.lineWidth = 1.6; c.beginPath(); c.moveTo(x - 3, y - 5); c.lineTo(x - 3, y + 5); c.moveTo(x + 3, y - 5); c.lineTo(x + 3, y + 5); c.stroke();
  }
  return t => [(1 - t) ** 2 * from.x + 2 * t * (1 - t) * mx + t * t * to.x, (1 - t) ** 2 * from.y + 2 * t * (1 - t) * my + t * t * to.y];
}

// Whether a way between two names is cut, from what things say of themselves: "a, b | c" or "everybody > the rest".
export function cuts(things) {
  const found = [];
  for (const [thing, facets] of things) {
    if (!facets.has("way")) continue;
    const told = /^(.*) ([|>]) (.*)$/.exec(thing);
    if (told) found.push({ones: told[1].split(", "), others: told[3].split(", "), both: told[2] === "|"});
  }
  const among = (names, name, other) => names.includes(name) || names[0] === "everybody" || (names[0] === "the rest" && !other.includes(name));
  return (a, b) => found.some(({ones, others, both}) => (among(ones, a, others) && among(others, b, ones)) || (both && among(ones, b, others) && among(others, a, ones)));
}

function chip(c, ink, text, x, y) {
  letters(c, ink, 10.5, true); c.textAlign = "left";
  const wide = c.measureText(text).width + 10, left = Math.max(2, x - wide);
  c.fillStyle = ink.trouble; c.beginPath(); c.roundRect(left, y - 11, wide, 15, 4); c.fill();
  c.fillStyle = ink["trouble-ink"]; c.fillText(text, left + 5, y);
  return left - 6;
}

// What is wrong with things that are no box of the picture, in a line above.
export function chips(c, ink, lay, run, things) {
  let x = lay.width - 10 - (lay.heads.length ? 64 : 0);
  const words = [...things].filter(([thing, facets]) => !run.byName.has(thing) && !facets.has("way")).map(([thing, facets]) => [thing, `${thing}${facets.has("call") ? "" : ":"} ${wrong(facets).words}`]);
  const many = words.length > 3 ? [`${stem(words[0][0])}: ${words.length} are not well`] : words.map(one => one[1]);
  for (const text of many) x = chip(c, ink, text, x, 12);
}

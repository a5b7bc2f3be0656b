// Where the boxes of a run stand in a pane: a function of the boxes, the ways between them and the pane's size, and not
// of how often anything was called, so that two runs of a design look alike.

import {inOrder} from "../numbers.js";

const KINDS = ["host", "server", "cache", "queue", "log", "database", "objects"];
const RING = 2.5;                                              // so many times as wide as a column is a ring of hosts
const ROWS = 12;                                               // more boxes than that stand in further columns
export const stem = name => name.replace(/\s*\d+$/, "");

// How many calls away from the clients each box is, and which boxes talk to others of their own depth.
export function depths(run) {
  const index = name => run.byName.get(name), calls = new Set(), out = new Map();
  for (const [source, target, count] of run.head.ways) if (count) calls.add(source + "\n" + target);
  for (const [source, target, count] of run.head.ways) {
    if (!count && calls.has(target + "\n" + source)) continue;  // only answers go this way
    if (source !== target) out.set(index(source), [...(out.get(index(source)) ?? []), index(target)]);
  }
  const depth = new Map(), spread = starts => {
    let edge = starts;
    while (edge.length) {
      const further = [];
      for (const box of edge) for (const next of out.get(box) ?? []) if (!depth.has(next)) { depth.set(next, depth.get(box) + 1); further.push(next); }
      edge = further;
    }
  };
  run.boxes.forEach((box, i) => { if (box.kind === "client") depth.set(i, 0); });
  spread([...depth.keys()]);
  const both = (one, other) => out.get(one)?.includes(other) && out.get(other)?.includes(one);
  for (const [box, targets] of out) {
    if (depth.has(box)) continue;                              // else it calls by itself, and so do all others where each hears each
    const all = [box, ...targets.filter(other => other !== box && !depth.has(other))];
    const alike = all.every((one, i) => all.slice(i + 1).every(other => both(one, other))) ? all : [box];
    for (const one of alike) depth.set(one, 1);
    spread(alike);
  }
  // One of several of a name stands beside them, unless they alone are the way to it, as a leader is to its followers.
  const kin = box => run.boxes[box].kind + stem(run.boxes[box].name), nearest = new Map(), met = new Set();
  for (const [box, d] of depth) nearest.set(kin(box), Math.min(d, nearest.get(kin(box)) ?? d));
  for (const [source, targets] of out) for (const target of targets) if (kin(source) !== kin(target)) met.add(target);
  for (const box of met) if (depth.has(box)) depth.set(box, nearest.get(kin(box)));
  const peers = new Set();
  for (const [source, targets] of out) for (const target of targets) if (source !== target && depth.get(source) === depth.get(target)) { peers.add(source); peers.add(target); }
  return {depth, peers};
}

// The columns of a run, from the clients on: lists of boxes in a fixed order.
export function columns(run) {
  const {depth, peers} = depths(run), found = [];
  for (const [box, d] of depth) if (d > 0) (found[d - 1] ??= []).push(box);
  const rank = box => { const at = KINDS.indexOf(run.boxes[box].kind); return at < 0 ? KINDS.length : at; };
  return {peers, list: found.filter(Boolean).map(some => some.sort((a, b) => rank(a) - rank(b) || inOrder(run.boxes[a].name, run.boxes[b].name)))};
}

// Everything a painter needs to know, in pixels.
export function layout(run, width, height) {
  const small = width < 460, {list, peers} = columns(run), clientX = small ? 30 : 54, top = 18, bottom = height - (small ? 12 : 14);
  const approach = list.length ? Math.min(width * 0.22, small ? 62 : 120) : 0, places = run.boxes.map(() => null), heads = [];
  const round = list.map(boxes => boxes.length > 2 && boxes.length < 10 && boxes.every(box => peers.has(box)));
  const across = list.map((boxes, d) => round[d] ? RING : Math.ceil(boxes.length / ROWS)), share = (width - clientX - approach - 8) / Math.max(1, across.reduce((a, b) => a + b, 0));
  let x = clientX + approach;
  list.forEach((boxes, d) => {
    const ring = round[d];
    const rows = Math.ceil(boxes.length / across[d]), tall = (bottom - top) / rows, wide = share * across[d];
    const names = boxes.map(box => run.boxes[box].name), common = boxes.length > 3 && tall < 40 && new Set(names.map(stem)).size === 1 ? stem(names[0]) : "";
    boxes.forEach((box, i) => {
      if (ring) {
        const turn = Math.PI * (2 * i / boxes.length - 0.42), size = small ? 28 : 40, high = (bottom - top - size) / 2 - 6, broad = Math.min(wide / 2 - size, high * 2.4);
        places[box] = host(x + wide / 2 + Math.cos(turn) * broad, (top + bottom) / 2 + 8 + Math.sin(turn) * high, size, run.boxes[box].name);
        return;
      }
      const column = Math.floor(i / rows), row = i % rows, left = x + share * column + (column || d ? (small ? 20 : 46) : 0);
      const label = common ? run.boxes[box].name.slice(common.length).trim() : run.boxes[box].name;
      places[box] = server(run.boxes[box], left, x + share * (column + 1) - 10, top + tall * row, tall, small, label);
    });
    if (common) heads.push({text: common, x: places[boxes[0]].server.x + places[boxes[0]].server.size, y: top - 6});
    x += wide;
  });
  return {width, height, small, clientX, top, bottom, approach, places, heads, boxless: !list.length, ...held(clientX, approach, top, bottom)};
}

// Requests that are in no box stand beside their callers.
const held = (clientX, approach, top, bottom) => ({held: {x0: clientX + 6, x1: clientX + 6 + Math.max(30, approach * 0.62), y0: top, y1: bottom - 12}});

function host(x, y, size, name) {
  const server = {x: x - size / 2, y: y - size / 2, size};
  return {server, tank: null, mouth: {x: x - size / 2, y}, out: {x: x + size / 2, y}, backY: y + size / 2 + 4, label: {text: name, x, y: y - size / 2 - 5, align: "center"}, centre: {x, y}, round: true};
}

function server(box, left, right, y, tall, small, name) {
  const under = tall < 40, size = Math.max(8, Math.min(small ? 40 : 54, under ? tall - 8 : (tall - 26) * 0.66)), nameWide = under ? Math.min(86, 8 + name.length * 6.2) : Math.max(0, name.length * 6 - size) / 2;
  const backLane = Math.min(16, Math.max(4, tall * 0.14)), middle = y + (tall - backLane) / 2, x = right - size - nameWide;
  const high = under ? tall - backLane - 3 : tall - backLane - (tall > 90 ? 26 : 16);
  const tank = box.kind === "host" ? null : {x0: left, x1: x - (under ? 5 : 12), y0: middle - high / 2, y1: middle + high / 2, bound: box.bound};
  return {
    server: {x, y: middle - size / 2, size}, tank, centre: {x: x + size / 2, y: middle}, mouth: {x: tank ? tank.x0 : x, y: middle}, out: {x: x + size, y: middle},
    backY: y + tall - backLane / 2, tight: under,
    label: under ? {text: name, x: x + size + 5, y: middle + 4, align: "left"} : {text: name, x: x + size / 2, y: middle - size / 2 - 7, align: "center"},
  };
}

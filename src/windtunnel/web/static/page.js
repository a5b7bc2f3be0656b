// An experiment's page: the guess, one parameter at a time, runs with their progress, and the tunnel's picture.
import { asking } from "./asking.js";
import { call, follow } from "./server.js";
import { dial } from "./dial.js";
import { asUnit } from "./guess.js";
import { settle } from "./settling.js";

const page = JSON.parse(document.getElementById("page").textContent);
const root = document.documentElement;
const byId = (id) => document.getElementById(id);
const state = { params: { ...page.params }, seed: page.seed, at: page.at, pair: page.pair, without: [], moved: {} };
const api = `/api/experiments/${page.name}`;
let tunnel = null;

// --- the address says what is seen ---------------------------------------------------------------------------------
function address() {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(state.params)) query.set(`p.${name}`, value);
  if (state.seed) query.set("seed", state.seed);
  if (state.pair.join() !== page.designs.map((d) => d.name).filter((_, i, all) => i === 0 || i === all.length - 1).join()) query.set("designs", state.pair.join(","));
  if (state.at) query.set("at", Math.round(state.at * 1000) / 1000);
  const text = query.toString().replaceAll("%2C", ",");
  return location.pathname + (text ? `?${text}` : "");
}

function remember() {
  history.replaceState(null, "", address());
}

byId("share").addEventListener("click", async (event) => {
  const link = new URL(address(), location.href).href;
  const button = event.target;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(link);
    button.textContent = "the address is copied";
  } catch {
    remember();
    button.textContent = "the address is in the bar";
  }
  setTimeout(() => { button.textContent = before; }, 2000);
});

// --- a guess before the result -------------------------------------------------------------------------------------
const ask = asking(page, {
  opened: () => tunnel && tunnel.open && tunnel.open(),
  committed: (number, again = false) => page.asks.length && call("POST", `${api}/guess`, { ask: 0, number, again }).catch(() => {}),
});

// --- the tunnel ----------------------------------------------------------------------------------------------------
function seen(answer) {
  const names = [...state.pair, "yours"].filter((name) => answer.traces[name]);
  return names.map((name) => ({ name, idea: page.designs.find((d) => d.name === name)?.idea ?? `Your own, from ${page.own.file}.`, url: answer.traces[name] }));
}

async function draw(answer) {
  const element = byId("tunnel");
  if (answer.charts) {
    still(element, answer.charts);
    return;
  }
  const asLoaded = JSON.stringify([state.params, state.seed]) === JSON.stringify([page.params, page.seed]) && !other();
  const why = (asLoaded && page.why) || {};
  state.faults = answer.faults;
  if (tunnel) {
    Object.assign(tunnel.options, { marks: why.marks, chance: why.chance });
    await tunnel.load(seen(answer));
    return;
  }
  const { mount } = await import("./tunnel/tunnel.js");
  element.replaceChildren();
  tunnel = mount(element, { designs: seen(answer), at: state.at, theme: null, faults: true, marks: why.marks, chance: why.chance, sealed: root.classList.contains("open") ? null : page.sealed });
  element.addEventListener("tunnel:moment", (event) => {
    state.at = event.detail.t;
    if (state.shifted) remember();
    state.shifted = true;
  });
  element.addEventListener("tunnel:without", (event) => {
    state.without = [event.detail.request];
    preview();
  });
  element.addEventListener("tunnel:fault", (event) => {
    if (!root.classList.contains("open")) return;
    const fault = tunnel.scene.runs[0].head.faults[event.detail.index];
    state.moved[state.faults[fault.number]] = Math.round(event.detail.at_s * 1e6) / 1e6;
    preview();
  });
}

// Where nothing takes time nothing moves: the charts of the two designs stand in the tunnel's place.
function still(element, charts) {
  const words = document.createElement("p");
  words.className = "before waiting";
  words.textContent = "The picture is shown when you have committed to a number.";
  const drawn = document.createElement("div");
  drawn.className = "after stills";
  drawn.innerHTML = charts;
  if (root.classList.contains("open")) words.className = "before";
  element.replaceChildren(words, drawn);
}

// What runs on the machine is seen as it was recorded.
async function record(found) {
  const { hidden, play } = await import("./recorded.js");
  const ideas = Object.fromEntries(page.designs.map((design) => [design.name, design.idea]));
  play(hidden(byId("tunnel"), "after recorded"), { ...found, shown: state.pair, ideas });
}

function saved(name, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

byId("as-svg").addEventListener("click", () => tunnel && saved(`${page.name}-${tunnel.moment.toFixed(3)}s.svg`, tunnel.svg()));
byId("as-moving").addEventListener("click", () => tunnel && saved(`${page.name}.svg`, tunnel.animation()));

// --- your own design is one more column of the table: of one seed, in the small setting ------------------------------
let yours = null;

function column() {
  const table = document.querySelector("table.measured");
  if (!table || !yours) return;
  for (const row of table.rows) {
    const heads = row.parentElement.tagName === "THEAD";
    const cell = row.querySelector(".yours") ?? row.appendChild(document.createElement(heads ? "th" : "td"));
    cell.className = "yours";
    if (heads) cell.scope = "col";
    const value = yours[row.cells[0].textContent];
    cell.textContent = heads ? "yours, one seed" : Number.isFinite(value) ? asUnit(value, "") : "–";
  }
}

// --- previews: the newest wish, one at a time ----------------------------------------------------------------------
let wanted = false;
let busy = false;

async function preview() {
  if (page.machine) {
    if (changed()) say("no preview: it is measured on this machine, so measure all designs", "no preview");
    return;
  }
  wanted = true;
  if (busy) return;
  busy = true;
  if (!page.still) import("./tunnel/tunnel.js");  // while the run goes on
  while (wanted) {
    wanted = false;
    const asked = { params: { ...state.params }, seed: state.seed, designs: [...state.pair], without: [...state.without], yours: Boolean(page.own), moved: Object.entries(state.moved).map(([place, at_s]) => [Number(place), at_s]) };
    try {
      const begun = performance.now();
      const answer = await call("POST", `${api}/preview`, asked);
      await draw(answer);
      yours = answer.measures.yours ?? yours;
      column();
      const left = (asked.without.length ? ` without request ${asked.without.join(", ")}` : "") + asked.moved.map(([, at_s]) => `, trouble from ${Number(at_s.toPrecision(4))} s on`).join("");
      if (answer.wrong) say(`yours: ${answer.wrong}`, "wrong");
      else if (changed() || left) say(`preview${left}: one seed, two designs, ${Math.round(performance.now() - begun)} ms`, "preview");
    } catch (error) {
      say(error.message);
      const waiting = byId("tunnel-words");
      if (waiting) { waiting.textContent = error.message; waiting.classList.add("never"); }
    }
  }
  busy = false;
}

function changed() {
  return Object.keys(state.params).length > 0 || state.seed !== 0;
}

// Whether something was left out or moved that belongs to the run.
function other() {
  return state.without.length > 0 || Object.keys(state.moved).length > 0;
}

function say(text, kind = "") {
  const told = byId("dial-state");
  told.replaceChildren();
  const strong = document.createElement("b");
  const [first, ...rest] = text.split(":");
  if (kind) {
    strong.textContent = first;
    told.append(strong, rest.length ? `:${rest.join(":")}` : "");
  } else {
    told.textContent = text;
  }
}

// --- exact runs ----------------------------------------------------------------------------------------------------
let running = null;

async function measure(quick) {
  if (running) running.stop();
  const bar = byId("dial-progress");
  try {
    const { id } = await call("POST", `${api}/runs`, { params: state.params, quick, seed: state.seed });
    byId("cancel").hidden = bar.hidden = false;
    bar.value = 0;
    byId("result").classList.add("stale");
    running = follow(id, {
      progress: (done, all) => {
        bar.value = all ? done / all : 0;
        say(all ? `${done} of ${all} runs` : "waiting for a free worker");
      },
    });
    const answer = await running.result;
    byId("result").innerHTML = await (await fetch(`/api/runs/${id}/fragment`)).text();
    column();
    page.answers = answer.answers;
    if (answer.recorded) await record(answer.recorded);
    byId("as-json").href = `/api/runs/${id}/result.json`;
    byId("as-csv").href = `/api/runs/${id}/result.csv`;
    if (root.classList.contains("open")) ask.tell();
    say(`${quick ? "exact" : "in full"}: all designs, ${answer.seeds} seeds`, "exact");
  } catch (error) {
    say(error.message);
  }
  running = null;
  byId("result").classList.remove("stale");
  byId("cancel").hidden = bar.hidden = true;
}

byId("case")?.addEventListener("click", async () => {
  const said = byId("case-said"), text = byId("case-text");
  said.textContent = "It is being searched.";
  try {
    const found = await call("POST", `${api}/case`, {});
    said.textContent = found.said;
    text.textContent = found.text;
    text.hidden = !found.text;
  } catch (error) {
    said.textContent = error.message;
  }
});

byId("measure").addEventListener("click", () => measure(true));
byId("full").addEventListener("click", () => measure(false));
byId("cancel").addEventListener("click", () => running && running.stop());

// --- one parameter at a time ---------------------------------------------------------------------------------------
function here() {
  const values = Object.fromEntries(page.sliders.map((s) => [s.name, s.name in state.params ? state.params[s.name] : s.quick]));
  document.querySelectorAll(".map").forEach((map, i) => {
    const mark = map.querySelector(".here");
    const axes = page.maps[i];
    if (!mark || !axes) return;
    const place = (axis) => {
      const value = Number(values[axis.name]);
      const share = axis.log ? Math.log(value / axis.low) / Math.log(axis.high / axis.low) : (value - axis.low) / (axis.high - axis.low);
      return axis.first + Math.min(1, Math.max(0, share)) * (axis.last - axis.first);
    };
    const y = axes.y ? place(axes.y) : 43;
    if (axes.x.name in values) mark.setAttribute("transform", `translate(${place(axes.x).toFixed(1)} ${y.toFixed(1)})`);
  });
}

dial(page, state, {
  moved: () => {
    state.without = [];
    state.moved = {};
    const surprise = byId("surprise");
    if (surprise) surprise.hidden = changed();
    remember();
    here();
    preview();
  },
  released: () => measure(true),
});

// One's own design is run and graded anew whenever its file is saved.
if (page.own) import("./own.js").then(({ watched }) => watched(page.own, api, preview));

// What is measured already is painted first.
settle().then(() => {
  if (page.recorded) record(page.recorded);
  else preview();
  if (byId("unmeasured")) measure(true);
});

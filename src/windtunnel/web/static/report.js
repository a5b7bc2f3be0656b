// A report: what the page shows, with everything in the file, and nobody to ask.
import { asking } from "./asking.js";
import { hidden, play } from "./recorded.js";
import { settle } from "./settling.js";
import { mount } from "./tunnel/tunnel.js";

const page = JSON.parse(document.getElementById("page").textContent);
const pictures = JSON.parse(document.getElementById("pictures").textContent);
const element = document.getElementById("tunnel");

let tunnel = null;
asking(page, { opened: () => tunnel && tunnel.open && tunnel.open(), committed: () => {} });

const seen = page.pair.filter((name) => pictures[name]).map((name) => ({
  name,
  idea: page.designs.find((design) => design.name === name).idea,
  bytes: Uint8Array.from(atob(pictures[name]), (letter) => letter.charCodeAt(0)),
}));
if (seen.length) {
  element.replaceChildren();
  const sealed = document.documentElement.classList.contains("open") ? null : page.sealed;
  tunnel = mount(element, { designs: seen, at: page.at, theme: null, sealed });
} else if (page.recorded) {
  const ideas = Object.fromEntries(page.designs.map((design) => [design.name, design.idea]));
  play(hidden(element, "after recorded"), { ...page.recorded, shown: page.pair, ideas });
} else {
  element.hidden = true;
}
settle();

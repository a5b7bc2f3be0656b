// The parts of the page that the picture brings along. Only text goes into them, never markup.

import {grouped} from "../numbers.js";

export function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const key in attributes) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), attributes[key]);
    else if (attributes[key] !== null && attributes[key] !== undefined) made.setAttribute(key, attributes[key]);
  }
  made.append(...children.filter(child => child !== null));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";
const sign = (width, shapes) => {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("width", width); svg.setAttribute("height", 12); svg.setAttribute("aria-hidden", "true");
  for (const [name, attributes] of shapes) {
    const shape = document.createElementNS(SVG, name);
    for (const key in attributes) shape.setAttribute(key, attributes[key]);
    svg.append(shape);
  }
  return svg;
};
export function legend() {
  const dot = (x, cls) => ["circle", {cx: x, cy: 6, r: 4.3, class: cls}], entry = (svg, text) => node("span", {}, svg, text);
  return node("span", {class: "t-legend", "aria-hidden": "true"},
    entry(sign(42, [dot(6, "t-young"), dot(20, "t-middle"), dot(34, "t-old")]), "a request, stronger with age"),
    entry(sign(14, [["circle", {cx: 6, cy: 6, r: 4, class: "t-ring"}]]), "nobody waits any more"),
    entry(sign(14, [["path", {d: "M2 2l8 8M10 2l-8 8", class: "t-cross"}]]), "gave up: unknown"),
    entry(sign(13, [["rect", {x: 3, y: 3, width: 6, height: 6, class: "t-turned"}]]), "turned away"));
}

// A pane with its heading: the design's name, its idea, and three numbers that follow the clock.
export function pane(run) {
  const numbers = {}, stat = (key, text) => node("span", {}, `${text} `, numbers[key] = node("span", {class: "t-num"}, "0"));
  const canvas = node("canvas", {tabindex: "0", role: "img"});
  const figure = node("figure", {class: "t-pane"}, node("figcaption", {},
    node("b", {}, run.name), node("span", {class: "t-stats"}, stat("good", "answered"), stat("dead", "for nobody"), stat("wait", "waiting")),
    run.idea ? node("span", {class: "t-idea"}, run.idea) : null), canvas);
  return {run, figure, canvas, numbers, lay: null, drawn: null};
}

export function table({head, body}) {
  const row = (cells, tag) => node("tr", {}, ...cells.map((cell, i) => node(i && tag === "td" ? "td" : "th", tag === "th" ? {scope: "col"} : i ? {} : {scope: "row"}, ...(Array.isArray(cell) ? [cell[0], node("br"), cell[1]] : [String(typeof cell === "number" ? grouped(cell) : cell)]))));
  return node("table", {}, node("thead", {}, row(head, "th")), node("tbody", {}, ...body.map(cells => row(cells, "td"))));
}

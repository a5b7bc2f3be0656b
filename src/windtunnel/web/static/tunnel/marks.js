// Marks of a picture, gathered and then drawn with one path for each colour: ten thousand of them are a few calls.
// A size above 0 is the radius of a dot, below 0 the side of a cell.

export class Marks {
  constructor() { this.alive = Array.from({length: 6}, () => []); this.hollow = []; this.squares = []; this.crosses = []; this.faint = []; this.x = []; this.y = []; this.req = []; }

  hit(req, x, y) { this.x.push(x); this.y.push(y); this.req.push(req); }
  // A request that somebody waits for, by its age, or one that nobody waits for.
  dot(req, x, y, size, age, hollow) { this.hit(req, x, y); (hollow ? this.hollow : this.alive[age]).push(x, y, size); }
  square(req, x, y) { this.hit(req, x, y); this.squares.push(x, y); }

  // The request nearest to a point, as a row; -1 where none is near.
  nearest(x, y, reach = 15) {
    let best = reach * reach, found = -1;
    for (let i = 0; i < this.x.length; i++) {
      const d = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
      if (d < best && this.req[i] >= 0) { best = d; found = this.req[i]; }
    }
    return found;
  }

  draw(c, ink) {
    this.alive.forEach((list, i) => { if (list.length) fill(c, ink.ages[i], list); });
    if (this.hollow.length) rings(c, ink.nobody, this.hollow);
    if (this.faint.length) { c.globalAlpha = 0.55; fill(c, ink.dim, this.faint); c.globalAlpha = 1; }
    if (this.squares.length) { c.fillStyle = ink.dim; c.beginPath(); for (let i = 0; i < this.squares.length; i += 2) c.rect(this.squares[i] - 2.5, this.squares[i + 1] - 2.5, 5, 5); c.fill(); }
    for (const {x, y, strength, kind} of this.crosses) {
      c.globalAlpha = strength;
      if (kind === "square") { c.fillStyle = ink.dim; c.fillRect(x - 2.5, y - 2.5, 5, 5); continue; }
      c.strokeStyle = ink.ink; c.lineWidth = 1.4; c.beginPath(); c.moveTo(x - 3.5, y - 3.5); c.lineTo(x + 3.5, y + 3.5); c.moveTo(x + 3.5, y - 3.5); c.lineTo(x - 3.5, y + 3.5); c.stroke();
    }
    c.globalAlpha = 1;
  }

  // Rings around what belongs to the request that is pointed at.
  light(c, ink, req) {
    c.strokeStyle = ink.ink; c.lineWidth = 1.6;
    for (let i = 0; i < this.x.length; i++) if (this.req[i] === req) { c.beginPath(); c.arc(this.x[i], this.y[i], 8, 0, 7); c.stroke(); }
  }
}

// Without a graphics card a stroke costs three times what a filled ring does, and many small cells far more than one
// that is as long as they: so rings are filled, and cells too small for a gap that is seen are drawn in one where they
// touch.
const SEEN = 3;

function fill(c, colour, list) {
  c.fillStyle = colour; c.beginPath();
  for (let i = 0; i < list.length; i += 3) {
    const x = list[i], y = list[i + 1], s = list[i + 2];
    if (s > 0) { c.moveTo(x + s, y); c.arc(x, y, s, 0, 7); } else if (s <= -SEEN) c.rect(x + s / 2, y + s / 2, -s - 0.8, -s - 0.8);
  }
  small(c, list); c.fill();
}
// Cells too small for a hole become a tint: a density in the colour of work for nobody.
function rings(c, colour, list) {
  c.fillStyle = colour; c.beginPath();
  for (let i = 0; i < list.length; i += 3) {
    const x = list[i], y = list[i + 1], s = list[i + 2];
    if (s > 0) { c.moveTo(x + s + 0.3, y); c.arc(x, y, s + 0.3, 0, 7); c.moveTo(x + s - 1.1, y); c.arc(x, y, Math.max(0.1, s - 1.1), 0, 7); }
    else if (s <= -SEEN) { c.rect(x + s / 2, y + s / 2, -s - 0.6, -s - 0.6); c.rect(x + s / 2 + 0.9, y + s / 2 + 0.9, -s - 2.4, -s - 2.4); }
  }
  c.fill("evenodd"); c.beginPath(); small(c, list); c.fill();
}
// The smallest cells: those that follow each other up or down a column are one rectangle.
function small(c, list) {
  let x = 0, top = 0, bottom = 0, side = 0;
  const done = () => { if (side) c.rect(x - side / 2, top - side / 2, side - 0.25, bottom - top + side - 0.25); };
  for (let i = 0; i < list.length; i += 3) {
    const s = -list[i + 2], y = list[i + 1];
    if (s <= 0 || s >= SEEN) continue;
    const near = s === side && list[i] === x;
    if (near && Math.abs(y - bottom - s) < 0.01) bottom = y;
    else if (near && Math.abs(top - y - s) < 0.01) top = y;
    else { done(); x = list[i]; top = bottom = y; side = s; }
  }
  done();
}

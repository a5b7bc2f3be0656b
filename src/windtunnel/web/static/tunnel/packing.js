// Where the waiting stand: in rows like a snake, so that each moves up by one place, in cells that shrink as they grow.

const CELLS = [11, 9, 7.5, 6, 5, 4, 3.3, 2.7, 2.2, 1.8, 1.5];

// `from` is the side of the rectangle at which the first one stands. When even the smallest cells are too few, a cell
// stands for several: `each`.
export function packing(box, count, from, largest = 11) {
  const wide = box.x1 - box.x0 - 4, tall = box.y1 - box.y0 - 4;
  let cell = CELLS.find(size => size <= largest && Math.max(1, Math.floor(tall / size)) * Math.floor(wide / size) >= count) ?? CELLS[CELLS.length - 1];
  cell = Math.min(cell, Math.max(1.5, tall));
  const rows = Math.max(1, Math.floor(tall / cell)), columns = Math.max(1, Math.floor(wide / cell)), each = Math.max(1, Math.ceil(count / (rows * columns)));
  const y1 = box.y1 - 2 - (tall - rows * cell) / 2, side = from === "right" ? -1 : 1, x0 = from === "right" ? box.x1 - 2 : box.x0 + 2;
  const place = rank => {
    const column = Math.floor(rank / rows), row = rank % rows;
    return [x0 + side * cell * (column + 0.5), y1 - cell * ((column % 2 ? rows - 1 - row : row) + 0.5)];
  };
  return {cell, rows, columns, each, place, edge: n => x0 + side * cell * Math.ceil(n / rows)};
}

// A grid inside of a square, for those who are served.
export function grid(square, count) {
  const side = Math.ceil(Math.sqrt(count)), cell = (square.size - 6) / side;
  return {cell, place: i => [square.x + 3 + cell * (i % side + 0.5), square.y + (square.size - cell * Math.ceil(count / side)) / 2 + cell * (Math.floor(i / side) + 0.5)]};
}

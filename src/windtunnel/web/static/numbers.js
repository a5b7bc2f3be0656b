// Numbers as people read them, and names in the order of their numbers. The browser's own ways load the tables of all
// languages when they are first used, which takes longer than all else that a page does before its first picture.

// Thousands apart, and so many digits behind the point at most.
export function grouped(number, digits = 3) {
  const rounded = Number(number.toFixed(digits)), text = String(rounded), long = text.includes("e") ? rounded.toFixed(digits) : text;
  const [whole, part = ""] = long.split("."), rest = part.replace(/0+$/, "");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest ? `.${rest}` : "");
}

// For sorting: "server 2" comes before "server 10", and capitals tell only where nothing else does.
export function inOrder(one, other) {
  const a = one.toLowerCase().split(/(\d+)/), b = other.toLowerCase().split(/(\d+)/);
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return (i % 2 ? Number(a[i]) - Number(b[i]) : 0) || (a[i] < b[i] ? -1 : 1);
  }
  return a.length - b.length || (one < other ? 1 : one > other ? -1 : 0);
}
